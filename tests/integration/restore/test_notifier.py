"""A notifier whose database is older than what it told: feeds get every event again, under other numbers."""

import pytest

from notifier.restoring import restore
from tenon.db import Database
from tenon.errors import Misconfigured
from tenon.kafka import KafkaSettings
from tenon.restoring import Job
from tests.integration.notifier.support import ADMIN_KEY, Bench, Event, bench, take
from tests.integration.restore.copies import backup
from tests.support.stack import PostgresServer
from tests.support.told import docking

_BEHIND = "SELECT count(*) FROM feed f JOIN endpoints e USING (audience) WHERE f.number > e.cursor"
_ENDPOINT = """
INSERT INTO endpoints (id, audience, url, types, description, secret, status, cursor)
VALUES ('e', '_admin', 'http://127.0.0.1:1/', '{}', '', 'whsec_', 'disabled', 2)
"""


def job(kafka: KafkaSettings, postgres: str, check: bool = False) -> Job:
    heard: list[str] = []
    return Job(kafka, postgres, heard.append, check)


async def fed(b: Bench, address: str, count: int, after: str = "0") -> list[Event]:
    async with b.stream(address, ADMIN_KEY, after=after) as stream:
        return await take(stream, count)


async def test_a_client_of_a_restored_feed_begins_anew_and_misses_nothing(
    kafka: KafkaSettings, postgres: str, postgres_server: PostgresServer
) -> None:
    async with bench(kafka, postgres) as b:
        async with b.notifier() as address:
            await b.tell(*(docking(f"d-{number}") for number in range(3)))
            await fed(b, address, 3)
        async with Database.connect(postgres, schema="notifier") as database:
            await database.execute(_ENDPOINT)
        async with backup(postgres_server, postgres) as taken:
            async with b.notifier() as address:
                await b.tell(*(docking(f"d-{number}") for number in range(3, 8)))
                seen = await fed(b, address, 8)
            await taken.put_back()
            assert await restore(job(kafka, postgres, check=True)) == await restore(job(kafka, postgres)) == 5
            async with b.notifier() as address:
                last = str(seen[-1].number)
                assert await b.status(f"{address}/v1/stream", after=last) == 410
                again = await fed(b, address, 8)
            async with Database.connect(postgres, schema="notifier") as database:
                assert await database.fetchval(_BEHIND) == 6
    assert {event.body["id"] for event in again} == {event.body["id"] for event in seen}
    assert again[0].number > seen[-1].number
    assert [event.number - again[0].number for event in again] == list(range(8))


async def test_a_party_that_the_backup_did_not_know_begins_anew_too(
    kafka: KafkaSettings, postgres: str, postgres_server: PostgresServer
) -> None:
    async with bench(kafka, postgres) as b:
        async with b.notifier():
            pass
        async with backup(postgres_server, postgres) as taken:
            async with b.notifier() as address:
                await b.tell(docking("d-1"))
                await fed(b, address, 1)
            await taken.put_back()
            await restore(job(kafka, postgres))
            async with b.notifier() as address:
                (again,) = await fed(b, address, 1)
                assert again.number > 1
                assert await b.status(f"{address}/v1/stream", after="1") == 410


async def test_a_database_that_is_up_to_date_keeps_its_numbers(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres) as b:
        async with b.notifier() as address:
            await b.tell(docking("d-1"))
            (first,) = await fed(b, address, 1)
            with pytest.raises(Misconfigured, match="stop every notifier first"):
                await restore(job(kafka, postgres))
        assert await restore(job(kafka, postgres)) == 0
        async with b.notifier() as address:
            assert await fed(b, address, 1) == [first]
