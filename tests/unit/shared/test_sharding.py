"""Partitions by the databases that hold them, as the environment says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.settings import MatcherSettings
from tenon.errors import Misconfigured
from tenon.settings import load
from tenon.sharding import Sharding

REST, NORTH, SOUTH = (f"postgresql://{name}/tenon" for name in ("rest", "north", "south"))


def test_without_shards_one_database_holds_every_partition() -> None:
    sharding = Sharding.of(REST)
    assert sharding.urls == (REST,)
    assert {sharding.url_of(partition) for partition in range(5_000)} == {REST}


def test_what_no_range_names_is_in_the_services_own_database() -> None:
    sharding = Sharding.of(REST, {"2-3": NORTH, "5": SOUTH})
    assert [sharding.url_of(partition) for partition in range(7)] == [
        REST,
        REST,
        NORTH,
        NORTH,
        REST,
        SOUTH,
        REST,
    ]


def test_a_database_that_is_named_for_several_ranges_is_one() -> None:
    sharding = Sharding.of(REST, {"1": NORTH, "3-4": NORTH, "0": REST})
    assert sharding.urls == (REST, NORTH)
    assert [sharding.number_of(partition) for partition in range(5)] == [0, 1, 0, 1, 1]


@pytest.mark.parametrize("text", ["", "a", "-1", "1-", "3-2", "1-2-3", "1,2", " 1", "１", "9999999"])
def test_what_names_no_partitions_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write 7, or 8-15"):
        Sharding.of(REST, {text: NORTH})


@given(st.sets(st.integers(0, 30)), st.integers(0, 30), st.integers(0, 30))
def test_no_partition_is_in_two_databases(single: set[int], first: int, length: int) -> None:
    named = {str(partition): NORTH for partition in single} | {f"{first}-{first + length}": SOUTH}
    if single & set(range(first, first + length + 1)):
        with pytest.raises(ValueError, match="named twice"):
            Sharding.of(REST, named)
    else:
        sharding = Sharding.of(REST, named)
        assert {p for p in range(100) if sharding.url_of(p) == NORTH} == single


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ('{"0-3": "postgresql://a/b", "3": "postgresql://a/c"}', "partition 3 is named twice"),
        ('{"all": "postgresql://a/b"}', "'all' names no partitions"),
        ('{"1": "mysql://a/b"}', "TENON_DATABASE_SHARDS"),
        ('["postgresql://a/b"]', "TENON_DATABASE_SHARDS"),
        ("0-3=postgresql://a/b", 'TENON_DATABASE_SHARDS: .*write {"8-15"'),
    ],
)
def test_settings_that_name_no_databases_are_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, said: str, why: str
) -> None:
    monkeypatch.setenv("TENON_DATABASE_SHARDS", said)
    with pytest.raises(Misconfigured, match=why):
        load(MatcherSettings)


def test_passwords_of_shards_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENON_DATABASE_SHARDS", '{"1": "postgresql://matcher:secret@a/b"}')
    assert "secret" not in repr(load(MatcherSettings))
