"""Agents are followed, and capacity told, on the real Kafka and PostgreSQL with an agent of the test."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from tenon.failpoints import EXIT_CODE
from tenon.kafka import KafkaSettings
from tests.integration.ingest.running import PATIENT, Answer, Ingest, party, prepare, ready, site, written
from tests.integration.ingest.test_crash import process
from tests.support.mtconnect import (
    Agent,
    condition,
    document,
    execution,
    machine,
    parts,
    running_agent,
)

LONG = {"from": "2030-01-07", "until": "2039-01-07", "windows_per": "week"}
"""3,287 shifts."""
PRIVATE = {**PATIENT, "mtconnect_allow_private": True}


async def acme(ingest: Ingest) -> Ingest:
    await ingest.accept(party("acme"), site("acme"))
    return await ingest.new_key("acme")


async def put(ingest: Ingest, name: str = "lathe-1", **said: Any) -> Answer:
    return await ingest.call("PUT", f"/v1/parties/acme/mtconnect/{name}", json=machine(**said))


async def seen(
    ingest: Ingest, holds: Callable[[dict[str, Any]], bool], name: str = "lathe-1"
) -> dict[str, Any]:
    """Return what is shown of a machine once it is so."""
    for _ in range(1_500):
        answer = await ingest.call("GET", "/v1/parties/acme/mtconnect")
        (found,) = [each for each in answer.body["machines"] if each["machine"] == name]
        if holds(found):
            return dict(found)
        await asyncio.sleep(0.02)
    raise AssertionError(f"it did not become so: {found}")


async def told(kafka: KafkaSettings, ingest: Ingest) -> list[Any]:
    await ingest.outbox_empty()
    return [(event, json.loads(event.data)) for _, event in await written(kafka)]


def quantities(shown: dict[str, Any]) -> list[int]:
    return [window["quantity"] for window in shown["windows"]]


async def test_a_machine_is_followed_through_a_fault_and_a_restart(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres, **PRIVATE) as ingest, running_agent() as agent:
        own = await acme(ingest)
        answer = await put(own, agent=agent.url, repair_s=2 * 86_400)
        assert answer.status == 200, answer.body
        first = await seen(own, lambda shown: shown["revision"] is not None)
        assert quantities(first)[1:] == [86_400] * 4
        assert first["execution"] == "READY"

        agent.say(execution, "ACTIVE")
        agent.say(parts, "5")
        agent.say(parts, "8")
        working = await seen(own, lambda shown: shown["execution"] == "ACTIVE" and shown["counted"])
        assert working["counted"][0]["parts"] == {"all": 3}
        assert working["revision"] == first["revision"], "nothing has changed that is worth telling"

        agent.say(execution, "STOPPED")
        agent.say(condition, "Fault", "E7")
        down = await seen(own, lambda shown: quantities(shown)[:2] == [0, 0])
        assert [fault["code"] for fault in down["faults"]] == ["E7"]
        agent.say(condition, "Normal")
        up = await seen(own, lambda shown: quantities(shown)[1] == 86_400)
        assert up["faults"] == []
        assert up["revision"] > down["revision"] > first["revision"]

        agent.instance += 1
        again = await seen(own, lambda shown: shown["lost"] == 1)
        assert (again["execution"], again["problem"]) == ("STOPPED", None)

        assert (await own.call("DELETE", "/v1/parties/acme/mtconnect/lathe-1")).status == 204
        assert (await own.call("DELETE", "/v1/parties/acme/mtconnect/lathe-1")).status == 404
        events = await told(kafka, ingest)
    assert [event.type for event, _ in events[-1:]] == ["tenon.resource.withdrawn.v1"]
    published = [data for event, data in events if event.type == "tenon.resource.published.v1"]
    assert [data["unit"] for data in published] == ["SEC"] * len(published)
    revisions = [data["revision"] for _, data in events]
    assert revisions == sorted(set(revisions))
    assert {first["revision"], down["revision"], up["revision"]} <= set(revisions)


async def test_what_an_agent_says_wrong_is_shown_and_followed_on_when_it_is_right(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres, **PRIVATE) as ingest, running_agent() as agent:
        own = await acme(ingest)
        agent.answer = document(hours=0, next_=1, device="mill-9")
        assert (await put(own, agent=agent.url)).status == 200
        wrong = await seen(own, lambda shown: shown["problem"] is not None)
        assert "mill-9" in wrong["problem"]
        assert wrong["revision"] is None
        agent.answer = None
        right = await seen(own, lambda shown: shown["problem"] is None and shown["revision"] is not None)
        assert right["execution"] == "READY"


async def test_an_agent_that_hangs_holds_up_no_other(kafka: KafkaSettings, postgres: str) -> None:
    patient = {**PRIVATE, "mtconnect_timeout_ms": 60_000}
    async with ready(kafka, postgres, **patient) as ingest, running_agent() as slow, running_agent() as good:
        slow.hanging = asyncio.Event()
        own = await acme(ingest)
        assert (await put(own, "lathe-1", agent=slow.url)).status == 200
        await slow.was_asked.wait()
        assert (await put(own, "lathe-2", agent=good.url, resource="r2")).status == 200
        await seen(own, lambda shown: shown["revision"] is not None, "lathe-2")
        assert (await seen(own, lambda _: True))["seen_at"] is None


async def test_a_machine_is_registered_with_what_can_be_told_alone(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with ready(kafka, postgres, **PATIENT) as ingest:
        own = await acme(ingest)
        public = "https://agent.example"
        calendar = machine(public)["calendar"]
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"agent": "http://agent.example"}, "/agent"),
            ({"agent": "https://10.0.0.8"}, "/agent"),
            ({"agent": f"{public}?x=1"}, "/agent"),
            ({"device": "../admin"}, "/device"),
            ({"site": "nowhere"}, "/site"),
            ({"unit": "XXX"}, "/unit"),
            ({"calendar": {**calendar, "zone": "Mars/Base"}}, "/calendar/zone"),
            ({"change_at_least": 2}, "/change_at_least"),
            ({"calendar": {**calendar, **LONG}}, "/calendar"),
        ]
        for said, pointer in wrong:
            answer = await put(own, **{"agent": public, **said})
            assert (answer.status, answer.pointers) == (422, [pointer]), answer.body
        assert (await put(own, agent=public)).status == 200
        assert (await put(own, "lathe-2", agent=public)).status == 409
        assert (await put(own, agent=public, resource="other")).status == 409
        assert (await put(own, agent=public, poll_s=7)).status == 200
        assert (await put(own, agent="https://localhost:1")).status == 200
        refused = await seen(own, lambda shown: "not public" in (shown["problem"] or ""))
        assert refused["registered"]["agent"] == "https://localhost:1"


async def begins(ingest: Ingest, agent: Agent) -> None:
    own = await acme(ingest)
    assert (await put(own, agent=agent.url)).status == 200


@pytest.mark.parametrize(
    "point", ["mtconnect.before_commit", "mtconnect.after_commit", "mtconnect.before_mark"]
)
async def test_a_machine_is_followed_on_where_a_process_died(
    kafka: KafkaSettings, postgres: str, point: str
) -> None:
    private = {"TENON_MTCONNECT_ALLOW_PRIVATE": "true"}
    await prepare(kafka, postgres)
    async with running_agent() as agent:
        async with process(kafka, postgres, f"{point}=exit", **private) as (ingest, running):
            agent.say(parts, "5")
            await begins(ingest, agent)
            assert await asyncio.wait_for(running.wait(), 30) == EXIT_CODE
        agent.say(parts, "9")
        async with process(kafka, postgres, **private) as (ingest, _):
            agent.say(execution, "ACTIVE")
            shown = await seen(ingest, lambda shown: shown["execution"] == "ACTIVE")
            events = await told(kafka, ingest)
    assert [event.type for event, _ in events] == ["tenon.resource.published.v1"]
    assert events[0][1]["revision"] == shown["revision"]
    made = sum(window["parts"].get("all", 0) for window in shown["counted"])
    assert made == (4 if point == "mtconnect.after_commit" else 0), "counted once, from what was stored"
