"""What the parties of a trial say, one event after the other: offers, demands, revisions, answers, progress.

Pure: a seed, the present time and the dockings that were seen make the events. Each trial has parties, ids
and markets of its own, named after its label, so that trials on one line can be told apart. Must not know
who sends the events, nor what becomes of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Literal
from zlib import crc32

from tenon.client import new_event
from tenon.contracts import intake
from tenon.contracts.cloudevents import CloudEvent
from tenon.contracts.families import INTAKE
from tenon.contracts.values import Evidence, Item, ItemClass, Position, Readiness, Shape, Window

SOURCE, SITE, PARTITIONS = "tests/chaos", "main", 8
SIDE = 4
"""So many suppliers and so many buyers; the first half of each confirms automatically."""
_TYPES = {family.data: family.name for family in INTAKE}
_REMEMBERED = 400
USUAL: Mapping[str, int] = {
    "offer": 34,
    "demand": 36,
    "offer_again": 7,
    "demand_again": 5,
    "offer_ends": 3,
    "demand_ends": 2,
    "site": 4,
    "party": 1,
    "repeat": 5,
    "late": 3,
}
Entity = intake.OfferPublished | intake.DemandPublished


class Story:
    """The events of one trial. `label`: lower-case letters and digits, no other trial's.

    `kinds`: how often each kind of event is said; `held_back`: so many events wait at a time, and any of them
    comes next.
    """

    def __init__(self, seed: int, label: str, kinds: Mapping[str, int] = USUAL, held_back: int = 0) -> None:
        self._chance = Random(seed)
        self._kinds = kinds
        self._held_back = held_back
        self._back: list[CloudEvent] = []
        self._label = label
        self._numbers = 0
        self.classes = _classes(label)
        self.suppliers = [f"{label}s{number}" for number in range(SIDE)]
        self.buyers = [f"{label}b{number}" for number in range(SIDE)]
        self._revisions: dict[str, int] = {}
        self._open: dict[str, Entity] = {}
        self._past: deque[Entity] = deque(maxlen=_REMEMBERED)
        self._said: deque[CloudEvent] = deque(maxlen=_REMEMBERED)
        self._due: deque[Shape] = deque()
        self._seen: dict[str, int] = {}

    @property
    def parties(self) -> list[str]:
        """Everybody who takes part."""
        return [*self.suppliers, *self.buyers]

    def cast(self) -> list[CloudEvent]:
        """The parties and their sites, and a policy that lets proposals of one market lapse soon."""
        policy = intake.PolicyPublished(
            policy=self._label, revision=1, market=f"own:{self.classes[0].code}", respond_within_s=3
        )
        told = [said for party in self.parties for said in (self._party(party), self._site(party))]
        return [self._event(said) for said in (*told, policy)]

    def next(self, count: int, now: datetime) -> list[CloudEvent]:
        """The next `count` events; answers to what was seen come first."""
        while len(self._back) < self._held_back:
            self._back.append(self._next(now))
        return [self._reordered(now) for _ in range(count)]

    def seen(self, docking: dict[str, Any]) -> None:
        """Take note of a step of a docking as the administrator sees it: somebody will answer it.

        Told twice, or late, it has no second effect.
        """
        name, revision = docking["docking"], docking["revision"]
        if revision <= self._seen.get(name, 0) or docking["supply"]["party"] not in self.suppliers:
            return
        self._seen[name] = revision
        self._due.extend(self._answers(docking))

    def _reordered(self, now: datetime) -> CloudEvent:
        event = self._next(now)
        if not self._back:
            return event
        place = self._chance.randrange(len(self._back))
        self._back[place], event = event, self._back[place]
        return event

    def _next(self, now: datetime) -> CloudEvent:
        if self._due:
            return self._event(self._due.popleft())
        (kind,) = self._chance.choices(list(self._kinds), weights=list(self._kinds.values()))
        if kind == "repeat" and self._said:
            return self._chance.choice(self._said)
        return self._event(self._said_of(kind, now))

    def _said_of(self, kind: str, now: datetime) -> Shape:
        offers = kind.startswith("offer")
        match kind:
            case "site":
                return self._site(self._chance.choice(self.parties))
            case "party":
                return self._party(self._chance.choice(self.parties))
            case "late":
                return self._late() or self._demand(now)
            case "offer_again" | "demand_again":
                return self._again(offers, now) or self._offer(now)
            case "offer_ends" | "demand_ends":
                return self._end(offers) or self._demand(now)
            case "offer":
                return self._offer(now)
            case _:
                return self._demand(now)

    def _event(self, said: Shape) -> CloudEvent:
        event = new_event(_TYPES[type(said)], SOURCE, said, event_id=self._name("e"))
        self._said.append(event)
        return event

    def _name(self, prefix: str) -> str:
        self._numbers += 1
        return f"{prefix}{self._label}-{self._numbers}"

    def _revision(self, of: str) -> int:
        self._revisions[of] = self._revisions.get(of, 0) + 1
        return self._revisions[of]

    def _party(self, party: str) -> Shape:
        automatic = int(party[-1]) < SIDE // 2
        mode: intake.Confirmation = "automatic" if automatic else "manual"
        return intake.PartyRegistered(
            party=party,
            revision=self._revision(party),
            name=party,
            supply_confirmation=mode,
            demand_confirmation=mode,
        )

    def _site(self, party: str) -> Shape:
        return intake.SitePublished(
            party=party,
            site=SITE,
            revision=self._revision(f"{party}/{SITE}"),
            position=Position(latitude=47 + int(party[-1]), longitude=10.0),
            region="DE-BY",
            readiness=Readiness(machine=Evidence(ratio=self._chance.choice([0.6, 0.8, 1.0]))),
        )

    def _window(self, now: datetime) -> list[Window]:
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        quantity = Decimal(self._chance.randint(1, 100))
        return [Window(id="w", from_=day, until=day + timedelta(days=30), quantity=quantity)]

    def _offer(self, now: datetime, name: str = "", party: str = "", item: Item | None = None) -> Shape:
        name = name or self._name("o")
        offer = intake.OfferPublished(
            party=party or self._chance.choice(self.suppliers),
            offer=name,
            revision=self._revision(name),
            site=SITE,
            item=item or self._item(),
            windows=self._window(now),
        )
        return self._keep(name, offer)

    def _demand(self, now: datetime, name: str = "", party: str = "", item: Item | None = None) -> Shape:
        name = name or self._name("d")
        patient = self._chance.random() < 0.9
        demand = intake.DemandPublished(
            party=party or self._chance.choice(self.buyers),
            demand=name,
            revision=self._revision(name),
            site=SITE,
            item=item or self._item(),
            windows=self._window(now),
            tier=self._chance.randint(1, 9),
            patience_until=None if patient else now + timedelta(seconds=self._chance.randint(1, 8)),
        )
        return self._keep(name, demand)

    def _keep(self, name: str, said: Entity) -> Shape:
        self._open[name] = said
        self._past.append(said)
        return said

    def _item(self) -> Item:
        return Item(class_=self._chance.choice(self.classes), unit="C62")

    def _some(self, offers: bool) -> Entity | None:
        kind = intake.OfferPublished if offers else intake.DemandPublished
        found = [each for each in list(self._open.values())[-_REMEMBERED:] if isinstance(each, kind)]
        return self._chance.choice(found) if found else None

    def _again(self, offers: bool, now: datetime) -> Shape | None:
        """A newer revision of something that was published, with another quantity."""
        match self._some(offers):
            case intake.OfferPublished() as offer:
                return self._offer(now, offer.offer, offer.party, offer.item)
            case intake.DemandPublished() as demand:
                return self._demand(now, demand.demand, demand.party, demand.item)
            case None:
                return None

    def _late(self) -> Shape | None:
        """What was published before, said again as another event: late where a newer revision came since."""
        return self._chance.choice(self._past) if self._past else None

    def _end(self, offers: bool) -> Shape | None:
        match self._some(offers):
            case intake.OfferPublished() as offer:
                del self._open[offer.offer]
                return intake.OfferWithdrawn(
                    party=offer.party,
                    offer=offer.offer,
                    revision=self._revision(offer.offer),
                    class_=offer.item.class_,
                )
            case intake.DemandPublished() as demand:
                del self._open[demand.demand]
                return intake.DemandWithdrawn(
                    party=demand.party,
                    demand=demand.demand,
                    revision=self._revision(demand.demand),
                    class_=demand.item.class_,
                )
            case None:
                return None

    def _answers(self, docking: dict[str, Any]) -> Iterator[Shape]:
        match docking["status"]:
            case "proposed" if self._chance.random() < 0.8:
                for side in ("supply", "demand"):
                    if not docking[side].get("accepted"):
                        yield self._answer(docking, docking[side]["party"])
            case "confirmed" if self._chance.random() < 0.5:
                yield self._progress(docking, self._chance.choice(["shipped", "shipped", "failed"]))
            case "shipped":
                yield self._progress(docking, "shipped", "delivered")

    def _answer(self, docking: dict[str, Any], party: str) -> Shape:
        answer: Literal["accept", "decline"] = "accept" if self._chance.random() < 0.85 else "decline"
        return intake.DockingAnswered(
            party=party,
            docking=docking["docking"],
            docking_revision=docking["revision"],
            class_=_class_of(docking),
            answer=answer,
        )

    def _progress(self, docking: dict[str, Any], *what: str) -> Shape:
        counts: dict[str, Any] = dict.fromkeys(what, Decimal(str(docking["quantity"])))
        return intake.DockingProgressed(
            party=docking["supply"]["party"],
            docking=docking["docking"],
            revision=self._revision(docking["docking"]),
            class_=_class_of(docking),
            unit=docking["unit"],
            **counts,
        )


def _class_of(docking: dict[str, Any]) -> ItemClass:
    return ItemClass(scheme=docking["class"]["scheme"], code=docking["class"]["code"])


def _classes(label: str) -> list[ItemClass]:
    """A class in each partition of the log, so that every owner has something to decide."""
    found: dict[int, ItemClass] = {}
    number = 0
    while len(found) < PARTITIONS:
        code = f"{label}m{number}"
        found.setdefault(crc32(f"own:{code}".encode()) % PARTITIONS, ItemClass(scheme="own", code=code))
        number += 1
    return [found[partition] for partition in sorted(found)]
