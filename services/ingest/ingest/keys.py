"""API keys: who is behind one, making and revoking them.

A key is `tenon_<id>_<secret>`. Only the SHA-256 of the whole is kept (its 256 random bits need no slow
hash); the key is shown once. Each change is told to other services in the same transaction.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from secrets import token_hex

from sqlalchemy import select

from ingest import store
from ingest.cache import Remembered
from ingest.domain.admit import Sender
from ingest.domain.registry import PartyEntry, next_state
from ingest.tables import api_keys
from tenon import outbox
from tenon.contracts.parties import KeyHash
from tenon.db import Connection, Database
from tenon.failpoints import failpoint

MOST_KEYS = 100
ADMINISTRATOR = Sender(key="administrator", party=None)
_MOST_REMEMBERED = 100_000


class UnknownParty(Exception):
    """No party of this name is registered."""


class TooManyKeys(Exception):
    """The party has as many keys in force as it may have."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was made; `secret` is the whole key, which nobody can read again."""

    key: str
    secret: str


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What is shown of a key later."""

    key: str
    label: str
    created_at: datetime
    revoked_at: datetime | None


class Keys:
    """The keys in force. `changed` is called after each commit that filled the outbox."""

    def __init__(
        self, database: Database, administrator: str, ttl_ms: int, changed: Callable[[], None]
    ) -> None:
        self._database = database
        self._administrator = _hashed(administrator)
        self._changed = changed
        self._senders: Remembered[str, Sender] = Remembered(
            ttl_ms, _MOST_REMEMBERED, lambda: asyncio.get_running_loop().time() * 1000
        )

    async def sender(self, secret: str) -> Sender | None:
        """Return who shows this key; None when it is not in force. Hashes are compared, never keys."""
        hashed = _hashed(secret)
        if compare_digest(hashed, self._administrator):
            return ADMINISTRATOR
        known = self._senders.get(hashed)
        key = _key_of(secret)
        if known is not None or key is None:
            return known
        row = await self._database.fetchrow(
            "SELECT party, sha256 FROM api_keys WHERE key = $1 AND revoked_at IS NULL", key
        )
        if row is None or not compare_digest(row["sha256"], hashed):
            return None
        found = Sender(key, row["party"])
        self._senders.put(hashed, found)
        return found

    async def in_force(self, key: str) -> bool:
        """Tell whether a key, by its id, may still act: for what was begun with it and goes on without it."""
        if key == ADMINISTRATOR.key:
            return True
        query = "SELECT 1 FROM api_keys WHERE key = $1 AND revoked_at IS NULL"
        return await self._database.fetchval(query, key) is not None

    async def make(self, party: str, label: str) -> NewKey:
        """Make a key; raises `UnknownParty` or `TooManyKeys`."""
        key = token_hex(8)
        made = NewKey(key, f"tenon_{key}_{token_hex(32)}")
        async with self._database.transaction() as connection:
            entry = await _held(connection, party)
            if len(entry.keys) >= MOST_KEYS:
                raise TooManyKeys(party)
            hashed = KeyHash(key=key, sha256=_hashed(made.secret))
            await connection.execute(
                "INSERT INTO api_keys (key, party, sha256, label) VALUES ($1, $2, $3, $4)",
                key,
                party,
                hashed.sha256,
                label,
            )
            await _tell(connection, entry, (*entry.keys, hashed))
            await failpoint("ingest.before_commit")
        await failpoint("ingest.after_commit")
        self._changed()
        return made

    async def revoke(self, party: str, key: str) -> bool:
        """Take a key out of force, for good; False when the party has no such key. Again is no fault."""
        async with self._database.transaction() as connection:
            entry = await _held(connection, party)
            kept = tuple(hashed for hashed in entry.keys if hashed.key != key)
            if kept == entry.keys:
                return await _was_revoked(connection, party, key)
            await connection.execute(
                "UPDATE api_keys SET revoked_at = now() WHERE party = $1 AND key = $2", party, key
            )
            await _tell(connection, entry, kept)
            await failpoint("ingest.before_commit")
        await failpoint("ingest.after_commit")
        self._senders.forget(hashed.sha256 for hashed in entry.keys if hashed.key == key)
        self._changed()
        return True

    async def of(self, party: str) -> list[KeyInfo]:
        """Return every key that a party ever had, the oldest first."""
        columns = (api_keys.c.key, api_keys.c.label, api_keys.c.created_at, api_keys.c.revoked_at)
        query = (
            select(*columns).where(api_keys.c.party == party).order_by(api_keys.c.created_at, api_keys.c.key)
        )
        async with self._database.begin() as connection:
            return [KeyInfo(*row) for row in await connection.execute(query)]


async def _held(connection: Connection, party: str) -> PartyEntry:
    entry = (await store.held_parties(connection, [party])).get(party)
    if entry is None:
        raise UnknownParty(party)
    return entry


async def _tell(connection: Connection, entry: PartyEntry, keys: tuple[KeyHash, ...]) -> None:
    changed, record = next_state(entry, keys)
    await store.save_parties(connection, [changed])
    await outbox.append(connection, [record])


async def _was_revoked(connection: Connection, party: str, key: str) -> bool:
    found = await connection.fetchval("SELECT 1 FROM api_keys WHERE party = $1 AND key = $2", party, key)
    return found is not None


def _hashed(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _key_of(secret: str) -> str | None:
    """Return the id that a key names, None where it has not the form of one."""
    parts = secret.split("_")
    if len(parts) != 3 or parts[0] != "tenon" or not (parts[1].isascii() and parts[1].isalnum()):
        return None
    return parts[1]
