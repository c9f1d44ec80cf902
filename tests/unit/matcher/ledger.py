"""The judge: what was said and what was told, summed again by rules of its own.

Knows the contracts only, nothing of how the matcher decides. `Said` reads the log and keeps what is in force;
`Ledger` reads what was told and keeps the last of each; `judge` compares the two.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from matcher.domain.reading import Entry, Unusable
from matcher.domain.telling import OutEvent
from tenon.contracts import topics
from tenon.contracts.alerts import Overdrawn, Unmet
from tenon.contracts.codec import decode_tolerant, unix_ms
from tenon.contracts.dockings import Docking
from tenon.contracts.families import FAMILIES
from tenon.contracts.intake import (
    DemandPublished,
    DemandWithdrawn,
    OfferPublished,
    OfferWithdrawn,
    PolicyPublished,
    ResourcePublished,
    ResourceWithdrawn,
)
from tenon.contracts.log import DemandListed, OfferListed
from tenon.contracts.positions import DemandPosition, OfferPosition, ResourcePosition
from tenon.contracts.rejections import AnswerRefused, EventRejected, EventSuperseded
from tenon.contracts.values import Shape
from tests.unit.matcher.loads import drawn, judge_resource, takes

Name = tuple[str, str]
"""`offer`, `demand` or `resource`, and party/id."""
Statement = OfferPublished | DemandPublished | ResourcePublished
FAR_AWAY_MS = 2**62
ENDS = frozenset({"declined", "lapsed", "cancelled", "failed"})
NEXT: dict[str, frozenset[str]] = {
    "": frozenset({"proposed", "confirmed"}),
    "proposed": frozenset({"proposed", "confirmed", "declined", "lapsed", "cancelled"}),
    "confirmed": frozenset({"confirmed", "shipped", "delivered", "failed"}),
    "shipped": frozenset({"shipped", "delivered"}),
}
NEVER_CHANGES = ("market", "class_", "unit", "quantity", "tier", "price", "distance_m", "proposed_at")


@dataclass
class InForce:
    """An offer or demand in force.

    `over`: the windows of a demand that can't be docked any more; `ended`: those that were ever over since
    this was said (a later policy may give the rest of a demand more patience).
    """

    market: str
    said: Statement
    since_ms: int
    withdrawn: bool = False
    closed_ms: int | None = None
    over: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)


@dataclass
class Said:
    """What the log says, by the rule of revisions: one market, kind and unit for life, the newest holds."""

    entries: dict[Name, InForce] = field(default_factory=dict)
    closed: dict[tuple[str, Name], int] = field(default_factory=dict)
    homes: dict[Name, str] = field(default_factory=dict)
    policies: list[PolicyPublished] = field(default_factory=list)
    changed: set[Name] = field(default_factory=set)

    def take(self, records: Iterable[Entry | Unusable], clock_ms: int) -> None:
        """Read what a round read."""
        self.changed.clear()
        for record in records:
            if not isinstance(record, Unusable):
                self._take(record.market, record.data, clock_ms)
        for entry in self.entries.values():
            self._note_ends(entry, clock_ms)

    def _take(self, market: str, data: Shape, clock_ms: int) -> None:
        match data:
            case OfferListed(offer=said):
                self._list(market, ("offer", f"{said.party}/{said.offer}"), said, clock_ms)
            case DemandListed(demand=said):
                self._list(market, ("demand", f"{said.party}/{said.demand}"), said, clock_ms)
            case ResourcePublished() as said:
                self._list(market, ("resource", f"{said.party}/{said.resource}"), said, clock_ms)
            case OfferWithdrawn() as end:
                self._end(market, ("offer", f"{end.party}/{end.offer}"), end.revision)
            case DemandWithdrawn() as end:
                self._end(market, ("demand", f"{end.party}/{end.demand}"), end.revision)
            case ResourceWithdrawn() as end:
                self._end(market, ("resource", f"{end.party}/{end.resource}"), end.revision)
            case PolicyPublished() as policy:
                self._policy(policy)
            case _:
                pass

    def forget(self, name: Name, clock_ms: int) -> None:
        """Forget what was closed for so long as its policy says; its last revision stays."""
        entry = self.entries.pop(name)
        policy = self.policy_of(entry.market) or PolicyPublished(policy="-", revision=1)
        assert entry.closed_ms is not None, "nothing is forgotten that is not closed"
        assert entry.closed_ms + policy.keep_closed_s * 1000 <= clock_ms, "nothing is forgotten early"
        known = self.closed.get((entry.market, name), 0)
        self.closed[entry.market, name] = max(known, entry.said.revision)

    def policy_of(self, market: str) -> PolicyPublished | None:
        """Return the policy in force: the market's own before the one for all, the last said first."""
        latest = list(reversed(self.policies))
        for scope in (market, None):
            for policy in latest:
                if policy.market == scope:
                    return policy
        return None

    def _list(self, market: str, name: Name, said: Statement, clock_ms: int) -> None:
        old = self.entries.get(name)
        if self.homes.get(name, market) != market or said.revision <= self.closed.get((market, name), 0):
            return
        if old is not None:
            if _made_of(old.said) != _made_of(said):
                return
            if said.revision <= old.said.revision:
                return
        self.homes[name] = market
        self.entries[name] = InForce(market, said, clock_ms if old is None else old.since_ms)
        self.changed.add(name)

    def _end(self, market: str, name: Name, revision: int) -> None:
        old = self.entries.get(name)
        if self.homes.get(name, market) != market or (old is not None and revision < old.said.revision):
            return
        if revision > self.closed.get((market, name), 0):
            self.closed[market, name] = revision
            if old is not None:
                old.withdrawn = True
                self.changed.add(name)

    def _policy(self, policy: PolicyPublished) -> None:
        known = next((each for each in self.policies if each.policy == policy.policy), None)
        if known is None or policy.revision > known.revision:
            self.policies = [each for each in self.policies if each is not known] + [policy]

    def _note_ends(self, entry: InForce, clock_ms: int) -> None:
        out = entry.withdrawn or self._waits_until_ms(entry) <= clock_ms
        entry.over = {part.id for part in entry.said.windows if out or unix_ms(part.until) <= clock_ms}
        entry.ended |= entry.over
        closed = len(entry.over) == len(entry.said.windows)
        entry.closed_ms = (entry.closed_ms or clock_ms) if closed else None

    def _waits_until_ms(self, entry: InForce) -> int:
        """Return until when an offer is valid, or a demand has patience."""
        if isinstance(entry.said, OfferPublished):
            return unix_ms(entry.said.valid_until) if entry.said.valid_until else FAR_AWAY_MS
        if isinstance(entry.said, ResourcePublished):
            return FAR_AWAY_MS
        policy = self.policy_of(entry.market)
        if entry.said.patience_until is not None:
            return unix_ms(entry.said.patience_until)
        if policy is not None and policy.patience_s is not None:
            return entry.since_ms + policy.patience_s * 1000
        return FAR_AWAY_MS


