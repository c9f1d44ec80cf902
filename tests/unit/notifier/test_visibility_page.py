"""The page on visibility against what viewers get: each field of each event, for each kind of viewer.

What is expected is read from the page itself, so that what is documented is what is tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest

from notifier.domain.audiences import ADMINISTRATOR, WALL
from notifier.domain.pseudonym import Naming
from notifier.domain.visibility import TOLD, visible
from tenon.contracts.codec import encode
from tenon.contracts.dockings import Docking
from tenon.contracts.families import FAMILIES
from tenon.contracts.values import Shape
from tests.support import examples
from tests.support.examples import ROOT
from tests.support.told import docking

NAMING = Naming(b"k" * 32, {"mill": "Mill Ltd", "clinic": "Clinic Ltd"})
PAGE = (ROOT / "docs" / "visibility.md").read_text()
STRANGER = "owner-of-a-chain"
OWN = {"tier": "demand", "required_since": "demand", "offered_since": "supply"}
Row = Mapping[str, str]


def rows(title: str) -> Iterator[Row]:
    """Return the rows of a table of the page, by the names of its columns."""
    lines = [line for line in PAGE.split(f"## {title}\n")[1].split("\n## ")[0].split("\n") if line[:1] == "|"]
    head, _, *rest = [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]
    for cells in rest:
        yield dict(zip(head, cells, strict=True))


def seen(event: Shape, viewer: str) -> dict[str, Any] | None:
    """What arrives at a viewer, as JSON."""
    shown = visible(event, viewer, NAMING)
    return None if shown is None else dict(msgspec.json.decode(encode(shown)))


def whole(event: Shape) -> dict[str, Any]:
    """All of an event, as JSON."""
    return dict(msgspec.json.decode(encode(event)))


STAGES = [(docking(), "its parties, before", "other side, before"),
          (docking(status="confirmed"), "after confirmation", "after confirmation")]  # fmt: skip


@pytest.mark.parametrize(("told", "column", "other"), STAGES)
@pytest.mark.parametrize("viewer", ["mill", "clinic", WALL, ADMINISTRATOR, STRANGER])
def test_each_viewer_sees_of_each_field_what_the_table_says(
    told: Docking, column: str, other: str, viewer: str
) -> None:
    kind = {WALL: "wall", ADMINISTRATOR: "operator", STRANGER: "stranger"}.get(viewer)
    shown, full = seen(told, viewer), whole(told)
    if shown is None:
        both = [*rows("A docking"), *rows("Each side of a docking")]
        assert (viewer, {row["stranger"] for row in both}) == (STRANGER, {"no"})
        return
    for row in rows("A docking"):
        expected = _top(row["field"], row[kind or column], full, viewer)
        assert _said(shown, row["field"]) == expected, row["field"]
    for name in ("supply", "demand"):
        owner = full[name]["party"] == viewer
        for row in rows("Each side of a docking"):
            how = row[kind or ("owner" if owner else other)]
            expected = _side(row["field"], how, full[name], viewer)
            assert shown[name].get(row["field"]) == expected, (name, row["field"])


def test_nobody_else_sees_anything() -> None:
    """Of every event of every kind there is an example; whoever is no party of it gets nothing."""
    for example in examples.valid():
        event = msgspec.json.decode(example.event.data, type=example.family.data)
        assert seen(event, STRANGER) is None, example.name
        if example.family.name not in TOLD:
            assert {viewer: seen(event, viewer) for viewer in ("mill", WALL, ADMINISTRATOR)} == dict.fromkeys(
                ("mill", WALL, ADMINISTRATOR)
            )


@pytest.mark.parametrize("row", list(rows("All other events")), ids=lambda row: row["event"])
def test_of_every_other_event_its_owner_the_wall_and_the_operator_see_what_the_page_says(row: Row) -> None:
    for example in examples.valid():
        if example.family.name != row["event"]:
            continue
        event = msgspec.json.decode(example.event.data, type=example.family.data)
        full = whole(event)
        owner = full.get("party") or full["origin"]["party"]
        for viewer, column in ((owner, "owner"), (WALL, "wall"), (ADMINISTRATOR, "operator")):
            assert _names(seen(event, viewer)) == _expected(row[column], full), (example.name, column)


def test_the_page_has_every_event_that_anybody_is_told_of() -> None:
    listed = {row["event"] for row in rows("All other events")}
    assert listed == {name for name in TOLD if FAMILIES[name].data is not Docking}


def _said(shown: Mapping[str, Any], field: str) -> Any:
    if field.startswith("cause_"):
        return shown.get("cause", {}).get(field.removeprefix("cause_"))
    return shown.get(field)


def _top(field: str, how: str, full: Mapping[str, Any], viewer: str) -> Any:
    value = _said(full, field)
    match how:
        case "full":
            return value
        case "coarse":
            return round(value, -4)
        case "own":
            return value if viewer == full[OWN[field]]["party"] else None
        case _:
            return None


def _side(field: str, how: str, full: Mapping[str, Any], viewer: str) -> Any:
    match how:
        case "full" if field == "name":
            return NAMING.names[full["party"]]
        case "full" if field == "accepted":
            return full.get("accepted", False)
        case "full":
            return full.get(field)
        case "coarse":
            return {name: round(degrees) for name, degrees in full["position"].items()}
        case "pseudonym":
            return NAMING.pseudonym(viewer, full["party"])
        case _:
            return None


def _names(shown: Mapping[str, Any] | None) -> set[str]:
    return set(shown or ())


def _expected(cell: str, full: Mapping[str, Any]) -> set[str]:
    if cell in ("full", "no"):
        return set(full) if cell == "full" else set()
    return {"origin" if name == "which event" else name for name in cell.split(", ")} & set(full)
