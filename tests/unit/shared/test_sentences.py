"""What `tenon watch` tells of each event."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tenon.cli.sentences import sentence
from tenon.cli.watch import line_of
from tenon.client import FeedEntry
from tenon.contracts.cloudevents import CloudEvent, from_structured

EXAMPLES = Path(__file__).parents[3] / "contracts" / "examples"
DOCKING = {
    "quantity": 70,
    "unit": "C62",
    "class": {"scheme": "own", "code": "mask"},
    "supply": {"party": "acme", "region": "DE-BY"},
    "demand": {"party": "clinic"},
    "distance_m": 12_400,
    "shipped": 30,
    "delivered": 20,
    "failed": 10,
}


def event(name: str, data: dict[str, Any], subject: str | None = None) -> CloudEvent:
    return CloudEvent("e", "/m", f"tenon.{name}.v1", msgspec.json.encode(data), None, subject)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("proposed", "acme is proposed to supply clinic with 70 pieces of own:mask, 12 km away"),
        ("confirmed", "acme will supply clinic with 70 pieces of own:mask, 12 km away"),
        ("shipped", "acme has shipped 30 of 70 pieces of own:mask to clinic"),
        ("delivered", "acme has delivered 20 of 70 pieces of own:mask to clinic"),
        ("declined", "acme will not supply clinic with 70 pieces of own:mask: one of them declined"),
        ("lapsed", "acme will not supply clinic with 70 pieces of own:mask: nobody answered in time"),
        ("cancelled", "acme will not supply clinic with 70 pieces of own:mask: it was cancelled"),
        ("failed", "acme failed to supply clinic with 10 of 70 pieces of own:mask"),
    ],
)
def test_each_step_of_a_docking_is_a_sentence(status: str, told: str) -> None:
    assert sentence(event(f"docking.{status}", DOCKING)) == told


def test_who_may_not_see_the_sides_reads_a_sentence_too() -> None:
    seen = {"quantity": 5, "unit": "HUR", "class": {"scheme": "hs", "code": "6307"}}
    supply = {"supply": {"region": "US-NY"}}
    told = "a supplier in US-NY will supply a buyer with 5 HUR of hs:6307"
    assert sentence(event("docking.confirmed", {**seen, **supply})) == told


def test_positions_say_how_much_is_left() -> None:
    windows = [{"asked": 60, "open": 10}, {"asked": 40, "open": 20}]
    demand = {"party": "clinic", "demand": "d1", "status": "open", "windows": windows}
    assert sentence(event("demand.position", demand)) == "demand d1 of clinic is open, 30 of 100 open"


def test_an_event_without_a_sentence_is_told_by_type_and_subject() -> None:
    assert sentence(event("chain.changed", {}, "ppe/7")) == "chain.changed ppe/7"
    assert sentence(CloudEvent("e", "/m", "tenon.odd.v1", b"[]")) == "odd"


@pytest.mark.parametrize("name", ["docking", "demand.position", "offer.position", "alert", "answer", "event"])
def test_every_published_example_has_a_whole_sentence(name: str) -> None:
    files = [file for folder in EXAMPLES.glob(f"tenon.{name}*") for file in folder.glob("*.json")]
    assert files
    for file in files:
        if file.parent.name in ("tenon.docking.answered.v1", "tenon.docking.progressed.v1"):
            continue  # these go in, not out
        told = sentence(from_structured(file.read_bytes()))
        assert " " in told
        assert "None" not in told
        assert "?" not in told


def test_a_line_has_the_number_and_the_time_in_front() -> None:
    told = CloudEvent("e", "/m", "tenon.odd.v1", b"{}", "2026-01-01T10:20:30.5Z", "s")
    assert line_of(FeedEntry(7, told)).plain == "       7  2026-01-01 10:20:30  odd s"
