"""Webhooks against a real receiver: signed, in order, tried again, parked, taken over.

Deterministic is what is delivered in which order per endpoint; an event may come twice where a process died
between delivering and noting it.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

from notifier.delivery.endpoints import Endpoints, NewEndpoint
from tenon.contracts.dockings import DockingStatus
from tenon.db import Database
from tenon.failpoints import install
from tenon.kafka import KafkaSettings
from tests.integration.notifier.receiver import Receiver, receiving, statuses
from tests.integration.notifier.support import ADMIN_KEY, CLINIC, MILL, Bench, bench, eventually, take
from tests.support.told import demand_position, docking


async def test_calls_carry_signatures_of_standard_webhooks(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address, receiving() as receiver:
        made = await _subscribe(b, address, receiver)
        await b.tell(docking())
        await receiver.wait(1)
        verified = Webhook(made["secret"]).verify(receiver.bodies[0], receiver.headers[0])
        assert verified["type"] == "tenon.docking.proposed.v1"
        assert receiver.headers[0]["webhook-id"] == receiver.got[0]["id"]
        assert receiver.headers[0]["content-type"] == "application/cloudevents+json"
        shown = await b.get(f"{address}/v1/subscriptions/{made['id']}", MILL)
        assert "secret" not in shown


async def test_an_endpoint_gets_every_event_in_order(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address, b.notifier(), receiving() as receiver:
        await _subscribe(b, address, receiver)
        names: list[DockingStatus] = ["proposed", "confirmed", "shipped"]
        steps = [
            docking(f"d-{number}", status, revision)
            for revision, status in enumerate(names, 1)
            for number in range(40)
        ]
        await b.tell(*steps)
        await receiver.wait(120)
        assert receiver.steps() == [f"{step.docking}/{step.revision}" for step in steps]


async def test_a_failed_call_is_repeated_with_the_same_id_before_the_next_event(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with (
        bench(kafka, postgres) as b,
        b.notifier() as address,
        receiving(statuses(500, 302)) as receiver,
    ):
        made = await _subscribe(b, address, receiver)
        await b.tell(docking("d-1"), docking("d-2"))
        await receiver.wait(4)
        assert receiver.steps() == ["d-1/1", "d-1/1", "d-1/1", "d-2/1"]
        assert len({headers["webhook-id"] for headers in receiver.headers[:3]}) == 1
        await eventually(lambda: _settled(b, address, made["id"], 2))
        attempts = (await b.get(f"{address}/v1/subscriptions/{made['id']}/attempts", MILL))["items"]
        assert [each["status"] for each in attempts] == [204, 204, 302, 500]
        assert len(attempts[-1]["response"]) == 1024


async def test_retry_after_is_honoured(kafka: KafkaSettings, postgres: str) -> None:
    async with (
        bench(kafka, postgres) as b,
        b.notifier() as address,
        receiving(statuses(429, retry_after="1")) as receiver,
    ):
        await _subscribe(b, address, receiver)
        await b.tell(docking())
        await receiver.wait(1)
        first = time.monotonic()
        await receiver.wait(2)
        assert time.monotonic() - first > 0.9


async def test_after_the_schedule_an_event_is_parked_with_what_follows_of_its_subject(
    kafka: KafkaSettings, postgres: str
) -> None:
    async def answer(number: int) -> web.Response:
        return web.Response(status=500 if refusing and receiver.got[-1]["subject"] == "d-1" else 204)

    refusing = True
    async with bench(kafka, postgres) as b, b.notifier() as address, receiving(answer) as receiver:
        made = await _subscribe(b, address, receiver)
        where = f"{address}/v1/subscriptions/{made['id']}"
        await b.tell(docking("d-1"), docking("d-2"), docking("d-1", "confirmed", 2), docking("d-3"))
        await receiver.wait(6)
        assert receiver.steps() == ["d-1/1"] * 4 + ["d-2/1", "d-3/1"]
        await eventually(lambda: _settled(b, address, made["id"], 4))
        parked = (await b.get(f"{where}/parked", MILL))["items"]
        assert [(each["subject"], each["number"]) for each in parked] == [("d-1", 1), ("d-1", 3)]
        assert parked[0]["why"] == "HTTP 500: not a success"

        refusing = False
        assert await b.post(f"{where}/replay", MILL, {"numbers": [1]}) == (202, {"events": 2, "ranges": []})
        await receiver.wait(8)
        assert receiver.steps()[-2:] == ["d-1/1", "d-1/2"]
        await eventually(lambda: _parked(b, where, 0))


async def test_an_event_that_fails_again_stays_parked(kafka: KafkaSettings, postgres: str) -> None:
    async with (
        bench(kafka, postgres, webhook_retry_schedule="") as b,
        b.notifier() as address,
        receiving(statuses(500, 503)) as receiver,
    ):
        made = await _subscribe(b, address, receiver)
        where = f"{address}/v1/subscriptions/{made['id']}"
        await b.tell(docking())
        await eventually(lambda: _parked(b, where, 1))
        await b.post(f"{where}/replay", MILL)
        await receiver.wait(2)
        await eventually(lambda: _parked_because(b, where, "HTTP 503: not a success"))


async def test_410_disables_and_enable_goes_on_where_it_stopped(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address, receiving(statuses(410)) as receiver:
        made = await _subscribe(b, address, receiver)
        where = f"{address}/v1/subscriptions/{made['id']}"
        await b.tell(docking("d-1"), docking("d-2"))
        await eventually(lambda: _has_status(b, where, "disabled"))
        await asyncio.sleep(0.3)
        assert receiver.steps() == ["d-1/1"]
        assert await b.post(f"{where}/enable", MILL) == (200, {"skipped": 0})
        await receiver.wait(3)
        assert receiver.steps() == ["d-1/1", "d-1/1", "d-2/1"]


async def test_an_endpoint_that_takes_nothing_is_disabled(kafka: KafkaSettings, postgres: str) -> None:
    async with (
        bench(kafka, postgres, webhook_retry_schedule="10ms", webhook_circuit_h=1e-9) as b,
        b.notifier() as address,
        receiving(statuses(*[500] * 9)) as receiver,
    ):
        made = await _subscribe(b, address, receiver)
        where = f"{address}/v1/subscriptions/{made['id']}"
        await b.tell(docking("d-1"), docking("d-2"), docking("d-3"))
        await eventually(lambda: _has_status(b, where, "disabled"))
        assert "nothing but failures since" in (await b.get(where, MILL))["why"]
        async with b.stream(address, MILL, types="tenon.endpoint.disabled.v1", after="0") as stream:
            (told,) = await take(stream, 1)
        assert (told.data["subscription"], told.data["party"]) == (made["id"], "mill")
        assert told.data["cause"].startswith("nothing but failures since")


async def test_an_endpoint_that_hangs_slows_nobody(kafka: KafkaSettings, postgres: str) -> None:
    async def hang(number: int) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    async with (
        bench(kafka, postgres, webhook_timeout_ms=30_000) as b,
        b.notifier() as address,
        receiving(hang) as hanging,
        receiving() as quick,
    ):
        await _subscribe(b, address, hanging)
        await _subscribe(b, address, quick, key=CLINIC)
        await b.tell(*[docking(f"d-{number}") for number in range(50)])
        await quick.wait(50, 10)
        assert len(hanging.got) == 1


async def test_an_endpoint_that_is_slow_and_never_done_gives_up_its_place_in_time(
    kafka: KafkaSettings, postgres: str
) -> None:
    async def slowly(number: int) -> web.Response:
        await asyncio.sleep(0.2)
        return web.Response(status=204)

    async with (
        bench(kafka, postgres, webhook_concurrency=1, webhook_turn_ms=0) as b,
        b.notifier() as address,
        receiving(slowly) as slow,
        receiving() as quick,
    ):
        await _subscribe(b, address, slow)
        await _subscribe(b, address, quick, key=CLINIC)
        await b.tell(*[docking(f"d-{number}") for number in range(60)])
        await quick.wait(3)
        assert len(slow.got) < 60


async def test_a_success_whose_body_never_ends_is_a_success(kafka: KafkaSettings, postgres: str) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server, bench(kafka, postgres) as b, b.notifier() as address:
        made = await _subscribe(b, address, Receiver(url=url))
        await b.tell(docking())
        await eventually(lambda: _settled(b, address, made["id"], 1))
        where = f"{address}/v1/subscriptions/{made['id']}"
        (attempt,) = (await b.get(f"{where}/attempts", MILL))["items"]
        assert (attempt["status"], attempt["response"]) == (200, "ok")


async def test_another_replica_takes_over_an_endpoint(kafka: KafkaSettings, postgres: str) -> None:
    async def slow(number: int) -> web.Response:
        await asyncio.sleep(0.02)
        return web.Response()

    async with bench(kafka, postgres) as b, receiving(slow) as receiver:
        async with b.notifier() as second:
            async with b.notifier() as first:
                await _subscribe(b, first, receiver)
                telling = asyncio.create_task(b.tell(*[docking(f"d-{number}") for number in range(150)]))
                await receiver.wait(30)
            await telling
            made = (await b.get(f"{second}/v1/subscriptions", MILL))["items"][0]
            await eventually(lambda: _settled(b, second, made["id"], 150))
        assert list(dict.fromkeys(receiver.steps())) == [f"d-{number}/1" for number in range(150)]


async def test_a_replica_that_is_killed_while_it_calls_loses_nothing_and_changes_no_order(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with bench(kafka, postgres, webhook_batch=5) as b, receiving() as receiver:
        async with b.notifier() as address:
            made = await _subscribe(b, address, receiver, types=["tenon.docking.confirmed.v1"])
            await b.tell(docking("d-0"))
            await eventually(lambda: _wall_reaches(b, address, 1))
        confirmed = [docking(f"d-{number}", "confirmed", 2) for number in range(30)]
        await b.tell(*confirmed)
        async with b.process("notifier.before_mark=exit@3") as dying:
            assert await asyncio.wait_for(dying.wait(), 60) == 137
        assert 10 <= len(receiver.got) < 30
        async with b.notifier() as address:
            await eventually(lambda: _settled(b, address, made["id"], 31))
        assert list(dict.fromkeys(receiver.steps())) == [f"{each.docking}/2" for each in confirmed]
        assert len(receiver.got) == 35


async def test_what_was_delivered_but_not_noted_is_delivered_again(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address, receiving() as receiver:
        made = await _subscribe(b, address, receiver)
        install("notifier.before_mark=error@1")
        try:
            await b.tell(docking("d-1"))
            await receiver.wait(2)
        finally:
            install("")
        await b.tell(docking("d-2"))
        await eventually(lambda: _settled(b, address, made["id"], 2))
        assert receiver.steps() == ["d-1/1", "d-1/1", "d-2/1"]


async def test_only_wanted_types_are_sent(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address, receiving() as receiver:
        made = await _subscribe(b, address, receiver, CLINIC, types=["tenon.docking.confirmed.v1"])
        await b.tell(demand_position(), docking(), docking(status="confirmed", revision=2), demand_position())
        await receiver.wait(1)
        await eventually(lambda: _settled(b, address, made["id"], 4, CLINIC))
        assert receiver.steps() == ["d-1/2"]


async def test_private_addresses_are_never_called(kafka: KafkaSettings, postgres: str) -> None:
    async with (
        bench(kafka, postgres, webhook_allow_private=False, webhook_retry_schedule="") as b,
        b.notifier() as address,
        receiving() as receiver,
    ):
        await eventually(lambda: _signs_in(b, address, MILL))
        for url in (receiver.url, "https://127.0.0.1/x", "https://[::1]/x", "ftp://a.example/", "https://"):
            status, problem = await b.post(f"{address}/v1/subscriptions", MILL, {"url": url})
            assert (status, problem["errors"][0]["pointer"]) == (422, "/url")
        for host, why in (
            ("localhost", "this name has an address that is not public"),
            ("nobody.invalid", "the name 'nobody.invalid' has no address"),
        ):
            url = f"https://{host}:{receiver.url.split(':')[2]}"
            status, problem = await b.post(f"{address}/v1/subscriptions", MILL, {"url": url})
            assert (status, problem["errors"][0]["reason"]) == (422, why)
        async with Database.connect(postgres, schema="notifier") as database:
            made = await Endpoints(database, most=9).create(NewEndpoint(audience="mill", url=receiver.url))
            await database.execute("UPDATE endpoints SET status = 'active'")
        await b.tell(docking())
        where = f"{address}/v1/subscriptions/{made}"
        await eventually(lambda: _parked(b, where, 1))
        parked = (await b.get(f"{where}/parked", MILL))["items"]
        assert parked[0]["why"].endswith("this is not a public address")
        assert (receiver.got, receiver.pings) == ([], [])


async def test_an_endpoint_begins_where_its_party_says_and_never_ahead_of_the_feed(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address, receiving() as receiver:
        await b.tell(*[docking(f"d-{number}") for number in range(3)])
        await eventually(lambda: _wall_reaches(b, address, 3))
        status, problem = await b.post(f"{address}/v1/subscriptions", MILL, {"url": receiver.url, "after": 4})
        assert (status, problem["errors"][0]["pointer"]) == (400, "/after")
        await _subscribe(b, address, receiver, after=1)
        await receiver.wait(2)
        assert receiver.steps() == ["d-1/1", "d-2/1"]


async def test_subscriptions_belong_to_their_party(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres, subscriptions_per_party=1) as b, b.notifier() as address:
        async with receiving() as receiver:
            made = await _subscribe(b, address, receiver)
        where = f"{address}/v1/subscriptions/{made['id']}"
        assert await b.status(where, CLINIC) == 404
        assert await b.status(where, CLINIC, "DELETE") == 404
        assert (await b.get(f"{address}/v1/subscriptions", CLINIC))["items"] == []
        assert (await b.post(f"{address}/v1/subscriptions", MILL, {"url": receiver.url}))[0] == 429
        assert await b.status(where, ADMIN_KEY, party="mill") == 200
        assert await b.status(where, MILL, "DELETE") == 204
        assert await b.status(where, MILL) == 404


async def _subscribe(
    b: Bench, address: str, receiver: Receiver, key: str = MILL, **wanted: Any
) -> dict[str, Any]:
    return await b.subscribe(address, key, url=receiver.url, **wanted)


async def _signs_in(b: Bench, address: str, key: str) -> bool:
    return await b.status(f"{address}/v1/subscriptions", key) == 200


async def _wall_reaches(b: Bench, address: str, number: int) -> bool:
    return bool((await b.get(f"{address}/v1/totals"))["last"] == number)


async def _settled(b: Bench, address: str, name: str, number: int, key: str = MILL) -> bool:
    shown = await b.get(f"{address}/v1/subscriptions/{name}", key)
    return bool(shown["cursor"] >= number)


async def _parked(b: Bench, where: str, number: int) -> bool:
    return len((await b.get(f"{where}/parked", MILL))["items"]) == number


async def _parked_because(b: Bench, where: str, why: str) -> bool:
    return [each["why"] for each in (await b.get(f"{where}/parked", MILL))["items"]] == [why]


async def _has_status(b: Bench, where: str, status: str) -> bool:
    return bool((await b.get(where, MILL))["status"] == status)
