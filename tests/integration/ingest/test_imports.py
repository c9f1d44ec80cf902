"""Files over HTTP: worked off as jobs through the gate of every event, on the real Kafka and PostgreSQL."""

import asyncio
import csv
import io
import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from ingest.formats.tables.kinds import KINDS
from ingest.formats.tables.reading import Format, Options
from ingest.formats.tables.templates import template
from ingest.imports import store
from ingest.imports.job import Asked, Job
from tenon.db import Database
from tenon.failpoints import EXIT_CODE
from tenon.kafka import KafkaSettings
from tests.integration.ingest.running import (
    PATIENT,
    Answer,
    Ingest,
    party,
    prepare,
    ready,
    site,
    written,
)
from tests.integration.ingest.test_crash import process

HEADER = "offer;site;HS code;month;Quantity (pcs);Price EUR\n"
CSV = {"content-type": "text/csv"}


def offers(count: int, first: int = 0) -> str:
    return HEADER + "".join(f"o{n};s1;630790;2030-01;{n + 1};0,25\n" for n in range(first, first + count))


async def upload(ingest: Ingest, body: str, kind: str = "offers", **said: Any) -> Answer:
    headers = {**CSV, **said.pop("headers", {})}
    return await ingest.call(
        "POST", "/v1/imports", data=body.encode(), headers=headers, params={"kind": kind, **said}
    )


async def ended(ingest: Ingest, job: str, patience: int = 1_000) -> dict[str, Any]:
    for _ in range(patience):
        state: dict[str, Any] = (await ingest.call("GET", f"/v1/imports/{job}")).body
        if state["state"] not in ("waiting", "running"):
            return state
        await asyncio.sleep(0.02)
    raise AssertionError(f"the import did not end: {state}")


async def moved(ingest: Ingest, job: str) -> None:
    for _ in range(1_000):
        if (await ingest.call("GET", f"/v1/imports/{job}")).body["rows"]["accepted"]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("nothing was taken")


async def imported(ingest: Ingest, body: str, kind: str = "offers", **said: Any) -> dict[str, Any]:
    answer = await upload(ingest, body, kind, **said)
    assert answer.status == 202, answer.body
    return await ended(ingest, answer.body["job"])


async def acme(ingest: Ingest) -> Ingest:
    await ingest.accept(party("acme"), site("acme"))
    return await ingest.new_key("acme")


async def test_a_file_is_worked_off_row_by_row(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres, **PATIENT) as ingest:
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
        line = {"offer": "o3", "site": "s1", "code": "hs:1", "unit": "kg", "month": "2030-01", "quantity": 1}
        named = json.dumps({**line, "a\0": "\0"})
        strange = await imported(own, named, format="ndjson")
        assert (strange["state"], strange["columns"][-1]["column"]) == ("done", "a\ufffd")


