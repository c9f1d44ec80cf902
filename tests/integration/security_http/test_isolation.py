"""No address tells a party whether an id exists that is another's: it is 404 with the words of what is not.

Every described address is asked, so a new one can't be forgotten (`tests/contract/test_routes.py`); a new
kind of id has to be given here, or its test fails by its name.
"""

from __future__ import annotations

import asyncio
from functools import partial
from uuid import UUID

import aiohttp

from ingest.examples import EXAMPLES
from ingest.generated import document as ingest_document
from matcher.openapi import document as matcher_document
from notifier.generated import document as notifier_document
from tenon.contracts.families import INTAKE
from tenon.kafka import KafkaSettings
from tests.integration.ingest import running
from tests.integration.notifier.receiver import receiving
from tests.integration.notifier.support import CLINIC, MILL, Bench, bench, eventually
from tests.integration.security_http.strangers import Ids, Stranger, World
from tests.support.catenax import CUSTOMER, SUPPLIER
from tests.support.epcis import body, shipped
from tests.support.market import MARKET, demand
from tests.support.matching import append, log_record, matching, prepare, settings_of, until_decided
from tests.support.mtconnect import machine
from tests.support.routes import Operation, operations
from tests.support.told import demand_position, docking, offer_position, resource_position

INGEST = operations(ingest_document())
NOTIFIER = operations(notifier_document())
MATCHER = operations(matcher_document())
ADMIN_KEY = "administrator-of-tests"
_LAST = ("POST", "DELETE")


async def oracles(somebody: Stranger, world: World, asked: list[Operation]) -> list[str]:
    """Return each address that tells another's from nobody's, or does not say 404."""
    found = []
    for operation in asked:
        for theirs, nobodys in world.strange(operation):
            told = await somebody.asks(operation, theirs)
            own_name = operation.method == "PUT" and theirs["party"] == world.mine["party"]
            if (told.status != 404 and not own_name) or told != await somebody.asks(operation, nobodys):
                found.append(f"{operation} {dict(theirs)}: {told}")
    return found


async def open_doors(nobody: Stranger, world: World, asked: list[Operation]) -> list[str]:
    """Return each address that answers without a key by anything but 401, or not always alike."""
    found = []
    for operation in asked:
        mine, theirs, nobodys = [
            await nobody.asks(operation, {name: ids[name] for name in operation.ids})
            for ids in (world.mine, world.theirs, world.nowhere)
        ]
        if mine.status != 401 or not mine == theirs == nobodys:
            found.append(f"{operation}: {mine}")
    return found


async def owned(owner: Stranger, world: World, asked: list[Operation]) -> dict[str, int]:
    """Return the status of each address for one's own; PUT wants a body.

    What removes anything comes last, and of that the key which is shown.
    """

    def place(each: Operation) -> tuple[int, bool]:
        return _LAST.index(each.method) if each.method in _LAST else -1, "key" in each.ids

    inorder = sorted(asked, key=place)
    return {
        str(each): (await owner.asks(each, world.own(each))).status
        for each in inorder
        if each.method != "PUT"
    }


def with_ids(described: list[Operation]) -> list[Operation]:
    """Return the operations that take an id in their path."""
    return [each for each in described if each.ids]


