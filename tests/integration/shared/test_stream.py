"""The consumer loop on the real broker.

What is deterministic here: the order within a partition, and that nothing of a partition is handled before it
was opened. What is not: how a backlog is cut into batches.
"""

import asyncio
import re
from collections.abc import Sequence

import pytest

from tenon.clock import WallClock
from tenon.errors import Fenced, Misconfigured, Transient
from tenon.kafka import Consumer, KafkaSettings
from tenon.metrics import Metrics
from tenon.records import TopicPartition
from tenon.stream import ConsumerLoop
from tests.support.streams import (
    QUICK,
    JointKeeper,
    Keeper,
    eventually,
    failing,
    looping,
    make_topic,
    new_loop,
    producing,
    write,
)

TOPIC = "numbers"


def part(number: int) -> TopicPartition:
    return TopicPartition(TOPIC, number)


async def run_to_its_end(loop: ConsumerLoop) -> None:
    async with asyncio.timeout(15):
        await loop.run(asyncio.Event())


async def test_records_are_handled_in_order_from_the_stored_offset(kafka: KafkaSettings) -> None:
    await make_topic(kafka, TOPIC, 1)
    keeper = Keeper(positions={part(0): 40})
    async with producing(kafka) as producer, looping(kafka, TOPIC, keeper):
        await write(producer, TOPIC, 0, range(100))
        await eventually(lambda: keeper.total() >= 60, "everything is handled")
    assert keeper.values[part(0)] == list(range(40, 100))
    assert keeper.closed == [part(0)]


async def test_nothing_is_handled_before_the_partition_is_open(kafka: KafkaSettings) -> None:
    """Records of the committed offset leak out of a listener that waits before it seeks: from ours, none."""
    await make_topic(kafka, TOPIC, 1)

    async def slow(partition: TopicPartition) -> None:
        await asyncio.sleep(0.7)

    async with producing(kafka) as producer:
        await write(producer, TOPIC, 0, range(50))
        earlier = Keeper()
        async with looping(kafka, TOPIC, earlier):
            await eventually(lambda: earlier.total() == 50, "offset 50 is committed at the end")
        await write(producer, TOPIC, 0, range(50, 100))
        keeper = Keeper(positions={part(0): 90}, before_open=slow)
        async with looping(kafka, TOPIC, keeper):
            await eventually(lambda: keeper.total() >= 10, "everything is handled")
            await asyncio.sleep(0.3)
    assert keeper.values[part(0)] == list(range(90, 100))


async def test_a_partition_is_paused_from_the_moment_it_is_assigned(kafka: KafkaSettings) -> None:
    """Records of the committed offset leak out of a listener that waits before it seeks."""
    await make_topic(kafka, TOPIC, 1)
    earlier, assigned = Keeper(), asyncio.Event()
    async with producing(kafka) as producer:
        async with looping(kafka, TOPIC, earlier):
            await write(producer, TOPIC, 0, range(10))
            await eventually(lambda: earlier.total() == 10, "offset 10 is committed at the end")
        await write(producer, TOPIC, 0, range(10, 20))
    consumer = Consumer(
        kafka, [TOPIC], "group", on_assigned=lambda _: assigned.set(), on_revoked=lambda: None, times=QUICK
    )
    await consumer.start()
    try:
        await asyncio.wait_for(assigned.wait(), 10)
        assert await consumer.wait([part(0)], 1_000, 100) == {}
        consumer.seek_and_resume(part(0), 15)
        found = await consumer.wait([part(0)], 5_000, 100)
    finally:
        await consumer.stop()
    assert [record.offset for record in found[part(0)]] == [15, 16, 17, 18, 19]


async def test_a_backlog_in_one_partition_does_not_hold_up_another(kafka: KafkaSettings) -> None:
    await make_topic(kafka, TOPIC, 3)

    async def some_work(partition: TopicPartition) -> None:
        await asyncio.sleep(0.002)

    keeper = Keeper(before_handle=some_work)
    async with producing(kafka) as producer:
        await write(producer, TOPIC, 0, range(60_000))
        for number in (1, 2):
            await write(producer, TOPIC, number, range(50))
        async with looping(kafka, TOPIC, keeper, max_records=100):
            await eventually(
                lambda: all(len(keeper.values.get(part(n), [])) == 50 for n in (1, 2)),
                "the short ones are done",
            )
            backlog = len(keeper.values[part(0)])
            await eventually(lambda: keeper.total() == 60_100, "everything is handled")
    assert backlog < 20_000
    assert keeper.values[part(0)] == list(range(60_000))
    assert max(len(values) for _, values in keeper.batches) <= 100


