"""Secrets of subscribers, sealed before they are stored and opened when they are used.

Sealed with the first of the keys of TENON_SECRET_KEYS, opened with any of them: a new key goes in front,
and once every secret was sealed anew the old one may go. Without that setting the key is one that the first
process made and keeps in the same database: whoever reads the database then reads the secrets too.
"""

from collections.abc import Sequence
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from notifier.domain.sign import PREFIX
from tenon import log
from tenon.db import Database
from tenon.errors import Misconfigured

_KEY: Final = "subscribers"
_COLUMNS: Final = ("secret", "old_secret")
_logger = log.get("vault")


class Vault:
    """Seals and opens."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._first = Fernet(keys[0])
        self._all = MultiFernet([Fernet(key) for key in keys])

    def seal(self, secret: str) -> str:
        """Return a secret as it is stored."""
        return self._first.encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str:
        """Return a secret; raises `Misconfigured` when it was sealed with a key that is not there."""
        if sealed.startswith(PREFIX):
            return sealed  # From before secrets were sealed; `seal_anew` leaves none.
        try:
            return self._all.decrypt(sealed).decode()
        except InvalidToken:
            raise Misconfigured(
                "a subscriber's secret was sealed with a key that TENON_SECRET_KEYS does not hold: add that"
                " key behind the first"
            ) from None

    def is_newest(self, sealed: str) -> bool:
        """Return whether it is sealed with the first key."""
        try:
            self._first.decrypt(sealed)
        except InvalidToken:
            return False
        return True


async def opened(database: Database, keys: Sequence[str]) -> Vault:
    """Return the vault of a service, every stored secret sealed with its first key."""
    await database.execute(
        "INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        _KEY,
        Fernet.generate_key(),
    )
    own = bytes(await database.fetchval("SELECT value FROM secrets WHERE name = $1", _KEY)).decode()
    vault = Vault([*keys, own])
    for column in _COLUMNS:
        await _seal_anew(database, vault, column)
    return vault


async def _seal_anew(database: Database, vault: Vault, column: str) -> None:
    """Seal with the first key what is not; a secret that is replaced meanwhile is left alone."""
    rows = await database.fetch(f"SELECT id, {column} FROM endpoints WHERE {column} IS NOT NULL")  # noqa: S608
    old = [(row[0], row[1]) for row in rows if not vault.is_newest(row[1])]
    for endpoint, sealed in old:
        await database.execute(
            f"UPDATE endpoints SET {column} = $3 WHERE id = $1 AND {column} = $2",  # noqa: S608
            endpoint,
            sealed,
            vault.seal(vault.open(sealed)),
        )
    if old:
        _logger.info("sealed anew", secrets=len(old), column=column)


def is_key(text: str) -> bool:
    """True for what `Fernet.generate_key` makes: 32 bytes in URL-safe base64."""
    try:
        Fernet(text)
    except ValueError:
        return False
    return True
