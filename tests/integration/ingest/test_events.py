"""`POST /v1/events` on the real Kafka and PostgreSQL: what is accepted stands where it should.

Deterministic: answers, records, rows. Not: which of two concurrent senders is first.
"""

import json
from collections.abc import AsyncIterator

from tenon.contracts.cloudevents import BATCH
from tenon.contracts.codec import decode_strict
from tenon.contracts.log import OfferListed
from tenon.contracts.markets import MarketTable, partition_of
from tenon.kafka import KafkaSettings
from tests.integration.ingest.running import PARTITIONS, event, offer, party, ready, site, written

MASKS = {"scheme": "hs", "code": "630790"}


async def test_an_accepted_offer_stands_in_its_markets_partition(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres) as ingest:
        await ingest.accept(party("acme"), site("acme"))
        answer = await ingest.send(offer("acme"))
        assert (answer.status, answer.body) == (202, {"id": "offer-acme-o1-1", "status": "accepted"})
        ((partition, record),) = await written(kafka)
        assert partition == partition_of("hs:63", MarketTable())
        assert (record.id, record.type) == ("offer-acme-o1-1", "tenon.offer.listed.v1")
        assert record.extensions == {"market": "hs:63", "party": "acme"}
        data = decode_strict(OfferListed, record.data)
        assert (data.offer.offer, data.site.site, data.terms.party) == ("o1", "s1", "acme")


async def test_a_party_its_site_and_its_offer_may_come_in_one_batch(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres) as ingest:
        await ingest.accept(party("acme"), site("acme"), offer("acme"))
        assert [record.type for _, record in await written(kafka)] == ["tenon.offer.listed.v1"]


async def test_a_batch_keeps_the_good_and_explains_the_bad(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres) as ingest:
        await ingest.accept(party("acme"), site("acme"))
        bad = offer("acme", "o2")
        bad["data"]["windows"][0]["until"] = "2029-01-01T00:00:00Z"
        nowhere = offer("acme", "o3", site="s9")
        answer = await ingest.batch([offer("acme"), bad, nowhere, 7, {"specversion": "1.0"}])
        assert (answer.status, answer.body["accepted"], answer.body["rejected"]) == (202, 1, 4)
        results = answer.body["results"]
        assert [result["index"] for result in results] == [0, 1, 2, 3, 4]
        assert [result["status"] for result in results] == ["accepted", *["rejected"] * 4]
        assert results[0]["id"] == "offer-acme-o1-1"
        assert results[1]["problem"]["errors"][0]["pointer"] == "/data/windows/0/until"
        assert results[2]["problem"]["errors"][0]["pointer"] == "/data/site"
        assert results[3]["problem"]["status"] == 400
        assert "id" not in results[3]
        assert len(await written(kafka)) == 1


async def test_a_batch_without_anything_good_is_refused_as_a_whole(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres) as ingest:
        answer = await ingest.batch([offer("nobody"), offer("nobody", "o2")])
        assert (answer.status, answer.body["accepted"], answer.body["rejected"]) == (422, 0, 2)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.body["results"][0]["problem"]["errors"][0]["pointer"] == "/data/party"


async def test_the_data_of_one_event_may_come_with_ce_headers(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres) as ingest:
        await ingest.accept(party("acme"), site("acme"))
        headers = {
            "content-type": "application/json; charset=UTF-8",
            "ce-specversion": "1.0",
            "ce-id": "%C3%A4-1",
            "ce-source": "/erp",
            "ce-type": "tenon.offer.published.v1",
            "ce-market": "nonsense",
        }
        body = json.dumps(offer("acme")["data"])
        answer = await ingest.call("POST", "/v1/events", data=body, headers=headers)
        assert (answer.status, answer.body["id"]) == (202, "ä-1")
        ((_, record),) = await written(kafka)
        assert (record.id, record.source, record.extensions["market"]) == ("ä-1", "/erp", "hs:63")


LINE = {
    "unit": "HUR",
    "calendar": {
        "zone": "Asia/Shanghai",
        "from": "2030-01-07",
        "until": "2030-01-09",
        "per_hour": 1,
        "shifts": [{"days": ["mon", "tue", "wed"], "from": "08:00", "until": "16:00"}],
    },
}


async def test_every_kind_of_statement_about_a_market_reaches_its_partition(
    kafka: KafkaSettings, postgres: str
) -> None:
    named = {"party": "acme", "revision": 2, "class": MASKS}
    statements = [
        event("tenon.offer.withdrawn.v1", {**named, "offer": "o1"}),
        event("tenon.demand.withdrawn.v1", {**named, "demand": "d1"}),
        event("tenon.routes.published.v1", {**named, "site": "s1", "distances_m": {"b/s": 5}}),
        event("tenon.resource.withdrawn.v1", {**named, "resource": "press"}),
        event("tenon.resource.published.v1", {**named, "resource": "line", "site": "s1", **LINE}),
        event("tenon.docking.progressed.v1", {**named, "docking": "x", "unit": "DZN", "shipped": 2}),
        event(
            "tenon.docking.answered.v1",
            {"party": "acme", "docking": "x", "docking_revision": 1, "class": MASKS, "answer": "decline"},
        ),
    ]
    async with ready(kafka, postgres) as ingest:
        await ingest.accept(party("acme"), site("acme"), *statements)
        records = await written(kafka)
        assert [record.type for _, record in records] == [statement["type"] for statement in statements]
        assert {partition for partition, _ in records} == {partition_of("hs:63", MarketTable())}
        said = {record.type: json.loads(record.data) for _, record in records}
        assert said["tenon.docking.progressed.v1"]["shipped"] == 24
        line = said["tenon.resource.published.v1"]
        assert (line["unit"], [window["quantity"] for window in line["windows"]]) == ("SEC", [8 * 3600] * 2)
        assert "calendar" not in line


