"""`tenon up` and all that a user does with a running stack: one stack for this module, in the order of a day.

What is deterministic: what is told and what is kept. What is not: ports, process ids, offsets.
"""

import asyncio
import base64
import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Any, TypeVar

import pytest

from tenon.client import TenonClient
from tenon.contracts.codec import decode_tolerant, encode
from tenon.contracts.rejections import EventRejected, Origin
from tenon.contracts.topics import MARKET, REJECTED
from tenon.kafka import KafkaSettings, OutRecord, Record, read
from tests.support.commands import Home, home
from tests.support.streams import producing

R = TypeVar("R")
pytestmark = pytest.mark.timeout(300)

ITEM = {"class": {"scheme": "own", "code": "mask"}, "unit": "C62"}
WINDOW = {"id": "w", "from": "2026-01-01T00:00:00Z", "until": "2040-01-01T00:00:00Z"}


@pytest.fixture(scope="module")
def here() -> Iterator[Home]:
    """A stack with two matchers, started as users do."""
    with home() as made:
        status, told = made.tenon("up", "--replicas", "matcher=2")
        assert status == 0, told
        yield made


def event(number: int, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "/test",
        "type": f"tenon.{kind}.v1",
        "data": data,
    }


def story() -> list[dict[str, Any]]:
    """Two parties that confirm at once, an offer of 70 and a demand for 100."""
    yes = {"supply_confirmation": "automatic", "demand_confirmation": "automatic"}
    place = {"position": {"latitude": 48.1, "longitude": 11.6}, "region": "DE-BY"}
    who = [{"party": name, "revision": 1, "name": name, **yes} for name in ("acme", "clinic")]
    where = [{"party": name, "site": "main", "revision": 1, **place} for name in ("acme", "clinic")]
    both = {"revision": 1, "site": "main", "item": ITEM}
    return [
        *(event(n, "party.registered", data) for n, data in enumerate(who, 1)),
        *(event(n, "site.published", data) for n, data in enumerate(where, 3)),
        event(
            5,
            "offer.published",
            {"party": "acme", "offer": "o1", **both, "windows": [{**WINDOW, "quantity": 70}]},
        ),
        event(
            6,
            "demand.published",
            {"party": "clinic", "demand": "d1", **both, "windows": [{**WINDOW, "quantity": 100}]},
        ),
    ]


def until(find: Callable[[], R | None], what: str, seconds: float = 60) -> R:
    ends = monotonic() + seconds
    while monotonic() < ends:
        if (found := find()) is not None:
            return found
        sleep(0.2)
    raise AssertionError(f"not within {seconds:g} s: {what}")


async def _dockings(home: Home) -> list[dict[str, Any]]:
    state = home.state()
    (ingest,), (notifier,) = state.urls["ingest"], state.urls["notifier"]
    async with TenonClient(ingest, notifier, state.admin_key) as client:
        return [docking async for docking in client.dockings()]


def docked(home: Home) -> list[tuple[str, int]]:
    return [(each["status"], each["quantity"]) for each in asyncio.run(_dockings(home))]


def letters(home: Home) -> list[dict[str, Any]]:
    """The dead letters there are, by their names."""

    async def work() -> list[Record]:
        return [record async for record in read(kafka(home), REJECTED.name)]

    found = []
    for record in asyncio.run(work()):
        said = decode_tolerant(EventRejected, record.value or b"")
        found.append({"name": f"{record.partition}:{record.offset}", "said": said})
    return found


def kafka(home: Home) -> KafkaSettings:
    return home.state().kafka()


def append(home: Home, record: OutRecord) -> None:
    async def work() -> None:
        async with producing(kafka(home)) as producer:
            (receipt,) = await producer.send_and_wait([record], deadline_ms=10_000)
            assert receipt.state == "written", receipt

    asyncio.run(work())


def log(home: Home) -> list[Record]:
    async def work() -> list[Record]:
        return [record async for record in read(kafka(home), MARKET.name)]

    return asyncio.run(work())


def test_status_shows_every_process_ready(here: Home) -> None:
    status, told = here.tenon("status")
    assert status == 0, told
    rows = [line for line in told.splitlines() if "ready" in line]
    names = [line.split("│")[1].strip() for line in rows]
    assert names == ["kafka-1", "postgres", "ingest-1", "matcher-1", "matcher-2", "notifier-1"]
    assert "not ready" not in told


def test_a_second_up_says_what_to_do(here: Home) -> None:
    told = f"Error: a stack runs on {here.data_dir} already: tenon status, or tenon down\n"
    assert here.tenon("up") == (1, told)


def test_what_is_published_is_docked_and_watched(here: Home) -> None:
    file = here.data_dir / "story.ndjson"
    file.write_text("\n".join(json.dumps(one) for one in story()))
    with here.running("watch", "--after", "0") as watching:
        assert here.tenon("publish", str(file)) == (0, "6 accepted, 0 refused\n")
        assert watching.stdout is not None
        told = next(line for line in watching.stdout if "will supply" in line)
        watching.send_signal(signal.SIGINT)
        assert "Traceback" not in watching.stdout.read()
    assert watching.returncode == 130
    assert told.rstrip().endswith("acme will supply clinic with 70 pieces of own:mask, 0 km away")
    assert docked(here) == [("confirmed", 70)]


