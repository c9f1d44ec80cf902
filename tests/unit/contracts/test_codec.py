"""Strict at the edge with a pointer to each fault, tolerant in the log, and never another error."""

from contextlib import suppress
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenon.contracts import codec, intake
from tenon.contracts.codec import InvalidData, NotJson
from tenon.contracts.families import FAMILIES
from tenon.contracts.values import ResourceDraw

ROUTES = (
    b'{"party":"a","site":"s","revision":1,"class":{"scheme":"hs","code":"6307"},"distances_m":{"b/s1":10%s}}'
)


def offer(**changes: object) -> bytes:
    window = {"id": "w1", "from": "2020-04-01T00:00:00Z", "until": "2020-05-01T00:00:00Z", "quantity": 10}
    item = {"class": {"scheme": "hs", "code": "6307"}, "unit": "C62"}
    plain = {"party": "a", "offer": "o", "revision": 1, "site": "s", "item": item, "windows": [window]}
    return codec.encode({**plain, **changes})


@pytest.mark.parametrize(
    ("data", "pointer", "reason", "expected"),
    [
        (offer(colour="red"), "/colour", "unknown field", "only documented fields"),
        (b'{"party":"a"}', "/offer", "missing field", "a value"),
        (offer(revision=0), "/revision", "does not fit", "`int` >= 1"),
        (offer(revision="1"), "/revision", "got `str`", "`int`"),
        (offer(basis="nett"), "/basis", "got 'nett'", "one of gross, net"),
        (
            offer(change_over=[{"class": {"scheme": "own", "code": "x"}, "days": 1, "yield": 0}]),
            "/change_over/0/yield",
            "does not fit",
            "`float` > 0.0",
        ),
        (offer(windows=[{"id": "w", "from": 1}]), "/windows/0/from", "got `int`", "`datetime`"),
        (
            offer(valid_until="2020-05-01T00:00:00"),
            "/valid_until",
            "does not fit",
            "`datetime` with a timezone component",
        ),
        (offer(regions_served=["CN", "x"]), "/regions_served/1", "does not fit", "`str` matching regex"),
        (offer(**{"a/b~c": 1}), "/a~1b~0c", "unknown field", "only documented fields"),
        (b"[]", "", "got `array`", "`object`"),
    ],
)
def test_a_fault_is_told_by_pointer_reason_and_what_would_be_right(
    data: bytes, pointer: str, reason: str, expected: str
) -> None:
    with pytest.raises(InvalidData) as caught:
        codec.decode_strict(intake.OfferPublished, data)
    fault = caught.value
    assert (fault.pointer, fault.reason) == (pointer, reason)
    assert fault.expected.startswith(expected)


@pytest.mark.parametrize(
    ("entry", "pointer"),
    [
        (b',"b/s2":-1,"b/s3":2', "/distances_m/b~1s2"),
        (b',"b/s2":1,"b/s3":"far"', "/distances_m/b~1s3"),
        (b',"nowhere":1', "/distances_m/nowhere"),
    ],
)
def test_an_entry_of_a_table_is_named_by_its_key(entry: bytes, pointer: str) -> None:
    with pytest.raises(InvalidData) as caught:
        codec.decode_strict(intake.RoutesPublished, ROUTES % entry)
    assert caught.value.pointer == pointer


def test_a_converted_value_is_explained_below_its_pointer() -> None:
    value = codec.parse(ROUTES % b',"b/s2":-1')
    with pytest.raises(InvalidData) as caught:
        codec.convert_strict(intake.RoutesPublished, value, "/3/data")
    assert caught.value.pointer == "/3/data/distances_m/b~1s2"


def test_a_repeated_key_that_hides_the_fault_still_gets_an_answer() -> None:
    twice = b'{"party":"a","site":"s","revision":1,"distances_m":{"x":1},"distances_m":{}}'
    with pytest.raises(InvalidData) as caught:
        codec.decode_strict(intake.RoutesPublished, twice)
    assert caught.value.pointer == "/distances_m"


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b'{"a":NaN}', b"[" * 5000, b"{} {}", b'"\\ud800"'])
def test_what_is_not_json_is_said_to_be_so(data: bytes) -> None:
    with pytest.raises(NotJson):
        codec.parse(data)


def test_unknown_fields_are_ignored_at_every_depth_in_the_log() -> None:
    data = b'{"policy":"p","revision":1,"new":{"a":1},"tranches":[{"up_to_share":0.5,"value":3,"new":[1]}]}'
    policy = codec.decode_tolerant(intake.PolicyPublished, data)
    assert policy.tranches == (intake.Tranche(up_to_share=0.5, value=3),)


def test_a_tolerant_reader_keeps_every_digit() -> None:
    draw = codec.decode_tolerant(ResourceDraw, b'{"id":"mould-7","load_factor":123456789012.123456,"new":1}')
    assert draw.load_factor == Decimal("123456789012.123456")


def test_a_tolerant_reader_still_refuses_wrong_values() -> None:
    with pytest.raises(InvalidData) as caught:
        codec.decode_tolerant(intake.ClockTicked, b'{"now":7,"new":1}')
    assert caught.value.pointer == "/now"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
kinds = st.sampled_from(sorted({family.data for family in FAMILIES.values()}, key=lambda kind: kind.__name__))


@given(kinds, st.binary(max_size=200) | json_values.map(msgspec.json.encode))
def test_arbitrary_bytes_raise_nothing_but_the_two_errors(kind: type[msgspec.Struct], data: bytes) -> None:
    for decode in (codec.decode_strict, codec.decode_tolerant):
        with suppress(InvalidData, NotJson):
            decode(kind, data)


@given(st.sampled_from(["windows", "item", "price", "basis", "site", "attributes", "lot"]), json_values)
def test_a_wrong_value_anywhere_is_found_at_or_below_its_field(field: str, value: object) -> None:
    fault = refused(offer(**{field: value}))
    assert fault is None or f"{fault.pointer}/".startswith(f"/{field}/")


def refused(data: bytes) -> InvalidData | None:
    try:
        codec.decode_strict(intake.OfferPublished, data)
    except InvalidData as fault:
        return fault
    return None


@given(st.integers(0, 253_402_300_799_999))
def test_milliseconds_and_instants_are_the_same_moment(at_ms: int) -> None:
    assert codec.unix_ms(codec.instant(at_ms)) == at_ms


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_the_ends_of_the_calendar_have_milliseconds(text: str) -> None:
    tick = codec.decode_strict(intake.ClockTicked, f'{{"now":"{text}"}}'.encode())
    assert isinstance(codec.unix_ms(tick.now), int)


def test_the_same_value_is_written_the_same_way() -> None:
    first = {"b/s": 1, "a/s": 2}
    again = {"a/s": 2, "b/s": 1}
    assert codec.encode(first) == codec.encode(again)
    assert codec.encode_text({"quantity": Decimal("0.10")}) == '{"quantity":0.10}'
