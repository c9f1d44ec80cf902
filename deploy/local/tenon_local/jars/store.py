"""Fetches the locked jars and checks them; one that differs is fetched once more, then refused.

Must not know what the jars are for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from jgo.config import GlobalSettings
from jgo.constants import MAVEN_CENTRAL_URL
from jgo.maven import MavenContext

from tenon_local.errors import JarsUntrusted
from tenon_local.jars.lock import Jar, locked_jars

AT_ONCE = 8
TIMEOUT_S = 60


def _repositories() -> Mapping[str, str]:
    """Maven Central, and those of jgo's own configuration: so a mirror works as with jgo."""
    return {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}


@dataclass(frozen=True)
class JarStore:
    """The locked jars in a folder of Maven's layout."""

    folder: Path
    jars: tuple[Jar, ...] = ()
    repositories: Mapping[str, str] = field(default_factory=_repositories)

    @classmethod
    def of_lock(cls, cache: Path) -> JarStore:
        """The store of the committed lock below `cache`."""
        return cls(cache / "repository", locked_jars())

    def missing(self) -> list[Jar]:
        """Jars that are not there, or are not what the lock says."""
        return [jar for jar in self.jars if not self._is_good(jar)]

    def class_path(self) -> str:
        """Java's class path of all jars. Raises JarsUntrusted unless each is the one of the lock."""
        if bad := self.missing():
            raise JarsUntrusted(
                f"{len(bad)} of {len(self.jars)} jars in {self.folder} are missing or differ from the lock "
                f"(first: {bad[0]}). Fetch them: python -m tenon_local prepare"
            )
        return ":".join(str(self.folder / jar.path) for jar in self.jars)

    def fetch(self, report: Callable[[str], None] = lambda _: None) -> int:
        """Download what is missing or differs, check it, and return how many jars that were.

        Raises JarsUntrusted when one can't be fetched, or is another than the lock names once more.
        """
        missing = self.missing()
        if not missing:
            return 0
        report(f"fetching {len(missing)} jars of Apache Kafka")
        context = self._context()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            failures = [why for why in pool.map(lambda jar: self._fetch_one(context, jar), missing) if why]
        if failures:
            raise JarsUntrusted("; ".join(failures))
        return len(missing)

    def _context(self) -> MavenContext:
        return MavenContext(repo_cache=self.folder, remote_repos=dict(self.repositories), timeout=TIMEOUT_S)

    def _fetch_one(self, context: MavenContext, jar: Jar) -> str | None:
        """Fetch one jar; None, or why it can't be used."""
        (self.folder / jar.path).unlink(missing_ok=True)
        try:
            context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
        except Exception as error:  # whatever jgo, requests or the disk raise is one thing to the user
            (self.folder / jar.path).unlink(missing_ok=True)
            return f"{jar} could not be fetched ({error}); try again"
        if self._is_good(jar):
            return None
        (self.folder / jar.path).unlink(missing_ok=True)
        return f"{jar} differs from the lock's sha256 and was removed"

    def _is_good(self, jar: Jar) -> bool:
        file = self.folder / jar.path
        return file.is_file() and _sha256(file) == jar.sha256


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
