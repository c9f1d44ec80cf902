"""What the outside is told: ids that repeat, sequences that rise."""

from collections import defaultdict

import pytest
from hypothesis import given, settings

from matcher.domain.reading import LogRecord, Unusable
from matcher.domain.telling import OutEvent
from tenon.contracts import intake
from tenon.contracts.cloudevents import from_kafka
from tenon.contracts.codec import decode_strict
from tenon.contracts.families import FAMILIES
from tenon.contracts.positions import DemandPosition, OfferPosition
from tenon.contracts.rejections import MAX_KEPT_BYTES, EventRejected
from tests.support.market import MASKS, World, answered, demand, offer
from tests.unit.matcher.stories import Story, stories

pytestmark = pytest.mark.unit


def told(story: Story) -> list[OutEvent]:
    world = World()
    clock = 0.0
    for events, days in story:
        clock += days
        world.round(*(build(world) for build in events), at=clock)
    return [event for decisions in world.rounds for event in decisions.events]


def header(event: OutEvent, name: str) -> str:
    return dict(event.headers)[f"ce_{name}"].decode()


@settings(max_examples=100, deadline=None)
@given(stories)
def test_the_sequence_rises_with_each_event_of_a_key_and_no_id_is_given_twice(story: Story) -> None:
    events = told(story)
    by_key: dict[tuple[str, str], list[str]] = defaultdict(list)
    for event in events:
        by_key[event.topic, event.key].append(header(event, "sequence"))
    for sequences in by_key.values():
        assert sequences == sorted(set(sequences))
        assert all(len(sequence) == 20 for sequence in sequences)
    assert len({header(event, "id") for event in events}) == len(events)


@settings(max_examples=50, deadline=None)
@given(stories)
def test_a_round_that_is_decided_again_tells_the_same_under_the_same_ids(story: Story) -> None:
    assert told(story) == told(story)


@settings(max_examples=100, deadline=None)
@given(stories)
def test_every_event_is_of_a_published_family_on_its_topic_and_of_its_shape(story: Story) -> None:
    for event in told(story):
        family = FAMILIES[header(event, "type")]
        assert family.topic is not None
        assert event.topic == family.topic.name
        if not event.value:
            assert event.topic == "tenon.positions.v1", "only what is compacted has tombstones"
            continue
        assert from_kafka(event.headers, event.value).data == event.value
        decode_strict(family.data, event.value)


def positions(events: list[OutEvent]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for event in events:
        if event.topic == "tenon.positions.v1":
            counts[event.key] += 1
    return dict(counts)


def test_a_position_is_told_once_a_round_however_much_happened_to_it() -> None:
    world = World()
    decisions = world.round(offer("a", 90), offer("a", 80, revision=2), demand("b", 50), demand("c", 20))
    assert positions(decisions.events) == {"a/offer/o": 1, "b/demand/d": 1, "c/demand/d": 1}


def test_a_position_says_what_is_free_and_what_is_open() -> None:
    world = World()
    events = world.round(offer("a", 80), demand("b", 100)).events
    found = {event.key: event.value for event in events if event.topic == "tenon.positions.v1"}
    (have,) = decode_strict(OfferPosition, found["a/offer/o"]).windows
    (want,) = decode_strict(DemandPosition, found["b/demand/d"]).windows
    assert [*map(int, (have.quantity, have.consumed, have.free, have.overdrawn))] == [80, 80, 0, 0]
    assert [*map(int, (want.asked, want.open, want.proposed, want.given_up))] == [100, 20, 80, 0]


def test_the_steps_of_a_docking_come_in_order_under_the_key_of_its_demand() -> None:
    world = World()
    world.round(offer("a", 80), demand("b", 100))
    decline = answered(world.dockings()[0], "a", "decline")
    events = world.round(offer("c", 90), decline).events
    steps = [event for event in events if event.topic == "tenon.dockings.v1"]
    assert [(step.key, header(step, "type")) for step in steps] == [
        ("b/d", "tenon.docking.declined.v1"),
        ("b/d", "tenon.docking.proposed.v1"),
    ]


def test_the_round_itself_comes_last() -> None:
    assert World().round(offer("a")).events[-1].topic == "tenon.rounds.v1"


@pytest.mark.parametrize("size", [10, MAX_KEPT_BYTES, MAX_KEPT_BYTES + 1])
def test_what_could_not_be_used_is_told_with_its_origin_and_cut(size: int) -> None:
    record = LogRecord(
        0, [("ce_id", b"x7"), ("ce_type", b"t"), ("ce_party", b"a"), ("odd", b"\xff")], b"v" * size
    )
    events = World(partition=3).round(Unusable(0, "not_json", "why " * 500, record)).events
    rejected = decode_strict(EventRejected, events[0].value)
    origin = rejected.origin
    assert (origin.topic, origin.partition, origin.offset) == ("tenon.market.v1", 3, 0)
    assert (origin.event_id, origin.event_type, origin.party) == ("x7", "t", "a")
    assert (rejected.truncated, len(rejected.detail)) == (size > MAX_KEPT_BYTES, 1000)


def test_what_came_too_late_is_told_to_its_sender() -> None:
    world = World()
    world.round(offer("a", revision=5))
    end = intake.OfferWithdrawn(party="a", offer="o", revision=1, class_=MASKS)
    (event, *_) = world.round(end).events
    assert (event.topic, header(event, "type"), header(event, "subject")) == (
        "tenon.rejected.v1",
        "tenon.event.superseded.v1",
        "a/o",
    )
