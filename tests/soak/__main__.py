"""`python -m tests.soak`, or `make soak`: whether the line stays as large as it is under a steady load.

Periods and retentions are short, so that everything that is to be dropped is dropped many times. What has to
grow is told apart: the ids that are closed (a row each), and the logs of the topics.
"""

import asyncio
import json
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click
import psutil

from tenon.client import TenonClient
from tenon.contracts.topics import MARKET
from tenon.db import Database
from tenon.errors import TenonError
from tenon.kafka import end_offsets
from tenon_local.errors import LocalError
from tenon_local.plan import Plan
from tenon_local.settings import LocalSettings
from tenon_local.stack import Stack
from tenon_local.together import cancelled_by_signals
from tests.soak.curve import svg
from tests.soak.life import Life
from tests.soak.verdict import Bound, Points, Verdict, judged
from tests.support.sizes import SCHEMAS, tables, topics
from tests.support.stack import folder

_HOURS = "0.012"
_ENV = {
    "TENON_LOG_LEVEL": "warning",
    "TENON_PERIOD_S": "10",
    "TENON_RETENTION_INTERVAL_MS": "2000",
    "TENON_OUTBOX_RETENTION_H": _HOURS,
    "TENON_ROUNDS_RETENTION_H": _HOURS,
    "TENON_FEED_RETENTION_H": _HOURS,
    "TENON_ATTEMPTS_RETENTION_H": _HOURS,
    "TENON_HISTORY_RETENTION_H": _HOURS,
}
_LIFE_S = 20
_KEEP_CLOSED_S = 20
_MEMORY = Bound(share=0.05, least=8 * 2**20)
_ROWS = Bound(share=0.25, least=200)
_GROWS = ("matcher.closed",)
"""Tables that keep a row of each closed id, as they are meant to."""


@dataclass
class Samples:
    """What was read, by seconds since the start."""

    memory_bytes: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    rows: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    table_bytes: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    topic_bytes: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    lag: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    said: dict[str, list[tuple[float, float]]] = field(default_factory=dict)


