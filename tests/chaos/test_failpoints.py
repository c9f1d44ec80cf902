"""Death at every failpoint of every service and of every relay, under load.

What is deterministic: where the process dies. What is not: which event it had in hand there.
"""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

from tenon.contracts.topics import REJECTED
from tenon.failpoints import POINTS
from tenon.kafka import Producer
from tenon.records import OutRecord
from tests.chaos.judge import Under
from tests.chaos.line import Line
from tests.chaos.points import BESIDE, LOOP, OWN, PLACES, RELAY, RELAYS, Place

ROOT = Path(__file__).resolve().parents[2]
IN_SHORT = ("matcher.after_commit",)
_AT_ONCE = ("during_assignment", "during_load")


def _source(folder: str) -> str:
    return "\n".join(file.read_text() for file in sorted((ROOT / folder).rglob("*.py")))


@pytest.mark.short
def test_every_failpoint_of_the_source_is_in_the_table() -> None:
    named = set(re.findall(r'failpoint\("(\w+\.\w+)"\)', _source("services") + _source("shared")))
    assert named == {f"{name}.{point}" for name, points in (OWN | BESIDE).items() for point in points}
    beside = _source("tests/integration/ingest")
    assert all(f"{name}.{point}" in beside for name, points in BESIDE.items() for point in points)
    for file, points in (("relay.py", RELAY), ("stream/loop.py", LOOP)):
        text = (ROOT / "shared/tenon" / file).read_text()
        assert set(re.findall(r'failpoint\(f"\{[^}]+\}\.(\w+)"\)', text)) == set(points)
    every = len(re.findall(r"await failpoint\(", _source("services") + _source("shared")))
    shared = len(LOOP) + len(RELAY)
    assert every == len(re.findall(r'await failpoint\("', _source("services"))) + shared
    assert {place.point for place in PLACES} == set(POINTS)


@pytest.mark.short
def test_every_relay_of_the_source_is_in_the_table() -> None:
    found = {
        service: set(
            re.findall(
                r'= Relay\(\s*"(\w+)"|Relay\[\w+\] = Relay\(\s*"(\w+)"', _source(f"services/{service}")
            )
        )
        for service in RELAYS
    }
    found["ingest"] = {names for names in found["ingest"] if not BESIDE.keys() & set(names)}
    assert {s: {a or b for a, b in names} for s, names in found.items()} == {
        service: set(relays) for service, relays in RELAYS.items()
    }


def _faults() -> list[object]:
    return [
        pytest.param(place, id=str(place), marks=[pytest.mark.short] if str(place) in IN_SHORT else [])
        for place in PLACES
    ]


@pytest.mark.parametrize("place", _faults())
async def test_death_at_a_failpoint_loses_and_doubles_nothing(
    under: Under, line: Line, chance: Random, place: Place
) -> None:
    name = f"{place.service}-{chance.choice((1, 2))}"
    passing = 1 if place.relay == "outbox" or place.point in _AT_ONCE else chance.randint(1, 5)
    # The notifier's two relays pass the same point: without webhooks it is the outbox.
    async with under(
        f"death of {name} at {place}, passing {passing}", hooks=place.relay != "outbox"
    ) as trial:
        await trial.flowing()
        await line.replica(name).stop()
        line.start(name, TENON_FAILPOINTS=f"{place.failpoint}=exit@{passing}")
        if place.relay == "outbox":
            await _hand_over(line, place.service, name)
        if place.relay == "outbox" and place.service == "notifier":
            await _rejected(line)
        await line.dies_at(name, str(place))
        line.start(name)


async def _hand_over(line: Line, service: str, name: str) -> None:
    """Let the other replica, which holds the outbox, give it to this one."""
    await line.replica(name).wait_ready()
    (other,) = (replica for replica in line.stack.services[service] if replica.process.name != name)
    await other.restart()


async def _rejected(line: Line) -> None:
    """Write what the notifier can't use: it says so by its outbox."""
    producer = Producer(line.kafka)
    await producer.start()
    receipts = await producer.send_and_wait(
        [OutRecord(REJECTED.name, b"chaos", b"{", [("ce_id", b"chaos")], 0)], deadline_ms=10_000
    )
    await producer.stop()
    assert [one.state for one in receipts] == ["written"]
