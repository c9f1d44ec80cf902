"""Makes Java's start-up cache, by starting a broker once and letting it end. Must not know who wants it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tenon_local.kafka.access import Access
from tenon_local.kafka.cluster import EmbeddedKafka
from tenon_local.kafka.java import Java
from tenon_local.secrets import Secrets

WRITE_TIMEOUT_S = 120


async def make_start_cache(java: Java) -> bool:
    """Write the start-up cache of its jars unless it is there; returns whether it is there now.

    A machine on which this fails only starts its brokers more slowly, so it is no error.
    """
    if java.cache_file.exists():
        return True
    for old in java.cache_file.parent.glob("kafka-*.aot*"):
        old.unlink()
    fresh = java.cache_file.with_suffix(".aot.new")
    with tempfile.TemporaryDirectory(prefix="tenon-training-") as folder:
        access = Access.of(Secrets.of(Path(folder) / "secrets.json"))
        kafka = EmbeddedKafka(Path(folder), java.training(fresh), access=access)
        async with kafka:
            await kafka.brokers[0].process.stop(WRITE_TIMEOUT_S)
    if fresh.exists():
        fresh.rename(java.cache_file)
    return java.cache_file.exists()
