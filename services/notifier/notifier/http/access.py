"""Who is asking: a party by its API key, the administrator by the one key of the settings, or anybody.

Decides identity only; what an identity may see is the domain's visibility. Keys are looked up at every
request, so a revoked one ends at once.
"""

import hashlib
import hmac
import time

from pydantic import SecretStr
from starlette.requests import HTTPConnection

from notifier.domain.audiences import ADMINISTRATOR, WALL
from tenon.bearer import CHALLENGE, bearer
from tenon.db import Database
from tenon.problems import Problem
from tenon.rate import Rate


class Access:
    """Tells viewers apart, and how fast each may ask."""

    def __init__(
        self, database: Database, rate: Rate, admin_key: SecretStr | None, *, wall_is_public: bool
    ) -> None:
        self._database = database
        self._rate = rate
        self._admin = None if admin_key is None else hashed(admin_key.get_secret_value())
        self._wall_is_public = wall_is_public

    async def viewer(self, request: HTTPConnection) -> str:
        """Return the audience that the request's key stands for; 401 without a valid one, 429 too often."""
        key = bearer(request)
        if key is None:
            raise Problem(401, "send your API key as Authorization: Bearer …", headers=CHALLENGE)
        found = await self.holder(key)
        if found is None:
            raise Problem(401, "the API key is not known, or was revoked", headers=CHALLENGE)
        self._rate.charge(found, 1, time.monotonic())
        return found

    async def anybody(self, request: HTTPConnection) -> str:
        """Return the viewer; where the wall is public, those without a key are its audience."""
        if bearer(request) is None and self._wall_is_public:
            self._rate.charge(WALL, 1, time.monotonic())
            return WALL
        return await self.viewer(request)

    async def holder(self, key: str) -> str | None:
        """Return whose key this is now."""
        digest = hashed(key)
        if self._admin is not None and hmac.compare_digest(digest, self._admin):
            return ADMINISTRATOR
        found: str | None = await self._database.fetchval("SELECT party FROM keys WHERE sha256 = $1", digest)
        return found

    async def still(self, request: HTTPConnection, viewer: str) -> bool:
        """Return whether the request's key still stands for this viewer."""
        key = bearer(request)
        return viewer == WALL if key is None else await self.holder(key) == viewer


def hashed(key: str) -> str:
    """Return the SHA-256 of a key, in hexadecimal."""
    return hashlib.sha256(key.encode()).hexdigest()


def chosen(viewer: str, party: str | None) -> str:
    """Return whose things are asked for: one's own; the administrator may name a party."""
    if party is None or party == viewer:
        return viewer
    if viewer != ADMINISTRATOR:
        raise Problem(403, "only the administrator may name another party")
    return party
