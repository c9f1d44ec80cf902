"""Leases on the real database: one holder, take-over, and no work under a lost one."""

import asyncio

import pytest

from tenon.db import Database
from tenon.errors import Fenced
from tenon.lease import Leases, check
from tests.support.toys import toy_database


def of(database: Database, owner: str, ttl_ms: int = 60_000) -> Leases:
    return Leases(database, owner=owner, ttl_ms=ttl_ms)


async def test_one_of_many_gets_the_lease(postgres: str) -> None:
    async with toy_database(postgres) as database:
        got = await asyncio.gather(*(of(database, f"owner-{n}").acquire("outbox") for n in range(8)))
    assert sum(lease is not None for lease in got) == 1


async def test_a_lease_that_ran_out_is_taken_over_with_a_higher_epoch(postgres: str) -> None:
    async with toy_database(postgres) as database:
        old = await of(database, "old", ttl_ms=200).acquire("outbox")
        assert old is not None
        assert await of(database, "new").acquire("outbox") is None
        await asyncio.sleep(0.25)
        new = await of(database, "new").acquire("outbox")
        assert new is not None
        assert new.epoch == old.epoch + 1
        with pytest.raises(Fenced):
            await of(database, "old").renew(old)
        async with database.transaction() as connection:
            await check(connection, new)
        with pytest.raises(Fenced, match="lease outbox is no longer held by old in epoch 1"):
            async with database.transaction() as connection:
                await check(connection, old)


async def test_renewing_keeps_the_lease(postgres: str) -> None:
    async with toy_database(postgres) as database:
        holder = of(database, "one", ttl_ms=400)
        lease = await holder.acquire("outbox")
        assert lease is not None
        for _ in range(4):
            await asyncio.sleep(0.15)
            await holder.renew(lease)
            assert await of(database, "two").acquire("outbox") is None


async def test_a_lease_given_back_is_free_at_once(postgres: str) -> None:
    async with toy_database(postgres) as database:
        lease = await of(database, "one").acquire("outbox")
        assert lease is not None
        await of(database, "one").release(lease)
        assert await of(database, "two").acquire("outbox") is not None


async def test_a_process_started_again_under_its_name_fences_the_one_before(postgres: str) -> None:
    async with toy_database(postgres) as database:
        before = await of(database, "one").acquire("outbox")
        after = await of(database, "one").acquire("outbox")
        assert before is not None
        assert after is not None
        with pytest.raises(Fenced):
            await of(database, "one").renew(before)


async def test_nobody_takes_over_while_work_under_the_lease_is_being_committed(postgres: str) -> None:
    async with toy_database(postgres) as database:
        lease = await of(database, "one", ttl_ms=100).acquire("outbox")
        assert lease is not None
        async with database.transaction() as connection:
            await check(connection, lease)
            taking = asyncio.create_task(of(database, "two").acquire("outbox"))
            await asyncio.sleep(0.4)
            assert not taking.done()
        taken = await taking
    assert taken is not None
    assert taken.epoch == 2
