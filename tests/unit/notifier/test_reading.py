"""Records as the notifier reads them: usable, or refused with a reason; never an exception."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.reading import Received, Refused, Tombstone, read
from tests.support.told import docking, record

TOPIC = "tenon.dockings.v1"
GOOD = record(docking(), 1)


def changed(**headers: str | None) -> list[tuple[str, bytes]]:
    """The headers of a good record, some of them replaced or left out."""
    kept = {name: value.decode() for name, value in GOOD.headers}
    merged = {**kept, **{f"ce_{name}": value for name, value in headers.items()}}
    return [(name, value.encode()) for name, value in merged.items() if value is not None]


def test_a_good_record_is_read() -> None:
    found = read(TOPIC, GOOD.key, GOOD.headers, GOOD.value)
    assert isinstance(found, Received)
    assert (found.data, found.sequence, found.ordered_by) == (docking(), f"{1:020d}", "d-1")


def test_fields_of_a_newer_writer_are_ignored() -> None:
    assert GOOD.value is not None
    value = GOOD.value[:-1] + b',"added_later":{"x":1}}'
    assert isinstance(read(TOPIC, GOOD.key, GOOD.headers, value), Received)


@pytest.mark.parametrize(
    ("headers", "value", "code"),
    [
        (changed(type="tenon.docking.dissolved.v1"), b"{}", "unknown_type"),
        (changed(type="tenon.docking.proposed.v2"), b"{}", "unknown_version"),
        (changed(type="tenon.offer.position.v1"), b"{}", "unknown_type"),
        (changed(specversion="0.3"), b"{}", "not_cloudevents"),
        (changed(id=None), b"{}", "not_cloudevents"),
        (changed(sequence=None), GOOD.value, "invalid_data"),
        (changed(sequence="12"), GOOD.value, "invalid_data"),
        (changed(sequence="٠" * 20), GOOD.value, "invalid_data"),
        (changed(), b"{", "not_json"),
        (changed(), b"[" * 5_000, "not_json"),
        (changed(), b'{"docking":"d-1"}', "invalid_data"),
        (changed(), None, "invalid_data"),
        ([("ce_id", b"\xff")], b"{}", "not_cloudevents"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(
    headers: list[tuple[str, bytes]], value: bytes | None, code: str
) -> None:
    found = read(TOPIC, GOOD.key, headers, value)
    assert isinstance(found, Refused)
    assert found.code == code
    assert found.detail


@given(st.binary(), st.binary(), st.lists(st.tuples(st.text(), st.binary())))
def test_no_bytes_make_reading_fail(key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> None:
    assert isinstance(read(TOPIC, key, [*GOOD.headers, *headers], value), Received | Refused | Tombstone)


@pytest.mark.parametrize(
    ("topic", "key", "kind"),
    [
        ("tenon.positions.v1", b"clinic/demand/demand-1", Tombstone),
        ("tenon.positions.v1", b"clinic", Refused),
        ("tenon.parties.v1", b"clinic", Tombstone),
        ("tenon.parties.v1", b"clinic/demand/x", Refused),
        ("tenon.alerts.v1", b"own:mask", Refused),
    ],
)
def test_a_record_without_a_value_is_a_tombstone_where_keys_can_end(
    topic: str, key: bytes, kind: type[object]
) -> None:
    assert isinstance(read(topic, key, [], None), kind)