def test_a_file_that_was_published_changes_nothing_and_a_bad_one_is_told_by_its_lines(here: Home) -> None:
    assert here.tenon("publish", "-", told=json.dumps(story(), indent=2)) == (0, "6 accepted, 0 refused\n")
    assert docked(here) == [("confirmed", 70)]
    bad = event(
        9, "offer.published", {**story()[4]["data"], "offer": "o9", "windows": [{**WINDOW, "quantity": -1}]}
    )
    status, told = here.tenon("publish", "-", told=json.dumps(story()[0]) + "\n{oops\n" + json.dumps(bad))
    assert status == 1
    second, third, summary = told.splitlines()
    assert second.startswith("<stdin>:2: JSON is malformed")
    assert third.startswith("<stdin>:3: e9: ")
    assert "/data/windows/0/quantity" in third
    assert summary == "1 accepted, 2 refused"


def test_a_broken_record_is_a_dead_letter_that_can_be_shown_and_replayed(here: Home) -> None:
    append(here, OutRecord(MARKET.name, b"own:mask", b"{oops", (("ce_id", b"broken"),), 0))
    (first,) = until(lambda: letters(here) or None, "the matcher tells what it can not use")
    status, told = here.tenon("deadletters", "list")
    assert status == 0, told
    assert first["name"] in told
    assert first["said"].code in told
    status, told = here.tenon("deadletters", "show", first["name"])
    assert status == 0, told
    assert f'"offset": {first["said"].origin.offset}' in told
    assert "oops" in told
    status, told = here.tenon("deadletters", "replay", first["name"])
    assert (status, told) == (0, f"{first['name']} appended to {MARKET.name}/0\n")
    _, again = until(lambda: found if len(found := letters(here)) == 2 else None, "it is as broken as before")
    assert again["said"].headers["ce_replays"] == f"{MARKET.name}/0/{first['said'].origin.offset}"
    assert again["said"].origin.offset > first["said"].origin.offset


def test_a_replayed_letter_is_used_when_its_cause_is_gone(here: Home) -> None:
    """A matcher of yesterday could not use an offer; today's can."""
    offer = next(record for record in log(here) if b'"o1"' in (record.value or b""))
    assert offer.key is not None
    assert offer.value is not None
    headers = {name: value.decode().replace("o1", "o2") for name, value in offer.headers} | {"ce_id": "later"}
    said = EventRejected(
        service="matcher",
        code="invalid_data",
        detail="as a matcher of yesterday would say",
        origin=Origin(
            topic=MARKET.name, partition=offer.partition, offset=offer.offset, key=offer.key.decode()
        ),
        at=datetime.now(UTC),
        headers=headers,
        data_base64=base64.b64encode(offer.value.replace(b'"o1"', b'"o2"')).decode(),
    )
    append(here, OutRecord(REJECTED.name, MARKET.name.encode(), encode(said), (), 0))
    assert here.tenon("deadletters", "replay", "--code", "invalid_data")[0] == 0
    # The demand has 30 open: the offer that was not seen before takes them.
    until(lambda: True if ("confirmed", 30) in docked(here) else None, "the offer is docked")


def test_logs_show_the_end_of_one_or_of_all(here: Home) -> None:
    status, told = here.tenon("logs", "matcher-2")
    assert status == 0
    assert '"started"' in told
    status, told = here.tenon("logs")
    assert status == 0
    assert all(
        f"/{name}.log" in told for name in ("kafka", "postgres", "ingest-1", "notifier-1", "supervisor")
    )
    status, told = here.tenon("logs", "baker")
    assert status == 1
    assert told.startswith("Error: there is no log of baker; there are kafka-1, postgres, ")


def test_a_stack_that_was_killed_starts_again_with_its_data(here: Home) -> None:
    before, kept = here.state(), asyncio.run(_dockings(here))
    assert kept
    for pid in (before.supervisor_pid, *(entry.pid for entry in before.processes)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    until(lambda: None if before.supervisor.is_alive() else True, "the holder is gone")
    status, told = here.tenon("status")
    assert status == 1
    assert told.splitlines()[-1] == "Error: the stack was killed: tenon up starts it again with its data"
    status, told = here.tenon("up")
    assert status == 0, told
    assert here.state().admin_key == before.admin_key
    assert asyncio.run(_dockings(here)) == kept
    assert here.tenon("status")[0] == 0


def test_down_leaves_nothing_running_or_listening(here: Home) -> None:
    before = here.state()
    assert here.tenon("down") == (0, "stopped\n")
    assert [entry.name for entry in before.processes if entry.identity.is_alive()] == []
    for entry in before.processes:
        with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
            probe.connect(("127.0.0.1", entry.port))
    nothing = f"Error: no stack runs on {here.data_dir}: tenon up\n"
    assert here.tenon("down") == (1, nothing)
    assert here.tenon("status") == (1, nothing)
    assert here.tenon("logs", "ingest")[0] == 0, "logs stay"
