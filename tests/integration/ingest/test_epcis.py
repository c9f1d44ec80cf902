"""EPCIS on a running ingest: what is captured, what stock it comes to, what dockings hear of it.

Deterministic: statuses, jobs, stock, what the log is told. Not: how soon the relay has told it (waited for).
"""

import json
from typing import Any
from urllib.parse import quote

from ingest.formats.epcis.ledger import stock
from ingest.formats.epcis.reading import Event
from tenon.contracts.codec import decode_tolerant
from tenon.db import Database
from tenon.kafka import KafkaSettings
from tests.integration.ingest.running import PATIENT, Answer, Ingest, party, ready, written
from tests.support.epcis import ADVICE, ITEM, ORDER, PIECE, PLACE, amount, body, event, moved, shipped, void

JSON = {"content-type": "application/ld+json"}
CLASS = {"scheme": "hs", "code": "720839"}
STEEL = {"docking": "3-118-1", "class": CLASS, "unit": "KGM"}
ADDED = moved("ADD", 100, eventID="urn:uuid:1")


async def mill(ingest: Ingest) -> Ingest:
    await ingest.accept(party("mill"))
    return await ingest.new_key("mill")


async def capture(by: Ingest, *told: Any, behaviour: str | None = None) -> Answer:
    headers = {**JSON, **({} if behaviour is None else {"gs1-capture-error-behaviour": behaviour})}
    return await by.call("POST", "/v1/epcis/capture", data=body(*told), headers=headers)


async def stock_of(by: Ingest) -> dict[tuple[str, str, str], Any]:
    found = (await by.call("GET", "/v1/parties/mill/epcis/stock")).body["stock"]
    return {(e["item"], e["place"], e["unit"]): (e["quantity"], e["produced"]) for e in found}


async def put_order(by: Ingest, name: str, order: dict[str, Any]) -> Answer:
    return await by.call("PUT", f"/v1/parties/mill/epcis/orders/{quote(name, safe='')}", json=order)


async def told(kafka: KafkaSettings, ingest: Ingest) -> list[dict[str, Any]]:
    """Return every progress that the log was told."""
    await ingest.outbox_empty()
    events = [event for _, event in await written(kafka)]
    return [json.loads(e.data) for e in events if e.type == "tenon.docking.progressed.v1"]


async def test_what_is_captured_becomes_stock_once(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres, **PATIENT) as ingest:
        by = await mill(ingest)
        made = event(
            "TransformationEvent",
            inputQuantityList=[amount(30)],
            outputQuantityList=[amount(6, of="urn:epc:idpat:sgtin:4012345.011111.*", uom=None)],
        )
        answer = await capture(by, ADDED, made)
        assert answer.status == 202
        assert answer.body["success"]
        assert answer.body["events"] == {"new": 2, "repeated": 0, "takenBack": 0, "refused": 0}
        assert answer.headers["gs1-epcis-capture-limit"] == "1000"
        assert (await by.call("GET", answer.headers["location"])).body == answer.body
        again = await capture(by, made, ADDED)
        assert again.body["events"]["repeated"] == 2
        there = {(PIECE, PLACE, "C62"): (6, 6), (ITEM, PLACE, "KGM"): (70, 0)}
        assert await stock_of(by) == there
        first = await by.call("GET", "/v1/parties/mill/epcis/stock?limit=1")
        rest = await by.call("GET", "/v1/parties/mill/epcis/stock", params={"after": first.body["next"]})
        assert [e["item"] for e in first.body["stock"] + rest.body["stock"]] == sorted((ITEM, PIECE))
        assert rest.body["next"] is None
        assert (await capture(by, void(made))).body["events"]["takenBack"] == 1
        assert await stock_of(by) == {(ITEM, PLACE, "KGM"): (100, 0)}
        async with Database.connect(postgres, schema="ingest") as database:
            rows = await database.fetch("SELECT data::text FROM epcis_events")
        rebuilt = stock(decode_tolerant(Event, row["data"].encode()) for row in rows)
        assert {spot: (s.quantity, s.produced) for spot, s in rebuilt.items()} == await stock_of(by)


