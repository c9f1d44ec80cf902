"""Generated files on disk: written, or compared with what they should be."""

from collections.abc import Iterator, Mapping
from difflib import unified_diff
from pathlib import Path

from tenon.generate.plan import OWNED


def write(root: Path, files: Mapping[str, str]) -> list[str]:
    """Write what is not fresh and remove what nobody generates any longer; return the paths concerned."""
    changed = [path for path, text in files.items() if _read(root / path) != text]
    for path in changed:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(files[path], encoding="utf-8", newline="\n")
    orphans = list(_orphans(root, files))
    for path in orphans:
        (root / path).unlink()
    return changed + orphans


def check(root: Path, files: Mapping[str, str]) -> str:
    """Return a unified diff of what is stale; empty when all is fresh."""
    stale = {path: files.get(path, "") for path in (*files, *_orphans(root, files))}
    return "".join(
        line
        for path, text in stale.items()
        for line in unified_diff(
            _read(root / path).splitlines(True), text.splitlines(True), path, f"{path} (generated)", n=1
        )
    )


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _orphans(root: Path, files: Mapping[str, str]) -> Iterator[str]:
    for folder in OWNED:
        for path in sorted((root / folder).glob("*")):
            name = path.relative_to(root).as_posix()
            if name not in files:
                yield name
