"""The queue of an endpoint under its lease: one replica at a time, and none that was overtaken."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest
from aiohttp import web

from notifier.delivery.backlog import backlog
from notifier.delivery.endpoints import LEASE, Endpoints, NewEndpoint
from notifier.delivery.queue import Desk, EndpointQueue
from notifier.delivery.rows import Policy
from notifier.domain.plan import Entry
from notifier.domain.sign import to_secret
from notifier.store import write_feed
from notifier.ways.webhook import Webhooks
from tenon.backlog import Backlog
from tenon.clock import WallClock
from tenon.db import Database
from tenon.errors import Fenced
from tenon.lease import Lease, Leases
from tenon.metrics import Metrics
from tenon.migrations import migrate
from tests.integration.notifier.receiver import Receiver, receiving


@dataclass
class Endpoint:
    """An endpoint of the tests: its row, its receiver, and who calls it."""

    database: Database
    session: aiohttp.ClientSession
    receiver: Receiver
    id: str = ""

    async def lease(self, owner: str, ttl_ms: int = 60_000) -> Lease | None:
        return await Leases(self.database, owner=owner, ttl_ms=ttl_ms).acquire(LEASE + self.id)

    def queue(self, lease: Lease, turn_ms: int = 60_000) -> EndpointQueue:
        desk = Desk(
            self.database,
            {"webhook": Webhooks(self.session, response_bytes=9, clock=WallClock())},
            Policy((1,), 3_600_000),
            open_secret=str,
            wake=lambda: None,
            clock=WallClock(),
            metrics=Metrics(),
        )
        return EndpointQueue(desk, lease, self.id, turn_ms=turn_ms)

    async def cursor(self) -> int:
        return int(await self.database.fetchval("SELECT cursor FROM endpoints WHERE id = $1", self.id))

    async def write_steps(self, subjects: list[str]) -> None:
        """Write an event about each of these subjects, in this order."""
        async with self.database.transaction() as tx:
            entries = [
                Entry(
                    "mill",
                    f"e-{number}",
                    "tenon.docking.proposed.v1",
                    subject,
                    "",
                    b'{"data":{"docking":"%b"}}' % subject.encode(),
                )
                for number, subject in enumerate(subjects)
            ]
            await write_feed(tx, entries)

    async def write(self, *sizes: int) -> None:
        """Write events into the party's feed, each with a body of about this size."""
        body = [b'{"data":{"docking":"d","revision":1},"id":"' + b"x" * size + b'"}' for size in sizes]
        async with self.database.transaction() as tx:
            entries = [
                Entry("mill", f"e-{index}", "tenon.docking.proposed.v1", f"d-{index}", "", each)
                for index, each in enumerate(body)
            ]
            await write_feed(tx, entries)


async def test_an_endpoint_is_held_by_one_replica_at_a_time(postgres: str) -> None:
    async with endpoint(postgres) as e:
        held = await e.lease("one")
        assert held is not None
        assert await e.lease("two") is None
        await Leases(e.database, owner="one").release(held)
        assert await e.lease("two") is not None


async def test_a_replica_that_was_overtaken_can_neither_claim_nor_move_the_cursor(postgres: str) -> None:
    async with endpoint(postgres) as e:
        await e.write(1, 1)
        slow = await e.lease("slow", ttl_ms=0)
        assert slow is not None
        old = e.queue(slow)
        claimed = await old.claim(1)
        outcomes = await old.deliver(claimed)
        assert await e.lease("quick") is not None
        with pytest.raises(Fenced):
            await old.settle(list(zip(claimed, outcomes, strict=True)))
        assert old.drained.is_set()
        assert await e.cursor() == 0
        with pytest.raises(Fenced):
            await e.queue(slow).claim(1)


async def test_the_next_replica_goes_on_where_the_last_one_settled(postgres: str) -> None:
    async with endpoint(postgres) as e:
        await e.write(*[1] * 5)
        for owner, number in (("one", 2), ("two", 3)):
            lease = await e.lease(owner, ttl_ms=0)
            assert lease is not None
            queue = e.queue(lease)
            claimed = await queue.claim(number)
            await queue.settle(list(zip(claimed, await queue.deliver(claimed), strict=True)))
        assert await e.cursor() == 5
        assert [headers["webhook-id"] for headers in e.receiver.headers] == [f"e-{n}" for n in range(5)]


async def test_what_is_claimed_at_once_is_bounded_in_bytes_and_never_nothing(postgres: str) -> None:
    async with endpoint(postgres) as e:
        await e.write(1_000_000, 400_000, 400_000, 400_000, 1)
        lease = await e.lease("one")
        assert lease is not None
        sizes = []
        for _ in range(3):
            queue = e.queue(lease)
            claimed = await queue.claim(32)
            sizes.append(len(claimed))
            await queue.settle(list(zip(claimed, await queue.deliver(claimed), strict=True)))
        assert sizes == [1, 3, 1]
        assert await e.cursor() == 5


async def test_a_turn_ends_after_the_call_in_hand(postgres: str) -> None:
    async with endpoint(postgres) as e:
        await e.write(1, 1, 1)
        lease = await e.lease("one")
        assert lease is not None
        queue = e.queue(lease, turn_ms=0)
        claimed = await queue.claim(3)
        await queue.settle(list(zip(claimed, await queue.deliver(claimed), strict=True)))
        assert queue.drained.is_set()
        assert await e.cursor() == 1