async def test_no_address_of_ingest_tells_what_is_anothers(kafka: KafkaSettings, postgres: str) -> None:
    asked = with_ids(INGEST)
    async with running.ready(kafka, postgres, **running.PATIENT) as ingest:
        await ingest.accept(running.party("acme"), running.party("rival"))
        await ingest.accept(running.site("acme"), running.site("rival"))
        acme, rival = await ingest.new_key("acme"), await ingest.new_key("rival")
        for side, owner, bpnl, release, followed in (
            (acme, "acme", CUSTOMER, "seal-a", "lathe-a"),
            (rival, "rival", SUPPLIER, "seal-r", "lathe-r"),
        ):
            told = {"bpnl": bpnl}
            await ingest.call("PUT", f"/v1/parties/{owner}/business-partner", json=told)
            path = f"/v1/parties/{owner}/catena-x/releases/{release}"
            let = {"class": {"scheme": "hs", "code": "848420"}, "material": "SEAL"}
            assert (await side.call("PUT", path, json=let)).status == 200
            path = f"/v1/parties/{owner}/mtconnect/{followed}"
            assert (await side.call("PUT", path, json=machine("https://agent.example"))).status == 200
        mine, other = [await _import(each) for each in (acme, rival)]
        captured, elsewhere = [
            await _capture(each, owner) for each, owner in ((acme, "acme"), (rival, "rival"))
        ]
        world = World(
            mine={
                "party": "acme",
                "key": _id_of(acme.key),
                "release": "seal-a",
                "machine": "lathe-a",
                "job": mine,
                "capture": captured,
                "reference": "urn:po:acme",
            },
            theirs={
                "party": "rival",
                "key": _id_of(rival.key),
                "release": "seal-r",
                "machine": "lathe-r",
                "job": other,
                "capture": elsewhere,
                "reference": "urn:po:rival",
            },
            nowhere={
                "party": "nobdy",
                "key": "0" * 16,
                "release": "seal-n",
                "machine": "lathe-n",
                "job": str(UUID(int=0)),
                "capture": str(UUID(int=1)),
                "reference": "urn:po:nobdy",
            },
        )
        somebody = Stranger(ingest.session, ingest.url, acme.key)
        assert await oracles(somebody, world, asked) == []
        nobody, false = (Stranger(ingest.session, ingest.url, key) for key in (None, acme.key[:-1] + "x"))
        assert await open_doors(nobody, world, asked) == []
        assert await open_doors(false, world, asked) == []
        theirs = Stranger(ingest.session, ingest.url, rival.key)
        assert set((await owned(theirs, World(world.theirs, {}, {}), asked)).values()) <= {200, 201, 204}
        assert set((await owned(somebody, world, asked)).values()) <= {200, 201, 204}


async def test_no_statement_tells_whether_a_party_exists(kafka: KafkaSettings, postgres: str) -> None:
    async with running.ready(kafka, postgres, **running.PATIENT) as ingest:
        await ingest.accept(running.party("acme"), running.party("rival"), running.site("rival"))
        acme = await ingest.new_key("acme")
        for family in INTAKE:
            data = EXAMPLES[family.name]
            if "party" not in data:
                continue
            answers = []
            for party in ("rival", "nobdy"):
                answer = await acme.send(running.event(family.name, {**data, "party": party}))
                answers.append((answer.status, str(answer.body).replace(party, "{party}")))
            assert answers[0][0] == 403, family.name
            assert answers[0] == answers[1], family.name


async def test_no_address_of_the_notifier_tells_what_is_anothers(kafka: KafkaSettings, postgres: str) -> None:
    asked = with_ids(NOTIFIER)
    async with bench(kafka, postgres) as b, b.notifier() as address, receiving() as receiver:
        await told_of_both(b, address)
        mine, theirs = [(await b.subscribe(address, key, url=receiver.url))["id"] for key in (CLINIC, MILL)]
        world = World(
            mine=_ids("clinic", "1", docking="d-1", subscription=mine),
            theirs=_ids("mill", "9", docking="d-9", subscription=theirs),
            nowhere=_ids("nil0", "0", docking="d-0", subscription="sub_" + "0" * 32),
        )
        somebody = Stranger(b.session, address, CLINIC)
        assert await oracles(somebody, world, asked) == []
        nobody, false = (Stranger(b.session, address, key) for key in (None, CLINIC + "x"))
        assert await open_doors(nobody, world, asked) == []
        assert await open_doors(false, world, asked) == []
        mills = World(_ids("mill", "9", docking="d-8", subscription=theirs), {}, {})
        assert set((await owned(Stranger(b.session, address, MILL), mills, asked)).values()) <= {
            200,
            202,
            204,
        }
        assert set((await owned(somebody, world, asked)).values()) <= {200, 202, 204}


