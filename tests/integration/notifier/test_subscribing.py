"""What a subscriber may choose and do: order, pace, signatures, secrets, a handshake, repetitions."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiohttp import web
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook, WebhookVerificationError

from notifier import vault
from notifier.delivery.endpoints import Endpoints, NewEndpoint
from tenon.db import Database
from tenon.errors import Misconfigured
from tenon.kafka import KafkaSettings
from tenon.migrations import migrate
from tests.integration.notifier.receiver import Receiver, receiving, serving, statuses
from tests.integration.notifier.support import CLINIC, MILL, Bench, bench, eventually
from tests.support.told import docking


async def test_a_secret_is_replaced_with_an_overlap(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as url, receiving() as receiver:
        made = await b.subscribe(url, url=receiver.url)
        where = f"{url}/v1/subscriptions/{made['id']}"
        _, new = await b.post(f"{where}/secret", MILL)
        await b.tell(docking("d-1"))
        await receiver.wait(1)
        for secret in (made["secret"], new["secret"]):
            Webhook(secret).verify(receiver.bodies[0], receiver.headers[0])
        async with Database.connect(postgres, schema="notifier") as database:
            stored = await database.fetchrow("SELECT secret, old_secret FROM endpoints")
            assert stored is not None
            assert not [each for each in stored if "whsec_" in each or made["secret"] in each]
            await database.execute("UPDATE endpoints SET old_until = now()")
        await b.tell(docking("d-2"))
        await receiver.wait(2)
        Webhook(new["secret"]).verify(receiver.bodies[1], receiver.headers[1])
        with pytest.raises(WebhookVerificationError):
            Webhook(made["secret"]).verify(receiver.bodies[1], receiver.headers[1])


async def test_who_signs_by_a_pair_of_keys_shows_the_public_one_alone(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as url, receiving() as receiver:
        made = await b.subscribe(url, url=receiver.url, signature="v1a")
        assert "secret" not in made
        await b.tell(docking())
        await receiver.wait(1)
        sent = receiver.headers[0]
        signed = f"{sent['webhook-id']}.{sent['webhook-timestamp']}.".encode() + receiver.bodies[0]
        key = Ed25519PublicKey.from_public_bytes(b64decode(made["public_key"].removeprefix("whpk_")))
        key.verify(b64decode(sent["webhook-signature"].removeprefix("v1a,")), signed)


async def test_a_secret_outlives_its_key_when_another_is_put_before_it(postgres: str) -> None:
    first, second = (Fernet.generate_key().decode() for _ in range(2))
    await migrate(postgres, package="notifier")
    async with Database.connect(postgres, schema="notifier") as database:
        own = await vault.opened(database, [])
        endpoints = Endpoints(database, most=1)
        await endpoints.create(NewEndpoint(audience="mill", url="x", secret=own.seal("whsec_x")))
        for keys in ([first], [second, first], [second]):
            opened = await vault.opened(database, keys)
            stored = await database.fetchval("SELECT secret FROM endpoints")
            assert (opened.open(stored), opened.is_newest(stored)) == ("whsec_x", True)
        with pytest.raises(Misconfigured, match="TENON_SECRET_KEYS does not hold"):
            await vault.opened(database, [first])


async def test_in_strict_order_nothing_passes_an_event_that_is_not_taken(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with (
        bench(kafka, postgres) as b,
        b.notifier() as url,
        receiving(statuses(204, 500, 500, 500, 500)) as receiver,
    ):
        made = await b.subscribe(url, url=receiver.url, order="strict")
        where = f"{url}/v1/subscriptions/{made['id']}"
        await b.tell(docking("d-1"), docking("d-2"), docking("d-3"))
        await eventually(lambda: _has_status(b, where, "disabled"))
        assert receiver.steps() == ["d-1/1", *["d-2/1"] * 4]
        assert "the order is strict" in (await b.get(where, MILL))["why"]
        assert (await b.get(f"{where}/parked", MILL))["items"] == []
        assert await b.post(f"{where}/enable", MILL) == (200, {"skipped": 0})
        await receiver.wait(7)
        assert receiver.steps()[5:7] == ["d-2/1", "d-3/1"]


async def test_an_event_is_skipped_after_as_many_attempts_as_the_subscriber_says(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as url, receiving(statuses(500, 500)) as receiver:
        await b.subscribe(url, url=receiver.url, skip_after=2)
        await b.tell(docking("d-1"), docking("d-2"))
        await receiver.wait(3)
        assert receiver.steps() == ["d-1/1", "d-1/1", "d-2/1"]


async def test_what_was_told_is_sent_again_by_number_and_by_time_and_found_among_the_attempts(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as url, receiving(statuses(503)) as receiver:
        made = await b.subscribe(url, url=receiver.url)
        where = f"{url}/v1/subscriptions/{made['id']}"
        await b.tell(docking("d-1"), docking("d-2"))
        await receiver.wait(3)
        between = datetime.now(UTC).isoformat()
        await b.tell(docking("d-3"))
        await receiver.wait(4)
        await eventually(lambda: _settled(b, where, 3))
        for asked, ranges, steps in (
            ({"numbers": [2, 9]}, [[2, 2]], ["d-2/1"]),
            ({"since": between}, [[3, 3]], ["d-3/1"]),
            ({"from": 1, "until": 2}, [[1, 2]], ["d-1/1", "d-2/1"]),
        ):
            before = len(receiver.got)
            assert await b.post(f"{where}/replay", MILL, asked) == (202, {"events": 0, "ranges": ranges})
            await receiver.wait(before + len(steps))
            assert receiver.steps()[before:] == steps
        ids = {event["sequence"]: event["id"] for event in receiver.got}
        assert len({(event["sequence"], event["id"]) for event in receiver.got}) == len(ids) == 3
        assert (await b.post(f"{where}/replay", MILL, {"numbers": [1], "from": 1}))[0] == 422
        for wanted, number in (
            ({"taken": "false"}, 1),
            ({"status": "503"}, 1),
            ({"status": "204"}, 7),
            ({"number": "3"}, 2),
            ({"event": ids[f"{2:020d}"]}, 3),
            ({"type": "tenon.docking.confirmed.v1"}, 0),
            ({"since": between, "status": "204"}, 5),
            ({"until": between}, 3),
        ):
            found = (await b.get(f"{where}/attempts", MILL, **wanted))["items"]
            assert len(found) == number, wanted


async def test_who_asks_for_a_handshake_gets_nothing_before_it_is_allowed_and_no_faster(
    kafka: KafkaSettings, postgres: str
) -> None:
    allowed = {"webhook-allowed-origin": "somebody.example"}
    async with bench(kafka, postgres) as b, b.notifier() as url, shaking_hands(allowed) as receiver:
        _, made = await b.post(
            f"{url}/v1/subscriptions", MILL, {"url": receiver.url, "handshake": True, "per_second": 900}
        )
        where = f"{url}/v1/subscriptions/{made['id']}"
        _, trial = await b.post(f"{where}/ping", MILL)
        assert (trial["taken"], trial["subscription"]) == (False, "untested")
        assert "allows no events from tenon" in trial["detail"]
        assert (await b.post(f"{where}/enable", MILL))[0] == 409
        allowed.update({"webhook-allowed-origin": "tenon", "webhook-allowed-rate": "120"})
        _, trial = await b.post(f"{where}/ping", MILL)
        assert (trial["taken"], trial["subscription"]) == (True, "active")
        assert (await b.get(where, MILL))["per_second"] == 2


async def test_a_party_waits_for_one_trial_at_a_time_and_no_other_party_for_it(
    kafka: KafkaSettings, postgres: str
) -> None:
    released = asyncio.Event()

    async def hang(_: int) -> web.Response:
        await released.wait()
        return web.Response(status=204)

    async with bench(kafka, postgres) as b, b.notifier() as url, receiving(hang) as receiver:
        receiver.takes_pings = False
        made = [
            (await b.post(f"{url}/v1/subscriptions", key, {"url": receiver.url}))[1]["id"]
            for key in (MILL, CLINIC)
        ]
        first = asyncio.create_task(b.post(f"{url}/v1/subscriptions/{made[0]}/ping", MILL))
        await receiver.wait(1)
        assert (await b.post(f"{url}/v1/subscriptions/{made[0]}/ping", MILL))[0] == 429
        other = asyncio.create_task(b.post(f"{url}/v1/subscriptions/{made[1]}/ping", CLINIC))
        await receiver.wait(2)
        released.set()
        for status, trial in await asyncio.gather(first, other):
            assert (status, trial["taken"]) == (200, True)


async def test_of_fifty_endpoints_ten_hang_and_the_others_get_everything(
    kafka: KafkaSettings, postgres: str
) -> None:
    """How long the others wait is measured by `make bench`."""
    hanging: set[str] = {f"/hook/{number}" for number in range(0, 50, 5)}
    async with (
        bench(kafka, postgres, webhook_timeout_ms=20_000, subscriptions_per_party=50) as b,
        b.notifier() as url,
        paths(hanging) as (address, got),
    ):
        for number in range(50):
            await b.subscribe(url, url=f"{address}/{number}")
        await b.tell(*[docking(f"d-{number}") for number in range(20)])
        await eventually(lambda: _all_got(got, hanging, 20))
        assert {len(got[path]) for path in hanging} == {1}


@asynccontextmanager
async def paths(hanging: set[str]) -> AsyncIterator[tuple[str, dict[str, list[str]]]]:
    """Run one server for many endpoints, some of which take a trial and answer nothing else."""
    got: dict[str, list[str]] = {f"/hook/{number}": [] for number in range(50)}
    released = asyncio.Event()

    async def take(request: web.Request) -> web.Response:
        if b'"tenon.endpoint.pinged.v1"' not in await request.read():
            got[request.path].append(request.headers["webhook-id"])
            if request.path in hanging:
                await released.wait()
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/hook/{number}", take)
    async with serving(app) as address:
        try:
            yield f"{address}/hook", got
        finally:
            released.set()


async def _all_got(got: dict[str, list[str]], hanging: set[str], number: int) -> bool:
    return all(len(ids) == number for path, ids in got.items() if path not in hanging)


@asynccontextmanager
async def shaking_hands(allowed: dict[str, str]) -> AsyncIterator[Receiver]:
    """Run a receiver that answers a handshake with these headers."""
    receiver = Receiver()

    async def options(request: web.Request) -> web.Response:
        assert request.headers["webhook-request-origin"] == "tenon"
        return web.Response(status=200, headers=allowed)

    app = web.Application()
    app.router.add_post("/hook", receiver.handle)
    app.router.add_options("/hook", options)
    async with serving(app) as address:
        receiver.url = f"{address}/hook"
        yield receiver


async def _has_status(b: Bench, where: str, status: str) -> bool:
    return bool((await b.get(where, MILL))["status"] == status)


async def _settled(b: Bench, where: str, number: int) -> bool:
    return bool((await b.get(where, MILL))["cursor"] >= number)
