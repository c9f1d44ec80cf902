"""Fixtures for everything that runs against the real Kafka and PostgreSQL.

    async def test_it_does(kafka: KafkaSettings, postgres: str) -> None: ...

`kafka`     how to reach the one broker of the run, with a topic prefix that only this test uses: make the
            topics the test needs with `tenon.kafka.ensure_topics(kafka, …)`. Hand `kafka.bootstrap` and
            `kafka.prefix` to a service as TENON_KAFKA_BOOTSTRAP and TENON_TOPIC_PREFIX.
`postgres`  address (superuser) of an empty database that only this test uses: hand it to a service as
            TENON_DATABASE_URL, after `tenon.migrations.migrate(postgres, package="…")`.

The servers start with the first test that asks for them. A test that kills or freezes a server starts one of
its own by `tests.support.stack.running_kafka` or `running_postgres`, so that it disturbs nobody.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import structlog
from hypothesis import settings

if TYPE_CHECKING:
    from tenon.kafka import KafkaSettings
    from tenon_local.kafka import EmbeddedKafka
    from tests.support.stack import PostgresServer

# A story may take its time on a busy machine. `pytest --hypothesis-profile=deep` hunts longer.
settings.register_profile("everyday", settings(), deadline=None)
settings.load_profile("everyday")
settings.register_profile("deep", max_examples=3_000, stateful_step_count=100, deadline=None)

_MARKS = ("unit", "contract", "integration", "e2e", "chaos", "bench")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the kind its folder names."""
    root = Path(__file__).parent
    for item in items:
        kind = item.path.relative_to(root).parts[0]
        if kind in _MARKS:
            item.add_marker(kind)


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """Undo what a test, or a command that it ran, has said of the form and the level of logs."""
    loggers = [logging.getLogger(name) for name in (None, "aiokafka")]
    before = [(logger.handlers, logger.level) for logger in loggers]
    yield
    for logger, (handlers, level) in zip(loggers, before, strict=True):
        logger.handlers, logger.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture(scope="session")
def kafka_server() -> Iterator[EmbeddedKafka]:
    """The broker of the run; use `kafka`."""
    from tests.support.stack import running_kafka

    with running_kafka() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The database server of the run; use `postgres`."""
    from tests.support.stack import running_postgres

    with running_postgres() as server:
        yield server


@pytest.fixture
def kafka(kafka_server: EmbeddedKafka) -> KafkaSettings:
    """How to reach Kafka, with a topic prefix that only this test uses."""
    from tests.support.stack import settings_for

    return settings_for(kafka_server)


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> Iterator[str]:
    """Address of an empty database that only this test uses."""
    url = postgres_server.fresh()
    yield url
    postgres_server.drop(url)


@pytest.fixture
def kafka_twin(kafka_server: EmbeddedKafka) -> KafkaSettings:
    """A second set of topics, for tests that compare two runs."""
    from tests.support.stack import settings_for

    return settings_for(kafka_server)


@pytest.fixture
def postgres_pair(postgres_server: PostgresServer) -> Iterator[tuple[str, str]]:
    """Two empty databases, for tests that compare two runs."""
    pair = (postgres_server.fresh(), postgres_server.fresh())
    yield pair
    for url in pair:
        postgres_server.drop(url)
