"""The table of failpoints: which process passes which, so that no point is without its fault."""

from __future__ import annotations

from dataclasses import dataclass

LOOP = ("during_assignment", "after_poll")
RELAY = ("after_relay_send", "before_mark")
OWN = {
    "ingest": ("before_commit", "after_commit", "before_send", "after_send"),
    "matcher": ("during_load", "after_step", "before_commit", "after_commit"),
    "notifier": ("during_load", "after_step", "before_commit", "after_commit"),
}
CONSUMERS = ("matcher", "notifier")
BESIDE = {"imports": ("before_commit",), "mtconnect": ("before_commit", "after_commit")}
"""Relays of ingest that no load of the chaos tests passes: tests/integration/ingest tries their points."""
RELAYS = {"ingest": ("outbox",), "matcher": ("rounds",), "notifier": ("outbox", "webhooks")}


@dataclass(frozen=True, slots=True)
class Place:
    """A point of a service; `relay` names whose it is where the point is a relay's."""

    service: str
    point: str
    relay: str = ""

    @property
    def failpoint(self) -> str:
        """As TENON_FAILPOINTS names it."""
        return f"{self.service}.{self.point}"

    def __str__(self) -> str:
        return f"{self.failpoint}-{self.relay}" if self.relay else self.failpoint


PLACES = (
    *(Place(service, point) for service, points in OWN.items() for point in points),
    *(Place(service, point) for service in CONSUMERS for point in LOOP),
    *(
        Place(service, point, relay)
        for service, relays in RELAYS.items()
        for relay in relays
        for point in RELAY
    ),
)
