"""Makes the topics, the layout and the rights of a log, by the library's own functions; decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tenon.contracts.markets import MarketTable, load_table
from tenon.contracts.topics import TOPICS
from tenon.errors import TenonError
from tenon.kafka import KafkaSettings, ensure_layout, ensure_rights, ensure_topics
from tenon.settings import CommonSettings
from tenon_local.errors import LocalError


async def make_topics(admin: KafkaSettings, replication: int, env: Mapping[str, str]) -> None:
    """Make what is missing, as services with this environment expect it, and give them their rights.

    Raises LocalError where the log was begun with another market table.
    """
    settings = CommonSettings.model_validate(_choices(env))
    kafka, markets = replace(admin, prefix=settings.topic_prefix), _markets(settings)
    try:
        await ensure_topics(kafka, TOPICS, partitions=markets.partitions, replication=replication)
        await ensure_layout(kafka, markets)
        await ensure_rights(kafka)
    except TenonError as error:
        raise LocalError(f"the topics could not be made: {error}") from error


def _choices(env: Mapping[str, str]) -> dict[str, str]:
    """The settings among the services' environment that say how topics are named and parted."""
    names = ("topic_prefix", "markets_file")
    return {name: env[f"TENON_{name.upper()}"] for name in names if f"TENON_{name.upper()}" in env}


def _markets(settings: CommonSettings) -> MarketTable:
    if settings.markets_file is None:
        return MarketTable()
    return load_table(settings.markets_file.read_text(encoding="utf-8"))
