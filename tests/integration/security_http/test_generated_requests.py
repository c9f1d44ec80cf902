"""Whatever the descriptions allow to be asked, and much that they don't, is answered as they say."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tenon.kafka import KafkaSettings
from tests.integration.ingest import running
from tests.integration.notifier.receiver import receiving
from tests.integration.notifier.support import MILL, Bench, bench, eventually
from tests.integration.security_http.trying import tried
from tests.support.told import demand_position, docking, offer_position

pytestmark = pytest.mark.timeout(600)
# Of several addresses that one handler answers, one.
_MESSAGES = "/v1/catena-x/(WeekBased.*|IdBased.*|DemandAnd.*|ItemStock)"
_LISTS = "/catena-x/(capacity-groups|comments|notifications|short-term|deviations)"


async def test_the_registry_answers_as_it_is_described(
    kafka: KafkaSettings, postgres: str, tmp_path: Path
) -> None:
    async with running.ready(kafka, postgres, **running.PATIENT) as ingest:
        await ingest.accept(running.party("acme"), running.site("acme"))
        acme = await ingest.new_key("acme")
        told = (
            "--exclude-path-regex",
            f"/v1/events|/v1/catena-x/|{_LISTS}",
            "--phases",
            "examples,coverage,fuzzing",
            "--max-examples",
            "10",
        )
        found = await tried("ingest", ingest.url, acme.key, tmp_path, *told)
    assert not found, found


async def test_events_are_answered_as_it_is_described(
    kafka: KafkaSettings, postgres: str, tmp_path: Path
) -> None:
    async with running.ready(kafka, postgres, **running.PATIENT) as ingest:
        await ingest.accept(running.party("acme"), running.site("acme"))
        told = ("--include-path", "/v1/events", "--phases", "examples,fuzzing", "--max-examples", "40")
        found = await tried("ingest", ingest.url, ingest.key, tmp_path, *told)
    assert not found, found


async def test_messages_of_partners_are_answered_as_it_is_described(
    kafka: KafkaSettings, postgres: str, tmp_path: Path
) -> None:
    async with running.ready(kafka, postgres, **running.PATIENT) as ingest:
        phases = ("--phases", "examples,fuzzing", "--max-examples", "2")
        told = ("--include-path-regex", _MESSAGES, *phases)
        found = await tried("ingest", ingest.url, ingest.key, tmp_path, *told)
    assert not found, found


async def test_the_notifier_answers_as_it_is_described(
    kafka: KafkaSettings, postgres: str, tmp_path: Path
) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address, receiving() as receiver:
        await b.tell(offer_position(), demand_position(), docking())
        await eventually(partial(_found, b, f"{address}/v1/offers/mill/offer-1"))
        await b.post(f"{address}/v1/subscriptions", MILL, {"url": receiver.url})
        told = ("--phases", "examples,coverage,fuzzing", "--max-examples", "5")
        found = await tried("notifier", address, MILL, tmp_path, *told)
    assert not found, found


async def _found(b: Bench, url: str) -> bool:
    return await b.status(url, MILL) == 200
