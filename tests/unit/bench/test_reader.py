"""A record that was told twice counts once."""

import json
from typing import Any

from tenon.records import Record
from tests.bench.reader import Tally


def record(value: dict[str, Any]) -> Record:
    return Record("topic", 0, 0, None, json.dumps(value).encode(), (), 0)


def told(number: int, **counts: int) -> Record:
    return record({"partition": 3, "round": number, "counts": counts})


def docking(name: str, revision: int) -> Record:
    sides = {"supply": {"id": "o12"}, "demand": {"id": "d9"}}
    return record({"docking": name, "revision": revision, **sides})


def test_rounds_add_up_and_an_echo_changes_nothing() -> None:
    tally = Tally()
    for each in (told(1, records=5, docked=2), told(2, records=3), told(1, records=5, docked=2)):
        tally.round(each)
    seen = tally.seen()
    assert (seen.decided, seen.dockings_decided, seen.faulty) == (8, 2, 0)


def test_records_that_were_refused_or_skipped_are_faulty() -> None:
    tally = Tally()
    tally.round(told(1, records=5, refused=1, skipped=2, superseded=1))
    assert tally.seen().faulty == 4


def test_a_docking_counts_at_its_first_step_with_its_later_event() -> None:
    tally = Tally()
    for revision in (1, 2):
        tally.docking(docking("3-1-1", revision))
    seen = tally.seen()
    assert seen.dockings == 1
    assert [number for number, _ in seen.docked] == [12]


def test_dockings_are_handed_on_once() -> None:
    tally = Tally()
    tally.docking(docking("3-1-1", 1))
    tally.seen()
    assert tally.seen().docked == []
