"""Whatever the descriptions allow to be asked, and much that they don't, is answered as they say."""

from pathlib import Path

import pytest

from tenon.kafka import KafkaSettings
from tests.integration.ingest import running
from tests.integration.security_http.trying import tried

pytestmark = pytest.mark.timeout(600)


async def test_ingest_answers_as_it_is_described(kafka: KafkaSettings, postgres: str, tmp_path: Path) -> None:
    async with running.ready(kafka, postgres) as ingest:
        await ingest.accept(running.party("acme"), running.site("acme"))
        acme = await ingest.new_key("acme")
        found = await tried("ingest", ingest.url, acme.key, tmp_path, "--max-examples", "5")
    assert not found, found
