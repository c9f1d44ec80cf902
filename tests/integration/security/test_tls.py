"""TLS with Kafka and PostgreSQL: whose certificate fits is spoken with; of others it is said what to do."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tenon.contracts.topics import MARKET
from tenon.db import Database
from tenon.errors import Misconfigured, Transient
from tenon.kafka import KafkaSettings, OutRecord, Producer, ensure_topics, read
from tenon.migrations import migrate
from tenon_local.kafka import EmbeddedKafka
from tenon_local.kafka.access import Tls
from tests.support.certificates import Authority
from tests.support.stack import folder, running_kafka
from tests.support.streams import producing
from tests.support.terminator import Terminator, terminating

pytestmark = pytest.mark.timeout(180)


@dataclass(frozen=True)
class Behind:
    """A database's address, and what stands in front of it."""

    url: str
    front: Terminator


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with folder() as path:
        yield path


@pytest.fixture(scope="module")
def authority(place: Path) -> Authority:
    return Authority.in_folder(place)


@pytest.fixture(scope="module")
def stranger(place: Path) -> Authority:
    """Another authority, that vouches for none of the servers."""
    return Authority.in_folder(place, "stranger")


@pytest.fixture(scope="module")
def kafka(place: Path, authority: Authority) -> Iterator[KafkaSettings]:
    """How the administrator reaches a broker by SASL_SSL; its certificate is for 127.0.0.1 alone."""
    tls = Tls(authority.key_store(place / "kafka.pem", "127.0.0.1"), authority.ca_file)
    with running_kafka(secure=True, tls=tls) as server:
        assert_only_tls(server)
        yield server.settings_for()


def assert_only_tls(server: EmbeddedKafka) -> None:
    assert server.settings_for().security.protocol == "SASL_SSL"
    plain = replace(server.settings_for().security, protocol="SASL_PLAINTEXT", ca_file=None)
    with pytest.raises(Transient):
        asyncio.run(Producer(replace(server.settings_for(), security=plain)).start())


async def test_what_is_written_by_tls_is_read_by_tls(kafka: KafkaSettings) -> None:
    await ensure_topics(kafka, [MARKET], partitions=1)
    async with producing(kafka) as producer:
        record = OutRecord(MARKET.name, b"k", b"sealed", partition=0)
        (receipt,) = await producer.send_and_wait([record], deadline_ms=10_000)
        assert receipt.state == "written", receipt
    assert [found.value async for found in read(kafka, MARKET.name)] == [b"sealed"]


async def test_a_broker_that_a_stranger_vouches_for_is_not_trusted(
    kafka: KafkaSettings, stranger: Authority
) -> None:
    for ca_file in (stranger.ca_file, None):
        security = replace(kafka.security, ca_file=ca_file)
        with pytest.raises(Misconfigured, match=r"not to be trusted: .*; check TENON_KAFKA_CA_FILE"):
            await Producer(replace(kafka, security=security)).start()


async def test_a_broker_under_another_name_than_its_certificates_is_not_trusted(kafka: KafkaSettings) -> None:
    elsewhere = kafka.bootstrap.replace("127.0.0.1", "localhost")
    with pytest.raises(Misconfigured, match=r"not to be trusted: .*localhost"):
        await Producer(replace(kafka, bootstrap=elsewhere)).start()


@pytest.fixture
async def database(postgres: str, place: Path, authority: Authority) -> AsyncIterator[Behind]:
    """A database behind TLS: the embedded one is built without. The certificate is for 127.0.0.1 alone."""
    port = urlsplit(postgres).port
    assert port is not None
    async with terminating(port, authority.key_store(place / "postgres.pem", "127.0.0.1")) as front:
        yield Behind(postgres.replace(f":{port}/", f":{front.port}/"), front)


async def encrypted(database: Behind, query: str, host: str = "127.0.0.1") -> set[str]:
    """How the connections of the pool and those of the engine were begun."""
    url = f"{database.url}?{query}".replace("127.0.0.1", host)
    async with Database.connect(url, schema="public", deadline_ms=0) as connected:
        assert await connected.fetchval("SELECT 1") == 1
        async with connected.begin() as connection:
            assert (await connection.exec_driver_sql("SELECT 1")).scalar() == 1
    begun, database.front.begun = database.front.begun, []
    assert len(begun) > 1
    return set(begun)


async def test_pool_and_engine_are_encrypted_and_check_who_they_speak_with(
    database: Behind, authority: Authority
) -> None:
    for mode in ("verify-full", "verify-ca"):
        assert await encrypted(database, f"sslmode={mode}&sslrootcert={authority.ca_file}") == {"tls"}
    assert await encrypted(database, "sslmode=require") == {"tls"}
    assert await encrypted(database, "sslmode=disable") == {"plain"}


async def test_migrations_go_by_tls_too(database: Behind, authority: Authority) -> None:
    url = f"{database.url}?sslmode=verify-full&sslrootcert={authority.ca_file}"
    await migrate(url, package="ingest")
    assert set(database.front.begun) == {"tls"}


async def test_a_database_that_a_stranger_vouches_for_is_not_trusted(
    database: Behind, stranger: Authority
) -> None:
    for mode in ("verify-full", "verify-ca", "require"):
        with pytest.raises(Misconfigured, match=r"not to be trusted: .*; check sslrootcert"):
            await encrypted(database, f"sslmode={mode}&sslrootcert={stranger.ca_file}")
    with pytest.raises(Misconfigured, match="not to be trusted"):
        await encrypted(database, "sslmode=verify-full")


async def test_a_database_under_another_name_than_its_certificates_is_not_trusted(
    database: Behind, authority: Authority
) -> None:
    trusted = f"sslrootcert={authority.ca_file}"
    with pytest.raises(Misconfigured, match=r"not to be trusted: .*localhost"):
        await encrypted(database, f"sslmode=verify-full&{trusted}", "localhost")
    assert await encrypted(database, f"sslmode=verify-ca&{trusted}", "localhost") == {"tls"}


async def test_a_database_without_tls_is_told_where_tls_is_wanted(postgres: str) -> None:
    url = f"{postgres}?sslmode=require"
    with pytest.raises(Misconfigured, match="let it speak TLS, or take sslmode out of TENON_DATABASE_URL"):
        async with Database.connect(url, schema="public", deadline_ms=0):
            pass
