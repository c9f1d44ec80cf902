"""`python -m tenon_local prepare | supervise`: what `make setup` and `tenon up` run; not to be typed."""

from __future__ import annotations

import asyncio
import sys

import click

from tenon.errors import TenonError
from tenon.settings import load
from tenon_local.errors import LocalError
from tenon_local.jars import JarStore
from tenon_local.kafka import Java
from tenon_local.kafka.training import make_start_cache
from tenon_local.plan import Plan, parse_replicas
from tenon_local.settings import LocalSettings
from tenon_local.supervisor import supervise as run_supervisor


@click.group()
def main() -> None:
    """Parts of the embedded stack."""


@main.command()
def prepare() -> None:
    """Fetch Kafka's jars, check them, and make Java's start-up cache."""
    jars = JarStore.of_lock(load(LocalSettings).jars_dir.absolute())
    jars.fetch(report=_say)
    if not asyncio.run(make_start_cache(Java.of(jars))):
        _say("Java wrote no start-up cache here; Kafka will start more slowly")


@main.command()
@click.option("--replicas", multiple=True)
@click.option("--with-prometheus", is_flag=True)
def supervise(replicas: tuple[str, ...], *, with_prometheus: bool) -> None:
    """Hold a stack until SIGTERM."""
    plan = Plan.of(load(LocalSettings), parse_replicas(replicas), watched=with_prometheus)
    JarStore.of_lock(plan.jars_dir).fetch(report=_say)
    asyncio.run(run_supervisor(plan, _say))


def _say(line: str) -> None:
    click.echo(f"==> {line}")


if __name__ == "__main__":
    try:
        main()
    except (LocalError, TenonError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
