"""The relay loop over a source in memory.

What is deterministic here: which work is done, in which order, and how often.
"""

import asyncio
from collections.abc import Sequence

import pytest

from tenon import failpoints
from tenon.errors import Fenced, Transient
from tenon.relay import Done, Later, Outcome, Parked, Pending
from tests.support.streams import eventually
from tests.support.works import ListSource, new_relay, relaying


async def all_done(items: Sequence[int]) -> Sequence[Outcome]:
    return [Done() for _ in items]


async def test_work_is_done_in_order_and_marked() -> None:
    source = ListSource(list(range(25)))
    async with relaying(source, all_done, limit=10):
        await eventually(lambda: not source.due, "all is done")
    assert source.settled == [(n, "Done") for n in range(25)]


async def test_a_full_batch_is_followed_by_the_next_without_a_wait() -> None:
    source = ListSource(list(range(100)))
    async with asyncio.timeout(0.5), relaying(source, all_done, limit=1):
        await eventually(lambda: not source.due, "all is done")


async def test_what_is_to_be_done_later_is_given_again_after_a_wait() -> None:
    source = ListSource([1, 2])
    seen: list[list[int]] = []

    async def effect(items: Sequence[int]) -> Sequence[Outcome]:
        seen.append(list(items))
        return [Later("busy") if item == 2 and len(seen) < 3 else Done() for item in items]

    async with relaying(source, effect, limit=2):
        await eventually(lambda: not source.due, "all is done")
    assert seen == [[1, 2], [2], [2]]


async def test_parked_work_is_marked_and_not_given_again() -> None:
    source = ListSource([1])

    async def effect(items: Sequence[int]) -> Sequence[Outcome]:
        return [Parked("too large")]

    async with relaying(source, effect):
        await eventually(lambda: source.settled == [(1, "Parked")], "it is parked")
        await asyncio.sleep(0.1)
    assert source.settled == [(1, "Parked")]


async def test_pending_work_is_never_done_again_and_marked_by_its_result() -> None:
    source = ListSource([1, 2])
    calls: list[list[int]] = []
    outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    async def effect(items: Sequence[int]) -> Sequence[Outcome]:
        calls.append(list(items))
        return [Pending(outcome) if item == 1 else Done() for item in items]

    async with relaying(source, effect):
        await eventually(lambda: source.settled == [(2, "Done")], "what is known is marked")
        await asyncio.sleep(0.2)
        assert calls == [[1, 2]]
        outcome.set_result(Done())
        await eventually(lambda: not source.due, "the rest is marked when it is known")
    assert calls == [[1, 2]]


async def test_a_relay_stops_though_something_is_pending() -> None:
    source = ListSource([1])
    outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    async def effect(items: Sequence[int]) -> Sequence[Outcome]:
        return [Pending(outcome)]

    async with relaying(source, effect):
        await eventually(lambda: source.claims == 1, "it is claimed")
    assert source.due == [1]


async def test_a_relay_that_was_fenced_drops_its_batch_and_asks_again() -> None:
    source = ListSource([1], trouble=[Fenced("another one relays")])
    async with relaying(source, all_done):
        await eventually(lambda: not source.due, "it is done after all")
    assert source.claims == 2


async def test_trouble_is_retried_until_the_deadline() -> None:
    source = ListSource([1], trouble=[Transient("away")] * 3)
    async with relaying(source, all_done) as relay:
        await eventually(lambda: relay.problem() is not None, "it says so")
        await eventually(lambda: not source.due, "it is done after all")
        await eventually(lambda: relay.problem() is None, "it is well again")
    hopeless = new_relay(ListSource([1], trouble=[Transient("away")] * 1000), all_done, retry_deadline_ms=200)
    with pytest.raises(Transient, match="away"):
        await asyncio.wait_for(hopeless.run(asyncio.Event()), 10)


async def test_waking_saves_the_wait() -> None:
    source = ListSource([])
    async with relaying(source, all_done) as relay:
        await eventually(lambda: source.claims > 0, "it looked")
        source.due.append(1)
        relay.wake()
        await eventually(lambda: not source.due, "it looked again", seconds=1)


async def test_work_whose_mark_is_lost_is_done_again() -> None:
    source = ListSource([1])
    seen: list[int] = []
    failpoints.install("test.before_mark=error@1")

    async def effect(items: Sequence[int]) -> Sequence[Outcome]:
        seen.extend(items)
        return [Done() for _ in items]

    try:
        async with relaying(source, effect):
            await eventually(lambda: not source.due, "it is marked")
    finally:
        failpoints.install("")
    assert seen == [1, 1]
