"""Classes to markets to partitions: the same answer everywhere and for good."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenon.contracts.markets import (
    BadMarketTable,
    MarketRule,
    MarketTable,
    check_table,
    covers,
    load_table,
    market_of,
    normalise_code,
    partition_of,
)
from tenon.contracts.values import ItemClass

TABLE = load_table("""
partitions = 4
[[rules]]
scheme = "hs"
prefix = "63"
market = "textiles"
[[rules]]
scheme = "hs"
prefix = "6307"
market = "masks"
partition = 3
[[rules]]
scheme = "own"
prefix = ""
market = "everything else"
""")


def item_class(scheme: str, code: str) -> ItemClass:
    return ItemClass(scheme=scheme, code=code)


@pytest.mark.parametrize(
    ("scheme", "code", "normalised"),
    [
        ("unspsc", "31160000", "3116"),
        ("unspsc", "31161500", "311615"),
        ("unspsc", "20000000", "20"),
        ("cpv", "33140000-3", "3314"),
        ("eclass", "24-10-10-00", "241010"),
        ("hs", "6307.90", "630790"),
        ("hs", "8480.71.00", "84807100"),
        ("isic", "2220", "2220"),
        ("own", "Mask.N95", "mask.n95"),
        ("own", "A-00", "a-00"),
    ],
)
def test_a_code_is_normalised_as_its_scheme_writes_it(scheme: str, code: str, normalised: str) -> None:
    assert normalise_code(item_class(scheme, code)) == normalised


schemes = st.sampled_from(["hs", "isic", "unspsc", "cpv", "eclass", "own", "ppe"])
codes = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
classes = st.builds(item_class, schemes, codes)


@given(classes)
def test_normalising_twice_changes_nothing(given_class: ItemClass) -> None:
    once = normalise_code(given_class)
    assert normalise_code(item_class(given_class.scheme, once)) == once if once else True


@pytest.mark.parametrize(
    ("demanded", "offered", "scheme", "is_covered"),
    [
        ("6307", "630790", "hs", True),
        ("630790", "6307", "hs", False),
        ("6307", "6308", "hs", False),
        ("mask", "mask.n95", "own", True),
        ("mask", "maskara", "own", False),
        ("mask", "mask", "own", True),
    ],
)
def test_a_demand_is_met_by_its_own_class_and_narrower_ones(
    demanded: str, offered: str, scheme: str, is_covered: bool
) -> None:
    assert covers(demanded, offered, scheme) is is_covered


def test_the_longest_prefix_decides_the_market() -> None:
    assert market_of(item_class("hs", "6307.90"), TABLE) == "masks"
    assert market_of(item_class("hs", "6301"), TABLE) == "textiles"
    assert market_of(item_class("hs", "8480.71"), TABLE) == "hs:84"
    assert market_of(item_class("own", "mask.n95"), TABLE) == "everything else"
    assert market_of(item_class("ppe", "mask.n95"), TABLE) == "ppe:mask"


@given(classes)
def test_without_rules_a_class_and_what_it_covers_meet_in_one_market(given_class: ItemClass) -> None:
    narrower = item_class(given_class.scheme, f"{normalise_code(given_class)}.1")
    broad, narrow = normalise_code(given_class), normalise_code(narrower)
    if len(broad) >= 2 and covers(broad, narrow, given_class.scheme):
        assert market_of(given_class, MarketTable()) == market_of(narrower, MarketTable())


@given(st.text(min_size=1, max_size=128), st.integers(1, 4096))
def test_a_market_has_one_partition_of_those_that_exist(market: str, partitions: int) -> None:
    table = MarketTable(partitions=partitions)
    assert 0 <= partition_of(market, table) < partitions
    assert partition_of(market, table) == partition_of(market, MarketTable(partitions=partitions))


def test_partitions_are_those_of_every_release() -> None:
    """These must never change: a market that moves is decided twice."""
    markets = ("hs:63", "hs:84", "isic:22", "unspsc:31", "ppe:mask", "ppe:gown", "masks")
    assert [partition_of(market, MarketTable(partitions=8)) for market in markets] == [6, 3, 1, 4, 0, 5, 4]
    assert partition_of("masks", TABLE) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("partitions = 0", "partitions must be 1 to 4096"),
        ("partitions = [", "Invalid value"),
        ("colour = 1", "unknown field `colour`"),
        ('[[rules]]\nscheme="hs"\nprefix="63"\nmarket="a"\npartition=8', "partition 8 does not exist"),
        ('[[rules]]\nscheme="hs"\nprefix="63.07"\nmarket="a"', "write '6307'"),
        (
            '[[rules]]\nscheme="hs"\nprefix="63"\nmarket="a"\n[[rules]]\nscheme="hs"\nprefix="63"\nmarket="b"',
            "hs:63 is given twice",
        ),
        (
            '[[rules]]\nscheme="hs"\nprefix="63"\nmarket="a"\npartition=1\n'
            '[[rules]]\nscheme="hs"\nprefix="64"\nmarket="a"\npartition=2',
            "market a is given two partitions",
        ),
    ],
)
def test_an_impossible_table_is_refused_by_row(text: str, message: str) -> None:
    with pytest.raises(BadMarketTable, match=message):
        load_table(text)


def test_a_table_may_be_built_in_code_too() -> None:
    rule = MarketRule(scheme="hs", prefix="63", market="textiles", partition=7)
    assert check_table(MarketTable(rules=[rule])).rules == [rule]
