"""Ingest dies while it captures a document of EPCIS, and is started again: all of it holds, or nothing.

Deterministic: stock and what the log is told after the restart and a repetition.
"""

import asyncio

import aiohttp
import pytest

from tenon.failpoints import EXIT_CODE
from tenon.kafka import KafkaSettings
from tests.integration.ingest.running import Ingest, prepare
from tests.integration.ingest.test_crash import process
from tests.integration.ingest.test_epcis import STEEL, capture, mill, put_order, stock_of, told
from tests.support.epcis import ITEM, ORDER, PLACE, shipped

GONE = {(ITEM, PLACE, "KGM"): (-40, 0)}
SENT = shipped(40, action="DELETE")


async def dies_at(kafka: KafkaSettings, postgres: str, failpoint: str) -> Ingest:
    """Let a process die when it captures a shipping; it commits three times before: party, key, order."""
    await prepare(kafka, postgres)
    async with process(kafka, postgres, f"ingest.{failpoint}=exit@4") as (ingest, running):
        by = await mill(ingest)
        assert (await put_order(by, ORDER, STEEL)).status == 200
        with pytest.raises(aiohttp.ClientError):
            await capture(by, SENT)
        assert await asyncio.wait_for(running.wait(), 10) == EXIT_CODE
    return by


async def test_a_document_that_was_not_committed_neither_moves_nor_tells_anything(
    kafka: KafkaSettings, postgres: str
) -> None:
    by = await dies_at(kafka, postgres, "before_commit")
    async with process(kafka, postgres) as (ingest, _):
        side = ingest.having(by.key)
        assert await stock_of(side) == {}
        assert await told(kafka, ingest) == []
        assert (await capture(side, SENT)).body["events"]["new"] == 1
        assert await stock_of(side) == GONE


async def test_a_document_that_was_committed_counts_once_though_nobody_was_answered(
    kafka: KafkaSettings, postgres: str
) -> None:
    by = await dies_at(kafka, postgres, "after_commit")
    async with process(kafka, postgres) as (ingest, _):
        side = ingest.having(by.key)
        assert (await capture(side, SENT)).body["events"]["repeated"] == 1
        assert await stock_of(side) == GONE
        assert [each["shipped"] for each in await told(kafka, ingest)] == [40]
