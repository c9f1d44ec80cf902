"""What ingest writes down: who sent, and what kind of fault; never a key, never what was sent."""

import pytest

from tenon.kafka import KafkaSettings
from tests.integration.ingest.running import ADMIN_KEY, offer, party, ready, site

SECRET_WORDS = "only-the-sender-knows-this"


async def test_neither_keys_nor_bodies_are_logged(
    kafka: KafkaSettings, postgres: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async with ready(kafka, postgres, log_level="debug") as ingest:
        await ingest.accept(party("acme"), site("acme"))
        acme = await ingest.new_key("acme")
        kept = [{"type": "order", "id": SECRET_WORDS}]
        assert (await acme.send(offer("acme", external_references=kept))).status == 202
        assert (await acme.send(offer("acme", colour=SECRET_WORDS))).status == 422
        assert (await acme.send(f'{{"id":"{SECRET_WORDS}"'.encode())).status == 400
        assert (await acme.send(offer("other", external_references=kept))).status == 403
        assert (await ingest.having(SECRET_WORDS).send(offer("acme"))).status == 401
        label = {"label": SECRET_WORDS, SECRET_WORDS: 1}
        assert (await acme.call("POST", "/v1/parties/acme/keys", json=label)).status == 422
        await ingest.outbox_empty()
    told = "".join(capfd.readouterr())
    assert "invalid-event" in told
    for secret in (SECRET_WORDS, ADMIN_KEY, acme.key, acme.key.rsplit("_", 1)[1]):
        assert secret not in told
