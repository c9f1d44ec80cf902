"""The public facts of a party, for services that must name and authenticate it without the registry."""

from typing import Annotated

from msgspec import Meta

from tenon.contracts.values import Id, Label, Revision, Shape


class KeyHash(Shape, frozen=True, kw_only=True):
    """An API key's id and the SHA-256 of the whole key, in hexadecimal."""

    key: Id
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]


class PartyState(Shape, frozen=True, kw_only=True):
    """A party with its keys in force. `sequence` in the record's headers rises with each change."""

    party: Id
    revision: Revision
    name: Label
    keys: list[KeyHash] = []
