"""The addresses of imports: upload a file, look how far it is, read its report, end it; templates."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from starlette.responses import Response

from ingest import answers, metrics
from ingest.access import Access
from ingest.deadline import timely, within
from ingest.domain.admit import Sender
from ingest.domain.faults import unavailable
from ingest.formats.tables.amounts import Mark
from ingest.formats.tables.kinds import KINDS
from ingest.formats.tables.reading import Format, Options
from ingest.formats.tables.templates import template
from ingest.formats.tables.times import Order
from ingest.imports import store
from ingest.imports.job import Asked, Job, Outcome, id_of
from ingest.imports.report import HEADER, lines_of, text_of
from ingest.imports.shown import (
    EXAMPLE,
    MEDIA_TYPES,
    OF_FORMAT,
    Delimiter,
    Encoding,
    ImportList,
    ImportShown,
    KindName,
    RowPage,
    ended,
    reported,
    row_shown,
    shown,
    templates,
    uploading,
)
from ingest.limits import Budget, OverBudget
from ingest.shown import shown as showing
from tenon.bodies import body_of
from tenon.clock import Clock
from tenon.contracts.codec import encode, instant
from tenon.contracts.families import INTAKE_BY_TYPE
from tenon.db import Database
from tenon.metrics import Metrics
from tenon.problems import Fault, Problem

_PAGE = 500
_LISTED = 100
_LATER = {"retry-after": "10"}
_MOST_SAID = 200
_Said = Annotated[str, Query(max_length=300)]
_Revision = Annotated[int | None, Query(ge=1, le=2**53 - 1, description="Revision of rows that say none.")]
_Columns = Annotated[
    list[_Said],
    Query(alias="map", max_length=_MOST_SAID, description="COLUMN=FIELD; COLUMN= leaves one out."),
]
_Values = Annotated[
    list[_Said],
    Query(alias="set", max_length=_MOST_SAID, description="FIELD=VALUE, for rows whose cell is empty."),
]
_Format = Annotated[Format | None, Query(alias="format", description="If not said, by the content type.")]
_Zone = Annotated[str, Query(max_length=64, description="Of times without one: UTC, +08:00, Asia/Shanghai.")]
_Decimal = Annotated[
    Mark | None, Query(description="What stands before decimals; if not said, as the file shows.")
]
_Dates = Annotated[
    Order | None, Query(description="How 01/02/2030 is meant; if not said, as the file shows.")
]
_Sheet = Annotated[
    str | None, Query(max_length=64, description="Of a workbook; if not said, the first visible.")
]
_Words = Annotated[
    str | None,
    Header(
        alias="idempotency-key",
        min_length=1,
        max_length=200,
        description="Your own words for this upload: sent again with them, it is the same import.",
    ),
]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long an answer and a body may take, how large a file may be, how many imports a party may have."""

    deadline_ms: int
    body_deadline_ms: int
    most_bytes: int
    most_open: int


