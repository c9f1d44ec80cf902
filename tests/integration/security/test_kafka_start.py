"""How the embedded brokers come to know their users: at each start, on whatever folder."""

import asyncio
import stat
from pathlib import Path

import pytest

from tenon.contracts.topics import MARKET
from tenon.errors import Misconfigured
from tenon.kafka import OutRecord, Producer, ensure_topics, read
from tenon_local.jars import JarStore
from tenon_local.kafka import Access, EmbeddedKafka, Java
from tenon_local.secrets import Secrets
from tenon_local.settings import LocalSettings
from tests.support.stack import folder, running_kafka
from tests.support.streams import producing

pytestmark = pytest.mark.timeout(180)


def kafka_in(path: Path, access: Access | None) -> EmbeddedKafka:
    return EmbeddedKafka(path, Java.of(JarStore.of_lock(LocalSettings().jars_dir)), access=access)


async def keep(kafka: EmbeddedKafka, value: bytes, replication: int = 1) -> None:
    await ensure_topics(kafka.settings_for(), [MARKET], partitions=1, replication=replication)
    async with producing(kafka.settings_for()) as producer:
        record = OutRecord(MARKET.name, b"k", value, partition=0)
        (receipt,) = await producer.send_and_wait([record], deadline_ms=20_000)
        assert receipt.state == "written", receipt


async def kept(kafka: EmbeddedKafka) -> list[bytes | None]:
    return [record.value async for record in read(kafka.settings_for(), MARKET.name)]


async def test_a_folder_keeps_its_data_and_each_start_puts_its_secrets_in_force() -> None:
    """Also one from before anybody signed in."""
    with folder() as path:
        async with kafka_in(path / "kafka", None) as kafka:
            await keep(kafka, b"old")
        first, second = (Access.of(Secrets.of(path / f"{name}.json")) for name in ("first", "second"))
        async with kafka_in(path / "kafka", first) as kafka:
            assert await kept(kafka) == [b"old"]
            written = path / "kafka" / "1" / "server.properties"
            assert stat.S_IMODE(written.stat().st_mode) == 0o600
        async with kafka_in(path / "kafka", second) as kafka:
            assert await kept(kafka) == [b"old"]
            kafka.access = first
            with pytest.raises(Misconfigured, match="TENON_KAFKA_PASSWORD"):
                await Producer(kafka.settings_for()).start()


def test_brokers_sign_in_at_each_other() -> None:
    with running_kafka(3, secure=True) as kafka:
        asyncio.run(keep(kafka, b"copied", replication=3))
        assert asyncio.run(kept(kafka)) == [b"copied"]