async def test_an_opening_that_fails_is_tried_again_outside_the_rebalance(kafka: KafkaSettings) -> None:
    await make_topic(kafka, TOPIC, 1)
    keeper = Keeper(before_open=failing(3, Transient("the database is away")))
    async with producing(kafka) as producer, looping(kafka, TOPIC, keeper):
        await write(producer, TOPIC, 0, range(10))
        await eventually(lambda: keeper.total() == 10, "everything is handled")
    assert keeper.values[part(0)] == list(range(10))


async def filled(kafka: KafkaSettings, numbers: Sequence[int]) -> None:
    """Make a topic whose partitions hold so many records."""
    await make_topic(kafka, TOPIC, len(numbers))
    async with producing(kafka) as producer:
        for number, length in enumerate(numbers):
            await write(producer, TOPIC, number, range(length))


async def test_what_several_partitions_have_is_given_together_where_that_is_wanted(
    kafka: KafkaSettings,
) -> None:
    await filled(kafka, [50] * 4)
    keeper = JointKeeper()
    async with looping(kafka, TOPIC, keeper):
        await eventually(lambda: keeper.total() == 200, "everything is handled")
    assert keeper.values == {part(number): list(range(50)) for number in range(4)}
    assert max(map(len, keeper.together)) > 1


async def test_what_is_given_together_is_no_more_than_one_batch_beyond_the_most(kafka: KafkaSettings) -> None:
    await filled(kafka, [40_000, 60, 60])

    async def some_work(partition: TopicPartition) -> None:
        await asyncio.sleep(0.002)

    keeper = JointKeeper(before_handle=some_work)
    async with looping(kafka, TOPIC, keeper, max_records=100):
        await eventually(
            lambda: all(len(keeper.values.get(part(n), [])) == 60 for n in (1, 2)), "the short ones are done"
        )
        backlog = len(keeper.values[part(0)])
        await eventually(lambda: keeper.total() == 40_120, "everything is handled")
    assert backlog < 20_000
    assert keeper.values[part(0)] == list(range(40_000))
    assert max(sum(map(len, batches.values())) for batches in keeper.together) < 200


async def test_where_one_of_several_partitions_was_lost_the_others_get_on(kafka: KafkaSettings) -> None:
    await filled(kafka, [30] * 3)
    keeper = JointKeeper(before_handle=failing(2, Fenced("another one took it"), only=part(1)))
    async with looping(kafka, TOPIC, keeper):
        await eventually(lambda: keeper.total() == 90, "everything is handled")
    assert keeper.values == {part(number): list(range(30)) for number in range(3)}
    assert sorted(keeper.opened) == [part(0), part(1), part(1), part(2)]
    assert keeper.closed[0] == part(1)


async def test_what_failed_together_is_handled_again_and_only_once(kafka: KafkaSettings) -> None:
    await filled(kafka, [30] * 3)
    keeper = JointKeeper(before_handle=failing(2, Transient("the database is away")))
    async with looping(kafka, TOPIC, keeper):
        await eventually(lambda: keeper.total() >= 90, "everything is handled")
        await asyncio.sleep(0.3)
    assert keeper.values == {part(number): list(range(30)) for number in range(3)}


async def test_a_batch_that_failed_is_handled_again_and_only_once(kafka: KafkaSettings) -> None:
    await make_topic(kafka, TOPIC, 1)
    keeper = Keeper(before_handle=failing(2, Transient("the database is away")))
    async with producing(kafka) as producer, looping(kafka, TOPIC, keeper):
        await write(producer, TOPIC, 0, range(10))
        await eventually(lambda: keeper.total() >= 10, "everything is handled")
        await asyncio.sleep(0.3)
    assert keeper.values[part(0)] == list(range(10))


async def test_a_fenced_partition_drops_its_state_and_is_opened_anew(kafka: KafkaSettings) -> None:
    await make_topic(kafka, TOPIC, 1)
    keeper = Keeper(before_handle=failing(1, Fenced("another one took it")))
    async with producing(kafka) as producer, looping(kafka, TOPIC, keeper):
        await write(producer, TOPIC, 0, range(10))
        await eventually(lambda: keeper.total() == 10, "everything is handled")
    assert keeper.opened == [part(0), part(0)]
    assert keeper.closed[0] == part(0)


async def test_what_fails_for_too_long_ends_the_loop(kafka: KafkaSettings) -> None:
    await make_topic(kafka, TOPIC, 1)
    keeper = Keeper(before_open=failing(10_000, Transient("the database is away")))
    with pytest.raises(Transient, match="the database is away"):
        await run_to_its_end(new_loop(kafka, TOPIC, keeper, retry_deadline_ms=500))


async def test_an_unexpected_error_ends_the_loop(kafka: KafkaSettings) -> None:
    await make_topic(kafka, TOPIC, 1)

    async def bug(partition: TopicPartition) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run_to_its_end(new_loop(kafka, TOPIC, Keeper(before_open=bug)))


