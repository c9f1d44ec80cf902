"""Units of measure of UN/ECE Recommendation 20 and the base unit of each dimension.

Each dimension has one base unit and a fixed scale: quantities are counted as integers of
`1/scale` base units, so that sums are exact. Source of the factors: UN/ECE Recommendation 20,
revision 17, annexes I to III (conversion factors), given here as exact fractions.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Dimension:
    """What can be converted into one another: a base unit and how finely it is counted."""

    name: str
    base_unit: str
    scale: int


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit and how many base units it is."""

    code: str
    dimension: Dimension
    factor: Fraction


class UnknownUnit(ValueError):
    """The code is not in the table."""


class NotWhole(ValueError):
    """The quantity cannot be counted exactly in the base unit's scale."""


# An exponent can be a bomb: 1E+999999999 as an integer fills the memory, 1E-999999999 as a fraction too.
_LIMIT = Decimal(10) ** 15
_MOST_DECIMALS = 30

PIECE = Dimension("piece", "C62", 1)
MASS = Dimension("mass", "KGM", 1_000)
LENGTH = Dimension("length", "MTR", 1_000)
AREA = Dimension("area", "MTK", 10_000)
VOLUME = Dimension("volume", "LTR", 1_000)
TIME = Dimension("time", "SEC", 1)
ENERGY = Dimension("energy", "KWH", 1_000)
POWER = Dimension("power", "KWT", 1_000)
DATA = Dimension("data", "4L", 1_000)

_TABLE: dict[Dimension, dict[str, Fraction]] = {
    PIECE: {
        "C62": Fraction(1),
        "H87": Fraction(1),
        "EA": Fraction(1),
        "NAR": Fraction(1),
        "SET": Fraction(1),
        "E48": Fraction(1),
        "PR": Fraction(2),
        "DZN": Fraction(12),
        "CEN": Fraction(100),
        "GRO": Fraction(144),
        "MIL": Fraction(1000),
    },
    MASS: {
        "KGM": Fraction(1),
        "GRM": Fraction(1, 1000),
        "TNE": Fraction(1000),
        "LBR": Fraction(45359237, 100_000_000),
        "ONZ": Fraction(45359237, 1_600_000_000),
        "STN": Fraction(45359237, 50_000),
    },
    LENGTH: {
        "MTR": Fraction(1),
        "MMT": Fraction(1, 1000),
        "CMT": Fraction(1, 100),
        "KMT": Fraction(1000),
        "INH": Fraction(254, 10_000),
        "FOT": Fraction(3048, 10_000),
        "YRD": Fraction(9144, 10_000),
    },
    AREA: {"MTK": Fraction(1), "CMK": Fraction(1, 10_000), "HAR": Fraction(10_000)},
    VOLUME: {
        "LTR": Fraction(1),
        "MLT": Fraction(1, 1000),
        "CLT": Fraction(1, 100),
        "HLT": Fraction(100),
        "MTQ": Fraction(1000),
        "GLL": Fraction(3785411784, 1_000_000_000),
    },
    TIME: {
        "SEC": Fraction(1),
        "MIN": Fraction(60),
        "HUR": Fraction(3600),
        "DAY": Fraction(86_400),
        "WEE": Fraction(604_800),
    },
    ENERGY: {"KWH": Fraction(1), "WHR": Fraction(1, 1000), "MWH": Fraction(1000), "GWH": Fraction(1_000_000)},
    POWER: {"KWT": Fraction(1), "WTT": Fraction(1, 1000), "MAW": Fraction(1000)},
    DATA: {"4L": Fraction(1), "E34": Fraction(1000), "E35": Fraction(1_000_000)},
}

UNITS: dict[str, Unit] = {
    code: Unit(code, dimension, factor)
    for dimension, codes in _TABLE.items()
    for code, factor in codes.items()
}


def unit(code: str) -> Unit:
    """Return the unit with this code; raise `UnknownUnit` with the nearest advice otherwise."""
    found = UNITS.get(code)
    if found is None:
        raise UnknownUnit(f"{code} is not a known unit; use one of {', '.join(sorted(UNITS))}")
    return found


def to_counts(quantity: Decimal, code: str) -> int:
    """Count a quantity in `1/scale` base units; raise `NotWhole` when that is not exact, or absurd."""
    measured = unit(code)
    if not quantity.is_finite() or not 0 <= quantity < _LIMIT:
        raise NotWhole(f"{quantity} {code} is not a number of at least 0 and below {_LIMIT:.0e}")
    if measured.factor == 1 and measured.dimension.scale == 1 and quantity == quantity.to_integral_value():
        return int(quantity)
    if _decimals(quantity) > _MOST_DECIMALS:
        raise NotWhole(f"{quantity} {code} has more than {_MOST_DECIMALS} decimals")
    counts = Fraction(quantity) * measured.factor * measured.dimension.scale
    if counts.denominator != 1:
        grain = f"1/{measured.dimension.scale} {measured.dimension.base_unit}"
        raise NotWhole(f"{quantity} {code} is not a whole number of {grain}")
    return counts.numerator


def _decimals(quantity: Decimal) -> int:
    exponent = quantity.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def from_counts(counts: int, base_unit: str) -> Decimal:
    """Turn a count back into base units, exactly and without an exponent."""
    scale = unit(base_unit).dimension.scale
    if scale == 1:
        return Decimal(counts)
    value = Decimal(counts) / Decimal(scale)
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()


def to_base(quantity: Decimal, code: str) -> tuple[Decimal, str]:
    """Convert a quantity into its dimension's base unit; raise `NotWhole` when that is not exact."""
    base_unit = unit(code).dimension.base_unit
    return from_counts(to_counts(quantity, code), base_unit), base_unit
