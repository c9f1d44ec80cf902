"""Parts made between two values of a counter, which somebody may have reset and which may have begun anew."""

_LARGEST = (9_999, 99_999, 999_999, 9_999_999, 2**15 - 1, 2**16 - 1, 2**31 - 1, 2**32 - 1)
_NEAR = 100


def counted(before: int | None, value: int) -> int:
    """Return the parts made since the value before; the first value only says where a counter stands.

    One that falls from within 1 % of a largest value to within 1 % of 0 has begun anew; any other that falls
    was reset, and has counted up to its value since.
    """
    if before is None:
        return 0
    if value >= before:
        return value - before
    for largest in _LARGEST:
        if before <= largest and (largest - before) * _NEAR <= largest and value * _NEAR <= largest:
            return largest - before + 1 + value
    return value
