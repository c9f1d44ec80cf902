"""Tables of people into events that the gate admits, beside the bare parse of the same bytes. On one core."""

import asyncio
import csv
import io
import json
import time
from collections.abc import Callable, Mapping
from functools import partial

import openpyxl

from ingest.domain.admit import Sender, admit
from ingest.formats.tables import workbook
from ingest.formats.tables.kinds import OFFERS
from ingest.formats.tables.reading import Format, Options, table_of
from ingest.formats.tables.rows import groups_of, made_of
from tenon.contracts.cloudevents import CloudEvent
from tests.bench.course import Course
from tests.bench.failing import BenchFailed
from tests.bench.measures import Figures
from tests.bench.rig import Show

ROWS = 10_000
_HEADER = ("party", "offer", "site", "code", "unit", "month", "quantity", "price", "currency")
_DEFAULTS = {"revision": 1}
_SENDER = Sender("bench", None)


async def run(course: Course, show: Show) -> Figures:
    """Return the figures as `bare.csv.…` and `tables.csv.…`, and so on for each format."""
    figures: Figures = {}
    for form, make in _FILES.items():
        show(f"{form}, {ROWS} rows")
        body = make()
        figures |= await asyncio.to_thread(_measured, f"bare.{form}", _BARE[form], body)
        figures |= await asyncio.to_thread(_measured, f"tables.{form}", partial(_events, form), body)
    return figures


def _measured(name: str, work: Callable[[bytes], int], body: bytes) -> Figures:
    """Return rows per second of processor time; raises BenchFailed where a row is missing."""
    since = time.thread_time()
    rows = work(body)
    seconds = time.thread_time() - since
    if rows != ROWS:
        raise BenchFailed(f"{name}: {rows} of {ROWS} rows")
    return {f"{name}.rows_per_s": rows / seconds, f"{name}.cpu_us.all": seconds / rows * 1e6}


def _events(form: Format, body: bytes) -> int:
    table = table_of(OFFERS, body, Options(format=form), list(_DEFAULTS))
    made = (made_of(table, group, _DEFAULTS) for group in groups_of(table))
    return sum(_admitted(each.data) for each in made)


def _admitted(data: bytes) -> int:
    admit(CloudEvent("e", "/bench", OFFERS.event_type, data), _SENDER, "wall")
    return 1


def _row(number: int) -> tuple[str, ...]:
    month = f"2030-{1 + number % 12:02}"
    return ("mill", f"o{number}", "s1", "hs:630790", "C62", month, str(number + 1), "0.25", "CNY")


def _csv() -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([_HEADER, *map(_row, range(ROWS))])
    return text.getvalue().encode()


def _ndjson() -> bytes:
    lines = (json.dumps(dict(zip(_HEADER, _row(number), strict=True))) for number in range(ROWS))
    return "\n".join(lines).encode()


def _xlsx() -> bytes:
    return workbook.written("offers", [_HEADER, *map(_row, range(ROWS))], [("",)])


def _bare_csv(body: bytes) -> int:
    return sum(1 for _ in csv.reader(io.StringIO(body.decode(), newline=""))) - 1


def _bare_ndjson(body: bytes) -> int:
    return sum(isinstance(json.loads(line), dict) for line in body.splitlines())


def _bare_xlsx(body: bytes) -> int:
    book = openpyxl.load_workbook(io.BytesIO(body), read_only=True)
    return sum(1 for _ in book.worksheets[0].iter_rows(values_only=True)) - 1


_FILES: Mapping[Format, Callable[[], bytes]] = {"csv": _csv, "ndjson": _ndjson, "xlsx": _xlsx}
_BARE: Mapping[Format, Callable[[bytes], int]] = {
    "csv": _bare_csv,
    "ndjson": _bare_ndjson,
    "xlsx": _bare_xlsx,
}