@pytest.mark.parametrize("strict", [False, True], ids=["skip", "strict"])
@pytest.mark.parametrize("seed", range(2))
async def test_whatever_a_receiver_answers_every_event_is_taken_or_parked_and_order_holds_as_promised(
    postgres: str, strict: bool, seed: int
) -> None:
    chance = random.Random(seed)
    taken: list[tuple[str, str]] = []

    async def answer(_: int) -> web.Response:
        status = chance.choice([204, 204, 204, 204, 302, 429, 500])
        if status == 204:
            taken.append((e.receiver.headers[-1]["webhook-id"], e.receiver.got[-1]["data"]["docking"]))
        return web.Response(status=status, headers={"retry-after": "0"})

    async with endpoint(postgres, strict=strict) as e:
        e.receiver.answer = answer
        subjects = [f"d-{chance.randrange(5)}" for _ in range(20)]
        await e.write_steps(subjects)
        for _ in range(400):
            lease = await e.lease("one")
            assert lease is not None
            queue = e.queue(lease)
            if not (claimed := await queue.claim(5)):
                await e.database.execute("UPDATE endpoints SET status = 'active', next_at = now()")
                if await e.cursor() == 20 and not await queue.claim(5):
                    break
                continue
            await queue.settle(list(zip(claimed, await queue.deliver(claimed), strict=True)))
        parked = [row[0] for row in await e.database.fetch("SELECT event_id FROM parked ORDER BY number")]
        took = [event for event, _ in taken]
        assert sorted([*took, *parked]) == sorted(f"e-{number}" for number in range(20))
        for subject in set(subjects):
            own = [f"e-{number}" for number, each in enumerate(subjects) if each == subject]
            assert [event for event, of in taken if of == subject] == own[
                : len(own) - len(set(own) & set(parked))
            ]
        if strict:
            assert (took, parked) == ([f"e-{number}" for number in range(20)], [])


async def test_of_a_range_what_is_parked_is_left_alone_and_nothing_else(postgres: str) -> None:
    async with endpoint(postgres, conditions=["docking^=d"]) as e:
        await e.write_steps(["d-1", "d-1", "x", "d-2", "d-1", "d-3"])
        await e.database.execute(
            "INSERT INTO parked (endpoint, number, event_id, type, subject, why, body)"
            " SELECT $1, number, event_id, type, subject, '', body FROM feed WHERE subject = 'd-1'",
            e.id,
        )
        await e.database.execute("UPDATE endpoints SET cursor = 6")
        assert await Endpoints(e.database, most=1).replay(e.id, (0, 99)) == (3, [3, 6])
        await e.database.execute("UPDATE parked SET replay = false")
        await e.database.execute("UPDATE replays SET next = 1")
        lease = await e.lease("one")
        assert lease is not None
        for _ in range(9):
            queue = e.queue(lease)
            claimed = await queue.claim(1)
            if claimed:
                await queue.settle(list(zip(claimed, await queue.deliver(claimed), strict=True)))
        assert [each["data"]["docking"] for each in e.receiver.got] == ["d-2", "d-3"]


async def test_an_endpoint_that_was_removed_has_nothing_due(postgres: str) -> None:
    async with endpoint(postgres) as e:
        await e.write(1)
        assert not await Endpoints(e.database, most=1).remove("clinic", e.id)
        assert await Endpoints(e.database, most=1).remove("mill", e.id)
        lease = await e.lease("one")
        assert lease is not None
        assert await e.queue(lease).claim(3) == []


async def test_what_waits_is_counted_and_has_an_age_while_its_endpoint_takes_events(postgres: str) -> None:
    async with endpoint(postgres) as e:
        await e.write(1, 1, 1)
        lease = await e.lease("one")
        assert lease is not None
        queue = e.queue(lease)
        claimed = await queue.claim(1)
        await queue.settle(list(zip(claimed, await queue.deliver(claimed), strict=True)))
        found = await backlog(e.database, Metrics())
        assert (found.waiting, found.oldest_seconds > 0, found.parked) == (2, True, 0)
        await e.database.execute("UPDATE endpoints SET failed = 1")
        assert await backlog(e.database, Metrics()) == Backlog(2, 0, 0)


async def test_an_endpoint_that_is_called_no_more_is_shown_and_nothing_waits_for_it(postgres: str) -> None:
    async with endpoint(postgres) as e:
        await e.write(1)
        metrics = Metrics()
        await e.database.execute("UPDATE endpoints SET status = 'disabled'")
        assert await backlog(e.database, metrics) == Backlog(0, 0, 0)
        assert "tenon_notifier_webhook_endpoints_disabled 1.0" in metrics.render().decode()


@asynccontextmanager
async def endpoint(
    url: str, *, strict: bool = False, conditions: Sequence[str] = ()
) -> AsyncIterator[Endpoint]:
    """Subscribe a receiver to the feed of a party."""
    await migrate(url, package="notifier")
    async with (
        Database.connect(url, schema="notifier") as database,
        aiohttp.ClientSession() as session,
        receiving() as receiver,
    ):
        secret = to_secret(b"s" * 32)
        made = await Endpoints(database, most=1).create(
            NewEndpoint(
                audience="mill", url=receiver.url, secret=secret, strict=strict, conditions=conditions
            )
        )
        assert made is not None
        await Endpoints(database, most=1).tested(made, None)
        yield Endpoint(database, session, receiver, made)
