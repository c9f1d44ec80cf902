"""How rows about subscriptions look in answers."""

from typing import Any

import msgspec

from notifier.ways import Report
from tenon.contracts.topics import party_topic

_SHOWN = (
    "id", "way", "url", "types", "skip_after", "per_second", "handshake", "principal", "status", "why",
    "old_until", "cursor", "failed", "failing_since", "parked", "next_at", "created_at",
)  # fmt: skip
_ATTEMPT = ("number", "event_id", "type", "at", "taken", "status", "latency_ms", "detail", "response")
_PARKED = ("number", "event_id", "type", "subject", "why", "parked_at", "replay")


def subscription(row: Any, public_key: str | None) -> dict[str, Any]:
    """Return a subscription, without its secrets."""
    shown = _said(row, _SHOWN)
    shown["description"] = row.description
    shown["where"] = row.conditions
    shown["order"] = "strict" if row.strict else "skip"
    shown["waiting"] = max(0, int(row.last) - int(row.cursor))
    if public_key is not None:
        shown["public_key"] = public_key
    if row.way == "kafka":
        shown["topic"] = party_topic(row.audience).name
    return shown


def secret(made: str, public_key: str | None) -> dict[str, str]:
    """Return what a receiver needs: a shared secret, shown this once, or the public key of a pair."""
    if public_key is not None:
        return {"public_key": public_key}
    return {"secret": made} if made else {}


def attempt(row: Any) -> dict[str, Any]:
    """Return an attempt."""
    return _said(row, _ATTEMPT)


def parked(row: Any) -> dict[str, Any]:
    """Return a parked event, with the event itself."""
    return {**_said(row, _PARKED), "event": msgspec.Raw(row.body)}


def pinged(report: Report, taken: bool, status: str) -> dict[str, Any]:
    """Return what came of a trial."""
    said = {
        "status": report.attempt.status,
        "detail": report.attempt.detail,
        "response": report.response,
        "latency_ms": report.latency_ms,
    }
    left = {name: value for name, value in said.items() if value not in (None, "")}
    return {"taken": taken, "subscription": status, **left}


def _said(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the columns that say something."""
    return {name: row._mapping[name] for name in names if row._mapping[name] not in (None, "")}
