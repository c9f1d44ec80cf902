"""`tenon restore` as an operator types it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tenon.kafka import KafkaSettings
from tenon.migrations import migrate
from tests.integration.restore.copies import backup
from tests.support.market import demand, offer
from tests.support.matching import append, log_record, matching, prepare, settings_of, until_decided
from tests.support.stack import PostgresServer

TENON = Path(sys.executable).with_name("tenon")


@pytest.fixture
async def restored(kafka: KafkaSettings, postgres: str, postgres_server: PostgresServer) -> dict[str, str]:
    """The environment of an operator, whose database lost what the matcher told."""
    await prepare(kafka, postgres)
    for package in ("ingest", "notifier"):
        await migrate(postgres, package=package)
    async with backup(postgres_server, postgres) as taken:
        await append(kafka, [log_record(offer("acme"), 0), log_record(demand("clinic"), 1)])
        async with matching(settings_of(kafka, postgres)):
            await until_decided(kafka, 2)
        await taken.put_back()
    others = {name: value for name, value in os.environ.items() if not name.startswith("TENON_")}
    return {
        **others,
        "TENON_KAFKA_BOOTSTRAP": kafka.bootstrap,
        "TENON_TOPIC_PREFIX": kafka.prefix,
        "TENON_DATABASE_URL": postgres,
    }


def tenon(env: dict[str, str], *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [TENON, *arguments], env=env, capture_output=True, text=True, timeout=100, check=False
    )
    return done.returncode, done.stdout + done.stderr


async def test_a_check_a_restore_and_a_check_say_what_is_done(restored: dict[str, str]) -> None:
    status, said = tenon(restored, "restore", "--check")
    assert status == 3, said
    assert "matcher: partition 0 is at round 0" in said
    status, said = tenon(restored, "restore")
    assert status == 0, said
    assert "ingest: 0 parties with their keys" in said
    assert "decided as it was told" in said
    assert tenon(restored, "restore", "--check", "--service", "matcher")[0] == 0


async def test_a_part_that_fails_does_not_keep_the_others(
    restored: dict[str, str], kafka: KafkaSettings
) -> None:
    wrong = {**restored, "TENON_INGEST_DATABASE_URL": "postgresql://nobody:x@127.0.0.1:1/none"}
    status, said = tenon({**wrong, "TENON_DATABASE_URL": restored["TENON_DATABASE_URL"]}, "restore")
    assert status == 1, said
    assert "ingest: " in said
    assert "decided as it was told" in said


def test_a_service_that_is_none_is_named() -> None:
    status, said = tenon(
        {**os.environ, "TENON_KAFKA_BOOTSTRAP": "127.0.0.1:1"}, "restore", "--service", "mill"
    )
    assert status == 2
    assert "no service mill is installed here; there are ingest, matcher, notifier" in said