async def test_a_stored_offset_beyond_the_topic_stops_with_the_command_to_run(kafka: KafkaSettings) -> None:
    await make_topic(kafka, TOPIC, 1)
    with pytest.raises(Misconfigured, match=r"python -m test positions set numbers/0 0"):
        await run_to_its_end(new_loop(kafka, TOPIC, Keeper(positions={part(0): 7})))


async def test_a_timer_calls_the_handler_without_records(kafka: KafkaSettings) -> None:
    await make_topic(kafka, TOPIC, 1)
    keeper = Keeper(wake_ms=WallClock().now_ms() + 1_500)
    due = keeper.wake_ms

    async def once(partition: TopicPartition) -> None:
        keeper.wake_ms = None

    keeper.before_handle = once
    async with looping(kafka, TOPIC, keeper):
        await eventually(lambda: bool(keeper.batches), "the timer fires")
        late_ms = WallClock().now_ms() - (due or 0)
    assert keeper.batches == [(part(0), [])]
    assert 0 <= late_ms < 100


async def test_partitions_move_to_a_second_member_and_back(kafka: KafkaSettings) -> None:
    await make_topic(kafka, TOPIC, 4)
    positions: dict[TopicPartition, int] = {}
    values: dict[TopicPartition, list[int]] = {}
    first, second = Keeper(positions, values), Keeper(positions, values)
    async with producing(kafka) as producer, looping(kafka, TOPIC, first) as one:
        await eventually(lambda: len(one.partitions()) == 4, "the first has all")
        async with looping(kafka, TOPIC, second) as two:
            await eventually(lambda: len(one.partitions()) == len(two.partitions()) == 2, "each has its half")
            await asyncio.gather(*(write(producer, TOPIC, number, range(100)) for number in range(4)))
            await eventually(lambda: sum(map(len, values.values())) == 400, "all is handled")
        await eventually(lambda: len(one.partitions()) == 4, "the first has all again")
        assert one.problem() is None
    assert all(found == list(range(100)) for found in values.values())
    # What it kept through both rebalances it was asked to open again, never to close.
    kept = set(first.opened[:4]) - set(second.opened)
    assert len(kept) == 2
    assert first.closed[:2] == sorted(second.opened)


async def test_a_loop_says_why_it_is_not_ready(kafka: KafkaSettings) -> None:
    await make_topic(kafka, TOPIC, 1)
    gate = asyncio.Event()

    async def closed_gate(partition: TopicPartition) -> None:
        await gate.wait()

    async with looping(kafka, TOPIC, Keeper(before_open=closed_gate)) as loop:
        assert loop.problem() == "waiting for Kafka to assign partitions"
        await eventually(lambda: loop.problem() == "loading numbers/0", "it is loading")
        gate.set()
        await eventually(lambda: loop.problem() is None, "it is ready")


def lag(metrics: Metrics, unit: str) -> float:
    """What is shown of the one partition; -1 before anything is."""
    found = re.search(rf"tenon_consumer_lag_{unit}{{.*}} (\S+)", metrics.render().decode())
    return float(found[1]) if found else -1


async def test_a_backlog_has_an_age_before_any_of_it_is_handled_and_none_when_all_is(
    kafka: KafkaSettings,
) -> None:
    await make_topic(kafka, TOPIC, 1)
    metrics, released = Metrics(), asyncio.Event()

    async def held_up(partition: TopicPartition) -> None:
        await released.wait()

    async with producing(kafka) as producer:
        await write(producer, TOPIC, 0, range(10))
        async with looping(kafka, TOPIC, Keeper(before_handle=held_up), metrics=metrics):
            await eventually(lambda: lag(metrics, "seconds") > 0.5, "it has an age")
            assert lag(metrics, "records") == 10
            released.set()
            await eventually(lambda: lag(metrics, "records") == 0 == lag(metrics, "seconds"), "it is gone")


async def test_a_record_after_a_pause_is_not_as_old_as_the_pause(kafka: KafkaSettings) -> None:
    await make_topic(kafka, TOPIC, 1)
    metrics, released = Metrics(), asyncio.Event()

    async def held_up(partition: TopicPartition) -> None:
        await released.wait()

    released.set()
    keeper = Keeper(before_handle=held_up)
    async with producing(kafka) as producer, looping(kafka, TOPIC, keeper, metrics=metrics):
        await write(producer, TOPIC, 0, range(1))
        await eventually(lambda: keeper.total() == 1, "the first is handled")
        await asyncio.sleep(1.5)
        released.clear()
        await write(producer, TOPIC, 0, range(1, 2))
        await eventually(lambda: lag(metrics, "records") == 1, "the second waits")
        assert lag(metrics, "seconds") < 1
        released.set()
