"""Signatures of webhooks: Standard Webhooks 1.0, symmetric scheme `v1`.

Signed is `{id}.{timestamp}.{body}` with HMAC-SHA256; a secret is `whsec_` and base64 of 24 to 64 bytes.
"""

import binascii
import hashlib
import hmac
from base64 import b64decode, b64encode
from typing import Final

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
_ALLOWED: Final = range(24, 65)


class BadSecret(ValueError):
    """The text is not a secret of Standard Webhooks."""


def to_secret(random: bytes) -> str:
    """Return random bytes (24 to 64) in the form in which they are shown to a receiver."""
    if len(random) not in _ALLOWED:
        raise BadSecret(f"a secret has 24 to 64 bytes, not {len(random)}")
    return PREFIX + b64encode(random).decode()


def key_of(secret: str) -> bytes:
    """Return the key inside a secret; raise `BadSecret`."""
    if not secret.startswith(PREFIX):
        raise BadSecret(f"a secret starts with {PREFIX}")
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise BadSecret("a secret is base64 after its prefix") from error
    if len(key) not in _ALLOWED:
        raise BadSecret(f"a secret has 24 to 64 bytes, not {len(key)}")
    return key


def signature(secret: str, message_id: str, timestamp_s: int, body: bytes) -> str:
    """Return `v1,` and the base64 signature of one attempt (its time in Unix seconds)."""
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    return "v1," + b64encode(hmac.digest(key_of(secret), signed, hashlib.sha256)).decode()


def headers(secrets: list[str], message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """Return the three headers; several secrets (while one is replaced) give several signatures."""
    signatures = [signature(secret, message_id, timestamp_s, body) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(signatures),
    }
