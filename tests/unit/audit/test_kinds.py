"""The document of the audit names every kind of finding there is, each under its guarantee."""

import re

from tests.support.examples import ROOT

SOURCES = "\n".join(path.read_text() for path in (ROOT / "deploy/audit/tenon_audit").rglob("*.py"))
DOCUMENT = (ROOT / "docs/audit.md").read_text()


def documented() -> dict[str, set[int]]:
    """Return the guarantees under which the table names each kind."""
    named: dict[str, set[int]] = {}
    guarantee = 0
    for line in DOCUMENT.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 5 and "`" in cells[3]:
            guarantee = int(cells[1] or guarantee)
            for kind in re.findall(r"`([a-z]+\.[a-z_]+)`", cells[3]):
                named.setdefault(kind, set()).add(guarantee)
    return named


def test_every_kind_that_a_check_gives_is_documented() -> None:
    given = {(kind, int(number)) for number, kind in re.findall(r'Finding\((\d), "([a-z_.]+)"', SOURCES)}
    assert len(given) > 30
    missing = sorted(
        kind for kind, number in given if kind != "unsettled" and number not in documented().get(kind, ())
    )
    assert missing == []


def test_every_kind_that_is_documented_is_given_somewhere() -> None:
    built = {"round.gap", "round.overlap", "site.untold", "policy.untold"}
    assert sorted(kind for kind in documented() if f'"{kind}"' not in SOURCES and kind not in built) == []
