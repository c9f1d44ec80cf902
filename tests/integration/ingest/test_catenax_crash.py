"""Ingest dies while it takes a message of Catena-X, and is started again: kept and told, or neither.

Deterministic: what is held and what the log is told after the restart and a repetition.
"""

import asyncio

import aiohttp
import pytest

from tenon.failpoints import EXIT_CODE
from tenon.kafka import KafkaSettings
from tests.integration.ingest.running import Ingest, prepare
from tests.integration.ingest.test_catenax import CLASS, market, partners, tell_demand, tell_group
from tests.integration.ingest.test_crash import process
from tests.support.catenax import MATERIAL, demand, group

RELEASE = {"class": CLASS, "material": MATERIAL}


async def dies_at(kafka: KafkaSettings, postgres: str, failpoint: str) -> Ingest:
    """Let a process die when it gets a demand that goes to the market; return the customer.

    It commits five times before: parties with their sites, two keys, a release, a group.
    """
    await prepare(kafka, postgres)
    async with process(kafka, postgres, f"ingest.{failpoint}=exit@6") as (ingest, running):
        buyer, maker = await partners(ingest)
        path = "/v1/parties/buyer/catena-x/releases/seals"
        assert (await buyer.call("PUT", path, json=RELEASE)).status == 200
        assert (await tell_group(maker, group())).status == 201
        with pytest.raises(aiohttp.ClientError):
            await tell_demand(buyer, demand())
        assert await asyncio.wait_for(running.wait(), 10) == EXIT_CODE
    return buyer


async def test_a_message_that_was_not_committed_is_neither_kept_nor_told(
    kafka: KafkaSettings, postgres: str
) -> None:
    buyer = await dies_at(kafka, postgres, "before_commit")
    async with process(kafka, postgres) as (ingest, _):
        side = ingest.having(buyer.key)
        assert (await side.call("GET", "/v1/parties/buyer/catena-x/demands")).body["objects"] == []
        assert await market(kafka, ingest) == []
        assert (await tell_demand(side, demand())).status == 201
        assert [kind for kind, _ in await market(kafka, ingest)] == ["tenon.demand.listed.v1"]


async def test_a_message_that_was_committed_is_told_though_nobody_was_answered(
    kafka: KafkaSettings, postgres: str
) -> None:
    buyer = await dies_at(kafka, postgres, "after_commit")
    async with process(kafka, postgres) as (ingest, _):
        assert (await tell_demand(ingest.having(buyer.key), demand())).status == 200, "known, the same again"
        assert [kind for kind, _ in await market(kafka, ingest)] == ["tenon.demand.listed.v1"]
