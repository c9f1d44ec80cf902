"""Live streams against the real thing: nothing missing, nothing twice, whatever happens to replicas.

Deterministic is what each stream contains and in which order; when it arrives is not.
"""

from __future__ import annotations

import asyncio
from typing import Any

from notifier.feed import Feed
from tenon.db import Database
from tenon.kafka import KafkaSettings
from tests.integration.notifier.support import (
    ADMIN_KEY,
    CLINIC,
    MILL,
    Bench,
    authorized,
    bench,
    eventually,
    take,
)
from tests.support.told import demand_position, docking, party_state, record


async def test_a_step_reaches_both_sides_the_wall_and_the_administrator(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address:
        await b.tell(docking(), docking(status="confirmed", revision=2))
        for key, party in ((MILL, "mill"), (CLINIC, "clinic"), (ADMIN_KEY, "_admin"), (None, None)):
            async with b.stream(address, key, after="0") as stream:
                found = await take(stream, 2)
            assert [event.number for event in found] == [1, 2]
            assert [event.type for event in found] == [
                "tenon.docking.proposed.v1",
                "tenon.docking.confirmed.v1",
            ]
            assert ("price" in found[0].data) is (party is not None)
            assert found[0].body["sequence"] == f"{1:020d}"


async def test_the_other_side_is_named_when_both_have_confirmed(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address:
        await eventually(lambda: _signs_in(b, address, CLINIC))
        await b.tell(docking(), docking(status="confirmed", revision=2))
        async with b.stream(address, MILL, after="0") as stream:
            proposed, confirmed = await take(stream, 2)
        assert proposed.data["demand"]["party"].startswith("~")
        assert proposed.data["demand"]["position"] == {"latitude": 46, "longitude": 5}
        assert confirmed.data["demand"]["party"] == "clinic"
        assert confirmed.data["demand"]["name"] == "Clinic Ltd"


async def test_repeated_and_late_records_have_no_second_effect(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address:
        first, second = await b.tell(docking(), docking(status="confirmed", revision=2))
        await b.write([second, first, second])
        await b.write([first])
        await b.tell(docking(status="shipped", revision=3))
        async with b.stream(address, MILL, after="0") as stream:
            found = await take(stream, 3)
        assert [event.type.split(".")[2] for event in found] == ["proposed", "confirmed", "shipped"]
        assert (await b.get(f"{address}/v1/dockings/d-1", MILL))["status"] == "shipped"
        totals = await b.get(f"{address}/v1/totals", None)
        assert totals["last"] == 3
        assert totals["units"]["C62"]["docked"] == {"count": 1, "quantity": 40}


async def test_a_stream_resumes_on_another_replica_without_a_gap(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as other:
        numbers: list[int] = []
        async with b.notifier() as address:
            telling = asyncio.create_task(_tell_many(b, 300))
            async with b.stream(address, MILL, after="0") as stream:
                numbers += [event.number for event in await take(stream, 60)]
        async with b.stream(other, MILL, headers={"last-event-id": str(numbers[-1])}) as stream:
            numbers += [event.number for event in await take(stream, 240)]
        await telling
        assert numbers == list(range(1, 301))


async def test_both_replicas_serve_the_same_feed_live(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as one, b.notifier() as two:
        async with b.stream(one, after="0") as left, b.stream(two, after="0") as right:
            await _tell_many(b, 200)
            seen = [await take(stream, 200) for stream in (left, right)]
        assert [event.number for event in seen[0]] == list(range(1, 201))
        assert [event.body for event in seen[0]] == [event.body for event in seen[1]]


async def test_a_filter_by_type_or_by_content_leaves_out_the_rest(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address:
        await b.tell(demand_position(), docking(), docking(status="confirmed", revision=2))
        for name, wanted in (("types", "tenon.docking.confirmed.v1"), ("where", "status=confirmed")):
            filtered: dict[str, Any] = {name: wanted}
            async with b.stream(address, CLINIC, after="0", **filtered) as stream:
                (only,) = await take(stream, 1)
            assert only.type == "tenon.docking.confirmed.v1"
        assert await b.status(f"{address}/v1/stream", where="status=lost") == 422


async def test_a_revoked_key_ends_its_stream(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address:
        await eventually(lambda: _signs_in(b, address, MILL))
        async with b.session.get(f"{address}/v1/stream", headers=authorized(MILL)) as answer:
            await b.tell(party_state("mill", []))
            async with asyncio.timeout(20):
                text = (await answer.content.read()).decode()
        assert ": closed: the key was revoked" in text
        assert await b.status(f"{address}/v1/dockings", MILL) == 401


async def test_a_client_that_reads_nothing_is_let_go_and_slows_nobody(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with (
        bench(kafka, postgres, stream_queue_events=10, stream_write_timeout_ms=3_000) as b,
        b.notifier() as address,
    ):
        host, port = address.removeprefix("http://").split(":")
        _, stuck = await asyncio.open_connection(host, int(port), limit=1024)
        stuck.write(b"GET /v1/stream?after=0 HTTP/1.1\r\nhost: x\r\n\r\n")

        async def tell() -> None:
            for start in range(0, 12_000, 2_000):
                await _tell_many(b, 2_000, start)

        async with b.stream(address, after="0") as stream:
            found, _ = await asyncio.gather(take(stream, 12_000, 60), tell())
        assert [event.number for event in found] == list(range(1, 12_001))
        await eventually(lambda: _streams(b, address, 0))
        stuck.close()


async def test_what_is_large_is_read_piece_by_piece_and_still_without_a_gap(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with bench(kafka, postgres, stream_queue_bytes=0) as b, b.notifier() as address:
        await _tell_many(b, 8)
        await eventually(lambda: _wall_reaches(b, address, 8))
        async with Database.connect(postgres, schema="notifier") as database:
            await database.execute(
                "UPDATE feed SET body = convert_to(left(convert_from(body, 'utf8'), -1)"
                " || ',\"x\":\"' || repeat('x', 400000) || '\"}', 'utf8') WHERE audience = 'mill'"
            )
            pages = [len(await Feed(database).page("mill", after, 500)) for after in (0, 3, 6, 8)]
        assert pages == [3, 3, 2, 0]
        async with b.stream(address, MILL, after="0") as stream:
            found = await take(stream, 8)
            await _tell_many(b, 1, 8)
            found += await take(stream, 1)
        assert [event.number for event in found] == list(range(1, 10))


async def test_more_streams_than_allowed_are_sent_elsewhere(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres, stream_clients=1) as b, b.notifier() as address:
        async with b.stream(address, after="0"):
            await eventually(lambda: _streams(b, address, 1))
            assert await b.status(f"{address}/v1/stream", after="0") == 503
        await eventually(lambda: _streams(b, address, 0))
        await _tell_many(b, 1)
        async with b.stream(address, after="0") as stream:
            assert len(await take(stream, 1)) == 1


async def test_a_quiet_stream_gives_signs_of_life(kafka: KafkaSettings, postgres: str) -> None:
    async with (
        bench(kafka, postgres, stream_heartbeat_ms=100) as b,
        b.notifier() as address,
        b.session.get(f"{address}/v1/stream") as answer,
        asyncio.timeout(20),
    ):
        assert answer.headers["content-type"] == "text/event-stream"
        lines = [await answer.content.readline() for _ in range(6)]
    assert lines == [b"retry: 2000\n", b"\n", b": \n", b"\n", b": \n", b"\n"]


async def test_numbers_that_were_never_given_are_refused(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address:
        assert await b.status(f"{address}/v1/stream", after="7") == 400
        assert await b.status(f"{address}/v1/stream", types="tenon.nonsense.v1") == 422
        assert await b.status(f"{address}/v1/stream", "tenon_wrong_key") == 401
        await eventually(lambda: _signs_in(b, address, MILL))
        assert await b.status(f"{address}/v1/stream", MILL, party="clinic") == 403


async def test_the_wall_needs_a_key_where_it_is_not_public(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres, public_wall=False) as b, b.notifier() as address:
        assert await b.status(f"{address}/v1/stream", None) == 401
        assert await b.status(f"{address}/v1/totals", None) == 401
        assert await b.status(f"{address}/v1/totals") == 200


async def _tell_many(b: Bench, number: int, start: int = 0) -> None:
    records = []
    for index in range(start, start + number):
        told = docking(f"d-{index}")
        b.sequences["clinic/demand-1"] = b.sequences.get("clinic/demand-1", 0) + 1
        records.append(record(told, b.sequences["clinic/demand-1"]))
    for at in range(0, number, 20):
        await b.write(records[at : at + 20])


async def _signs_in(b: Bench, address: str, key: str) -> bool:
    return await b.status(f"{address}/v1/dockings", key) == 200


async def _wall_reaches(b: Bench, address: str, number: int) -> bool:
    return bool((await b.get(f"{address}/v1/totals"))["last"] == number)


async def _streams(b: Bench, address: str, number: int) -> bool:
    async with b.session.get(f"{address}/metrics") as answer:
        return f"tenon_notifier_streams {float(number)}" in await answer.text()
