"""Asks a broker which brokers of the cluster are in service, within a deadline. Must not know processes."""

from __future__ import annotations

import asyncio

from tenon.errors import TenonError
from tenon.kafka import KafkaSettings
from tenon.kafka import brokers_in_service as ask


async def brokers_in_service(kafka: KafkaSettings, timeout_s: float = 2) -> set[int]:
    """Node ids of the brokers that take requests; empty when the asked one does not answer in time."""
    try:
        async with asyncio.timeout(timeout_s):
            return await ask(kafka)
    except (TenonError, OSError, TimeoutError):
        return set()
