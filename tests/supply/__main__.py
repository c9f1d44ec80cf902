"""`python -m tests.supply`: what comes from others is what was locked, and under a licence that is fine.

With `--write` it writes docs/licences.md. Status 1 where something is wrong. That nobody could be asked for
known vulnerabilities is said, and no fault of the packages.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.supply import licences, lock
from tests.supply.vulnerabilities import NotAsked, vulnerabilities

DOCUMENT = Path(__file__).parents[2] / "docs" / "licences.md"


def main(arguments: list[str]) -> int:
    """Check, or write the list of licences."""
    found = licences.packages()
    if arguments == ["--write"]:
        DOCUMENT.write_text(licences.document(found))
        return 0
    faults = [*lock.faults(), *licences.faults(found), *_stale(found), *_known()]
    for fault in faults:
        sys.stderr.write(f"supply: {fault}\n")
    return 1 if faults else 0


def _stale(found: list[licences.Package]) -> Iterator[str]:
    if not DOCUMENT.exists() or DOCUMENT.read_text() != licences.document(found):
        yield "docs/licences.md is not what the locks say; run `make licences`"


def _known() -> Iterator[str]:
    try:
        yield from map(str, vulnerabilities())
    except NotAsked as why:
        sys.stderr.write(
            f"supply: NOT CHECKED for known vulnerabilities: {why}.\n"
            "supply: it needs a registry that serves them; run `make check` where one is.\n"
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
