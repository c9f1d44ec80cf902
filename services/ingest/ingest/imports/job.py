"""What an import is, and what a chunk of its rows became. Pure.

The id of a row's event is a UUID of version 5 of (import, first row), so a chunk that is sent again has no
second effect; its data depends on nothing but the file and what was asked.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal
from uuid import UUID, uuid5

import msgspec

from ingest.domain.admit import Sender
from ingest.formats.tables.faults import RowFault
from ingest.formats.tables.kinds import KINDS
from ingest.formats.tables.reading import ColumnShown, Options, Table, table_of
from ingest.formats.tables.rows import Made, groups_of, made_of
from ingest.handler import Item
from tenon.contracts.cloudevents import CloudEvent
from tenon.contracts.codec import unix_ms

State = Literal["waiting", "running", "done", "failed", "cancelled"]
Outcome = Literal["accepted", "rejected"]
_CHUNK_ROWS = 500
_NAMESPACE = UUID("3c0f4f0a-58a5-5d0e-9d0b-7c4a3f1d9b6e")


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the sender wants of a file. `revision`: for all rows without one; None: the time of the upload."""

    kind: str
    options: Options
    name: str = ""
    dry_run: bool = False
    revision: int | None = None


class Reason(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why an import ended before its last row."""

    reason: str
    expected: str
    row: int | None = None


class Found(msgspec.Struct, frozen=True):
    """What was found in a file: its rows, which column is which field, and how it is written."""

    rows: int
    columns: list[ColumnShown]
    notes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Job:
    """An import as it is stored. `position`: how many statements of the file are worked off."""

    id: UUID
    created_at: datetime
    party: str | None
    key: str
    asked: Asked
    state: State = "waiting"
    position: int = 0
    accepted: int = 0
    rejected: int = 0
    openings: int = 0
    reason: Reason | None = None
    found: Found | None = None
    ended_at: datetime | None = None

    @property
    def sender(self) -> Sender:
        """Who speaks: the key that began it."""
        return Sender(self.key, self.party)

    def defaults(self) -> dict[str, Any]:
        """Return what holds for rows that say nothing else."""
        revision = self.asked.revision or unix_ms(self.created_at)
        return {"revision": revision} | ({"party": self.party} if self.party is not None else {})


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of one row."""

    row: int
    outcome: Outcome
    event: UUID
    faults: Sequence[RowFault]


@dataclass(slots=True)
class Part:
    """A statement of a chunk: its rows, and the event on its way."""

    made: Made
    event: UUID
    item: Item | None

    def outcomes(self) -> Iterator[RowOutcome]:
        """Return what became of each row."""
        refusal = self.item.refusal if self.item is not None else None
        faults = self.made.faults or (self.made.blame(refusal) if refusal is not None else [])
        by_row = self.made.told(faults) if faults else {}
        for row in self.made.rows:
            outcome: Outcome = "rejected" if faults else "accepted"
            yield RowOutcome(row, outcome, self.event, by_row.get(row, ()))


@dataclass(slots=True)
class Chunk:
    """Statements that are sent together. `until`: the position behind them; `last`: nothing is left."""

    parts: Sequence[Part]
    until: int
    last: bool
    rows: list[RowOutcome] = field(default_factory=list)

    def items(self) -> list[Item]:
        """Return the events that can be sent."""
        return [part.item for part in self.parts if part.item is not None]


class Opened:
    """A job with the rows of its file in memory."""

    def __init__(self, job: Job, body: bytes) -> None:
        self.job = job
        kind = KINDS[job.asked.kind]
        self._event_type = kind.event_type
        self._defaults = job.defaults()
        self._table: Table = table_of(kind, body, job.asked.options, list(self._defaults))
        self._groups = groups_of(self._table)

    @cached_property
    def found(self) -> Found:
        """What was found in the file."""
        return Found(len(self._table.layout.rows), self._table.shown(), dict(self._table.notes))

    def chunk(self, position: int) -> Chunk:
        """Return the statements from a position on: about `_CHUNK_ROWS` rows."""
        until, rows = position, 0
        while until < len(self._groups) and (until == position or rows < _CHUNK_ROWS):
            rows += len(self._groups[until])
            until += 1
        parts = [self._part(places) for places in self._groups[position:until]]
        return Chunk(parts, until, until == len(self._groups))

    def _part(self, places: Sequence[int]) -> Part:
        made = made_of(self._table, places, self._defaults)
        event_id = uuid5(self.job.id, str(made.rows[0]))
        if made.faults:
            return Part(made, event_id, None)
        event = CloudEvent(str(event_id), f"/imports/{self.job.id}", self._event_type, made.data)
        return Part(made, event_id, Item(event))


def id_of(party: str | None, wanted: str | None, new: Callable[[], UUID]) -> UUID:
    """Return the id of a new import: the same for the same words of the same party, else a new one."""
    return new() if wanted is None else uuid5(_NAMESPACE, f"{party or ''}/{wanted}")
