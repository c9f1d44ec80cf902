"""Broken files, one per row, each with its precise error: why the file is refused, or which row of it."""

import io
import tracemalloc
import zipfile

import openpyxl
import pytest

from ingest.formats.tables import packed
from ingest.formats.tables.faults import Unreadable
from ingest.formats.tables.kinds import KINDS
from ingest.formats.tables.reading import Format
from ingest.formats.tables.sheet import MOST_ROWS
from ingest.formats.tables.templates import template
from tests.unit.ingest.tables.tried import (
    CELLS,
    CHINESE,
    HEADER,
    NAMES,
    ROW,
    SHEET_NAME,
    faults,
    made,
    sheet_of,
    table,
    with_part,
    workbook,
)

GOOD = f"{HEADER}\n{ROW}\n".encode()
BOOK = workbook(NAMES, CELLS)
SHEET = sheet_of(BOOK)


def zipped(*parts: tuple[str, bytes], password: bool = False) -> bytes:
    told = io.BytesIO()
    with zipfile.ZipFile(told, "w", zipfile.ZIP_DEFLATED) as new:
        for name, part in parts:
            new.writestr(name, part)
    body = told.getvalue()
    return (
        body.replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\1\0") if password else body
    )


def sheet(rows: bytes, before: bytes = b"") -> bytes:
    """Return a workbook whose sheet is this XML."""
    space = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    return with_part(
        BOOK,
        SHEET_NAME,
        before + b"<worksheet " + space + b"><sheetData>" + rows + b"</sheetData></worksheet>",
    )


def cell(at: str, text: str) -> bytes:
    return f'<c r="{at}" t="inlineStr"><is><t>{text}</t></is></c>'.encode()


TOP = b"<row r='1'>" + b"".join(cell(f"{chr(65 + at)}1", name) for at, name in enumerate(NAMES)) + b"</row>"
ENTITIES = b'<!DOCTYPE w [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'

