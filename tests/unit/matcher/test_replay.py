"""Recorded rounds decided again from the log, as an audit does it."""

import msgspec
import pytest

from matcher.domain.reading import LogRecord, read
from matcher.domain.step import Read
from matcher.replay import replay
from tenon.contracts import intake
from tenon.contracts.cloudevents import CloudEvent, to_kafka
from tenon.contracts.codec import encode
from tenon.contracts.families import LOG_BY_TYPE
from tenon.contracts.rounds import RoundDecided
from tenon.contracts.values import Shape
from tests.support.market import DAY_MS, MARKET, MASKS, START_MS, World, demand, offer, policy

pytestmark = pytest.mark.unit

TYPE_OF = {family.data: name for name, family in LOG_BY_TYPE.items()}
STORY: tuple[tuple[Shape, ...], ...] = (
    (offer("a", 30), demand("b", 100)),
    (policy(patience_s=2 * 86_400), offer("c", 50, kilometres=70)),
    (),
    (intake.OfferWithdrawn(party="a", offer="o", revision=2, class_=MASKS), demand("d", 20)),
)


def record(offset: int, data: Shape) -> LogRecord:
    said = CloudEvent(
        id=str(offset),
        source="test",
        type=TYPE_OF[type(data)],
        data=encode(data),
        extensions={"market": MARKET},
    )
    return LogRecord(offset, to_kafka(said), said.data)


def told() -> tuple[list[LogRecord], list[RoundDecided]]:
    """Return a log, and the rounds that were decided of it, with an offset that holds no record."""
    world, log = World(), list[LogRecord]()
    for number, data in enumerate(STORY):
        start = world.state.next_offset
        records = [record(start + index, each) for index, each in enumerate(data)]
        log += records
        world.decide(
            Read([read(each) for each in records], start, start + len(data) + 1, START_MS + number * DAY_MS)
        )
    return log, [decisions.decided for decisions in world.rounds]


def test_the_log_and_the_rounds_explain_every_decision() -> None:
    log, rounds = told()
    assert [again.same for again in replay(0, log, rounds)] == [True] * len(STORY)


def test_a_log_that_was_tampered_with_shows_from_there_on() -> None:
    log, rounds = told()
    log[2] = record(log[2].offset, policy(patience_s=10**6))
    assert [again.same for again in replay(0, log, rounds)] == [True, True, False, False]


def test_a_decision_that_was_tampered_with_shows() -> None:
    log, rounds = told()
    rounds[1] = msgspec.structs.replace(rounds[1], digest="0" * 64)
    assert [again.same for again in replay(0, log, rounds)] == [True, False, True, True]


def test_each_digest_is_chained_to_the_one_before() -> None:
    _, rounds = told()
    assert [each.previous_digest for each in rounds] == ["0" * 64, *(each.digest for each in rounds[:-1])]
    assert len({each.digest for each in rounds}) == len(rounds)


def test_another_partition_decides_under_other_ids() -> None:
    log, rounds = told()
    assert not any(again.same for again in replay(1, log, rounds))
