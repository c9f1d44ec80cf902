"""The page of all fields of all kinds, from the kinds themselves."""

from collections.abc import Iterator

from ingest.formats.tables.fields import Field, Kind
from ingest.formats.tables.kinds import KINDS
from tenon.generate.markdown import NOTICE, code, table

_INTRO = """# Fields of tables

What the columns of a table can be, for each kind. Names are recognised in any spelling of small and capital
letters, spaces and signs. How cells are read: [tables.md](tables.md).
"""
_HEAD = ("field", "needed", "goes to", "what", "also called")


def page() -> str:
    """Return the page."""
    return "\n".join((NOTICE, _INTRO, *_sections()))


def _sections() -> Iterator[str]:
    for kind in KINDS.values():
        yield f"## {kind.name}\n"
        yield f"Rows become {code(kind.event_type)}; rows with the same {_ids(kind)} are one event.\n"
        yield table(
            _HEAD,
            (
                (code(f.name), "yes" if f.needed else "", _goes_to(kind, f), f.about, _also(f))
                for f in kind.fields
            ),
        )


def _ids(kind: Kind) -> str:
    return ", ".join(map(code, kind.ids))


def _goes_to(kind: Kind, field: Field) -> str:
    entry = "windows/…/" if field.each and kind.field("quantity") is not None else ""
    return code(entry + "/".join(field.at)) if field.at else ""


def _also(field: Field) -> str:
    return ", ".join(field.usual)