async def test_a_tick_reaches_every_partition_after_what_was_accepted_before(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres) as ingest:
        await ingest.accept(party("acme"), site("acme"))
        tick = event("tenon.clock.ticked.v1", {"now": "2030-01-01T00:00:00Z"})
        await ingest.accept(offer("acme"), tick)
        records = await written(kafka)
        ticked = [partition for partition, record in records if record.type == "tenon.clock.ticked.v1"]
        assert sorted(ticked) == list(range(PARTITIONS))
        home = partition_of("hs:63", MarketTable())
        assert [record.type for partition, record in records if partition == home] == [
            "tenon.offer.listed.v1",
            "tenon.clock.ticked.v1",
        ]


async def test_a_tick_is_refused_where_the_clock_is_the_walls(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres, clock="wall") as ingest:
        answer = await ingest.send(event("tenon.clock.ticked.v1", {"now": "2030-01-01T00:00:00Z"}))
        assert answer.status == 403
        assert "TENON_CLOCK=log" in answer.body["detail"]


async def test_a_party_writes_only_its_own(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres) as ingest:
        await ingest.accept(party("acme"), party("other"), site("acme"), site("other"))
        acme = await ingest.new_key("acme")
        assert (await acme.send(offer("acme"))).status == 202
        answer = await acme.send(offer("other"))
        assert (answer.status, answer.pointers) == (403, ["/data/party"])
        assert (await acme.send(party("acme", 2))).status == 403


async def test_what_cannot_be_read_is_refused_with_what_would_be_right(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres) as ingest:
        whole = json.dumps(offer("acme")).encode()
        assert (await ingest.having("wrong").send(whole)).status == 401
        assert (
            await ingest.call("POST", "/v1/events", data=b"", headers={"authorization": ""})
        ).status == 401
        assert (await ingest.send(whole, "text/plain")).status == 415
        assert (await ingest.send(whole, "application/cloudevents+json; charset=utf-16")).status == 415
        packed = {"content-type": "application/cloudevents+json", "content-encoding": "gzip"}
        answer = await ingest.call("POST", "/v1/events", data=whole, headers=packed)
        assert answer.status == 415
        assert (await ingest.send(b"{", "application/cloudevents+json")).status == 400
        assert (await ingest.send(b"[" * 200_000, BATCH)).status == 400
        assert (await ingest.send(b'{"a": NaN}', "application/json")).status == 400
        assert (await ingest.send(b"[" + b"1," * 1000 + b"1]", BATCH)).status == 413
        assert (await ingest.send(b" " * (5 * 1024 * 1024 + 1), BATCH)).status == 413
        assert (await ingest.call("GET", "/v1/events")).status == 405
        assert (await ingest.call("GET", "/v1/nothing")).status == 404
        assert (await ingest.call("POST", "/v1/events/", data=whole)).status == 404
        for answer in (await ingest.send(b"{"), await ingest.call("GET", "/v1/nothing")):
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.body["status"] == answer.status


async def test_a_body_without_a_declared_length_is_bounded_too(kafka: KafkaSettings, postgres: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 65_536

    async with ready(kafka, postgres) as ingest:
        headers = {"content-type": BATCH}
        answer = await ingest.call("POST", "/v1/events", data=endless(), headers=headers)
        assert answer.status == 413


async def test_an_event_that_no_record_holds_is_too_large(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres) as ingest:
        await ingest.accept(party("acme"), site("acme"))
        for routes, pointer in ((7_600, "/data"), (9_000, "")):
            far = {f"{'p' * 60}{index:04d}/{'s' * 64}": index for index in range(routes)}
            data = {"party": "acme", "site": "s1", "revision": 1, "class": MASKS, "distances_m": far}
            sent = json.dumps(event("tenon.routes.published.v1", data), separators=(",", ":")).encode()
            answer = await ingest.send(sent)
            assert (answer.status, answer.pointers) == (413, [pointer])


async def test_a_key_that_sends_too_fast_is_told_when_to_come_back(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres, rate_events_per_second=10, rate_burst_events=1_000) as ingest:
        await ingest.accept(party("acme"), site("acme"))
        assert (await ingest.batch([1] * 990)).status == 422
        answer = await ingest.batch([1] * 100)
        assert answer.status == 429
        assert 8 <= int(answer.headers["retry-after"]) <= 11


async def test_the_description_is_whole_and_needs_nobody_else(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres) as ingest:
        page = (await ingest.call("GET", "/docs")).body.decode()
        assert "://" not in page.replace("http://www.w3.org", "")
        for name in ("swagger-ui-bundle.js", "swagger-ui.css"):
            assert name in page
            assert (await ingest.call("GET", f"/docs/assets/{name}")).status == 200
        document = (await ingest.call("GET", "/openapi.json")).body
        assert "/v1/events" in document["paths"]


async def test_health_and_numbers_are_told(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres) as ingest:
        await ingest.accept(party("acme"), site("acme"), offer("acme"))
        await ingest.send(offer("nobody"))
        assert (await ingest.call("GET", "/health/ready")).status == 200
        numbers = (await ingest.call("GET", "/metrics")).body.decode()
        assert 'tenon_ingest_accepted_total{type="tenon.offer.published.v1"} 1.0' in numbers
        assert 'reason="invalid-event",type="tenon.offer.published.v1"} 1.0' in numbers
        assert "tenon_ingest_in_flight_bytes 0.0" in numbers