class ImportAddresses:
    """Answers the addresses of imports. `wake` is called when there is a new job."""

    def __init__(
        self,
        access: Access,
        database: Database,
        budget: Budget,
        limits: Limits,
        measured: Metrics,
        wake: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._access = access
        self._database = database
        self._budget = budget
        self._clock = clock
        self._metrics = measured
        self._wake = wake
        self._limits = limits

    def router(self) -> APIRouter:
        """Return the addresses with their description."""
        router = APIRouter(prefix="/v1", tags=["imports"])

        def add(method: str, path: str, answer: Callable[..., Any], summary: str, **told: Any) -> None:
            router.add_api_route(path, answer, methods=[method], summary=summary, **told)

        timed = partial(timely, self._limits.deadline_ms)
        add("POST", "/imports", self.begin, "Import a file", **uploading())
        listed = showing({"imports": [EXAMPLE]}, model=ImportList)
        add("GET", "/imports", timed(self.list), "The newest imports", **listed)
        add("GET", "/import-templates", self.template, "A file to begin with", **templates())
        one = showing(EXAMPLE, 404, model=ImportShown)
        add("GET", "/imports/{job}", timed(self.state), "How far an import is", **one)
        add("GET", "/imports/{job}/rows", timed(self.rows), "What became of rows", **reported())
        add("DELETE", "/imports/{job}", timed(self.cancel), "End an import", **ended())
        return router

    async def begin(  # noqa: PLR0913 - what may be said of a file
        self,
        request: Request,
        kind: KindName,
        form: _Format = None,
        columns: _Columns = [],  # noqa: B006 - FastAPI's way to say it
        values: _Values = [],  # noqa: B006
        dry_run: bool = False,
        name: Annotated[str, Query(max_length=200, description="The file's name, to be shown.")] = "",
        revision: _Revision = None,
        encoding: Encoding = None,
        delimiter: Delimiter = None,
        decimal: _Decimal = None,
        dates: _Dates = None,
        zone: _Zone = "UTC",
        sheet: _Sheet = None,
        words: _Words = None,
    ) -> Response:
        """Store a file to be imported, and answer with the job."""
        sender = await self._access.sender(request)
        _check_role(kind, sender)
        options = Options(
            format=form or _format_of(request),
            map=_pairs(columns, "map", "COLUMN=FIELD", last=True),
            set=_pairs(values, "set", "FIELD=VALUE", last=False),
            encoding=encoding,
            delimiter=delimiter,
            decimal=decimal,
            dates=dates,
            zone=zone,
            sheet=sheet,
        )
        asked = Asked(kind=kind, options=options, name=name, dry_run=dry_run, revision=revision)
        _check_text(encode(asked))
        job = await self._stored(request, sender, asked, words)
        self._wake()
        body = shown(job).model_dump_json()
        return Response(body, 202, {"location": f"/v1/imports/{job.id}"}, "application/json")

    async def _stored(self, request: Request, sender: Sender, asked: Asked, words: str | None) -> Job:
        at = instant(self._clock.now_ms())
        job = Job(id_of(sender.party, words, uuid4), at, sender.party, sender.key, asked)
        try:
            with self._budget.hold() as take:
                body = await body_of(request, self._limits.most_bytes, self._limits.body_deadline_ms, take)
                if not body:
                    raise _invalid("", "no body", "the bytes of a file")
                digest = sha256(encode(asked) + body).hexdigest()
                async with within(self._limits.body_deadline_ms):
                    return await store.begin(self._database, job, body, digest, self._limits.most_open)
        except OverBudget:
            raise answers.problem(unavailable("too much is being handled; send it again")) from None
        except store.TooManyOpen:
            detail = f"{self._limits.most_open} imports are under way; wait until one has ended, or end one"
            raise Problem(429, detail, headers=_LATER) from None
        except store.OtherContent:
            raise Problem(409, "another import was begun with this idempotency-key") from None

    async def list(self, request: Request) -> ImportList:
        """Return the newest imports that the key may see."""
        sender = await self._access.sender(request)
        jobs = await store.newest(self._database, sender.party, _LISTED)
        return ImportList(imports=[shown(job) for job in jobs])

    async def state(self, request: Request, job: str) -> ImportShown:
        """Return how far an import is, and which column is taken for which field."""
        return shown(await self._found(request, job))

    async def rows(
        self,
        request: Request,
        job: str,
        after: Annotated[int, Query(ge=0, le=2**31 - 1, description="The last row of the page before.")] = 0,
        limit: Annotated[int, Query(ge=1, le=1_000)] = _PAGE,
        outcome: Annotated[Outcome | None, Query(description="Only these.")] = None,
        form: Annotated[
            str, Query(alias="format", pattern="^(json|csv)$", description="json or csv.")
        ] = "json",
    ) -> Response:
        """Return what became of the rows that are worked off: a page, or as CSV all of them."""
        found = await self._found(request, job)
        if form == "csv":
            headers = {"content-disposition": f'attachment; filename="{found.id}.csv"'}
            return StreamingResponse(self._report(found, after, outcome), 200, headers, "text/csv")
        page = await store.rows_of(self._database, found, after, limit, outcome)
        following = page[-1].row if len(page) == limit else None
        body = RowPage(rows=[row_shown(row) for row in page], next=following).model_dump_json()
        return Response(body, media_type="application/json")

    async def cancel(self, request: Request, job: str) -> Response:
        """End an import where it is: rows that were taken stay so, its file is dropped, its report stays."""
        found = await self._found(request, job)
        if await store.cancel(self._database, found.id):
            self._metrics.add(metrics.IMPORTS, outcome="cancelled")
        return Response(status_code=204)

    async def template(
        self, request: Request, kind: KindName, form: Annotated[Format, Query(alias="format")] = "csv"
    ) -> Response:
        """Return a file with all columns of a kind, and a row that would be taken."""
        await self._access.sender(request)
        headers = {"content-disposition": f'attachment; filename="{kind}.{form}"'}
        return Response(template(KINDS[kind], form), 200, headers, OF_FORMAT[form])

    async def _report(self, job: Job, after: int, outcome: Outcome | None) -> AsyncIterator[str]:
        yield text_of([HEADER])
        while page := await store.rows_of(self._database, job, after, _PAGE, outcome):
            yield text_of(lines_of(page))
            after = page[-1].row

    async def _found(self, request: Request, job: str) -> Job:
        sender = await self._access.sender(request)
        found = await store.find(self._database, _id(job))
        if found is None or (not sender.is_administrator and found.party != sender.party):
            raise _unknown(job)
        return found


def _id(text: str) -> UUID:
    try:
        return msgspec.convert(text, UUID)
    except msgspec.ValidationError:
        raise _unknown(text) from None


def _unknown(job: str) -> Problem:
    return Problem(404, f"there is no import {job!r} that this key may see")


def _check_role(kind: str, sender: Sender) -> None:
    if INTAKE_BY_TYPE[KINDS[kind].event_type].sender == "administrator" and not sender.is_administrator:
        raise Problem(403, f"{kind} are the administrator's; show the key that TENON_ADMIN_KEY says")


def _format_of(request: Request) -> Format:
    sent = request.headers.get("content-type", "")
    found = MEDIA_TYPES.get(sent.partition(";")[0].strip().lower())
    if found is None:
        expected = f"one of {', '.join(MEDIA_TYPES)}; or format=csv, xlsx or ndjson"
        detail = f"content-type: {sent or 'none'}; expected {expected}"
        raise Problem(415, detail, slug="unsupported-media-type", title="This is not read")
    return found


def _pairs(said: Sequence[str], where: str, expected: str, *, last: bool) -> dict[str, str]:
    """Return NAME=VALUE pairs; `last`: the name may hold signs of equality."""
    pairs: dict[str, str] = {}
    for text in said:
        name, sign, value = text.rpartition("=") if last else text.partition("=")
        if not sign or not name.strip() or name.strip() in pairs:
            reason = "said twice" if name.strip() in pairs else "no pair"
            raise _invalid(f"/query/{where}", f"{text!r}: {reason}", expected)
        pairs[name.strip()] = value.strip()
    return pairs


def _check_text(asked: bytes) -> None:
    if b"\\u0000" in asked:
        raise _invalid("/query", "contains the character U+0000", "text without it")


def _invalid(pointer: str, reason: str, expected: str) -> Problem:
    detail, fault = f"{reason}; expected {expected}", Fault(pointer, reason, expected)
    return Problem(422, detail, slug="invalid-request", errors=[fault])
