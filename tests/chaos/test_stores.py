"""The disks of the stores: full, and put back from a backup.

What is deterministic: what is full, and that nothing accepted is missing afterwards, nor told otherwise. What
is not: at which write the disk is full. A full disk is a small file system of its own; where this user may
mount none, those tests are skipped, and say so.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from tests.chaos.judge import Under
from tests.chaos.line import SERVICES, Line
from tests.support.waiting import until

TENON = Path(sys.executable).with_name("tenon")
_CHUNK_BYTES = 1 << 20
_ROOM_BYTES = 48 << 20


def _may_mount() -> bool:
    """Whether this user may mount a small file system."""
    probe = Path("/tmp") / f"tenon-mount-{os.getpid()}"
    probe.mkdir()
    try:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", probe], capture_output=True)
        if done.returncode == 0:
            subprocess.run(["umount", probe], check=True)
        return done.returncode == 0
    finally:
        probe.rmdir()


mounts = pytest.mark.skipif(
    not _may_mount(), reason="NOT TRIED HERE: full disks; this user may not mount a small file system"
)


@mounts
async def test_a_full_disk_of_postgres_costs_time_and_nothing_that_was_accepted(
    under: Under, line: Line
) -> None:
    postgres = line.stack.postgres
    async with under("PostgreSQL has no space left") as trial:
        await trial.flowing()
        async with _small_disk(postgres.data_dir / "data", postgres.kill, postgres.start) as disk:
            await trial.flowing()
            with _filled(disk):
                await until(lambda: _says(line, "No space left"), "PostgreSQL says that the disk is full")
            await postgres.kill()
            await postgres.start()
            await trial.flowing()


@mounts
async def test_a_full_disk_of_kafka_costs_time_and_nothing_that_was_accepted(
    under: Under, line: Line
) -> None:
    kafka = line.stack.kafka
    folder = kafka.brokers[0].folder / "data"
    async with under("Kafka has no space left") as trial:
        await trial.flowing()
        async with _small_disk(folder, kafka.kill, kafka.start) as disk:
            await trial.flowing()
            with _filled(disk):
                await until(lambda: _ended(line), "the broker gives up", 120)
            await kafka.kill()
            await kafka.start()
            await trial.flowing()


async def test_a_restored_backup_tells_nobody_otherwise(under: Under, line: Line) -> None:
    postgres = line.stack.postgres
    data, saved = postgres.data_dir / "data", postgres.data_dir / "backup"
    fault = "PostgreSQL is put back from a backup, then tenon restore"
    async with under(fault, replay=True, rate=60) as trial:
        await trial.flowing()
        await postgres.stop()
        await asyncio.to_thread(_copy, data, saved)
        await postgres.start()
        await trial.flowing(100)
        await _all_stopped(line)
        await postgres.kill()
        await asyncio.to_thread(_copy, saved, data)
        await postgres.start()
        line.restored = True
        line.start("matcher-1")
        assert await line.replica("matcher-1").process.wait_exit(60) == 1
        log = (line.stack.plan.data_dir / "log" / "matcher-1.log").read_text()
        assert "then run `tenon restore`" in log
        status, said = await _tenon(line, "restore")
        assert status == 0, said
        await line.heal()
        await trial.flowing()


async def _all_stopped(line: Line) -> None:
    """Stop every service, with nothing left in ingest's outbox: that would be lost with the database."""
    while True:
        for service in SERVICES:
            await asyncio.gather(*(replica.stop() for replica in line.stack.services[service]))
        waiting = "SELECT count(*) FROM ingest.outbox WHERE published_at IS NULL"
        if await line.stack.postgres.psql(waiting) == "0":
            return
        await line.heal()


async def _tenon(line: Line, *arguments: str) -> tuple[int, str]:
    """Run the command as an operator beside the stack does."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("TENON_")}
    done = await asyncio.create_subprocess_exec(
        TENON,
        *arguments,
        env={**own, "TENON_DATA_DIR": str(line.stack.plan.data_dir)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await done.communicate()
    assert done.returncode is not None
    return done.returncode, said.decode()


@asynccontextmanager
async def _small_disk(
    folder: Path, stop: Callable[[], Awaitable[object]], start: Callable[[], Awaitable[object]]
) -> AsyncIterator[Path]:
    """Put a store's folder onto a small file system for the block, and back."""
    aside = folder.with_name(folder.name + ".aside")
    await stop()
    await asyncio.to_thread(_copy, folder, aside)
    await asyncio.to_thread(_mount, folder, _size_bytes(folder) + _ROOM_BYTES)
    try:
        await asyncio.to_thread(_fill_from, aside, folder)
        await start()
        yield folder
    finally:
        await stop()
        await asyncio.to_thread(_copy, folder, aside)
        await asyncio.to_thread(_unmount, folder)
        await asyncio.to_thread(_copy, aside, folder)
        shutil.rmtree(aside)
        await start()


def _mount(folder: Path, size_bytes: int) -> None:
    was = folder.stat()
    options = f"size={size_bytes},uid={was.st_uid},gid={was.st_gid},mode={was.st_mode & 0o777:o}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", folder], check=True)


def _fill_from(source: Path, into: Path) -> None:
    subprocess.run(["cp", "-a", f"{source}/.", str(into)], check=True)


def _copy(source: Path, into: Path) -> None:
    """Make `into` what `source` is, owners and all."""
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(exist_ok=True)
    was = source.stat()
    os.chown(into, was.st_uid, was.st_gid)
    into.chmod(was.st_mode & 0o777)
    _fill_from(source, into)


def _size_bytes(folder: Path) -> int:
    return sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())


@contextmanager
def _filled(disk: Path) -> Iterator[None]:
    """Leave no byte free while the block lasts."""
    filler = disk / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * _CHUNK_BYTES)
            except OSError:
                pass
        yield
    finally:
        filler.unlink()


async def _says(line: Line, words: str) -> bool:
    return words in (line.stack.postgres.data_dir / "postgres.log").read_text(errors="replace")


async def _ended(line: Line) -> bool:
    return not any(broker.process.alive for broker in line.stack.kafka.brokers)
