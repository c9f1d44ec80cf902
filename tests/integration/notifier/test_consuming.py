"""What becomes of the topics' records: states, feeds, totals, and what cannot be used.

Deterministic is what is stored after everything was read, however often a process dies in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from tenon.contracts.rejections import EventRejected
from tenon.contracts.topics import DOCKINGS, REJECTED
from tenon.db import Database
from tenon.errors import Misconfigured
from tenon.kafka import KafkaSettings, read
from tenon.records import OutRecord
from tests.integration.notifier.support import CLINIC, MILL, Bench, bench, eventually
from tests.support.told import (
    demand_position,
    docking,
    offer_position,
    party_state,
    record,
    round_decided,
    unmet,
)

BAD = OutRecord(DOCKINGS.name, b"k", b"{", [("ce_id", b"x"), ("ce_party", b"mill")], 0)


async def test_unusable_records_go_to_the_rejected_topic_and_their_sender_hears_of_it(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address:
        await b.write([BAD, b.next_record(docking()), BAD._replace(partition=1)])
        await eventually(lambda: _has_items(b, f"{address}/v1/rejected", 2))
        (told,) = [each async for each in _rejected(kafka) if each.origin.partition == 0]
        assert (told.service, told.code, told.origin.offset) == ("notifier", "not_cloudevents", 0)
        own = (await b.get(f"{address}/v1/rejected", MILL))["items"]
        assert [each["data"]["code"] for each in own] == ["not_cloudevents"] * 2
        assert "data_base64" not in own[0]["data"]
        assert (await b.get(f"{address}/v1/dockings/d-1"))["status"] == "proposed"


async def test_an_id_in_two_markets_stays_in_the_first_and_its_owner_hears_of_it(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address:
        await b.tell(demand_position(), demand_position(market="own:gown"), demand_position(open_=1))
        await eventually(lambda: _has_items(b, f"{address}/v1/rejected", 1))
        (own,) = (await b.get(f"{address}/v1/rejected", CLINIC))["items"]
        assert own["data"]["code"] == "market_moved"
        found = await b.get(f"{address}/v1/demands/clinic/demand-1", CLINIC)
        assert (found["market"], found["windows"][0]["open"]) == ("own:mask", 1)


async def test_too_many_unusable_records_in_a_row_stop_the_service_for_good(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with bench(kafka, postgres, max_unusable_in_row=5, max_poll_records=3) as b:
        await b.write([BAD] * 9)
        for _ in range(2):
            with pytest.raises(Misconfigured, match="5 records in a row"):
                async with b.notifier() as _address:
                    await asyncio.sleep(20)
        assert len([each async for each in _rejected(kafka)]) < 5
        async with b.notifier(max_unusable_in_row=50) as address:
            await eventually(lambda: _has_items(b, f"{address}/v1/rejected", 9))


@pytest.mark.parametrize(
    "failpoint", ["after_poll", "after_step", "before_commit", "after_commit", "during_load"]
)
async def test_a_process_that_dies_at_any_point_leaves_no_gap_and_no_double(
    kafka: KafkaSettings, postgres: str, failpoint: str
) -> None:
    async with bench(kafka, postgres, max_poll_records=7) as b:
        for number in range(40):
            await b.tell(docking(f"d-{number}"))
        async with b.process(f"notifier.{failpoint}=exit@3") as dying:
            assert await asyncio.wait_for(dying.wait(), 60) == 137
        async with b.notifier() as address:
            await eventually(lambda: _wall_reaches(b, address, 40))
        async with Database.connect(postgres, schema="notifier") as database:
            rows = await database.fetch("SELECT audience, number, event_id FROM feed ORDER BY 1, 2")
        for audience in ("mill", "clinic", "*", "_admin"):
            own = [(row[1], row[2]) for row in rows if row[0] == audience]
            assert [number for number, _ in own] == list(range(1, 41))
            assert len({event_id for _, event_id in own}) == 40


async def test_two_replicas_over_all_partitions_number_each_feed_without_gaps(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with bench(kafka, postgres, max_poll_records=5) as b, b.notifier() as address, b.notifier():
        told = []
        for number in range(100):
            left = docking(f"l-{number}", demand="left")
            right = docking(f"r-{number}", demand="right")
            told += [b.next_record(left, 0), b.next_record(right, 1)]
        await b.write(told)
        await eventually(lambda: _wall_reaches(b, address, 200))
        async with Database.connect(postgres, schema="notifier") as database:
            rows = await database.fetch("SELECT number, subject FROM feed WHERE audience = 'mill' ORDER BY 1")
        assert [row[0] for row in rows] == list(range(1, 201))
        for side in "lr":
            assert [row[1] for row in rows if row[1][0] == side] == [f"{side}-{n}" for n in range(100)]


async def test_a_closed_position_disappears_and_cannot_come_back(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address:
        (listed,) = await b.tell(offer_position())
        await eventually(lambda: _has_items(b, f"{address}/v1/offers", 1))
        await b.write([listed._replace(value=None, headers=[("ce_sequence", f"{9:020d}".encode())]), listed])
        await eventually(lambda: _has_items(b, f"{address}/v1/offers", 0))
        await b.tell(docking())
        await eventually(lambda: _wall_reaches(b, address, 1))
        assert (await b.get(f"{address}/v1/totals"))["units"]["C62"].get("free", {"count": 0})["count"] == 0
        assert (await b.get(f"{address}/v1/offers"))["items"] == []


async def test_totals_places_and_partitions_show_what_was_told(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address:
        alert = record(unmet(), 1, event_id="alert-1")
        await b.write([alert, alert])
        await b.tell(demand_position(), offer_position(), docking(), round_decided(0, 7), round_decided(0, 6))
        await eventually(lambda: _wall_reaches(b, address, 2))
        await eventually(lambda: _has_items(b, f"{address}/v1/partitions", 1))
        await eventually(lambda: _has_items(b, f"{address}/v1/offers", 1))
        totals = await b.get(f"{address}/v1/totals", None)
        assert totals["clock"] == "2026-03-02T00:07:00Z"
        assert totals["dockings"] == {"proposed": 1}
        assert totals["units"]["C62"] == {
            "asked": {"count": 1, "quantity": 100},
            "open": {"count": 1, "quantity": 60},
            "offered": {"count": 1, "quantity": 100},
            "free": {"count": 1, "quantity": 60},
            "docked": {"count": 1, "quantity": 40},
            "moved": {"count": 1, "quantity": 38964.92},
        }
        places = await b.get(f"{address}/v1/places", None)
        assert places["offers"] == [{"latitude": 53, "longitude": 13, "open": 1}]
        (shown,) = (await b.get(f"{address}/v1/partitions", None))["items"]
        assert (shown["round"], shown["next_offset"], shown["digest"]) == (7, 80, "1" * 64)
        assert "skipped" not in shown
        assert "skipped" in (await b.get(f"{address}/v1/partitions"))["items"][0]


async def test_a_revoked_key_and_a_removed_party_open_nothing(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address:
        where = f"{address}/v1/dockings"
        await eventually(lambda: _answers(b, where, MILL, 200))
        (state,) = await b.tell(party_state("mill", ["tenon_k2_other"]))
        await eventually(lambda: _answers(b, where, MILL, 401))
        assert await b.status(where, "tenon_k2_other") == 200
        await b.write([state._replace(value=None, headers=[])])
        await eventually(lambda: _answers(b, where, "tenon_k2_other", 401))


async def test_old_entries_go_but_never_before_an_endpoint_has_them(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with bench(kafka, postgres, retention_interval_ms=100) as b, b.notifier() as address:
        await eventually(lambda: _answers(b, f"{address}/v1/dockings", MILL, 200))
        _, made = await b.post(
            f"{address}/v1/subscriptions", MILL, {"url": "http://127.0.0.1:9/", "after": 0}
        )
        await b.tell(docking("d-1"), docking("d-2"))
        await eventually(lambda: _wall_reaches(b, address, 2))
        async with Database.connect(postgres, schema="notifier") as database:
            await database.execute(
                "UPDATE endpoints SET status = 'active', next_at = now() + interval '1 day', cursor = 1"
            )
            await database.execute("UPDATE feed SET written_at = now() - interval '99 days'")

            async def kept() -> list[tuple[str, int]]:
                rows = await database.fetch("SELECT audience, number FROM feed ORDER BY 1, 2")
                return [(row[0], row[1]) for row in rows]

            await eventually(lambda: _equal(kept, [("mill", 2)]))
        async with b.session.get(f"{address}/v1/stream", params={"after": "1"}) as answer:
            assert answer.status == 410
        assert await b.status(f"{address}/v1/subscriptions/{made['id']}", MILL, "DELETE") == 204


async def _rejected(kafka: KafkaSettings) -> AsyncIterator[EventRejected]:
    async for each in read(kafka, REJECTED.name):
        assert each.value is not None
        yield msgspec.json.decode(each.value, type=EventRejected)


async def _has_items(b: Bench, url: str, number: int) -> bool:
    return len((await b.get(url))["items"]) == number


async def _wall_reaches(b: Bench, address: str, number: int) -> bool:
    return bool((await b.get(f"{address}/v1/totals"))["last"] == number)


async def _answers(b: Bench, url: str, key: str, status: int) -> bool:
    return await b.status(url, key) == status


async def _equal(given: object, wanted: object) -> bool:
    assert callable(given)
    return bool(await given() == wanted)
