"""A whole process on the shared mechanism: signals, crashes at every failpoint, commands.

What is deterministic here: each number is stored once, whatever dies where.
"""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tenon.db import Database
from tenon.failpoints import EXIT_CODE
from tenon.kafka import KafkaSettings
from tests.support.streams import make_topic, producing, write
from tests.support.toys import SCHEMA, toy_database

TOPIC = "numbers"
NUMBERS = 500


class Toy:
    """How the toy service is started in this test."""

    def __init__(self, kafka: KafkaSettings, database_url: str) -> None:
        self._env = {
            **os.environ,
            "TENON_KAFKA_BOOTSTRAP": kafka.bootstrap,
            "TENON_TOPIC_PREFIX": kafka.prefix,
            "TENON_DATABASE_URL": database_url,
            "TENON_SESSION_TIMEOUT_MS": "2000",
            "TENON_HTTP_PORT": "0",
            "TENON_MAX_POLL_RECORDS": "50",
        }

    async def start(self, *arguments: str, **env: str) -> Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.support.toy",
            *arguments,
            env={**self._env, **env},
            stdout=PIPE,
            stderr=PIPE,
        )

    async def run(self, *arguments: str, **env: str) -> tuple[int, str]:
        """Run to its end and return status and output."""
        process = await self.start(*arguments, **env)
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode is not None
        return process.returncode, (out + err).decode()

    @asynccontextmanager
    async def running(self, **env: str) -> AsyncIterator[Process]:
        process = await self.start(**env)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


async def stored(database: Database) -> list[int]:
    return [row[0] for row in await database.fetch("SELECT value FROM effects ORDER BY id")]


async def until(database: Database, enough: Callable[[list[int]], bool]) -> list[int]:
    async with asyncio.timeout(40):
        while not enough(found := await stored(database)):  # noqa: ASYNC110 - another process writes
            await asyncio.sleep(0.05)
    return found


async def url_of(process: Process) -> str:
    assert process.stderr is not None
    async with asyncio.timeout(20):
        async for line in process.stderr:
            _, found, rest = line.decode().partition('"url": "')
            if found:
                return rest.partition('"')[0]
    raise AssertionError("it did not start")


async def ready(session: aiohttp.ClientSession, url: str) -> object:
    """Wait until the service is ready and return its checks."""
    async with asyncio.timeout(20):
        while True:
            async with session.get(f"{url}/health/ready") as response:
                if response.status == 200:
                    return (await response.json())["checks"]
            await asyncio.sleep(0.1)


async def filled(kafka: KafkaSettings) -> None:
    await make_topic(kafka, TOPIC, 1)
    async with producing(kafka) as producer:
        await write(producer, TOPIC, 0, range(NUMBERS))


@pytest.mark.parametrize(
    "point", ["after_poll", "after_step", "before_commit", "after_commit", "during_load", "during_assignment"]
)
async def test_a_process_that_dies_anywhere_stores_each_number_once(
    kafka: KafkaSettings, postgres: str, point: str
) -> None:
    await filled(kafka)
    nth = 1 if point.startswith("during") else 3
    async with toy_database(postgres) as database:
        toy = Toy(kafka, postgres)
        status, _ = await toy.run(TENON_FAILPOINTS=f"toy.{point}=exit@{nth}")
        assert status == EXIT_CODE
        async with toy.running():
            assert await until(database, lambda found: len(found) >= NUMBERS) == list(range(NUMBERS))


async def test_a_frozen_process_that_comes_back_stores_nothing_twice(
    kafka: KafkaSettings, postgres: str
) -> None:
    """SIGSTOP for longer than the session: another takes over, then the zombie wakes with a batch in hand."""
    await filled(kafka)
    async with toy_database(postgres) as database:
        toy = Toy(kafka, postgres)
        async with toy.running(TENON_FAILPOINTS="toy.after_step=pause:40") as zombie:
            await until(database, lambda found: len(found) >= 100)
            zombie.send_signal(signal.SIGSTOP)
            async with toy.running():
                await until(database, lambda found: len(found) >= NUMBERS)
                zombie.send_signal(signal.SIGCONT)
                await asyncio.sleep(2)
                async with producing(kafka) as producer:
                    await write(producer, TOPIC, 0, range(NUMBERS, NUMBERS + 100))
                await until(database, lambda found: len(found) >= NUMBERS + 100)
                await asyncio.sleep(0.5)
        assert await stored(database) == list(range(NUMBERS + 100))


async def test_sigterm_ends_a_service_in_order(kafka: KafkaSettings, postgres: str) -> None:
    await filled(kafka)
    async with toy_database(postgres) as database, Toy(kafka, postgres).running() as process:
        url = await url_of(process)
        await until(database, lambda found: len(found) >= NUMBERS)
        async with aiohttp.ClientSession() as session:
            assert await ready(session, url) == {"consumer": "ok", "database": "ok"}
            async with session.get(f"{url}/metrics") as response:
                assert (
                    'tenon_consumer_records_total{partition="0",topic="numbers"} 500.0'
                    in await response.text()
                )
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_a_stop_that_hangs_ends_at_its_deadline_and_a_second_signal_does_not_wait(
    kafka: KafkaSettings, postgres: str
) -> None:
    await make_topic(kafka, TOPIC, 1)
    hangs = {"TENON_INSTANCE": "hangs", "TENON_STOP_DEADLINE_MS": "3000"}
    async with toy_database(postgres), Toy(kafka, postgres).running(**hangs) as process:
        await url_of(process)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 1
    async with toy_database(postgres), Toy(kafka, postgres).running(**hangs) as process:
        await url_of(process)
        process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 1.5) == 1


async def test_commands_migrate_show_and_set_positions(kafka: KafkaSettings, postgres: str) -> None:
    await filled(kafka)
    toy = Toy(kafka, postgres)
    status, output = await toy.run()
    assert status == 1
    assert "migrate" in output
    assert (await toy.run("migrate"))[0] == 0
    async with Database.connect(postgres, schema=SCHEMA) as database, toy.running():
        await until(database, lambda found: len(found) >= NUMBERS)
    assert "numbers/0\t500\t" in (await toy.run("positions"))[1]
    assert (await toy.run("positions", "set", "numbers/0", "490"))[0] == 0
    async with Database.connect(postgres, schema=SCHEMA) as database, toy.running():
        found = await until(database, lambda found: len(found) >= NUMBERS + 10)
    assert found[NUMBERS:] == list(range(490, NUMBERS))
    status, output = await toy.run("dance")
    assert status == 1
    assert "unknown arguments 'dance'" in output


async def test_a_wrong_setting_ends_the_process_with_its_name(kafka: KafkaSettings, postgres: str) -> None:
    status, output = await Toy(kafka, postgres).run(TENON_HTTP_PORT="many")
    assert status == 1
    (line,) = output.splitlines()
    assert "TENON_HTTP_PORT: Input should be a valid integer" in json.loads(line)["error"]