async def test_a_dry_run_says_what_would_become_of_each_row_and_changes_nothing(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with (
        ready(kafka, postgres, **PATIENT) as ingest,
        Database.connect(postgres, schema="ingest") as database,
    ):
        own = await acme(ingest)
        sites = "site,name,region,lat,lon\ns1,Other,CN,1,1\ns2,New,CN,1,1\n"
        strange = offers(2) + "o9;nowhere;630790;2030-01;1;\n"
        for body, kind, sent in ((strange, "offers", 0), (sites, "sites", 2)):
            dry = await imported(own, body, kind, dry_run="true", revision="1")
            report = (await own.call("GET", f"/v1/imports/{dry['job']}/rows?format=csv")).body
            assert len(await written(kafka)) == sent
            assert await database.fetchval("SELECT count(*) FROM site_markets") == min(sent, 1)
            assert (await own.call("GET", "/v1/parties/acme/sites")).body["sites"][0].get("name") is None
            done = await imported(own, body, kind, revision="1")
            assert done["rows"] == dry["rows"]
            again = (await own.call("GET", f"/v1/imports/{done['job']}/rows?format=csv")).body
            assert [line.rpartition(b",")[0] for line in again.splitlines()] == [
                line.rpartition(b",")[0] for line in report.splitlines()
            ]


@pytest.mark.parametrize("point", ["ingest.after_send", "imports.before_mark", "imports.before_commit"])
async def test_an_import_goes_on_where_a_process_died(
    kafka: KafkaSettings, postgres: str, point: str
) -> None:
    await prepare(kafka, postgres)
    async with process(kafka, postgres, f"{point}=exit@2") as (ingest, running):
        await acme(ingest)
        job = (await upload(ingest, offers(1_200), set="party=acme")).body["job"]
        assert await asyncio.wait_for(running.wait(), 30) == EXIT_CODE
    async with process(kafka, postgres) as (ingest, _):
        state = await ended(ingest, job)
        assert (state["state"], state["rows"]) == ("done", {"total": 1_200, "accepted": 1_200, "rejected": 0})
        rows = (await ingest.call("GET", f"/v1/imports/{job}/rows?format=csv")).body.splitlines()
        assert len(rows) == 1_201
    events = [event for _, event in await written(kafka)]
    contents = {(event.id, event.data) for event in events}
    assert len(contents) == len({event.id for event in events}) == 1_200
    assert len(events) == 1_200 + 500  # the second chunk was there, and its progress was not


async def test_an_import_waits_for_kafka_and_for_nobody_else(kafka: KafkaSettings, postgres: str) -> None:
    """What can't be taken now is sent again as it is: here a failpoint fails the first chunk twice."""
    await prepare(kafka, postgres)
    async with process(kafka, postgres, "imports.before_commit=error@1") as (ingest, _):
        await acme(ingest)
        state = await imported(ingest, offers(3), set="party=acme")
        assert (state["state"], state["rows"]["accepted"]) == ("done", 3)
    assert Counter(event.id for _, event in await written(kafka)).most_common(1)[0][1] == 2


async def test_an_import_that_is_ended_stops_and_keeps_its_report(
    kafka: KafkaSettings, postgres: str
) -> None:
    await prepare(kafka, postgres)
    async with process(kafka, postgres, "imports.before_mark=pause:3000@2") as (ingest, _):
        own = await acme(ingest)
        job = (await upload(own, offers(5_000))).body["job"]
        await moved(own, job)
        assert (await own.call("DELETE", f"/v1/imports/{job}")).status == 204
        state = await ended(own, job)
        assert state["state"] == "cancelled"
        assert state["rows"]["accepted"] < 5_000
        assert (await own.call("DELETE", f"/v1/imports/{job}")).status == 204
        assert (await imported(own, offers(1)))["state"] == "done"
        report = (await own.call("GET", f"/v1/imports/{job}/rows?format=csv")).body
        reported = (await own.call("GET", f"/v1/imports/{job}")).body["rows"]["accepted"]
        assert len(report.splitlines()) == reported + 1
    async with Database.connect(postgres, schema="ingest") as database:
        assert await database.fetchval("SELECT count(*) FROM import_files") == 0


async def test_an_import_ends_with_the_key_that_began_it(kafka: KafkaSettings, postgres: str) -> None:
    await prepare(kafka, postgres)
    async with process(kafka, postgres, "imports.before_mark=pause:2000@1") as (ingest, _):
        own = await acme(ingest)
        job = (await upload(own, offers(2_000))).body["job"]
        revoked = await ingest.call("DELETE", f"/v1/parties/acme/keys/{own.key.split('_')[1]}")
        assert revoked.status == 204
        state = await ended(ingest, job)
        assert state["state"] == "failed"
        assert state["reason"]["reason"] == "the key that began it was revoked"
        assert state["rows"]["accepted"] < 2_000


async def test_a_key_imports_its_own_party_alone_and_sees_its_own_jobs(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres, **PATIENT) as ingest:
        own = await acme(ingest)
        await ingest.accept(party("rival"), site("rival"))
        rival = await ingest.new_key("rival")
        state = await imported(own, offers(2), set="party=rival")
        assert state["rows"] == {"total": 2, "accepted": 0, "rejected": 2}
        assert (await rival.call("GET", f"/v1/imports/{state['job']}")).status == 404
        assert (await rival.call("GET", "/v1/imports")).body == {"imports": []}
        for caller in (own, ingest):
            assert [each["job"] for each in (await caller.call("GET", "/v1/imports")).body["imports"]] == [
                state["job"]
            ]


async def test_an_upload_that_is_sent_again_is_the_same_import(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres, **PATIENT) as ingest:
        own = await acme(ingest)
        words: dict[str, Any] = {"headers": {"idempotency-key": "march"}}
        first = await upload(own, offers(2), **words)
        again = await upload(own, offers(2), **words)
        assert first.body["job"] == again.body["job"] == (await ended(own, first.body["job"]))["job"]
        assert (await upload(own, offers(3), **words)).status == 409
        assert len(await written(kafka)) == 2


REFUSED: list[tuple[dict[str, str], dict[str, str], bytes, int, str]] = [
    ({"kind": "offers"}, {"content-type": "text/plain"}, b"x", 415, "text/csv"),
    ({"kind": "offer"}, CSV, b"x", 422, "/query/kind"),
    ({"kind": "offers", "map": "x"}, CSV, b"x", 422, "COLUMN=FIELD"),
    ({"kind": "offers", "set": "=x"}, CSV, b"x", 422, "FIELD=VALUE"),
    ({"kind": "offers", "name": "a\0b"}, CSV, b"x", 422, "U+0000"),
    ({"kind": "offers", "revision": "0"}, CSV, b"x", 422, "/query/revision"),
    ({"kind": "offers"}, CSV, b"", 422, "the bytes of a file"),
    ({"kind": "offers"}, CSV, b"x" * 2_000, 413, "at most 1024 bytes"),
    ({"kind": "parties"}, CSV, b"x", 403, "the administrator's"),
]


async def test_what_can_not_be_imported_at_all_is_refused_at_once(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres, import_max_bytes=1_024, **PATIENT) as ingest:
        own = await acme(ingest)
        for query, headers, body, status, told in REFUSED:
            answer = await own.call("POST", "/v1/imports", data=body, headers=headers, params=query)
            assert (answer.status, told in str(answer.body)) == (status, True), answer.body
        assert (await own.call("GET", "/v1/imports")).body == {"imports": []}


async def test_a_party_has_its_share_of_imports(kafka: KafkaSettings, postgres: str) -> None:
    await prepare(kafka, postgres)
    async with process(kafka, postgres, "imports.before_mark=pause:4000") as (ingest, _):
        own = await acme(ingest)
        answers = [await upload(own, offers(1, n)) for n in range(11)]
        assert [answer.status for answer in answers] == [202] * 10 + [429]
        assert answers[-1].headers["retry-after"]
        assert (await upload(ingest, offers(1), set="party=acme")).status == 202


async def test_templates_are_given_in_each_format(kafka: KafkaSettings, postgres: str) -> None:
    forms: list[Format] = ["csv", "xlsx", "ndjson"]
    async with ready(kafka, postgres) as ingest:
        for form in forms:
            answer = await ingest.call("GET", f"/v1/import-templates?kind=demands&format={form}")
            assert answer.status == 200
            assert form != "csv" or answer.body == template(KINDS["demands"], form)


async def test_a_large_import_makes_way_for_a_small_one(kafka: KafkaSettings, postgres: str) -> None:
    async with ready(kafka, postgres, **PATIENT) as ingest:
        own = await acme(ingest)
        large = (await upload(own, offers(11_000))).body["job"]
        small = (await upload(own, offers(1, 20_000))).body["job"]
        ends = {job: (await ended(own, job, patience=6_000))["ended_at"] for job in (small, large)}
        assert ends[small] < ends[large]


async def test_a_file_that_ends_the_process_again_and_again_is_given_up(
    kafka: KafkaSettings, postgres: str
) -> None:
    await prepare(kafka, postgres)
    job = Job(UUID(int=1), datetime.now(UTC), None, "administrator", Asked("offers", Options("csv")))
    async with Database.connect(postgres, schema="ingest") as database:
        await store.begin(database, job, offers(1).encode(), "digest", 10)
        await database.execute("UPDATE imports SET openings = 5")
    async with ready(kafka, postgres, **PATIENT) as ingest:
        state = await ended(ingest, str(job.id))
        assert (state["state"], state["reason"]["reason"][:19]) == ("failed", "the process ended 5")


async def test_imports_are_forgotten_after_their_time(kafka: KafkaSettings, postgres: str) -> None:
    short = {"period_s": 1, "retention_interval_ms": 100, "import_retention_h": 0.0002}
    async with ready(kafka, postgres, **PATIENT, **short) as ingest:
        own = await acme(ingest)
        job = (await imported(own, offers(1)))["job"]
        for _ in range(1_000):
            if (await own.call("GET", f"/v1/imports/{job}")).status == 404:
                break
            await asyncio.sleep(0.05)
        async with Database.connect(postgres, schema="ingest") as database:
            for table in ("imports", "import_rows", "import_files"):
                assert await database.fetchval(f"SELECT count(*) FROM {table}") == 0
