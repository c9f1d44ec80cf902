"""Units of measure: the reference units of Catena-X, and their codes of UN/ECE Recommendation 20."""

from collections.abc import Iterator
from typing import Any, Literal

from ingest.domain.faults import Fault

UnitOfMeasure = Literal[
    "unit:piece", "unit:set", "unit:pair", "unit:page", "unit:cycle", "unit:kilowattHour",
    "unit:gram", "unit:kilogram", "unit:tonneMetricTon", "unit:tonUsOrShortTonUkorus",
    "unit:ounceAvoirdupois", "unit:pound",
    "unit:metre", "unit:centimetre", "unit:kilometre", "unit:inch", "unit:foot", "unit:yard",
    "unit:squareCentimetre", "unit:squareMetre", "unit:squareInch", "unit:squareFoot", "unit:squareYard",
    "unit:cubicCentimetre", "unit:cubicMetre", "unit:cubicInch", "unit:cubicFoot", "unit:cubicYard",
    "unit:litre", "unit:millilitre", "unit:hectolitre",
    "unit:secondUnitOfTime", "unit:minuteUnitOfTime", "unit:hourUnitOfTime", "unit:day",
]  # fmt: skip

CODES: dict[str, str] = {
    "unit:piece": "H87", "unit:set": "SET", "unit:pair": "PR", "unit:page": "ZP", "unit:cycle": "B7",
    "unit:kilowattHour": "KWH",
    "unit:gram": "GRM", "unit:kilogram": "KGM", "unit:tonneMetricTon": "TNE",
    "unit:tonUsOrShortTonUkorus": "STN", "unit:ounceAvoirdupois": "ONZ", "unit:pound": "LBR",
    "unit:metre": "MTR", "unit:centimetre": "CMT", "unit:kilometre": "KMT", "unit:inch": "INH",
    "unit:foot": "FOT", "unit:yard": "YRD",
    "unit:squareCentimetre": "CMK", "unit:squareMetre": "MTK", "unit:squareInch": "INK",
    "unit:squareFoot": "FTK", "unit:squareYard": "YDK",
    "unit:cubicCentimetre": "CMQ", "unit:cubicMetre": "MTQ", "unit:cubicInch": "INQ",
    "unit:cubicFoot": "FTQ", "unit:cubicYard": "YDQ",
    "unit:litre": "LTR", "unit:millilitre": "MLT", "unit:hectolitre": "HLT",
    "unit:secondUnitOfTime": "SEC", "unit:minuteUnitOfTime": "MIN", "unit:hourUnitOfTime": "HUR",
    "unit:day": "DAY",
}  # fmt: skip
"""Code of Recommendation 20 by reference unit; `tenon.contracts.units` does not convert all of them."""

_BY_CODE = {code: name for name, code in CODES.items()} | {"KTM": "unit:kilometre"}


def unit_faults(unit: str | None, *, omitted: bool, at: str) -> Iterator[Fault]:
    """Yield a fault where the unit and the flag that says it is left out contradict each other."""
    if omitted and unit is not None:
        expected = "no unitOfMeasure, or unitOfMeasureIsOmitted false"
        yield Fault(f"{at}/unitOfMeasure", "sent, but said to be left out", expected)
    if not omitted and unit is None:
        expected = "a unit such as unit:piece, or unitOfMeasureIsOmitted true"
        yield Fault(f"{at}/unitOfMeasure", "missing field", expected)


def with_reference_unit(value: dict[str, Any]) -> dict[str, Any]:
    """Return an object whose unit is a reference unit: version 2.0.0 had codes, and '' for none."""
    sent = value.get("unitOfMeasure")
    if sent == "":
        rest = {name: inner for name, inner in value.items() if name != "unitOfMeasure"}
        return {**rest, "unitOfMeasureIsOmitted": True}
    if isinstance(sent, str) and sent in _BY_CODE:
        return {**value, "unitOfMeasure": _BY_CODE[sent]}
    return value
