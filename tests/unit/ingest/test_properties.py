"""What holds for whatever is sent: the log takes what the gate lets through, a fault is where it was made."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.admit import Statement, admit
from ingest.domain.faults import Refused, step
from ingest.domain.normalise import normalise
from ingest.domain.records import listed, market_record
from ingest.domain.route import Place
from matcher.domain.reading import Entry, LogRecord, read
from tenon.contracts import intake
from tenon.contracts.codec import decode_strict, encode
from tenon.contracts.families import INTAKE_BY_TYPE
from tenon.contracts.log import PartyTerms, SiteState
from tenon.contracts.units import UNITS
from tenon.contracts.values import Position
from tests.unit.ingest.samples import ADMINISTRATOR, GOOD, changed, event

pytestmark = pytest.mark.unit
SITE = SiteState(
    party="acme", site="mill-1", revision=3, position=Position(latitude=1, longitude=2), region="CN"
)
TERMS = PartyTerms(party="acme", revision=1)
PLACE = Place("hs:63", 5)
OF_THE_LOG = sorted(GOOD.keys() - {"tenon.party.registered.v1", "tenon.site.published.v1"})

_texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
_times = st.sampled_from(
    ["2030-03-01T00:00:00Z", "2031-01-01T08:00:00.123456+08:00", "2199-12-31T23:59:59-11:00"]
)
_amounts = st.sampled_from([0, 1, 12, "144", "1E+3", "0.5", 1000.0, "99.999"])
_VARIED: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "tenon.offer.published.v1": {
        "item/unit": st.sampled_from(sorted(UNITS)),
        "item/attributes": st.dictionaries(_texts.filter(bool), _texts | st.floats(-1e9, 1e9), max_size=3),
        "windows/0/quantity": _amounts,
        "windows/0/until": _times,
        "lot": _amounts,
        "lead_time_s": st.integers(0, 10**6),
        "valid_until": _times,
        "price/amount": st.sampled_from(["0", "12", "144.00", "0.0625"]),
        "resource": st.fixed_dictionaries({"id": st.just("press"), "load_factor": _amounts}),
        "regions_served": st.lists(st.sampled_from(["CN", "US-TX", "DE-BY"]), max_size=3),
        "external_references": st.lists(
            st.fixed_dictionaries({"type": st.just("order"), "id": _texts.filter(bool)}), max_size=2
        ),
    },
    "tenon.demand.published.v1": {
        "item/unit": st.sampled_from(sorted(UNITS)),
        "windows/0/quantity": _amounts,
        "tier": st.integers(1, 9),
        "patience_until": _times,
        "item/constraints": st.lists(
            st.fixed_dictionaries({"attribute": st.just("colour"), "equal": _texts | st.floats(-1e9, 1e9)}),
            max_size=2,
        ),
    },
    "tenon.docking.progressed.v1": {
        "unit": st.sampled_from(sorted(UNITS)),
        "shipped": _amounts,
        "failed": _amounts,
        "cause": _texts,
    },
    "tenon.docking.answered.v1": {"reason": _texts},
    "tenon.offer.withdrawn.v1": {"reason": _texts},
    "tenon.clock.ticked.v1": {"now": _times},
}


def sent(choice: st.DataObject, event_type: str) -> Statement | None:
    """Admit good data of a type with some members changed to others that may be good."""
    varied = _VARIED.get(event_type, {})
    paths = choice.draw(st.sets(st.sampled_from(sorted(varied)))) if varied else set()
    data = changed(event_type, {path: choice.draw(varied[path]) for path in sorted(paths)})
    try:
        return admit(event(event_type, data), ADMINISTRATOR, "log")
    except Refused:
        return None


@given(choice=st.data(), event_type=st.sampled_from(OF_THE_LOG))
def test_what_is_admitted_is_read_from_the_log_as_it_was_written(
    choice: st.DataObject, event_type: str
) -> None:
    statement = sent(choice, event_type)
    if statement is None:
        return
    data = statement.data
    if isinstance(data, intake.OfferPublished | intake.DemandPublished):
        data = listed(data, SITE, TERMS)
    record = market_record(statement, data, PLACE)
    entry = read(LogRecord(7, list(record.headers), record.value))
    assert isinstance(entry, Entry)
    assert (entry.offset, entry.market, entry.data) == (7, PLACE.market, data)


@given(choice=st.data(), event_type=st.sampled_from(sorted(GOOD)))
def test_the_logs_form_of_an_event_is_its_own_form(choice: st.DataObject, event_type: str) -> None:
    statement = sent(choice, event_type)
    if statement is None:
        return
    assert normalise(statement.data) == (statement.data, [])
    again = admit(event(event_type, encode(statement.data)), ADMINISTRATOR, "log")
    assert again.data == statement.data
    assert decode_strict(INTAKE_BY_TYPE[event_type].data, encode(statement.data)) == statement.data


def places(value: object, way: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the way to each member and item below a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [
        found
        for name, item in inner
        for found in ((*way, str(name)), *places(item, (*way, str(name))))
        if "/" not in str(name)
    ]


@pytest.mark.parametrize("event_type", GOOD)
def test_a_fault_is_pointed_at_where_it_was_made(event_type: str) -> None:
    for way in places(GOOD[event_type]):
        pointer = "/data" + "".join(map(step, way))
        misfits: tuple[object, ...] = ({"?": [None]}, [[]], False)
        for wrong in misfits:
            with pytest.raises(Refused) as caught:
                admit(event(event_type, changed(event_type, {"/".join(way): wrong})), ADMINISTRATOR, "log")
            faults = caught.value.refusal.faults
            assert faults
            assert all(
                fault.pointer == pointer or fault.pointer.startswith(f"{pointer}/") for fault in faults
            )


@pytest.mark.parametrize("event_type", GOOD)
def test_an_unknown_member_is_pointed_at_wherever_it_stands(event_type: str) -> None:
    objects = [()] + [way for way in places(GOOD[event_type]) if isinstance(_at(event_type, way), dict)]
    for way in objects:
        if way == ("distances_m",):
            continue
        with pytest.raises(Refused) as caught:
            admit(event(event_type, changed(event_type, {"/".join((*way, "zz~")): 1})), ADMINISTRATOR, "log")
        told = [fault.pointer for fault in caught.value.refusal.faults]
        assert told == ["/data" + "".join(map(step, (*way, "zz~")))]


def _at(event_type: str, way: tuple[str, ...]) -> object:
    value: Any = GOOD[event_type]
    for name in way:
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value
