"""Whatever is done to a file, it is refused by name, or each of its rows is an event or told its faults."""

import io
import zipfile
from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ingest.formats.tables.faults import Unreadable
from ingest.formats.tables.kinds import KINDS
from ingest.formats.tables.reading import Format, Options, table_of
from ingest.formats.tables.rows import groups_of, made_of
from ingest.formats.tables.templates import template
from tests.unit.ingest.tables.tried import CELLS, CHINESE, DEFAULTS, NAMES, SHEET_NAME, with_part, workbook

BOOK = workbook(NAMES, CELLS)
BODIES: dict[Format, list[bytes]] = {
    "csv": [template(KINDS["offers"], "csv"), CHINESE.encode("gb18030"), CHINESE.encode("utf-16")],
    "ndjson": [template(KINDS["offers"], "ndjson")],
    "xlsx": [BOOK, workbook(NAMES, [*CELLS[:4], date(2030, 1, 1), 5.5])],
}
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.binary(max_size=12)), max_size=4)


def mutated(body: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    for where, length, put in edits:
        at = int(where * len(body))
        body = body[:at] + put + body[at + length :]
    return body


def read_through(body: bytes, form: Format, **said: Any) -> None:
    """Read whatever it is to the end: it is refused by name, or every row is made or told its faults."""
    kind = KINDS["offers"]
    try:
        read = table_of(kind, body, Options(format=form, **said), list(DEFAULTS))
        read.shown()
    except Unreadable:
        return
    for group in groups_of(read):
        event = made_of(read, group, DEFAULTS)
        assert bool(event.data) != bool(event.faults)
        assert set(event.told(event.faults)) == set(event.rows)


@given(form=st.sampled_from(["csv", "ndjson"]), which=st.integers(0, 3), edits=EDITS)
def test_whatever_is_done_to_a_text_it_is_read_or_refused(form: Format, which: int, edits: Any) -> None:
    bodies = BODIES[form]
    read_through(mutated(bodies[which % len(bodies)], edits), form)


@given(which=st.integers(0, 1), edits=EDITS)
def test_whatever_is_done_to_the_bytes_of_a_workbook_it_is_read_or_refused(which: int, edits: Any) -> None:
    read_through(mutated(BODIES["xlsx"][which], edits), "xlsx")


@given(
    name=st.sampled_from([SHEET_NAME, "xl/workbook.xml", "xl/styles.xml", "xl/_rels/workbook.xml.rels"]),
    edits=EDITS,
)
def test_whatever_is_done_to_a_part_of_a_workbook_it_is_read_or_refused(name: str, edits: Any) -> None:
    with zipfile.ZipFile(io.BytesIO(BOOK)) as book:
        part = book.read(name)
    read_through(with_part(BOOK, name, mutated(part, edits)), "xlsx")


@given(st.binary(max_size=200), st.sampled_from(["csv", "ndjson", "xlsx"]))
def test_whatever_bytes_there_are_they_are_read_or_refused(body: bytes, form: Format) -> None:
    read_through(body, form)
