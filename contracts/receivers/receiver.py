"""A receiver of Tenon's webhooks: checks a call by Standard Webhooks 1.0, answers 204, or 401 to what is forged.

    python receiver.py 8080 whsec_…      with the secret of the subscription
    python receiver.py 8080 whpk_…       with its public key (needs the package `cryptography`)

Copy `verify`, and do what `handle` should do before it answers. Tenon sends again what was not answered with 2xx,
under the same `id`; of one `subject` the event with the higher `sequence` is the newer.
"""

import base64
import hashlib
import hmac
import json
import sys
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOLERANCE_S = 300


class Forged(Exception):
    """The call does not come from Tenon, or is too old."""


def verify(key: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return the event of a call; raise `Forged`. Several signatures are sent while a secret is replaced."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > TOLERANCE_S:
        raise Forged("the time is missing, or too far from ours")
    signed = f"{message_id}.{timestamp}.".encode() + body
    if not any(_fits(key, signed, each) for each in headers.get("webhook-signature", "").split(" ")):
        raise Forged("no signature fits")
    return json.loads(body)


def _fits(key: str, signed: bytes, signature: str) -> bool:
    scheme, _, given = signature.partition(",")
    if key.startswith("whsec_") and scheme == "v1":
        secret = base64.b64decode(key.removeprefix("whsec_"))
        made = base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
        return hmac.compare_digest(made, given)
    if key.startswith("whpk_") and scheme == "v1a":
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.removeprefix("whpk_")))
        try:
            public.verify(base64.b64decode(given), signed)
        except (InvalidSignature, ValueError):
            return False
        return True
    return False


def handle(event: dict[str, Any]) -> None:
    """Keep the event, then return: Tenon waits for the answer."""
    print(event["type"], event["id"], flush=True)


class Receiver(BaseHTTPRequestHandler):
    """Answers one call."""

    key = ""

    def do_POST(self) -> None:
        """Take an event."""
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        try:
            handle(verify(self.key, {name.lower(): value for name, value in self.headers.items()}, body))
        except Forged:
            self.send_response(401)
        else:
            self.send_response(204)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    Receiver.key = sys.argv[2]
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
