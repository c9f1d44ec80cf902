"""Quantities: exact in both directions, and refused where they can't be."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenon.contracts.units import UNITS, NotWhole, UnknownUnit, from_counts, to_base, to_counts, unit

BASES = sorted({measured.dimension.base_unit for measured in UNITS.values()})
counts = st.integers(0, 10**15)


@pytest.mark.parametrize(
    ("quantity", "code", "base", "base_unit"),
    [
        ("2", "GRO", "288", "C62"),
        ("1.5", "DZN", "18", "C62"),
        ("2.5", "TNE", "2500", "KGM"),
        ("1.5", "HUR", "5400", "SEC"),
        ("10", "INH", "0.254", "MTR"),
        ("0.75", "MTQ", "750", "LTR"),
        ("3", "MWH", "3000", "KWH"),
    ],
)
def test_a_quantity_is_converted_into_the_base_unit(
    quantity: str, code: str, base: str, base_unit: str
) -> None:
    assert to_base(Decimal(quantity), code) == (Decimal(base), base_unit)


def test_what_is_not_exact_in_the_base_unit_is_refused() -> None:
    with pytest.raises(NotWhole, match="1000 LBR is not a whole number of 1/1000 KGM"):
        to_base(Decimal(1000), "LBR")
    assert to_base(Decimal(100_000), "LBR") == (Decimal("45359.237"), "KGM")


@given(counts, st.sampled_from(BASES))
def test_counts_survive_the_way_there_and_back(count: int, base_unit: str) -> None:
    if count < 10**15:
        assert to_counts(from_counts(count, base_unit), base_unit) == count


@given(counts, st.sampled_from(BASES))
def test_base_units_are_written_without_an_exponent(count: int, base_unit: str) -> None:
    assert "E" not in str(from_counts(count, base_unit))


@given(st.decimals(0, 10**12, places=3), st.sampled_from(sorted(UNITS)))
def test_a_count_is_exactly_what_was_said_or_nothing(quantity: Decimal, code: str) -> None:
    measured = unit(code)
    said = Fraction(quantity) * measured.factor
    try:
        counted = Fraction(to_counts(quantity, code), measured.dimension.scale)
    except NotWhole:
        assert (said * measured.dimension.scale).denominator > 1
    else:
        assert counted == said


@given(st.lists(st.integers(0, 10**12), max_size=20), st.sampled_from(BASES))
def test_sums_of_counts_equal_counts_of_sums(parts: list[int], base_unit: str) -> None:
    total = sum((from_counts(part, base_unit) for part in parts), Decimal(0))
    assert to_counts(total, base_unit) == sum(parts)


@pytest.mark.parametrize("text", ["-1", "NaN", "sNaN", "Infinity", "1E+999999999", "1E-999999999", "1E+15"])
@pytest.mark.parametrize("code", ["C62", "TNE"])
def test_absurd_quantities_are_refused_at_once(text: str, code: str) -> None:
    with pytest.raises(NotWhole):
        to_counts(Decimal(text), code)


def test_an_unknown_unit_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownUnit, match=r"XYZ is not a known unit; use one of .*C62"):
        unit("XYZ")


def test_every_base_unit_is_a_unit_of_factor_one() -> None:
    assert {base: unit(base).factor for base in BASES} == dict.fromkeys(BASES, Fraction(1))
