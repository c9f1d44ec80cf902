"""Files over HTTP: worked off as jobs through the same gate as every event, on the real Kafka and PostgreSQL."""

import asyncio
import csv
import io
from typing import Any

from tenon.kafka import KafkaSettings
from tests.integration.ingest.running import Answer, Ingest, party, ready, site, written

HEADER = "offer;site;HS code;month;Quantity (pcs);Price EUR\n"
CSV = {"content-type": "text/csv"}


def offers(count: int, first: int = 0) -> str:
    return HEADER + "".join(f"o{n};s1;630790;2030-01;{n + 1};0,25\n" for n in range(first, first + count))


async def upload(ingest: Ingest, body: str, kind: str = "offers", **said: Any) -> Answer:
    headers = {**CSV, **said.pop("headers", {})}
    return await ingest.call("POST", "/v1/imports", data=body.encode(), headers=headers, params={"kind": kind, **said})


async def ended(ingest: Ingest, job: str) -> dict[str, Any]:
    for _ in range(1_000):
        state: dict[str, Any] = (await ingest.call("GET", f"/v1/imports/{job}")).body
        if state["state"] not in ("waiting", "running"):
            return state
        await asyncio.sleep(0.02)
    raise AssertionError(f"the import did not end: {state}")


async def imported(ingest: Ingest, body: str, kind: str = "offers", **said: Any) -> dict[str, Any]:
    answer = await upload(ingest, body, kind, **said)
    assert answer.status == 202, answer.body
    return await ended(ingest, answer.body["job"])


async def acme(ingest: Ingest) -> Ingest:
    await ingest.accept(party("acme"), site("acme"))
    return await ingest.new_key("acme")


async def test_a_file_is_worked_off_row_by_row(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres) as ingest:
        own = await acme(ingest)
        rows = "o1;s1;630790;2030-01;10;0,25\no1;s1;630790;2030-02;20;0,25\no2;nowhere;630790;2030-01;1;\n"
        state = await imported(own, HEADER + rows)
        assert state["state"] == "done", state
        assert state["rows"] == {"total": 3, "accepted": 2, "rejected": 1}
        assert state["columns"][4]["implies"] == {"unit": "C62"}
        report = (await own.call("GET", f"/v1/imports/{state['job']}/rows?outcome=rejected")).body
        assert [(row["row"], row["faults"][0]["column"]) for row in report["rows"]] == [(4, "site")]
        text = (await own.call("GET", f"/v1/imports/{state['job']}/rows?format=csv")).body
        lines = list(csv.DictReader(io.StringIO(text.decode())))
        assert [line["outcome"] for line in lines] == ["accepted", "accepted", "rejected"]
        ((_, event),) = await written(kafka)
        assert event.id == lines[0]["event"]
        assert event.data.count(b'"quantity"') == 2
