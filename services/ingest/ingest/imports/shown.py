"""What the addresses of imports take and show, and how that is described."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from ingest.errors import described
from ingest.formats.tables.encoding import ENCODINGS
from ingest.formats.tables.kinds import KINDS
from ingest.formats.tables.reading import Format
from ingest.formats.tables.separated import DELIMITERS
from ingest.formats.tables.templates import template
from ingest.imports.job import Job, Outcome, RowOutcome, State
from ingest.shown import shown as showing
from tenon.problems import Problem

MEDIA_TYPES: dict[str, Format] = {
    "text/csv": "csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
}
OF_FORMAT: dict[Format, str] = {
    "csv": "text/csv",
    "xlsx": list(MEDIA_TYPES)[1],
    "ndjson": "application/x-ndjson",
}


def _one_of(names: Iterable[str]) -> str:
    return f"^({'|'.join(names)})$"


KindName = Annotated[
    str, Query(pattern=_one_of(KINDS), description=f"What its rows are: {', '.join(KINDS)}.")
]
Encoding = Annotated[
    str | None, Query(pattern=_one_of(ENCODINGS), description=f"One of {', '.join(ENCODINGS)}.")
]
Delimiter = Annotated[
    str | None, Query(pattern=_one_of(DELIMITERS), description=f"One of {', '.join(DELIMITERS)}.")
]


class ColumnModel(BaseModel):
    """A column of the file."""

    column: str
    field: str | None = Field(None, description="The field it is taken for; null: it is left out.")
    how: str | None = Field(None, description="Why: given, name, or usual name.")
    implies: dict[str, str] = Field(description="What its name says beside that, such as a unit.")
    examples: list[str]


class RowsModel(BaseModel):
    """How many rows there are, and what became of those that are worked off."""

    total: int | None = Field(None, description="null as long as the file was not read.")
    accepted: int
    rejected: int


class ReasonModel(BaseModel):
    """Why an import failed."""

    reason: str
    expected: str
    row: int | None = None


class ImportShown(BaseModel):
    """An import of a file."""

    job: UUID
    kind: str
    format: Format
    name: str
    dry_run: bool
    state: State
    reason: ReasonModel | None = None
    created_at: datetime
    ended_at: datetime | None = None
    rows: RowsModel
    columns: list[ColumnModel] = Field(description="Empty as long as the file was not read.")
    notes: dict[str, str] = Field(
        description="How the file is written: encoding, delimiter, decimal, sheet …"
    )
    revision: int | None = Field(
        None, description="Of rows that say none; null: the time of the upload, in ms."
    )


class ImportList(BaseModel):
    """The newest imports, at most 100."""

    imports: list[ImportShown]


class FaultModel(BaseModel):
    """One thing that is wrong with a row."""

    column: str | None = Field(None, description="As the file calls it; null: the whole row.")
    reason: str
    expected: str


class RowModel(BaseModel):
    """What became of a row."""

    row: int = Field(description="Its number in the file, from 1.")
    outcome: Outcome
    event: UUID = Field(description="Id of the event that it is, or would be, part of.")
    faults: list[FaultModel]


class RowPage(BaseModel):
    """A page of the report."""

    rows: list[RowModel]
    next: int | None = Field(None, description="Ask again with after= this; null on the last page.")


def shown(job: Job) -> ImportShown:
    """Return a job as it is shown."""
    found = job.found
    return ImportShown(
        job=job.id,
        kind=job.asked.kind,
        format=job.asked.options.format,
        name=job.asked.name,
        dry_run=job.asked.dry_run,
        state=job.state,
        reason=None if job.reason is None else ReasonModel.model_validate(job.reason, from_attributes=True),
        created_at=job.created_at,
        ended_at=job.ended_at,
        rows=RowsModel(total=found.rows if found else None, accepted=job.accepted, rejected=job.rejected),
        columns=[
            ColumnModel.model_validate(c, from_attributes=True) for c in (found.columns if found else ())
        ],
        notes=found.notes if found else {},
        revision=job.asked.revision,
    )


def row_shown(row: RowOutcome) -> RowModel:
    """Return what became of a row as it is shown."""
    faults = [FaultModel.model_validate(fault, from_attributes=True) for fault in row.faults]
    return RowModel(row=row.row, outcome=row.outcome, event=row.event, faults=faults)


EXAMPLE: dict[str, Any] = {
    "job": "7a4f7c57-6f0e-4c53-9a53-0c1f6f1f7a10",
    "kind": "offers",
    "format": "csv",
    "name": "offers.csv",
    "dry_run": False,
    "state": "done",
    "reason": None,
    "created_at": "2030-01-01T00:00:00Z",
    "ended_at": "2030-01-01T00:00:02Z",
    "rows": {"total": 2, "accepted": 1, "rejected": 1},
    "columns": [
        {
            "column": "Quantity (kg)",
            "field": "quantity",
            "how": "name",
            "implies": {"unit": "KGM"},
            "examples": ["500", "1.250,5"],
        }
    ],
    "notes": {"encoding": "utf-8", "delimiter": "semicolon", "decimal": "comma", "zone": "UTC"},
    "revision": None,
}
ROW: dict[str, Any] = {
    "row": 3,
    "outcome": "rejected",
    "event": "0f6c6a52-2f0b-5e3c-8f0c-6a1f2d3e4b5c",
    "faults": [
        {
            "column": "Date",
            "reason": "'01/02/2030' may be 2030-02-01 or 2030-01-02",
            "expected": "2030-02-01 or 2030-01-02, written so; or say dates=day-first or dates=month-first",
        }
    ],
}
_TOO_MANY = (
    "This party has as many imports under way as it may.",
    Problem(429, "10 imports are under way; wait until one has ended, or end one"),
)
_OTHER = (
    "Another file, or other wishes, were sent with this idempotency-key.",
    Problem(409, "another import was begun with this idempotency-key"),
)
_FORBIDDEN = ("This kind is the administrator's.", Problem(403, "parties are the administrator's"))
_ABOUT = """
Upload a table: one kind of thing per file, a row for each (or several rows of one id for its windows). The
answer is the job's address; what became of each row is in its report. Rows are sent as events are, with ids
of their own, so a job that is interrupted goes on where it stopped, and nothing is taken twice.

