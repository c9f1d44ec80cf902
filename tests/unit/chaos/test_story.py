"""What parties say in a trial: the same for a seed, of every kind, in every partition."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import msgspec

from tenon.contracts.cloudevents import CloudEvent
from tenon.contracts.markets import MarketTable, market_of, partition_of
from tests.chaos.story import PARTITIONS, USUAL, Story

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def said(story: Story, many: int = 600) -> list[CloudEvent]:
    return [*story.cast(), *story.next(many, NOW)]


def docking(status: str, revision: int = 1) -> dict[str, Any]:
    return {
        "docking": "k",
        "revision": revision,
        "status": status,
        "class": {"scheme": "own", "code": "m"},
        "unit": "C62",
        "quantity": 5,
        "supply": {"party": "t1s3"},
        "demand": {"party": "t1b3"},
    }


def test_a_seed_says_the_same_again() -> None:
    assert said(Story(7, "t1")) == said(Story(7, "t1"))
    assert said(Story(7, "t1")) != said(Story(8, "t1"))


def test_every_partition_has_a_class() -> None:
    table = MarketTable()
    found = {partition_of(market_of(one, table), table) for one in Story(1, "t1").classes}
    assert found == set(range(PARTITIONS))


def test_events_are_repeated_as_they_were_and_late_ones_have_ids_of_their_own() -> None:
    events = said(Story(3, "t1"))
    many = Counter(event.id for event in events)
    repeated = [event for event in events if many[event.id] > 1]
    assert repeated
    assert all(event == next(one for one in events if one.id == event.id) for event in repeated)
    bodies = Counter((event.type, event.data) for event in {one.id: one for one in events}.values())
    assert max(bodies.values()) > 1


def test_held_back_events_come_in_another_order() -> None:
    kinds = {name: weight for name, weight in USUAL.items() if name not in ("repeat", "late")}
    numbers = [int(event.id.split("-")[1]) for event in Story(3, "t1", kinds, held_back=20).next(100, NOW)]
    assert numbers != sorted(numbers)
    assert len(set(numbers)) == len(numbers)


def test_a_proposal_is_answered_once_however_often_it_is_seen() -> None:
    story = Story(1, "t1")
    for _ in range(3):
        story.seen(docking("proposed"))
    answers = [event for event in story.next(50, NOW) if event.type == "tenon.docking.answered.v1"]
    distinct = {event.id: msgspec.json.decode(event.data) for event in answers}
    assert sorted(one["party"] for one in distinct.values()) == ["t1b3", "t1s3"]


def test_another_trials_docking_is_not_answered() -> None:
    story = Story(1, "t2")
    story.seen(docking("proposed"))
    assert all(event.type != "tenon.docking.answered.v1" for event in story.next(50, NOW))
