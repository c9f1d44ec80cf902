"""A registry whose database is older than what it accepted takes back what Kafka knows."""

from ingest.restoring import restore
from tenon.contracts.codec import decode_tolerant
from tenon.contracts.parties import PartyState
from tenon.contracts.topics import PARTIES
from tenon.db import Database
from tenon.kafka import KafkaSettings, read_compacted
from tenon.restoring import Job
from tests.integration.ingest.running import (
    Ingest,
    event,
    offer,
    party,
    prepare,
    ready,
    running,
    settings_for,
    site,
    written,
)
from tests.integration.restore.copies import backup
from tests.support.stack import PostgresServer

POLICY = event("tenon.policy.published.v1", {"policy": "p1", "revision": 1, "hold_s": 5}, "policy-1")


def job(kafka: KafkaSettings, postgres: str, check: bool = False) -> Job:
    heard: list[str] = []
    return Job(kafka, postgres, heard.append, check)


async def listed(ingest: Ingest, owner: str, revision: int = 1, **more: str) -> None:
    await ingest.accept(party(owner, revision, **more), site(owner, revision=revision))
    await ingest.accept(offer(owner, revision=revision))
    await ingest.outbox_empty()


async def test_what_was_accepted_after_the_backup_is_taken_back(
    kafka: KafkaSettings, postgres: str, postgres_server: PostgresServer
) -> None:
    async with ready(kafka, postgres) as ingest:
        await listed(ingest, "acme")
        gone = (await ingest.new_key("acme")).key
        await ingest.outbox_empty()
    async with backup(postgres_server, postgres) as taken:
        async with running(settings_for(kafka, postgres)) as ingest:
            await listed(ingest, "acme", 2, name="Acme Ltd", supply_confirmation="automatic")
            await listed(ingest, "beta")
            await ingest.accept(POLICY)
            new = (await ingest.new_key("beta")).key
            answer = await ingest.call("DELETE", f"/v1/parties/acme/keys/{gone.split('_')[1]}")
            assert answer.status == 204
            await ingest.outbox_empty()
        await taken.put_back()
        checked = await restore(job(kafka, postgres, check=True))
        assert await restore(job(kafka, postgres)) == checked == 2 + 2 + 1 + 1
        assert await restore(job(kafka, postgres)) == 0
        async with running(settings_for(kafka, postgres)) as ingest:
            assert (await ingest.having(new).send(offer("beta", revision=2))).status == 202
            assert (await ingest.having(gone).send(offer("acme", revision=3))).status == 401
            again = [party("acme", 2, name="Acme Ltd", supply_confirmation="automatic"), POLICY]
            await ingest.accept(*again, party("beta"), site("beta"), site("acme", revision=2))
            assert (await ingest.send(party("acme", 1))).status == 409


async def test_a_site_that_no_market_knew_is_lost_and_may_be_published_again(
    kafka: KafkaSettings, postgres: str, postgres_server: PostgresServer
) -> None:
    async with ready(kafka, postgres) as ingest:
        await listed(ingest, "acme")
    async with backup(postgres_server, postgres) as taken:
        async with running(settings_for(kafka, postgres)) as ingest:
            await ingest.accept(site("acme", "yard"))
        await taken.put_back()
        await restore(job(kafka, postgres))
        async with running(settings_for(kafka, postgres)) as ingest:
            shown = (await ingest.call("GET", "/v1/parties/acme/sites")).body["sites"]
            assert [each["site"] for each in shown] == ["s1"]
            await ingest.accept(site("acme", "yard"))


async def test_what_is_told_again_is_the_same_and_the_newest_stays_last(
    kafka: KafkaSettings, postgres: str, postgres_server: PostgresServer
) -> None:
    async with ready(kafka, postgres) as ingest:
        await listed(ingest, "acme")
    async with Database.connect(postgres, schema="ingest") as database:
        await database.execute("UPDATE outbox SET published_at = NULL")
    async with backup(postgres_server, postgres) as taken:
        async with running(settings_for(kafka, postgres)) as ingest:
            await listed(ingest, "acme", 2)
        before = {told.id for _, told in await written(kafka, PARTIES.name)}
        await taken.put_back()
        await restore(job(kafka, postgres))
        async with running(settings_for(kafka, postgres)) as ingest:
            await ingest.outbox_empty()
    assert {told.id for _, told in await written(kafka, PARTIES.name)} == before
    newest = (await read_compacted(kafka, PARTIES.name))[b"acme"]
    assert decode_tolerant(PartyState, newest).revision == 2


async def test_a_registry_that_lost_everything_is_made_of_kafka(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres) as ingest:
        await listed(ingest, "acme")
    async with Database.connect(postgres, schema="ingest") as database:
        await database.execute("DROP SCHEMA ingest CASCADE")
    await prepare(kafka, postgres)
    assert await restore(job(kafka, postgres)) == 3
    async with running(settings_for(kafka, postgres)) as ingest:
        await ingest.accept(offer("acme", revision=2))
