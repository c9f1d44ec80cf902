"""What a replayed dead letter looks like."""

import base64
from datetime import UTC, datetime

from tenon.contracts.rejections import EventRejected, Origin
from tenon.records import OutRecord, Record
from tenon.replays import replay_of


def letter(**extra: str) -> EventRejected:
    return EventRejected(
        service="matcher",
        code="unknown_entity",
        detail="no such docking",
        origin=Origin(topic="tenon.market.v1", partition=3, offset=42, key="hs:30"),
        at=datetime(2026, 1, 1, tzinfo=UTC),
        headers={"ce_id": "e1", **extra},
        data_base64=base64.b64encode(b"{}").decode(),
    )


def test_the_record_goes_where_it_came_from_and_says_what_it_repeats() -> None:
    assert replay_of(letter()) == OutRecord(
        "tenon.market.v1",
        b"hs:30",
        b"{}",
        [("ce_id", b"e1"), ("ce_replays", b"tenon.market.v1/3/42")],
        3,
    )


def test_a_replay_of_a_replay_names_the_first_one() -> None:
    again = replay_of(letter(ce_replays="tenon.market.v1/3/7"))
    assert list(again.headers) == [("ce_id", b"e1"), ("ce_replays", b"tenon.market.v1/3/7")]


def test_what_the_letter_holds_only_in_part_is_taken_from_the_original() -> None:
    original = Record("tenon.market.v1", 3, 42, b"k", b"whole", [("ce_id", b"e1")], 0)
    assert replay_of(letter(), original).value == b"whole"
    assert replay_of(letter(), original).key == b"k"
