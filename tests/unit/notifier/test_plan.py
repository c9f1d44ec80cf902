"""Who gets what of an event."""

from __future__ import annotations

import msgspec
import pytest

from notifier.domain.audiences import ADMINISTRATOR, WALL
from notifier.domain.plan import entries, numbered
from notifier.domain.pseudonym import Naming
from notifier.domain.reading import Received, read
from tenon.contracts.cloudevents import from_structured
from tenon.contracts.values import Shape
from tests.support.told import (
    TOPIC_OF,
    demand_position,
    docking,
    offer_position,
    party_state,
    record,
    resource_position,
    round_decided,
    unmet,
)

NAMING = Naming(b"k" * 32)


def received(data: Shape, sequence: int = 1) -> Received:
    """The event as the notifier reads it."""
    told = record(data, sequence)
    found = read(TOPIC_OF[type(data)].name, told.key, told.headers, told.value)
    assert isinstance(found, Received)
    return found


@pytest.mark.parametrize(
    ("data", "audiences"),
    [
        (docking(), {"mill", "clinic", ADMINISTRATOR, WALL}),
        (unmet(), {"clinic", ADMINISTRATOR, WALL}),
        (demand_position(), {"clinic", ADMINISTRATOR}),
        (offer_position(), {"mill", ADMINISTRATOR}),
        (resource_position(), {"mill", ADMINISTRATOR}),
        (party_state("mill"), set()),
        (round_decided(0, 1), set()),
    ],
)
def test_each_event_goes_to_whom_it_concerns(data: Shape, audiences: set[str]) -> None:
    assert {entry.audience for entry in entries(received(data), NAMING)} == audiences


def test_an_entry_is_a_cloudevent_with_its_number_in_the_feed() -> None:
    (entry, *_) = entries(received(docking()), NAMING)
    body = numbered(entry.body, 17)
    event = from_structured(body)
    assert (event.id, event.type, event.subject) == (entry.event_id, "tenon.docking.proposed.v1", "d-1")
    assert msgspec.json.decode(body)["sequence"] == "00000000000000000017"
    assert b"\n" not in body


def test_the_wall_is_not_told_the_name_of_a_demand() -> None:
    on_wall = [entry for entry in entries(received(unmet()), NAMING) if entry.audience == WALL]
    assert b"demand-1" not in on_wall[0].body
    assert b"clinic" not in on_wall[0].body