def _made_of(said: Statement) -> tuple[str, str]:
    """Return what never changes of an id: kind and unit."""
    if isinstance(said, ResourcePublished):
        return "resource", said.unit
    return said.item.kind, said.item.unit


@dataclass
class Told:
    """What one round told, read from its events."""

    steps: list[Docking] = field(default_factory=list)
    unmet: list[Unmet] = field(default_factory=list)
    overdrawn: list[Overdrawn] = field(default_factory=list)
    superseded: list[EventSuperseded] = field(default_factory=list)
    refused: list[AnswerRefused] = field(default_factory=list)
    rejected: list[EventRejected] = field(default_factory=list)
    forgotten: list[Name] = field(default_factory=list)


@dataclass
class Ledger:
    """The last that was told of each docking, offer and demand.

    `past`: the dockings of an offer or demand of the same name that was forgotten before this one.
    """

    dockings: dict[str, Docking] = field(default_factory=dict)
    offers: dict[str, OfferPosition] = field(default_factory=dict)
    demands: dict[str, DemandPosition] = field(default_factory=dict)
    resources: dict[str, ResourcePosition] = field(default_factory=dict)
    given_up: dict[str, Decimal] = field(default_factory=dict)
    past: dict[Name, set[str]] = field(default_factory=dict)
    _ids: set[str] = field(default_factory=set)
    _sequences: dict[tuple[str, str], str] = field(default_factory=dict)

    def take(self, events: Iterable[OutEvent]) -> Told:
        """Read what a round told; fail where it contradicts what was told before."""
        told = Told()
        self.given_up = {key: _sum(demand, "given_up") for key, demand in self.demands.items()}
        for event in events:
            headers = {name: value.decode() for name, value in event.headers}
            self._check_order(event, headers)
            if not event.value:
                self._forget(event, told)
                continue
            data = decode_tolerant(FAMILIES[headers["ce_type"]].data, event.value)
            self._keep(data, told)
        return told

    def of(self, kind: str) -> dict[str, Any]:
        """Return the last positions of offers, demands or resources."""
        positions: dict[str, dict[str, Any]]
        positions = {"offer": self.offers, "demand": self.demands, "resource": self.resources}
        return positions[kind]

    def _check_order(self, event: OutEvent, headers: dict[str, str]) -> None:
        assert headers["ce_id"] not in self._ids, "an id names one event"
        self._ids.add(headers["ce_id"])
        last = self._sequences.get((event.topic, event.key), "")
        assert headers["ce_sequence"] > last, "sequences rise per key"
        self._sequences[event.topic, event.key] = headers["ce_sequence"]
        assert FAMILIES[headers["ce_type"]].topic is topics.BY_NAME[event.topic]

    def _forget(self, event: OutEvent, told: Told) -> None:
        """A key is gone: of an offer or demand none of whose dockings is under way."""
        assert event.topic == topics.POSITIONS.name
        party, kind, entity = event.key.split("/")
        name = kind, f"{party}/{entity}"
        of_kind: dict[str, Any] = self.of(kind)
        del of_kind[name[1]]
        of = [docking for docking in self.dockings.values() if name in _sides(docking)]
        assert all(docking.status in ENDS | {"delivered"} for docking in of)
        self.past[name] = {docking.docking for docking in of}
        told.forgotten.append(name)

    def _keep(self, data: Shape, told: Told) -> None:
        match data:
            case Docking():
                _check_step(self.dockings.get(data.docking), data)
                self.dockings[data.docking] = data
                told.steps.append(data)
            case OfferPosition():
                self.offers[f"{data.party}/{data.offer}"] = data
            case ResourcePosition():
                self.resources[f"{data.party}/{data.resource}"] = data
            case DemandPosition():
                self.demands[f"{data.party}/{data.demand}"] = data
            case Unmet():
                told.unmet.append(data)
            case Overdrawn():
                told.overdrawn.append(data)
            case EventSuperseded():
                told.superseded.append(data)
            case AnswerRefused():
                told.refused.append(data)
            case EventRejected():
                told.rejected.append(data)
            case _:
                pass


