"""The parts of the embedded stack: jars that are checked, servers that come back with their data."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tenon.contracts.topics import TOPICS
from tenon.kafka import OutRecord, ensure_topics, read
from tenon_local.errors import JarsUntrusted
from tenon_local.jars import JarStore, locked_jars
from tenon_local.postgres.binaries import program, unprivileged
from tenon_local.postgres.pidfile import forget_the_dead
from tenon_local.settings import LocalSettings
from tests.support.stack import running_kafka, running_postgres
from tests.support.streams import producing

pytestmark = pytest.mark.timeout(180)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JarStore]:
    """An empty store of the smallest locked jar, and a repository that serves the jars of this checkout."""
    source = JarStore.of_lock(LocalSettings().jars_dir)
    source.fetch()
    smallest = min(locked_jars(), key=lambda jar: (source.folder / jar.path).stat().st_size)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(source.folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        yield JarStore(tmp_path / "repository", (smallest,), {"central": url})
        server.shutdown()


def test_a_jar_that_differs_from_the_lock_is_refused_and_fetched_again(store: JarStore) -> None:
    with pytest.raises(JarsUntrusted, match=r"1 of 1 jars .* are missing or differ .* tenon_local prepare"):
        store.class_path()
    assert store.fetch() == 1
    (jar,) = store.jars
    file = store.folder / jar.path
    assert store.class_path() == str(file)
    good = file.read_bytes()
    file.write_bytes(good + b"!")
    with pytest.raises(JarsUntrusted):
        store.class_path()
    assert store.fetch() == 1
    assert file.read_bytes() == good
    assert store.fetch() == 0


def test_a_repository_that_has_another_jar_than_the_lock_is_not_trusted(store: JarStore) -> None:
    (jar,) = store.jars
    wanted = replace(store, jars=(replace(jar, sha256="0" * 64),))
    with pytest.raises(JarsUntrusted, match=f"{jar} differs from the lock's sha256 and was removed"):
        wanted.fetch()
    assert not (store.folder / jar.path).exists()


def test_kafka_comes_back_with_its_data_after_kill_9() -> None:
    async def story() -> list[bytes | None]:
        await ensure_topics(settings, TOPICS, partitions=1)
        async with producing(settings) as producer:
            record = OutRecord(TOPICS[0].name, b"k", b"kept", (), 0)
            (receipt,) = await producer.send_and_wait([record], deadline_ms=10_000)
            assert receipt.state == "written"
        await kafka.kill()
        await kafka.start()
        return [found.value async for found in read(settings, TOPICS[0].name)]

    with running_kafka() as kafka:
        settings = kafka.settings_for()
        assert asyncio.run(story()) == [b"kept"]


def test_postgres_comes_back_with_its_data_after_kill_9() -> None:
    async def story() -> str:
        await server.psql("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
        await server.kill()
        await server.start()
        return await server.psql("SELECT n FROM kept")

    with running_postgres() as running:
        server = running.server
        assert asyncio.run(story()) == "7"


def test_a_killed_server_that_nobody_collects_does_not_keep_the_next_from_starting(tmp_path: Path) -> None:
    dead = subprocess.Popen(["sleep", "60"])
    file = tmp_path / "postmaster.pid"
    file.write_text(f"{dead.pid}\n{tmp_path}\n")
    forget_the_dead(file, patience_s=0)
    assert file.exists(), "it runs"
    dead.kill()
    os.waitid(os.P_PID, dead.pid, os.WEXITED | os.WNOWAIT)
    forget_the_dead(file, patience_s=1)
    assert not file.exists()
    dead.wait()


def test_postgres_runs_from_a_folder_that_only_its_owner_may_enter(tmp_path: Path) -> None:
    """A checkout below root's home is such a folder, and PostgreSQL does not run as root."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    copied = private / "initdb"
    shutil.copy2(program("initdb"), copied)
    reads = "import os, sys; sys.exit(0 if os.access(sys.argv[1], os.R_OK | os.X_OK) else 1)"
    command = (*unprivileged(signal.SIGKILL), sys.executable, "-c", reads, str(copied))
    assert subprocess.run(command, check=False).returncode == 0