async def test_where_one_event_is_refused_all_are_or_the_others_are_taken(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres, **PATIENT) as ingest:
        by = await mill(ingest)
        clash = moved("ADD", 5, eventID="urn:uuid:1")
        refused = await capture(by, ADDED, clash, {"type": "ObjectEvent"})
        assert refused.status == 202
        assert not refused.body["success"]
        assert [error["status"] for error in refused.body["errors"]] == [409, 400]
        assert refused.body["errors"][1]["errors"][0]["pointer"] == "/epcisBody/eventList/2/eventTime"
        assert await stock_of(by) == {}
        assert not (await capture(by, ADDED, clash, behaviour="proceed")).body["success"]
        assert await stock_of(by) == {(ITEM, PLACE, "KGM"): (100, 0)}


async def test_a_docking_hears_how_far_its_order_is(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres, **PATIENT) as ingest:
        by = await mill(ingest)
        await capture(by, shipped(40, eventID="urn:uuid:s1"))
        assert await told(kafka, ingest) == []
        known = await put_order(by, ORDER, STEEL)
        assert known.body == {**STEEL, "shipped": 40, "received": 0}
        both = [{"type": "po", "bizTransaction": ORDER}, {"type": "desadv", "bizTransaction": ADVICE}]
        assert (await put_order(by, ADVICE, STEEL)).status == 200
        second = shipped(25, eventID="urn:uuid:s2", bizTransactionList=both)
        await capture(by, second)
        await capture(by, second, shipped(40, eventID="urn:uuid:s1"))
        await capture(by, shipped(30, "receiving", eventID="urn:uuid:r1"))
        await capture(by, void(second))
        common = {"party": "mill", **STEEL}
        assert await told(kafka, ingest) == [
            {**common, "revision": 1, "shipped": 40},
            {**common, "revision": 2, "shipped": 65},
            {**common, "revision": 3, "shipped": 65, "delivered": 30},
            {**common, "revision": 4, "shipped": 40, "delivered": 30},
        ]


async def test_what_cant_be_counted_for_a_docking_is_kept_and_said(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres, **PATIENT) as ingest:
        by = await mill(ingest)
        assert (await put_order(by, ORDER, {**STEEL, "unit": "C62"})).status == 200
        assert (await capture(by, shipped(40))).body["success"]
        path = f"/v1/parties/mill/epcis/orders/{ORDER}"
        assert "counted in C62, not in KGM" in (await by.call("GET", path)).body["problem"]
        fixed = await put_order(by, ORDER, STEEL)
        assert (fixed.body["shipped"], fixed.body.get("problem")) == (40, None)
        assert [each["shipped"] for each in await told(kafka, ingest)] == [40]


async def test_what_is_asked_wrongly_is_refused_with_what_would_be_right(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres, **PATIENT) as ingest:
        by = await mill(ingest)
        assert (await capture(ingest, ADDED)).status == 403
        assert (await capture(by, ADDED, behaviour="maybe")).status == 400
        xml = {"content-type": "application/xml"}
        assert (await by.call("POST", "/v1/epcis/capture", data=b"<a/>", headers=xml)).status == 415
        assert (await by.call("POST", "/v1/epcis/capture", data=b"{", headers=JSON)).status == 400
        assert (await capture(by, *[ADDED] * 1_001)).status == 413
        assert (await by.call("GET", "/v1/epcis/capture/none")).status == 404
        assert (await by.call("GET", "/v1/parties/mill/epcis/orders/4711")).status == 404
        wrong = await put_order(by, ORDER, {**STEEL, "unit": "KGS"})
        assert (wrong.status, wrong.pointers) == (422, ["/unit"])
        assert (await put_order(by, ORDER, {**STEEL, "colour": "red"})).pointers == ["/colour"]