def _check_step(before: Docking | None, after: Docking) -> None:
    """Fail unless the step follows from the one before: revisions without a gap, a way that exists."""
    assert after.revision == (1 if before is None else before.revision + 1)
    assert after.status in NEXT["" if before is None else before.status]
    assert 0 <= after.delivered <= after.shipped
    assert after.shipped + after.failed <= after.quantity
    assert (after.respond_by is not None) == (after.status == "proposed")
    agreed = after.supply.accepted and after.demand.accepted
    assert agreed or after.status in ("proposed", "declined", "lapsed", "cancelled")
    assert not (agreed and after.status == "proposed")
    if before is None:
        return
    for name in NEVER_CHANGES:
        assert getattr(before, name) == getattr(after, name)
    for name in ("shipped", "delivered", "failed"):
        assert getattr(before, name) <= getattr(after, name)
    for was, now in ((before.supply, after.supply), (before.demand, after.demand)):
        assert (was.party, was.id, was.window, was.site) == (now.party, now.id, now.window, now.site)
        assert now.accepted or not was.accepted
    if before.status == after.status == "proposed":
        assert before.respond_by == after.respond_by


@dataclass
class _Parts:
    """What dockings hold of one window."""

    proposed: Decimal = Decimal(0)
    confirmed: Decimal = Decimal(0)
    shipped: Decimal = Decimal(0)
    delivered: Decimal = Decimal(0)

    def add(self, docking: Docking) -> None:
        """Count a docking: what has ended holds only what was shipped of it."""
        rest = docking.quantity - docking.shipped - docking.failed
        if docking.status == "proposed":
            self.proposed += rest
        elif docking.status not in ENDS:
            self.confirmed += rest
        self.shipped += docking.shipped - docking.delivered
        self.delivered += docking.delivered

    @property
    def total(self) -> Decimal:
        """What is held in any state."""
        return self.proposed + self.confirmed + self.shipped + self.delivered


def judge(said: Said, ledger: Ledger, told: Told, now: datetime) -> None:
    """Fail unless the last that was told adds up to the dockings told, and fits what was said."""
    held = _held(ledger)
    for kind in ("offer", "demand", "resource"):
        assert ledger.of(kind).keys() == {key for of, key in said.entries if of == kind}
    for (kind, key), entry in said.entries.items():
        position = ledger.of(kind)[key]
        assert (position.revision, position.market) == (entry.said.revision, entry.market)
        windows = {window.id for window in position.windows}
        assert len(windows) == len(position.windows)
        assert {window.id for window in entry.said.windows} <= windows
        holding = held.get((kind, key), {})
        assert {name for name, parts in holding.items() if parts.total} <= windows
    for key, offer in ledger.offers.items():
        _judge_offer(said.entries["offer", key], offer, held.get(("offer", key), {}), now)
    for key, demand in ledger.demands.items():
        _judge_demand(said.entries["demand", key], demand, held.get(("demand", key), {}))
        _judge_unmet(said, ledger, told, key)
    _judge_resources(said, ledger, held, now)


