"""Single values into the form that the log holds: base units, exact prices, UTC milliseconds.

Decides which numbers and times are possible at all; what they mean together is decided in `validate`.
Nothing is rounded: what can't be said exactly in the base unit is refused.
"""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from ingest.domain.currencies import CURRENCIES
from ingest.domain.faults import Fault, nearest
from tenon.contracts.units import UNITS, NotWhole, Unit, from_counts, to_counts
from tenon.contracts.values import Money, ResourceDraw

MAX_COUNTS = 10**12  # of an event in all: above it sums of costs could overflow where they are solved
MAX_PRICE = 10**9  # currency units per base unit, for the same reason
_PRICE_DIGITS = 6
_LOAD_DIGITS = 12
_LOAD_GRAINS = 6
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_MOST_DIGITS = 30
_NO_NUMBER = Decimal("NaN")
_PLAIN = frozenset(code for code, unit in UNITS.items() if unit.factor == 1)


class Measure:
    """Converts the values of one event and notes each one that can't be, in `faults`.

    A quantity at fault comes out as NaN, any other value as it came: so the rest of the event can be
    looked at too, and rules between quantities pass over what is no number.
    """

    def __init__(self, unit_code: str | None, unit_pointer: str, faults: list[Fault]) -> None:
        self.faults = faults
        self.unit: Unit | None = UNITS.get(unit_code) if unit_code is not None else None
        if unit_code is not None and self.unit is None:
            hint = nearest(
                unit_code, UNITS, "a code of UN/ECE Recommendation 20 that Tenon converts: C62, KGM …"
            )
            self._note(unit_pointer, f"{unit_code!r} is not a known unit", hint)

    def quantity(self, value: Decimal, pointer: str) -> Decimal:
        """Return a quantity in base units."""
        if not value and str(value) == "0":
            return value
        counts = self.counts(value, pointer)
        return _NO_NUMBER if counts is None else from_counts(counts, self.base_unit)

    def counts(self, value: Decimal, pointer: str) -> int | None:
        """Count a quantity in the smallest parts of its base unit; None, with a fault, when it can't be."""
        if not self.possible(value, pointer) or self.unit is None:
            return None
        try:
            counts = to_counts(value, self.unit.code)
        except NotWhole as error:
            self._note(pointer, str(error), f"a multiple of {self._grain()}")
            return None
        if counts > MAX_COUNTS:
            self._note(pointer, f"{value} {self.unit.code} is more than can be counted", self._most())
            return None
        return counts

    def within_limit(self, total_counts: int, pointer: str) -> None:
        """Note a fault when all quantities of an event together are too many."""
        if total_counts > MAX_COUNTS:
            self._note(pointer, "the quantities together are more than can be counted", self._most())

    def price(self, price: Money, pointer: str) -> Money:
        """Turn a price per unit into a price per base unit, exactly."""
        if price.currency not in CURRENCIES:
            hint = nearest(price.currency, CURRENCIES, "an active code of ISO 4217, such as EUR or CNY")
            self._note(f"{pointer}/currency", f"{price.currency!r} is not a known currency", hint)
        if self.unit is None:
            return price
        amount: str | None = price.amount
        if self.unit.code not in _PLAIN:
            amount = _decimal(Fraction(price.amount) / self.unit.factor, _PRICE_DIGITS)
        if amount is None:
            self._inexact(f"{pointer}/amount", price.amount, _PRICE_DIGITS)
            return price
        if Decimal(amount) > MAX_PRICE:
            self._note(f"{pointer}/amount", "too high", f"at most {MAX_PRICE} per {self.base_unit}")
        return price if amount is price.amount else Money(amount=amount, currency=price.currency)

    def draw(self, draw: ResourceDraw, pointer: str) -> ResourceDraw:
        """Turn a load per unit into one per base unit, in base units of the resource, exactly.

        What a count of goods takes must be a whole number of millionths of the resource's counts.
        """
        stated = None if draw.unit is None else UNITS.get(draw.unit)
        at, load = f"{pointer}/load_factor", draw.load_factor
        if draw.unit is not None and stated is None:
            hint = nearest(draw.unit, UNITS, "the unit that the load is stated in: HUR, C62 …")
            self._note(f"{pointer}/unit", f"{draw.unit!r} is not a known unit", hint)
        if not self.possible(load, at) or self.unit is None or (draw.unit is not None and stated is None):
            return draw
        per_base = Fraction(load) * (stated.factor if stated else 1) / self.unit.factor
        scale = Fraction(stated.dimension.scale if stated else 1, self.unit.dimension.scale)
        written = _decimal(per_base, _LOAD_DIGITS)
        if not load:
            self._note(at, "a load of 0 draws on nothing", "a load above 0, or no resource")
        elif written is None or (per_base * scale * 10**_LOAD_GRAINS).denominator != 1:
            self._inexact(at, str(load), _LOAD_GRAINS)
        elif per_base * scale > MAX_COUNTS:
            self._note(at, "no resource holds as much as one takes", f"at most {MAX_COUNTS} counts")
        else:
            unit = stated.dimension.base_unit if stated else None
            load = load if unit == draw.unit and per_base == load else Decimal(written)
            return ResourceDraw(id=draw.id, load_factor=load, unit=unit)
        return draw

    def time(self, at: datetime, pointer: str) -> datetime:
        """Return an instant in UTC, cut to milliseconds."""
        if not _EARLIEST <= at < _LATEST:
            self._note(pointer, f"{at.isoformat()} is out of range", "a time from 2000 to 2199")
            return at
        at = at.astimezone(UTC) if at.tzinfo is not UTC else at
        beyond = at.microsecond % 1000
        return at.replace(microsecond=at.microsecond - beyond) if beyond else at

    def maybe_time(self, at: datetime | None, pointer: str) -> datetime | None:
        """Return `time` of an instant that may be absent."""
        return None if at is None else self.time(at, pointer)

    @property
    def base_unit(self) -> str:
        """The base unit that quantities come out in; only where the unit is known."""
        assert self.unit is not None
        return self.unit.dimension.base_unit

    def possible(self, value: Decimal, pointer: str) -> bool:
        """Return whether a quantity or a rate is a number of a size that can be; else note why not."""
        if not value.is_finite():
            self._note(pointer, f"{value} is not a number", "a decimal number of at least 0")
        elif value < 0:
            self._note(pointer, "negative", "a decimal number of at least 0")
        elif not -_MOST_DIGITS < value.adjusted() < _MOST_DIGITS or len(str(value)) > 2 * _MOST_DIGITS:
            self._note(pointer, "too large or too fine", f"a decimal number of at most {_MOST_DIGITS} digits")
        else:
            return True
        return False

    def _inexact(self, pointer: str, amount: str, digits: int) -> None:
        assert self.unit is not None
        reason = f"{amount} per {self.unit.code} is not exact per {self.base_unit}"
        expected = f"at most {digits} decimals per {self.base_unit}; say it in {self.base_unit}, for example"
        self._note(pointer, reason, expected)

    def _grain(self) -> str:
        assert self.unit is not None
        scale = self.unit.dimension.scale
        return f"1/{scale} {self.base_unit}" if scale > 1 else f"1 {self.base_unit}"

    def _most(self) -> str:
        return f"at most {MAX_COUNTS} times {self._grain()} in one event"

    def _note(self, pointer: str, reason: str, expected: str) -> None:
        self.faults.append(Fault(pointer, reason, expected))


def _decimal(value: Fraction, digits: int) -> str | None:
    """Write a fraction with at most so many decimals; None when that is not exact."""
    scaled = value * 10**digits
    if scaled.denominator != 1:
        return None
    whole, part = divmod(scaled.numerator, 10**digits)
    return f"{whole}.{part:0{digits}d}".rstrip("0").rstrip(".")
