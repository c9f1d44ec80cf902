"""A file to begin with, for each kind: the names of all columns, and an example that would be taken."""

import csv
import io
from collections.abc import Sequence

from ingest.formats.tables import workbook
from ingest.formats.tables.fields import Field, Kind
from ingest.formats.tables.reading import Format
from tenon.contracts.codec import encode


def template(kind: Kind, form: Format) -> bytes:
    """Return the template of a kind: CSV and XLSX with all columns, NDJSON with those of the example."""
    names, example = [field.name for field in kind.fields], [field.example for field in kind.fields]
    match form:
        case "csv":
            return _csv([names, example])
        case "ndjson":
            return encode({field.name: field.example for field in kind.fields if field.example}) + b"\n"
        case "xlsx":
            told = [(field.name, "yes" if field.needed else "", _about(field)) for field in kind.fields]
            return workbook.written(kind.name, [names, example], [("column", "needed", "what"), *told])


def _about(field: Field) -> str:
    also = f" Also called: {', '.join(field.usual)}." if field.names else ""
    return f"{field.about}{also}"


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    """Return CSV that spreadsheet programs read as UTF-8: they need the byte order mark."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8-sig")