async def test_only_the_administrator_may_name_a_party_whether_it_exists_or_not(
    kafka: KafkaSettings, postgres: str
) -> None:
    asked = [each for each in NOTIFIER if "party" in each.queries]
    assert {each.path for each in asked} >= {"/v1/dockings", "/v1/stream", "/v1/subscriptions/{subscription}"}
    async with bench(kafka, postgres) as b, b.notifier() as address, receiving() as receiver:
        await told_of_both(b, address)
        made = await b.post(f"{address}/v1/subscriptions", MILL, {"url": receiver.url})
        somebody = Stranger(b.session, address, CLINIC)
        ids = {"subscription": made[1]["id"]}
        for operation in asked:
            told = [await somebody.asks(operation, _of(operation, ids), party=p) for p in ("mill", "nil0")]
            assert told[0].status == 403, operation
            assert told[0] == told[1], operation


async def test_the_matcher_answers_nobody_but_the_administrator(kafka: KafkaSettings, postgres: str) -> None:
    await prepare(kafka, postgres)
    await append(kafka, [log_record(demand("clinic"), 0)])
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with (
        matching(settings_of(kafka, postgres, admin_key=ADMIN_KEY), listening.set_result),
        aiohttp.ClientSession() as session,
    ):
        await until_decided(kafka, 1)
        (asked,) = MATCHER
        there = {"market": MARKET, "party": "clinic", "demand": "d"}
        for key, status in ((None, 401), (CLINIC, 403), (ADMIN_KEY, 200)):
            somebody = Stranger(session, await listening, key)
            told = await somebody.asks(asked, there)
            nowhere = await somebody.asks(asked, {**there, "party": "nobody"})
            assert told.status == status
            assert (told == nowhere) == (key != ADMIN_KEY)
        for nothing in ("%00", "a" * 257, "%C2%85", "d%0A"):
            for name in asked.ids:
                assert (await somebody.asks(asked, {**there, name: nothing})).status == 404, (name, nothing)


async def told_of_both(b: Bench, address: str) -> None:
    """Give each party an offer, a demand and a docking of its own."""
    await b.tell(
        offer_position("clinic", "offer-1"), demand_position("clinic", "demand-1"),
        offer_position("mill", "offer-9"), demand_position("mill", "demand-9"),
        resource_position("clinic", "resource-1"), resource_position("mill", "resource-9"),
        docking("d-1"), docking("d-8", supply="mill", demand="x"), docking("d-9", supply="x", demand="y"),
    )  # fmt: skip
    for path, key in (("demands/mill/demand-9", MILL), ("dockings/d-1", CLINIC), ("dockings/d-8", MILL)):
        await eventually(partial(_found, b, f"{address}/v1/{path}", key))


async def _found(b: Bench, url: str, key: str) -> bool:
    return await b.status(url, key) == 200


def _ids(party: str, number: str, **more: str) -> Ids:
    named = {kind: f"{kind}-{number}" for kind in ("offer", "demand", "resource")}
    return {"party": party, **named, **more}


def _of(operation: Operation, ids: Ids) -> Ids:
    return {name: ids[name] for name in operation.ids}


async def _capture(owner: running.Ingest, party: str) -> str:
    """Capture an event of an order that is said to be a docking, and return the job's id."""
    order = {"docking": "3-118-1", "class": {"scheme": "hs", "code": "848420"}, "unit": "C62"}
    path = f"/v1/parties/{party}/epcis/orders/urn:po:{party}"
    assert (await owner.call("PUT", path, json=order)).status == 200
    kind = {"content-type": "application/json"}
    answer = await owner.call("POST", "/v1/epcis/capture", data=body(shipped(1)), headers=kind)
    job: str = answer.body["captureID"]
    return job


async def _import(owner: running.Ingest) -> str:
    """Begin an import, and return its id."""
    query = {"kind": "sites", "format": "csv"}
    job: str = (await owner.call("POST", "/v1/imports", data=b"site,region\n", params=query)).body["job"]
    return job


def _id_of(key: str) -> str:
    return key.split("_")[1]
