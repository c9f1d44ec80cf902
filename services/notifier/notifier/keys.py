"""Where pages end: keys of rows that never change, checked before the database sees them."""

from datetime import UTC
from typing import Annotated, Final

import msgspec

from tenon.contracts.values import Id, Instant

MOST_NUMBER: Final = 2**63 - 1
Number = Annotated[int, msgspec.Meta(ge=0, le=MOST_NUMBER)]
"""A number of an entry or a row, as the database can hold it."""


class NumberKey(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of numbered rows ended."""

    number: Number


class ListedKey(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of offers or demands ended."""

    party: Id
    name: Id


class NewestKey(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of dockings ended."""

    at: Instant
    docking: Id

    def __post_init__(self) -> None:
        """Refuse an instant that UTC has no year for."""
        self.at.astimezone(UTC)
