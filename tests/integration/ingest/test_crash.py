"""Ingest dies at a named place, as by kill -9, and is started again: what was promised holds.

Deterministic: what stands in Kafka and in the registry after the restart and a repetition. Each test is one
process that dies and another that takes over from what it left.
"""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tenon.db import Database
from tenon.failpoints import EXIT_CODE
from tenon.kafka import KafkaSettings
from tests.integration.ingest.running import ADMIN_KEY, Ingest, offer, party, prepare, site, written


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def process(
    kafka: KafkaSettings, postgres: str, failpoints: str = "", **more: str
) -> AsyncIterator[tuple[Ingest, asyncio.subprocess.Process]]:
    """Run `python -m ingest` until the block ends."""
    port = free_port()
    env = {
        "PATH": os.environ["PATH"],
        "TENON_KAFKA_BOOTSTRAP": kafka.bootstrap,
        "TENON_TOPIC_PREFIX": kafka.prefix,
        "TENON_DATABASE_URL": postgres,
        "TENON_HTTP_PORT": str(port),
        "TENON_ADMIN_KEY": ADMIN_KEY,
        "TENON_FAILPOINTS": failpoints,
        # The same name comes back, as a restarted container does: it gets its own lease at once.
        "TENON_INSTANCE": "ingest-1",
        **more,
    }
    running = await asyncio.create_subprocess_exec(sys.executable, "-m", "ingest", env=env)
    try:
        async with aiohttp.ClientSession() as session:
            ingest = Ingest(f"http://127.0.0.1:{port}", session)
            await until_ready(ingest)
            yield ingest, running
    finally:
        if running.returncode is None:
            running.terminate()
        await asyncio.wait_for(running.wait(), 20)


async def until_ready(ingest: Ingest) -> None:
    for _ in range(400):
        try:
            if (await ingest.call("GET", "/health/ready")).status == 200:
                return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.05)
    raise AssertionError("ingest was not ready within 20 s")


async def dies_of(kafka: KafkaSettings, postgres: str, failpoint: str, *events: dict[str, Any]) -> None:
    """Send events to a process that dies at a failpoint when it gets the last of them."""
    async with process(kafka, postgres, f"ingest.{failpoint}=exit@{len(events)}") as (ingest, running):
        for sent in events[:-1]:
            await ingest.accept(sent)
        with pytest.raises(aiohttp.ClientError):
            await ingest.send(events[-1])
        assert await asyncio.wait_for(running.wait(), 10) == EXIT_CODE


async def states(kafka: KafkaSettings) -> list[str]:
    return [record.id for _, record in await written(kafka, "tenon.parties.v1")]


async def test_what_was_not_committed_never_was(kafka: KafkaSettings, postgres: str) -> None:
    await prepare(kafka, postgres)
    await dies_of(kafka, postgres, "before_commit", party("acme"))
    async with process(kafka, postgres) as (ingest, _):
        assert (await ingest.call("GET", "/v1/parties/acme")).status == 404
        await ingest.accept(party("acme"))
        await ingest.outbox_empty()
        assert await states(kafka) == ["acme/1"]


async def test_what_was_committed_is_told_by_whoever_comes_next(kafka: KafkaSettings, postgres: str) -> None:
    await prepare(kafka, postgres)
    await dies_of(kafka, postgres, "after_commit", party("acme"))
    async with process(kafka, postgres) as (ingest, _):
        # The sender was told nothing, so it sends again: that has no second effect.
        await ingest.accept(party("acme"))
        await ingest.outbox_empty()
        assert await states(kafka) == ["acme/1"]


async def test_a_record_whose_mark_was_lost_is_told_again_under_the_same_id(
    kafka: KafkaSettings, postgres: str
) -> None:
    await prepare(kafka, postgres)
    async with process(kafka, postgres, "ingest.before_mark=exit") as (ingest, running):
        await ingest.accept(party("acme"))
        assert await asyncio.wait_for(running.wait(), 10) == EXIT_CODE
    async with process(kafka, postgres) as (ingest, _):
        await ingest.outbox_empty()
        assert await states(kafka) == ["acme/1", "acme/1"]


async def test_an_event_that_was_not_sent_yet_is_sent_by_the_repetition(
    kafka: KafkaSettings, postgres: str
) -> None:
    await prepare(kafka, postgres)
    async with process(kafka, postgres) as (ingest, _):
        await ingest.accept(party("acme"), site("acme"))
    await dies_of(kafka, postgres, "before_send", offer("acme"))
    assert await written(kafka) == []
    async with process(kafka, postgres) as (ingest, _):
        await ingest.accept(offer("acme"))
        assert [record.id for _, record in await written(kafka)] == ["offer-acme-o1-1"]


async def test_an_event_that_was_sent_but_not_answered_is_repeated_under_its_id(
    kafka: KafkaSettings, postgres: str
) -> None:
    await prepare(kafka, postgres)
    async with process(kafka, postgres) as (ingest, _):
        await ingest.accept(party("acme"), site("acme"))
    await dies_of(kafka, postgres, "after_send", offer("acme"))
    async with process(kafka, postgres) as (ingest, _):
        await ingest.accept(offer("acme"))
        assert [record.id for _, record in await written(kafka)] == ["offer-acme-o1-1"] * 2


async def run(postgres: str, *arguments: str, **more: str) -> tuple[int | None, str]:
    env = {"PATH": os.environ["PATH"], "TENON_DATABASE_URL": postgres, "TENON_ADMIN_KEY": ADMIN_KEY, **more}
    command = (sys.executable, "-m", "ingest", *arguments)
    running = await asyncio.create_subprocess_exec(*command, env=env, stdout=PIPE, stderr=STDOUT)
    told, _ = await asyncio.wait_for(running.communicate(), 30)
    return running.returncode, told.decode()


async def test_the_schema_is_brought_up_to_date_by_a_command_that_may_be_run_twice(postgres: str) -> None:
    assert (await run(postgres, "migrate"))[0] == 0
    assert (await run(postgres, "migrate"))[0] == 0


async def test_a_missing_key_of_the_administrator_is_named(postgres: str) -> None:
    status, told = await run(postgres, TENON_ADMIN_KEY="short")
    assert status == 1
    assert "TENON_ADMIN_KEY" in told


async def test_a_missing_schema_ends_the_process_with_the_command_to_run(
    kafka: KafkaSettings, postgres: str
) -> None:
    await prepare(kafka, postgres)
    async with Database.connect(postgres, schema="ingest") as database:
        await database.execute("DROP SCHEMA ingest CASCADE")
    more = {"TENON_KAFKA_BOOTSTRAP": kafka.bootstrap, "TENON_TOPIC_PREFIX": kafka.prefix}
    status, told = await run(postgres, TENON_HTTP_PORT=str(free_port()), **more)
    assert status == 1
    assert "migrate" in told
