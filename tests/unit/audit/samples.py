"""Facts for the audit's checks, with sensible defaults: a line in which everything holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tenon_audit.checks.rounds import FIRST_DIGEST, Kept, Told, summed
from tenon_audit.facts import DemandWindow, Event, Head, OfferWindow, Own, Round, Step
from tenon_audit.finding import Finding

OFFER, DEMAND = ("acme/o1", "w"), ("clinic/d1", "w")


def kinds(findings: Iterable[Finding]) -> list[str]:
    """Return the kinds of fault that were found, in order."""
    return [finding.check for finding in findings]


def step(revision: int = 1, status: str = "proposed", docking: str = "0-1-1", **said: Any) -> Step:
    """Return a step of a docking of ten pieces."""
    facts: dict[str, Any] = {
        "id": f"{docking}/{revision}",
        "docking": docking,
        "revision": revision,
        "status": status,
        "offer": OFFER,
        "demand": DEMAND,
        "quantity": 10,
        "shipped": 0,
        "delivered": 0,
        "failed": 0,
        "accepted": (False, False),
        "parties": ("acme", "clinic"),
        "made_in": (0, revision),
        "body": f"{docking}/{revision}/{status}".encode(),
        "at_ms": 1_000 * revision,
        "place": (0, revision, 1_000 * revision),
        **said,
    }
    return Step(**facts)


def offer_window(quantity: int = 100, consumed: int = 0) -> OfferWindow:
    """Return a window of an offer that adds up."""
    return OfferWindow("w", quantity, consumed, max(0, quantity - consumed), max(0, consumed - quantity))


def demand_window(said: int = 100, **parts: int) -> DemandWindow:
    """Return a window of a demand whose open part is what the others leave."""
    names = ("proposed", "confirmed", "shipped", "delivered", "given_up")
    filled = {name: parts.get(name, 0) for name in names}
    docked = sum(filled.values()) - filled["given_up"]
    asked = max(said, docked)
    return DemandWindow("w", asked, asked - sum(filled.values()), said=said, **filled)


def rounds(many: int = 3, partition: int = 0, records: int = 2) -> Iterator[tuple[Round, Own]]:
    """Yield a chain of rounds that holds, each with an event."""
    previous = FIRST_DIGEST
    for number in range(1, many + 1):
        start = (number - 1) * records
        facts = (partition, number, start, start + records, 1000 * number)
        event = Event("tenon.positions.v1", "acme/offer/o1", f"e{number}", f"{number:020d}", b"{}")
        row = (partition, number, number, start, *facts[2:])
        this = Round(*row, "", told=True, parked_why=None, events=(event,))
        own = Own(*facts, "engine", b"{}", b"[]", (), records, 0, previous, "")
        previous = summed(this, own)
        yield this._replace(digest=previous), own._replace(digest=previous)


def told(owns: Iterable[Own]) -> Told:
    """Return what a topic holds on which these rounds stand."""
    topic = Told()
    for number, own in enumerate(owns):
        assert not list(topic.see(own, (own.partition, number)))
    return topic


def chained(owns: Iterable[Own]) -> list[str]:
    """Return what is found in the chains of a topic."""
    return kinds(told(owns).chains())


def kept(
    rows: Iterable[tuple[Round, Own | None]], owns: Iterable[Own], head: Head | None = None
) -> list[str]:
    """Return what is found in the rows that a table keeps, beside a topic."""
    rows = list(rows)
    last = rows[-1][0]
    follower = Kept(told(owns), [head or Head(last.partition, last.round, last.clock_ms, last.digest)])
    found = [finding for this, own in rows for finding in follower.follow(this, own)]
    return kinds([*found, *follower.end()])
