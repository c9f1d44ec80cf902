"""What formats of JSON share: numbers as they were written, shapes with every fault, exact amounts."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TypeVar

import msgspec

from ingest.domain.faults import Fault, Refusal, Refused, malformed
from ingest.domain.repeated import repeated_names
from ingest.domain.shape import faults_of

MOST_QUANTITY = Decimal(10) ** 18
"""Quantities stay below it (`QuantityTrait` of the aspect models of Catena-X)."""
_MOST_DIGITS = 30
T = TypeVar("T", bound=msgspec.Struct)
_any: msgspec.json.Decoder[object] = msgspec.json.Decoder(object, float_hook=Decimal)


def parsed(body: bytes, unreadable: int) -> object:
    """Return a JSON text with exact numbers; null members are as good as none. Raise `Refused`.

    `unreadable` is the status of what is no JSON.
    """
    try:
        value = _any.decode(body)
        value = _without_nulls(value) if b"null" in body else value
    except RecursionError:
        raise Refused(_no_json("nested too deeply", unreadable)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, ArithmeticError) as error:
        raise Refused(_no_json(str(error) or "no number", unreadable)) from None
    repeated = repeated_names(body)
    if repeated:
        raise Refused(malformed(repeated))
    return value


def shaped(kind: type[T], value: object, at: str) -> T | tuple[Fault, ...]:
    """Return parsed JSON as a type, or every fault of its shape."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        return faults_of(kind, value, at) or (Fault(at, str(error), f"a {kind.__name__}"),)


def number_faults(
    value: Decimal | None, at: str, *, negative: bool = False, zero: bool = True
) -> Iterator[Fault]:
    """Yield a fault when a number is outside of what may be sent, or has too many digits to be exact."""
    if value is None:
        return
    if not value.is_finite() or abs(value) >= MOST_QUANTITY:
        yield Fault(at, "too large", f"a number below {MOST_QUANTITY:.0e}")
    elif value < 0 and not negative:
        yield Fault(at, "negative", "a number of at least 0")
    elif value == 0 and not zero:
        yield Fault(at, "zero", "a number above 0")
    elif _digits(value) > _MOST_DIGITS:
        yield Fault(at, f"more than {_MOST_DIGITS} digits", f"at most {_MOST_DIGITS} digits")


def _digits(value: Decimal) -> int:
    """Count the digits that it takes to write a number out; an exponent can be a bomb."""
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    return len(digits) if exponent >= 0 else max(len(digits), -exponent)


def _no_json(reason: str, status: int) -> Refusal:
    fault = Fault("", reason, "JSON (RFC 8259)")
    return Refusal(status, "not-json", "The payload can't be parsed", f"{reason}; expected JSON", (fault,))


def _without_nulls(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value
