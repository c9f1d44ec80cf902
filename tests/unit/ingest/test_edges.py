"""Limits, memory, request forms, answers and the description: what stands between HTTP and the gate."""

import json
from typing import Any

import pytest

from ingest import answers, reading
from ingest.cache import Remembered
from ingest.domain.admit import Sender
from ingest.domain.faults import Fault, Refused, invalid, unavailable
from ingest.handler import Item
from ingest.limits import Budget, OverBudget
from tenon.contracts.cloudevents import BATCH, JSON, STRUCTURED, CloudEvent, to_batch

pytestmark = pytest.mark.unit
EVENT = CloudEvent("e1", "/s", "tenon.offer.withdrawn.v1", b"{}")
BAD = invalid([Fault("/data/x", "wrong", "right")])


def test_a_budget_is_given_back_and_never_overdrawn() -> None:
    seen: list[int] = []
    budget = Budget(100, 0, seen.append)
    with budget.hold() as take, budget.hold() as take_too:
        take(60)
        with pytest.raises(OverBudget):
            take_too(41)
        take_too(40)
    assert budget.held == 0
    assert max(seen) == 100


def test_holders_of_nothing_are_bounded_too() -> None:
    budget = Budget(100, 40, lambda held: None)
    with budget.hold(), budget.hold(), pytest.raises(OverBudget), budget.hold():
        raise AssertionError("a third holder was let in")
    assert budget.held == 0


def test_what_is_remembered_ends_and_is_bounded() -> None:
    now = 0.0
    cache: Remembered[int, str] = Remembered(100, 10, lambda: now)
    for key in range(25):
        cache.put(key, "v")
    assert len(cache) <= 10
    assert cache.get(24) == "v"
    cache.forget([24])
    assert cache.get(24) is None
    now = 100.0
    assert cache.found(range(25)) == {}


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("application/cloudevents+json", STRUCTURED),
        ("Application/CloudEvents-Batch+JSON; charset=UTF-8", BATCH),
        ('application/json;charset="utf-8"', JSON),
    ],
)
def test_the_media_types_that_are_read(header: str, kind: str) -> None:
    assert reading.media_type({"content-type": header}) == kind


@pytest.mark.parametrize("header", ["", "text/plain", "application/xml", "application/json; charset=latin-1"])
def test_any_other_media_type_is_refused_with_those_that_are_read(header: str) -> None:
    with pytest.raises(Refused) as caught:
        reading.media_type({"content-type": header})
    assert caught.value.refusal.status == 415
    assert BATCH in caught.value.refusal.detail


def test_a_batch_is_read_event_by_event() -> None:
    body = b'[{"specversion":"1.0"},' + to_batch([EVENT])[1:]
    broken, good = reading.items_of(BATCH, {}, body)
    assert broken.refusal is not None
    assert broken.refusal.status == 400
    assert good.event == EVENT


def test_json_without_ce_headers_is_told_what_to_send() -> None:
    with pytest.raises(Refused) as caught:
        reading.items_of(JSON, {"content-type": JSON}, b"{}")
    assert STRUCTURED in caught.value.refusal.detail


def batch(*items: Item) -> tuple[int, Any]:
    response = answers.of_batch(items)
    return response.status_code, json.loads(bytes(response.body))


def test_the_status_of_a_batch_says_what_to_do_with_it() -> None:
    good, bad, late = Item(EVENT), Item(EVENT, BAD), Item(EVENT, unavailable("later"))
    assert batch()[0] == 202
    assert batch(good, bad)[0] == 202
    assert batch(bad, bad)[0] == 422
    status, body = batch(good, bad, late)
    assert (status, body["accepted"], body["rejected"]) == (503, 1, 1)
    assert [result["status"] for result in body["results"]] == ["accepted", "rejected", "unavailable"]


def test_a_refusal_is_a_problem_document() -> None:
    response = answers.of_event(Item(EVENT, BAD))
    assert response.media_type == "application/problem+json"
    assert json.loads(bytes(response.body)) == {
        "type": "/problems/invalid-event",
        "title": "The event is not valid",
        "status": 422,
        "detail": "/data/x: wrong; expected right",
        "errors": [{"pointer": "/data/x", "reason": "wrong", "expected": "right"}],
    }


def test_the_administrator_is_a_sender_without_a_party() -> None:
    assert Sender("k", None).is_administrator
    assert not Sender("k", "acme").is_administrator
