"""The name under which a party sees another one before their docking is confirmed.

Stable for a pair, so that "the same unknown hospital as yesterday" can be recognised; different for
every viewer, so that two viewers can't compare notes; keyed, so that nobody can try out names.
"""

import hashlib
import hmac
from base64 import b32encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Naming:
    """The secret key of pseudonyms, and the names of the parties that are known."""

    key: bytes
    names: Mapping[str, str] = field(default_factory=dict)

    def pseudonym(self, viewer: str, other: str) -> str:
        """Return the name under which `viewer` knows `other`; never a valid party id."""
        return _pseudonym(self.key, viewer, other)


@lru_cache(maxsize=50_000)
def _pseudonym(key: bytes, viewer: str, other: str) -> str:
    digest = hmac.digest(key, f"{viewer}\n{other}".encode(), hashlib.sha256)
    return "~" + b32encode(digest[:10]).decode().lower()
