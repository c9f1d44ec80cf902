"""What the documents name is there: tests, files, commands."""

import re
from pathlib import Path

import pytest

from tests.support.examples import ROOT

DOCUMENTS = sorted(
    path.relative_to(ROOT)
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "contracts").glob("*.md"))
)
TESTS = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
}
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def text(document: Path) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_test_that_a_document_names_exists(document: Path) -> None:
    named = set(re.findall(r"`(test_\w+)`", text(document)))
    assert named <= TESTS


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_file_that_a_document_points_at_exists(document: Path) -> None:
    folder = (ROOT / document).parent
    linked = set(re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text(document)))
    assert [target for target in sorted(linked) if not (folder / target).exists()] == []
    named = set(
        re.findall(r"`((?:shared|services|deploy|scenarios|contracts|docs|tests)/[\w./-]+)`", text(document))
    )
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_target_that_a_document_names_exists(document: Path) -> None:
    assert set(re.findall(r"\bmake ([a-z][a-z-]+)\b(?=[`\s.,;:)])", _code(document))) <= TARGETS


def _code(document: Path) -> str:
    """Return what stands in code spans and blocks."""
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text(document), re.DOTALL))
