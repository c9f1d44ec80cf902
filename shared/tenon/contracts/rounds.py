"""What a round read and decided: enough to decide it again and compare."""

from typing import Annotated

from msgspec import Meta

from tenon.contracts.values import Instant, Note, Shape

Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]


class Skipped(Shape, frozen=True, kw_only=True):
    """A record of the log that could not be used."""

    offset: int
    code: str
    detail: Note


class RoundCounts(Shape, frozen=True, kw_only=True):
    """How much happened, for people and dashboards."""

    records: int = 0
    docked: int = 0
    released: int = 0
    superseded: int = 0
    refused: int = 0
    skipped: int = 0


class RoundDecided(Shape, frozen=True, kw_only=True):
    """One round of one partition. `digest` covers its inputs, its decisions and the digest before."""

    partition: int
    round: int
    from_offset: int
    next_offset: int
    clock: Instant
    engine: str
    policies: dict[str, int]
    skipped: list[Skipped]
    counts: RoundCounts
    previous_digest: Digest
    digest: Digest
