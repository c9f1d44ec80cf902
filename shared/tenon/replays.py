"""How a dead letter becomes a record again. Pure.

The new record has the old key, bytes and headers (so the same event id), goes to the old topic and partition,
and says by the header `ce_replays` which record it repeats. A replay of a replay names the first one.
"""

import base64

from tenon.contracts.rejections import EventRejected
from tenon.records import OutRecord, Record

REPLAYS = "ce_replays"


def replay_of(rejected: EventRejected, original: Record | None = None) -> OutRecord:
    """Return the record to append for a dead letter; `original` where the letter holds only a part of it."""
    origin = rejected.origin
    headers = [(name, text.encode()) for name, text in rejected.headers.items()]
    value: bytes | None = base64.b64decode(rejected.data_base64)
    key = None if origin.key is None else origin.key.encode()
    if original is not None:
        headers, value, key = list(original.headers), original.value, original.key
    if all(name != REPLAYS for name, _ in headers):
        headers.append((REPLAYS, f"{origin.topic}/{origin.partition}/{origin.offset}".encode()))
    return OutRecord(origin.topic, key, value, headers, origin.partition)
