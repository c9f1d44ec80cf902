"""The stack's passwords and keys: made once, kept in one file that only its owner may read.

Must not know what they open.
"""

from __future__ import annotations

import json
import os
import secrets as random_secrets
from dataclasses import dataclass
from pathlib import Path

BYTES = 24


@dataclass(frozen=True)
class Secrets:
    """Secrets by name. One that is asked for the first time is made, and kept at once."""

    file: Path
    values: dict[str, str]

    @classmethod
    def of(cls, file: Path) -> Secrets:
        """Those of the file, or none yet where it is not there."""
        return cls(file, json.loads(file.read_text()) if file.exists() else {})

    def get(self, name: str) -> str:
        """The secret of this name: letters and digits only, so that it needs no quoting anywhere."""
        if name not in self.values:
            self.values[name] = random_secrets.token_hex(BYTES)
            write_private(self.file, json.dumps(self.values, indent=1))
        return self.values[name]


def write_private(file: Path, text: str) -> None:
    """Put `text` into `file` at one stroke, readable by its owner alone."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
    fresh.replace(file)
