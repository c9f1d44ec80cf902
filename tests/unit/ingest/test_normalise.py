"""What the log holds is what was said: exactly, in base units, in UTC milliseconds."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.admit import admit
from ingest.domain.faults import Refusal, Refused
from ingest.domain.normalise import normalise
from tenon.contracts import intake
from tenon.contracts.cloudevents import CloudEvent
from tenon.contracts.codec import decode_strict, encode
from tenon.contracts.units import UNITS
from tests.unit.ingest.samples import ADMINISTRATOR, GOOD, changed, event

pytestmark = pytest.mark.unit
OFFER = "tenon.offer.published.v1"


def offer(changes: dict[str, object]) -> intake.OfferPublished:
    data = admit(event(OFFER, changed(OFFER, changes)), ADMINISTRATOR, "wall").data
    assert isinstance(data, intake.OfferPublished)
    return data


def refused(sent: CloudEvent) -> Refusal | None:
    try:
        admit(sent, ADMINISTRATOR, "log")
    except Refused as caught:
        return caught.refusal
    return None


def test_quantities_and_prices_move_into_the_base_unit_together() -> None:
    dozens = {
        "item/unit": "DZN",
        "windows/0/quantity": 3,
        "lot": 1,
        "minimum_order": "0.5",
        "price/amount": "6.00",
        "resource": {"id": "press", "load_factor": 3},
    }
    data = offer(dozens)
    assert data.item.unit == "C62"
    assert (data.windows[0].quantity, data.lot, data.minimum_order) == (Decimal(36), Decimal(12), Decimal(6))
    assert data.price is not None
    assert data.price.amount == "0.5"
    assert data.resource is not None
    assert data.resource.load_factor == Decimal("0.25")


def test_what_is_in_the_base_unit_already_stays_as_it_was_said() -> None:
    data = offer({"price/amount": "0.250", "windows/0/quantity": "1000"})
    assert data.price is not None
    assert (data.price.amount, data.windows[0].quantity) == ("0.250", Decimal(1000))


def test_an_exponent_does_not_reach_the_log() -> None:
    data = offer({"windows/0/quantity": "1E+3"})
    assert b'"quantity":1000' in encode(data)


def test_times_become_utc_and_are_cut_to_milliseconds() -> None:
    data = offer(
        {"windows/0/from": "2030-01-01T08:00:00.001999+08:00", "valid_until": "2031-01-01T00:00:00+01:00"}
    )
    assert b'"from":"2030-01-01T00:00:00.001000Z"' in encode(data)
    assert data.valid_until == datetime(2030, 12, 31, 23, tzinfo=UTC)
    assert data.valid_until.tzinfo is UTC


def test_codes_stay_as_sent() -> None:
    data = offer({"item/class": {"scheme": "hs", "code": "6307.90"}})
    assert data.item.class_.code == "6307.90"


def test_a_smaller_unit_multiplies_the_price() -> None:
    data = offer({"item/unit": "GRM", "windows/0/quantity": 1500, "price/amount": "0.002"})
    assert data.price is not None
    assert (data.item.unit, data.windows[0].quantity, data.price.amount) == ("KGM", Decimal("1.5"), "2")


def test_progress_is_counted_in_the_base_unit() -> None:
    kind = "tenon.docking.progressed.v1"
    data = admit(event(kind, changed(kind, {"unit": "GRO", "shipped": 2})), ADMINISTRATOR, "wall").data
    assert isinstance(data, intake.DockingProgressed)
    assert (data.unit, data.shipped) == ("C62", Decimal(288))


_amounts = st.decimals(min_value=0, max_value=10**9, places=6, allow_nan=False).map(lambda d: f"{d:f}")


@given(
    unit=st.sampled_from(sorted(UNITS)),
    quantity=st.decimals(min_value=0, max_value=10**9, places=4, allow_nan=False),
    amount=_amounts,
)
def test_normalising_is_exact_or_refused_and_does_nothing_twice(
    unit: str, quantity: Decimal, amount: str
) -> None:
    changes = {"item/unit": unit, "windows/0/quantity": str(quantity), "price/amount": amount}
    refusal = refused(event(OFFER, changed(OFFER, dict(changes))))
    if refusal is not None:
        told = {fault.pointer for fault in refusal.faults}
        assert told <= {"/data/windows/0/quantity", "/data/price/amount"}
        return
    data = offer(dict(changes))
    factor = UNITS[unit].factor
    assert data.price is not None
    assert Fraction(data.windows[0].quantity) == Fraction(quantity) * factor
    assert Fraction(data.price.amount) * factor == Fraction(amount)
    assert normalise(data) == (data, [])
    assert decode_strict(intake.OfferPublished, encode(data)) == data


_zones = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_times = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=_zones)  # noqa: DTZ001


@given(at=_times)
def test_any_time_is_exact_to_the_millisecond_or_out_of_range(at: datetime) -> None:
    tick, faults = normalise(intake.ClockTicked(now=at))
    if faults:
        assert not 2000 <= at.astimezone(UTC).year < 2200
    else:
        assert timedelta(0) <= at - tick.now < timedelta(milliseconds=1)
        assert tick.now.tzinfo is UTC


_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def _paths(value: object, way: str = "") -> list[str]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    steps = [(str(step), item) for step, item in inner if "/" not in str(step)]
    found = [f"{way}{step}" for step, _ in steps]
    return found + [path for step, item in steps for path in _paths(item, f"{way}{step}/")]


@given(choice=st.data())
def test_no_mutation_of_good_data_raises_anything_but_precise_faults(choice: st.DataObject) -> None:
    event_type = choice.draw(st.sampled_from(sorted(GOOD)))
    path = choice.draw(st.sampled_from(_paths(GOOD[event_type])))
    data = changed(event_type, {path: choice.draw(_json)})
    refusal = refused(event(event_type, data))
    if refusal is not None:
        assert refusal.status in (400, 422)
        assert all(fault.pointer.startswith("/data") for fault in refusal.faults)
        assert all(fault.reason and fault.expected for fault in refusal.faults)


@given(body=st.binary(max_size=200) | _json.map(msgspec.json.encode))
def test_no_bytes_raise_anything_but_a_refusal(body: bytes) -> None:
    with pytest.raises(Refused):
        admit(event(OFFER, body), ADMINISTRATOR, "wall")
