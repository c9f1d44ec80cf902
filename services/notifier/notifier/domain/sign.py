"""Signatures of webhooks: Standard Webhooks 1.0, with a shared secret (`v1`) or a pair of keys (`v1a`).

Signed is `{id}.{timestamp}.{body}`: by HMAC-SHA256 with a secret, `whsec_` and base64 of 24 to 64 bytes; or
by Ed25519 with a private key, `whsk_` and base64 of 32 bytes, which never leaves. A receiver checks the
latter with the public key, `whpk_`, and can't sign by it.
"""

import binascii
import hashlib
import hmac
from base64 import b64decode, b64encode
from functools import lru_cache
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Scheme = Literal["v1", "v1a"]
PREFIX: Final = "whsec_"
PRIVATE: Final = "whsk_"
PUBLIC: Final = "whpk_"
SECRET_BYTES: Final = 32
_ALLOWED: Final = {PREFIX: range(24, 65), PRIVATE: range(32, 33)}
_PREFIXES: Final[dict[Scheme, str]] = {"v1": PREFIX, "v1a": PRIVATE}


class BadSecret(ValueError):
    """The text is not a secret of Standard Webhooks."""


def to_secret(random: bytes, scheme: Scheme = "v1") -> str:
    """Return random bytes (24 to 64, for `v1a` 32) as a secret in the form of the standard."""
    prefix = _PREFIXES[scheme]
    return prefix + b64encode(_checked(prefix, random)).decode()


@lru_cache(maxsize=1_000)
def key_of(secret: str) -> bytes:
    """Return the key inside a secret; raise `BadSecret`."""
    prefix = next((each for each in _ALLOWED if secret.startswith(each)), None)
    if prefix is None:
        raise BadSecret(f"a secret starts with {PREFIX} or {PRIVATE}")
    try:
        key = b64decode(secret.removeprefix(prefix), validate=True)
    except binascii.Error as error:
        raise BadSecret("a secret is base64 after its prefix") from error
    return _checked(prefix, key)


def public_key(secret: str) -> str | None:
    """Return what a receiver checks signatures of a private key with; None for a shared secret."""
    if not secret.startswith(PRIVATE):
        return None
    public = _private(secret).public_key()
    return PUBLIC + b64encode(public.public_bytes_raw()).decode()


def signature(secret: str, message_id: str, timestamp_s: int, body: bytes) -> str:
    """Return scheme and base64 signature of one attempt (its time in Unix seconds)."""
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    if secret.startswith(PRIVATE):
        return "v1a," + b64encode(_private(secret).sign(signed)).decode()
    return "v1," + b64encode(hmac.digest(key_of(secret), signed, hashlib.sha256)).decode()


def headers(secrets: list[str], message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """Return the three headers; several secrets (while one is replaced) give several signatures."""
    signatures = [signature(secret, message_id, timestamp_s, body) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(signatures),
    }


@lru_cache(maxsize=1_000)
def _private(secret: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key_of(secret))


def _checked(prefix: str, key: bytes) -> bytes:
    sizes = _ALLOWED[prefix]
    if len(key) not in sizes:
        raise BadSecret(f"a secret {prefix}… has {sizes[0]} to {sizes[-1]} bytes, not {len(key)}")
    return key