def _judge_resources(said: Said, ledger: Ledger, held: dict[Name, dict[str, _Parts]], now: datetime) -> None:
    taken: dict[str, list[tuple[str, Fraction, bool]]] = {}
    for (kind, key), entry in said.entries.items():
        if not isinstance(entry.said, OfferPublished) or entry.said.resource is None:
            continue
        resource = f"{entry.said.party}/{entry.said.resource.id}"
        known = said.entries.get(("resource", resource))
        holding = {name: (part.total, part.proposed) for name, part in held.get((kind, key), {}).items()}
        if known is None or known.market != entry.market or not takes(entry.said, _resource(known)):
            assert not any(proposed for _, proposed in holding.values()), (
                "of what is not known nothing is promised"
            )
            continue
        amounts = drawn(entry.said, ledger.offers[key], holding, _resource(known))
        taken.setdefault(resource, []).extend(amounts)
    for key, position in ledger.resources.items():
        entry = said.entries["resource", key]
        judge_resource(_resource(entry), entry.withdrawn, position, taken.get(key, []), now)


def _resource(entry: InForce) -> ResourcePublished:
    assert isinstance(entry.said, ResourcePublished)
    return entry.said


def _held(ledger: Ledger) -> dict[Name, dict[str, _Parts]]:
    """Return what dockings hold of each window of each offer and demand."""
    held: dict[Name, dict[str, _Parts]] = {}
    for docking in ledger.dockings.values():
        for name, window in _sides(docking).items():
            if docking.docking not in ledger.past.get(name, ()):
                held.setdefault(name, {}).setdefault(window, _Parts()).add(docking)
    return held


def _sides(docking: Docking) -> dict[Name, str]:
    """Return the names of a docking's offer and demand, each with the window."""
    sides = {"offer": docking.supply, "demand": docking.demand}
    return {(kind, f"{side.party}/{side.id}"): side.window for kind, side in sides.items()}


def _judge_offer(entry: InForce, offer: OfferPosition, held: dict[str, _Parts], now: datetime) -> None:
    assert isinstance(entry.said, OfferPublished)
    offered = {} if entry.withdrawn else {part.id: part.quantity for part in entry.said.windows}
    for window in offer.windows:
        parts = held.get(window.id, _Parts())
        assert window.quantity == offered.get(window.id, 0)
        assert window.consumed == parts.total
        assert window.free == max(0, window.quantity - window.consumed)
        assert window.overdrawn == max(0, window.consumed - window.quantity)
        assert not (window.overdrawn and parts.proposed), "a proposal is not kept where it does not fit"
    ends = [min(window.until, entry.said.valid_until or window.until) for window in offer.windows]
    status = (
        "expired" if max(ends) <= now else "open" if any(part.free for part in offer.windows) else "filled"
    )
    assert offer.status == ("withdrawn" if entry.withdrawn else status)


def _judge_demand(entry: InForce, demand: DemandPosition, held: dict[str, _Parts]) -> None:
    assert isinstance(entry.said, DemandPublished)
    asked = {part.id: part.quantity for part in entry.said.windows}
    for window in demand.windows:
        parts = held.get(window.id, _Parts())
        said = asked.get(window.id, Decimal(0))
        assert (window.proposed, window.confirmed) == (parts.proposed, parts.confirmed)
        assert (window.shipped, window.delivered) == (parts.shipped, parts.delivered)
        assert window.asked == max(said, parts.total)
        assert window.asked == window.open + parts.total + window.given_up
        assert min(window.open, window.given_up) >= 0
        assert not (parts.proposed and parts.total > said), "a proposal is not kept where it is too much"
        assert window.id in entry.ended or window.given_up == 0, "nothing is given up before its end"
        assert window.id not in entry.over or window.open == 0, "nothing is open beyond its end"
    open_ = _sum(demand, "open")
    left = "open" if open_ else "expired" if _sum(demand, "given_up") else "filled"
    assert demand.status == ("withdrawn" if entry.withdrawn else left)
    assert (demand.reasons is None) or (open_ > 0)
    if demand.reasons is not None:
        assert sum(demand.reasons.failed.values()) == demand.reasons.considered


def _judge_unmet(said: Said, ledger: Ledger, told: Told, key: str) -> None:
    """What a demand gives up while it is neither revised nor withdrawn is told in an alert."""
    name = ("demand", key)
    if name in said.changed or said.entries[name].withdrawn:
        return
    given = sum(
        (alert.quantity for alert in told.unmet if f"{alert.party}/{alert.demand}" == key), Decimal(0)
    )
    assert _sum(ledger.demands[key], "given_up") == ledger.given_up.get(key, Decimal(0)) + given


def _sum(demand: DemandPosition, part: str) -> Decimal:
    return sum((getattr(window, part) for window in demand.windows), Decimal(0))