Columns are recognised by their names, in English and Chinese; `map` says it where they are not. With
`dry_run` everything is done but sending: look at `columns`, and at the report, before the file is imported.
"""


def uploading() -> dict[str, Any]:
    """Return the description of the address that takes a file."""
    codes = (400, 401, 403, 405, 408, 409, 413, 414, 415, 422, 429, 500, 503)
    errors = described(codes, _403=_FORBIDDEN, _409=_OTHER, _429=_TOO_MANY)
    location = {"Location": {"description": "The job's address.", "schema": {"type": "string"}}}
    bodies = {name: _file(form) for form, name in OF_FORMAT.items()}
    return {
        "status_code": 202,
        "response_model": ImportShown,
        "description": _ABOUT,
        "openapi_extra": {"requestBody": {"required": True, "content": bodies}},
        "responses": {
            202: {"content": {"application/json": {"example": EXAMPLE}}, "headers": location},
            **errors,
        },
    }


def templates() -> dict[str, Any]:
    """Return the description of the address of templates."""
    content = {name: _file(form) for form, name in OF_FORMAT.items()}
    errors = described((401, 405, 422, 500, 503))
    told: Any = {200: {"content": content}, **errors}
    return {"response_class": Response, "response_model": None, "responses": told}


def _file(form: Format) -> dict[str, Any]:
    """Return the description of a file: text with an example, or bytes."""
    if form == "xlsx":
        return {"schema": {"type": "string", "format": "binary"}, "example": "the bytes of a workbook"}
    return {"schema": {"type": "string"}, "example": template(KINDS["offers"], form).decode("utf-8-sig")}


def reported() -> dict[str, Any]:
    """Return the description of the address of reports."""
    told = showing({"rows": [ROW], "next": None}, 404, 422, model=RowPage)
    told["responses"][200]["content"]["text/csv"] = {
        "schema": {"type": "string"},
        "example": "row,outcome,column,reason,expected,event\n",
    }
    return told


def ended() -> dict[str, Any]:
    """Return the description of the address that ends an import."""
    return {"status_code": 204, "response_model": None, "responses": described((401, 404, 405, 500, 503))}