@click.command()
@click.option("--minutes", default=30.0, show_default=True, help="How long the load lasts.")
@click.option("--pairs", default=5, show_default=True, help="Offers a second, and as many demands.")
@click.option("--every-s", default=10.0, show_default=True, help="How often everything is measured.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("build/soak.json"), show_default=True)
def soak(minutes: float, pairs: int, every_s: float, out: Path) -> None:
    """Run the local stack under a steady load; status 1 when memory or rows rise in the second half."""
    try:
        told = asyncio.run(_run(minutes * 60, pairs, every_s, out))
    except (LocalError, TenonError) as error:
        raise click.ClickException(str(error)) from error
    except asyncio.CancelledError:
        raise click.Abort from None
    for name, each in {**told["memory"], **told["rows"]}.items():
        click.echo(
            f"{'flat ' if each['flat'] else 'RISES'} {name}: {each['mean']:,.0f}, by {each['rise']:,.0f}"
        )
    click.echo(f"{out}, {out.with_suffix('.svg')}")
    sys.exit(0 if told["flat"] else 1)


async def _run(seconds: float, pairs: int, every_s: float, out: Path) -> dict[str, Any]:
    with cancelled_by_signals(), folder() as path:
        plan = Plan(data_dir=path, jars_dir=LocalSettings().jars_dir.absolute(), env=_ENV)
        async with Stack(plan) as stack:
            samples, life = await _under_load(stack, seconds, pairs, every_s)
    return _written(samples, life, {"seconds": seconds, "pairs_per_s": pairs, "env": _ENV}, out)


async def _under_load(stack: Stack, seconds: float, pairs: int, every_s: float) -> tuple[Samples, Life]:
    samples = Samples()
    async with TenonClient(stack.ingest.url, stack.notifier.url, stack.admin_key) as client:
        life = Life(client, pairs=pairs, life_s=_LIFE_S, keep_closed_s=_KEEP_CLOSED_S)
        await life.introduce()
        living = asyncio.create_task(life.live())
        try:
            await _watch(stack, samples, life, living, seconds, every_s)
        finally:
            living.cancel()
            with suppress(asyncio.CancelledError):
                await living
    return samples, life


async def _watch(
    stack: Stack, samples: Samples, life: Life, living: asyncio.Task[None], seconds: float, every_s: float
) -> None:
    """Measure until the time is over; raises what ended the life before."""
    began = time.monotonic()
    while (at := time.monotonic() - began) < seconds:
        await _sample(stack, samples, life, round(at, 1))
        click.echo(f"{at:6.0f} s: {life.sent} events sent, {life.delivered} dockings delivered")
        done, _ = await asyncio.wait([living], timeout=every_s)
        if done:
            await living


async def _sample(stack: Stack, samples: Samples, life: Life, at: float) -> None:
    def note(curves: dict[str, list[tuple[float, float]]], name: str, value: float) -> None:
        curves.setdefault(name, []).append((at, value))

    for _, _, process in stack.processes():
        note(samples.memory_bytes, process.name, _resident_bytes(process.pid))
    for name, kept in (await tables(stack.postgres.url("auditor"))).items():
        note(samples.rows, name, kept.rows)
        note(samples.table_bytes, name, kept.bytes)
    for name, size in (await topics(stack.plan.data_dir)).items():
        note(samples.topic_bytes, name, size)
    note(samples.lag, MARKET.name, await _lag(stack))
    for name in ("sent", "delivered", "refused"):
        note(samples.said, name, getattr(life, name))


def _resident_bytes(pid: int | None) -> int:
    """Return what a process and its children hold; memory that PostgreSQL's share is counted once."""
    if pid is None:
        return 0
    found = 0
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                held = process.memory_info()
                found += held.rss - (held.shared if process is not root else 0)
    return found


async def _lag(stack: Stack) -> int:
    """Return how many records of the log no round has read yet."""
    ends = await end_offsets(stack.kafka_settings(client_id="soak"), MARKET.name)
    async with Database.connect(stack.postgres.url("auditor"), schema="matcher", pool_size=2) as database:
        read = await database.fetchval(
            "SELECT coalesce(sum(next_offset), 0)::bigint FROM positions WHERE topic = $1", MARKET.name
        )
    return sum(ends.values()) - int(read)


def _written(samples: Samples, life: Life, how: dict[str, Any], out: Path) -> dict[str, Any]:
    services: dict[str, Points] = {
        name: points for name, points in samples.memory_bytes.items() if name.startswith(SCHEMAS)
    }
    rows: dict[str, Points] = {name: points for name, points in samples.rows.items() if name not in _GROWS}
    memory, kept = judged(services, _MEMORY), judged(rows, _ROWS)
    told = {
        **how,
        "flat": all(each.flat for each in (*memory.values(), *kept.values())),
        "events": life.sent,
        "refused": life.refused,
        "dockings_delivered": life.delivered,
        "memory": {name: asdict(each) for name, each in memory.items()},
        "rows": {name: asdict(each) for name, each in kept.items()},
        "bytes_per_closed_id": _per_closed_id(samples),
        "curves": asdict(samples),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(told, indent=1) + "\n")
    verdicts: dict[str, Verdict] = {**memory, **kept}
    shown: dict[str, Points] = {**samples.memory_bytes, **samples.rows, **samples.lag}
    out.with_suffix(".svg").write_text(svg(shown, verdicts))
    return told


def _per_closed_id(samples: Samples) -> dict[str, float]:
    """Return the bytes that a closed id takes in its table at the end, with its share of the index."""
    found = {}
    for name in _GROWS:
        rows, size = samples.rows[name][-1][1], samples.table_bytes[name][-1][1]
        found[name] = round(size / rows, 1) if rows else 0.0
    return found


if __name__ == "__main__":
    soak()
