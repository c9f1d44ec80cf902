"""Kafka as the compose file sets it up, run without a container.

The image turns its environment into settings and formats its folder by a class of Kafka's own jar: the same
is done here with what the compose file says, then the compose file's own commands are run against the broker.
"""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tenon.contracts.topics import MARKET, ROUNDS
from tenon.errors import Misconfigured
from tenon.kafka import KafkaSettings, OutRecord, Producer, read_layout
from tenon.settings import CommonSettings
from tenon_local import probe
from tenon_local.jars import JarStore
from tenon_local.kafka import Java
from tenon_local.ports import HOST, claim
from tenon_local.process import ManagedProcess
from tenon_local.settings import LocalSettings
from tests.support.commands import TENON
from tests.support.compose import service
from tests.support.stack import folder

pytestmark = pytest.mark.timeout(180)
HEAP_MB = 512


@dataclass(frozen=True)
class Container:
    """The broker, and where its listeners are in place of kafka:9092 and kafka:9093."""

    port: int
    controller_port: int

    def moved(self, text: str) -> str:
        """What the compose file says, for this machine."""
        for host in ("kafka", ""):
            text = text.replace(f"{host}:9092", f"{HOST}:{self.port}")
            text = text.replace(f"{host}:9093", f"{HOST}:{self.controller_port}")
        return text

    def environment(self, name: str) -> dict[str, str]:
        """What the compose file tells a service."""
        return {key: self.moved(value) for key, value in service(name)["environment"].items()}

    def run(self, name: str) -> None:
        """Run a command of the compose file to its end."""
        described = service(name)
        assert described["entrypoint"] == ["tenon"]
        done = subprocess.run(
            [TENON, *map(self.moved, described["command"])],
            env={"PATH": os.environ["PATH"], **self.environment(name)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def settings(self, name: str) -> KafkaSettings:
        """How a service of the compose file reaches Kafka."""
        said = self.environment(name)
        known = {f"TENON_{field.upper()}": field for field in CommonSettings.model_fields}
        return KafkaSettings.of(
            CommonSettings.model_validate({known[key]: said[key] for key in said if key in known})
        )


@pytest.fixture(scope="module")
def container() -> Iterator[Container]:
    with folder() as path, running(path) as made:
        made.run("users")
        made.run("topics")
        yield made


@contextmanager
def running(path: Path) -> Iterator[Container]:
    java = Java.of(JarStore.of_lock(LocalSettings().jars_dir))
    made = Container(claim(0, "Kafka", ""), claim(0, "Kafka", ""))
    env = {**made.environment("kafka"), "KAFKA_LOG_DIRS": str(path / "data")}
    configs = [path / name for name in ("default", "mounted", "final")]
    for config in configs:
        config.mkdir()
    for name in ("server.properties", "log4j2.yaml", "tools-log4j2.yaml"):
        (configs[0] / name).touch()
    options = zip(
        ("--default-configs-dir", "--mounted-configs-dir", "--final-configs-dir"), configs, strict=True
    )
    arguments = [str(part) for option in options for part in option]
    setup = java.command("kafka.docker.KafkaDockerWrapper", "setup", *arguments, heap_mb=HEAP_MB)
    subprocess.run(setup, env=env, check=True, capture_output=True, timeout=60)
    run = java.command("kafka.Kafka", str(configs[2] / "server.properties"), heap_mb=HEAP_MB)
    broker = ManagedProcess("kafka", run, path / "kafka.log")
    try:
        broker.start()
        asyncio.run(broker.wait_ready(lambda: probe.listens(HOST, made.controller_port), 60))
        asyncio.run(broker.wait_ready(lambda: probe.listens(HOST, made.port), 60))
        yield made
    finally:
        asyncio.run(broker.kill())


@pytest.mark.parametrize("name", ["ingest", "matcher", "notifier"])
async def test_a_service_of_the_compose_file_signs_in_and_reads_the_layout(
    container: Container, name: str
) -> None:
    assert (await read_layout(container.settings(name))).markets.partitions


async def test_a_service_of_the_compose_file_writes_its_own_topics_alone(container: Container) -> None:
    producer = Producer(container.settings("ingest"))
    await producer.start()
    try:
        for topic, state in ((MARKET, "written"), (ROUNDS, "failed")):
            record = OutRecord(topic.name, b"k", b"v", partition=0)
            (receipt,) = await producer.send_and_wait([record], deadline_ms=20_000)
            assert receipt.state == state, receipt
        assert isinstance(receipt.error, Misconfigured)
    finally:
        await producer.stop()