FILES: list[tuple[str, Format, bytes, str]] = [
    ("empty", "csv", b"", "the file is empty"),
    ("blank lines alone", "csv", b"\n\n ,,\n", "the file is empty"),
    ("no header", "csv", ROW.encode(), "row 1: no row names columns that are known"),
    ("header alone", "csv", HEADER.encode(), "row 1: no rows below the names of columns"),
    (
        "not UTF-8",
        "csv",
        GOOD + "o2,Köln,hs:1,kg,2030-01,5\n".encode("cp1252"),
        "row 3: byte 0xf6 is no UTF-8",
    ),
    ("UTF-16 without its mark", "csv", GOOD.decode().encode("utf-16-le"), "row 1: a NUL character"),
    ("UTF-16 cut in a character", "csv", GOOD.decode().encode("utf-16")[:-1], "is no UTF-16"),
    ("a NUL inside", "csv", GOOD.replace(b"s1", b"s\0"), "row 2: a NUL character"),
    (
        "a quote never closed",
        "csv",
        GOOD + b'"o2,s1,hs:1,kg,2030-01,5\n',
        "a quote is opened and never closed",
    ),
    (
        "text behind a quote",
        "csv",
        GOOD + b'"o2"x,s1,hs:1,kg,2030-01,5\n',
        "row 3: text behind a closing quote",
    ),
    ("a cell without end", "csv", GOOD + b"o2," + b"x" * 200_000, "row 3: a cell is too long"),
    ("a cell too long", "csv", GOOD + b"o2," + b"x" * 40_000, "row 3: a cell is too long"),
    ("too many columns", "csv", GOOD + b"x," * 300 + b"x\n", "row 3: 301 cells"),
    ("too many rows", "csv", GOOD + b"x\n" * MOST_ROWS, f"row {MOST_ROWS + 2}: more than {MOST_ROWS} rows"),
    ("a workbook named csv", "csv", BOOK, "is no UTF-8"),
    ("an array", "ndjson", b'[{"offer":"o1"}]', "a JSON array"),
    ("NDJSON that is not UTF-8", "ndjson", b'{"offer":"\xff"}', "row 1: byte 0xff is no UTF-8"),
    ("NDJSON without what is needed", "ndjson", b'{"offer":"o1"}', "no column for site"),
    ("NDJSON of nothing", "ndjson", b"\n\n", "no rows below"),
    (
        "too many names",
        "ndjson",
        b"{" + b",".join(b'"n%d":1' % n for n in range(300)) + b"}",
        "more than 200 names",
    ),
    ("CSV named xlsx", "xlsx", GOOD, "no .xlsx"),
    ("nothing named xlsx", "xlsx", b"", "no .xlsx"),
    ("an old workbook", "xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "an old workbook (.xls)"),
    ("a workbook that is cut", "xlsx", BOOK[: len(BOOK) // 2], "no .xlsx"),
    ("a zip of something else", "xlsx", zipped(("a.txt", b"hello")), "no workbook that can be read"),
    ("a part with a password", "xlsx", zipped(("a.xml", b"<a/>"), password=True), "parts with a password"),
    ("a bomb", "xlsx", zipped(("a.bin", bytes(200_000_000))), "it unpacks to 200000000 bytes"),
    (
        "a bomb of one part",
        "xlsx",
        with_part(BOOK, "xl/styles.xml", b"<a>" + b" " * 9_000_000),
        "unpacks to 9000003",
    ),
    ("too many parts", "xlsx", zipped(*((f"{n}.xml", b"") for n in range(1_001))), "1001 parts"),
    ("entities", "xlsx", sheet(TOP, ENTITIES), "declares a document type or entities"),
    (
        "entities of another part",
        "xlsx",
        with_part(BOOK, "xl/sharedStrings.xml", ENTITIES),
        "declares a document type",
    ),
    ("XML in UTF-16", "xlsx", with_part(BOOK, SHEET_NAME, SHEET.decode().encode("utf-16")), "is not UTF-8"),
    ("XML that says UTF-7", "xlsx", sheet(TOP, b'<?xml version="1.0" encoding="utf-7"?>'), "is not UTF-8"),
    ("XML that is cut", "xlsx", with_part(BOOK, SHEET_NAME, SHEET[:-20]), "no workbook that can be read"),
    ("XML nested deeply", "xlsx", sheet(b"<a>" * 100_000), "no workbook that can be read"),
    (
        "a row of a million cells",
        "xlsx",
        sheet(TOP + b"<row>" + b"<c/>" * 1_100_000 + b"</row>"),
        "bytes without a row",
    ),
    ("cells without a row", "xlsx", sheet(TOP + b"<c/>" * 1_100_000), "bytes without a row"),
    ("a row hidden in a comment", "xlsx", sheet(TOP + b"<!--</row>-->"), "has comments"),
    (
        "a row in an instruction",
        "xlsx",
        sheet(TOP + b" " * 20_000 + b"<?x </row>?>"),
        "has comments, sections",
    ),
    (
        "a cell far below",
        "xlsx",
        sheet(TOP + b'<row r="1048577">' + cell("A1048577", "x") + b"</row>"),
        "more than 10000 blank rows",
    ),
    (
        "a cell far to the right",
        "xlsx",
        sheet(TOP + b'<row r="2">' + cell("XFD2", "x") + b"</row>"),
        "no rows below",
    ),
    (
        "a row of no number",
        "xlsx",
        sheet(b'<row r="' + b"9" * 5_000 + b'"/>'),
        "no workbook that can be read",
    ),
]


@pytest.mark.parametrize(
    ("form", "body", "reason"), [each[1:] for each in FILES], ids=[each[0] for each in FILES]
)
def test_a_broken_file_is_refused_with_its_reason(form: Format, body: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as refused:
        table(body, format=form)
    assert reason in str(refused.value)
    assert refused.value.expected


def row(at: int, *cells: bytes) -> bytes:
    return b'<row r="%d">' % at + b"".join(cells) + b"</row>"


MERGED = workbook(NAMES, CELLS, ["", *CELLS[1:]], merged=["A2:A3"])
FORMULA = workbook(NAMES, [*CELLS[:-1], "=1+1"])
ERROR = workbook(NAMES, [*CELLS[:-1], "#REF!"])
EMPTIED = sheet(TOP + row(2, b'<c r="A2" t="str"><f>""</f><v></v></c>', cell("B2", "s1")))

ROWS: list[tuple[str, Format, bytes, list[tuple[int, str]]]] = [
    ("the header again", "csv", GOOD + HEADER.encode(), [(3, "the header once more")]),
    ("a row that is cut", "csv", GOOD + b"o2,s1,hs:1,kg,2030-01", [(3, "no quantity")]),
    ("a row that is too long", "csv", GOOD + ROW.replace("o1", "o2").encode() + b",7", [(3, "7 cells")]),
    ("a line that is no JSON", "ndjson", template(KINDS["offers"], "ndjson") + b"{broken", [(2, "no JSON")]),
    ("a line of a number", "ndjson", template(KINDS["offers"], "ndjson") + b"5", [(2, "no object")]),
    (
        "a nested line",
        "ndjson",
        template(KINDS["offers"], "ndjson") + b'{"item":{"unit":"kg"}}',
        [(2, "'item' is nested")],
    ),
    (
        "a name twice",
        "ndjson",
        template(KINDS["offers"], "ndjson") + b'{"a":1,"a":2}',
        [(2, "'a' is there twice")],
    ),
    ("a line nested deeply", "ndjson", template(KINDS["offers"], "ndjson") + b"[" * 100_000, [(2, "")]),
    ("merged cells", "xlsx", MERGED, [(2, "A2:A3 are merged"), (3, "A2:A3 are merged")]),
    ("a formula without a value", "xlsx", FORMULA, [(2, "F2 has a formula that was never calculated")]),
    ("an error instead of a value", "xlsx", ERROR, [(2, "#REF! in F2")]),
    (
        "a formula whose value is empty",
        "xlsx",
        EMPTIED,
        [
            (2, "no offer"),
            (2, "no code"),
            (2, "no unit"),
            (2, "the class"),
            (2, "no quantity"),
            (2, "it is not said when"),
        ],
    ),
]


@pytest.mark.parametrize(
    ("form", "body", "told"), [each[1:] for each in ROWS], ids=[each[0] for each in ROWS]
)
def test_a_broken_row_is_told_and_harms_no_other(
    form: Format, body: bytes, told: list[tuple[int, str]]
) -> None:
    found = faults(body, format=form)
    assert sorted(
        (each.row, reason) for each, (_, reason) in zip(found, told, strict=True) if reason in each.reason
    ) == sorted(told), found
    good = [each for each in made(body, format=form) if not each.faults]
    assert form == "xlsx" or len(good) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_an_encoding_that_is_sure_needs_no_name(encoding: str) -> None:
    assert table(CHINESE.encode(encoding)).notes["encoding"] == encoding.removesuffix("-sig")


@pytest.mark.parametrize("encoding", ["windows-1252", "iso-8859-15", "utf-16-le", "gb18030"])
def test_any_other_encoding_is_read_when_it_is_named(encoding: str) -> None:
    body = f"{HEADER},note\n{ROW},Köln\n".encode(encoding)
    assert table(body, encoding=encoding).shown()[-1].examples == ["Köln"]


@pytest.mark.parametrize("sign", ["\t", ";", "|", ","])
def test_a_separator_is_seen_by_the_columns_that_it_makes(sign: str) -> None:
    assert made(f"{HEADER}\n{ROW}\n".replace(",", sign))[0].faults == []
    assert made(f"sep={sign}\r\n{HEADER}\r\n{ROW}\r\n".replace(",", sign))[0].rows == (3,)


def test_a_sheet_is_named_or_the_first_that_is_seen() -> None:
    assert table(BOOK, format="xlsx").notes["sheet"] == "Sheet"
    with pytest.raises(Unreadable, match="no sheet 'Other'"):
        table(BOOK, format="xlsx", sheet="Other")


def test_a_hidden_sheet_is_read_only_when_it_is_named() -> None:
    book = openpyxl.load_workbook(io.BytesIO(BOOK))
    book.create_sheet("hidden", 0).sheet_state = "hidden"
    told = io.BytesIO()
    book.save(told)
    assert table(told.getvalue(), format="xlsx").notes["sheet"] == "Sheet"
    with pytest.raises(Unreadable, match="the file is empty"):
        table(told.getvalue(), format="xlsx", sheet="hidden")


def test_what_a_sheet_says_of_its_size_is_not_believed() -> None:
    smaller = SHEET.replace(b'<dimension ref="A1:F2" />', b'<dimension ref="A1:A1"/>').replace(
        b'ref="A1:F2"', b'ref="A1:A1"'
    )
    assert len(made(with_part(BOOK, SHEET_NAME, smaller), format="xlsx")) == 1


@pytest.mark.parametrize("pattern", [b"<c ", b"<row ", b"<mergeCell ", b'<c r="A1"><f>', b"<?xml ", b"</row"])
def test_looking_at_hostile_bytes_takes_time_in_proportion(pattern: bytes) -> None:
    """In proportion to its square it would not end within the suite's timeout."""
    part = pattern * 1_000_000
    assert packed._odd(part) == packed.Odd([], [])
    with pytest.raises(Unreadable):
        packed.odd_cells(with_part(BOOK, SHEET_NAME, part))


LONG = workbook(NAMES, *[CELLS] * 2_000)
MERGES = b"</sheetData><mergeCells>" + b'<mergeCell ref="A2:F2001"/>' * 40_000 + b"</mergeCells>"
TWISTED = sheet_of(LONG).replace(b"</sheetData>", MERGES)
HOSTILE: list[tuple[str, Format, bytes]] = [
    ("a row of commas", "csv", GOOD + b"," * 5_000_000 + b"\n"),
    ("a header of commas", "csv", b"," * 5_000_000 + b"\n" + GOOD),
    ("a name of spaces", "csv", GOOD.replace(b"quantity", b"quantity,a" + b" " * 30_000 + b"b")),
    ("a list of commas", "csv", f'{HEADER},blocked\n{ROW},"{"," * 30_000}"\n'.encode()),
    (
        "an id of a whole file",
        "csv",
        f"{HEADER}\n".encode() + f"{ROW.replace('10', 'x')}\n".encode() * 20_000,
    ),
    ("merged cells again and again", "xlsx", with_part(LONG, SHEET_NAME, TWISTED)),
]


@pytest.mark.parametrize(("form", "body"), [each[1:] for each in HOSTILE], ids=[each[0] for each in HOSTILE])
def test_a_file_that_is_made_to_take_long_is_read_within_the_timeout(form: Format, body: bytes) -> None:
    assert [each.told(each.faults) for each in made(body, format=form)]


def test_the_widest_row_that_is_read_takes_bounded_memory() -> None:
    body = sheet(TOP + b"<row>" + b"<c/>" * 250_000 + b"</row>")
    assert len(body) < 20_000
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable, match="no rows below"):
            table(body, format="xlsx")
        assert tracemalloc.get_traced_memory()[1] < 200 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_lines_may_end_as_they_do_anywhere_but_within_a_line() -> None:
    for end in ("\n", "\r\n", "\r"):
        assert len(made(f"{HEADER}{end}{ROW}{end}")) == 1
    with pytest.raises(Unreadable, match="no UTF-8"):
        table(b"\r0\x81" + GOOD)
