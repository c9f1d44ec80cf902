"""A steady life: things are published, docked, shipped, delivered and withdrawn, at the same rate for ever.

Decides what happens when. Must not know what is measured.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

from tenon.client import TenonClient, new_event
from tenon.contracts import intake
from tenon.contracts.codec import decode_tolerant
from tenon.contracts.dockings import Docking
from tenon.contracts.families import INTAKE
from tenon.contracts.values import Item, ItemClass, Position, Shape, Window

_TYPES = {family.data: family.name for family in INTAKE}
_PAIRS_PER_PARTY = 8
_MASK = ItemClass(scheme="own", code="mask")


class Life:
    """`pairs` offers and as many demands a second; what is `life_s` old is withdrawn, or was delivered."""

    def __init__(self, client: TenonClient, *, pairs: int, life_s: float, keep_closed_s: int) -> None:
        self._client = client
        self._pairs = pairs
        self._life_s = life_s
        self._keep_closed_s = keep_closed_s
        self._numbers = count()
        self._listed: deque[tuple[datetime, int]] = deque()
        self._confirmed: asyncio.Queue[Docking] = asyncio.Queue()
        self.sent = 0
        self.delivered = 0
        self.refused = 0

    async def introduce(self) -> None:
        """Say how long what is closed is kept, and register everybody."""
        await self._say(
            [intake.PolicyPublished(policy="soak", revision=1, keep_closed_s=self._keep_closed_s)]
        )
        for side in ("supplier", "buyer"):
            for number in range(_PAIRS_PER_PARTY):
                party = f"{side}-{number}"
                await self._say([_party(party), _site(party, number)])

    async def live(self) -> None:
        """Go on for ever, a step each second."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._hear())
            tasks.create_task(self._report())
            while True:
                began = asyncio.get_running_loop().time()
                await self._step(datetime.now(UTC))
                await asyncio.sleep(max(0.0, began + 1 - asyncio.get_running_loop().time()))

    async def _step(self, now: datetime) -> None:
        fresh = [next(self._numbers) for _ in range(self._pairs)]
        self._listed.extend((now, number) for number in fresh)
        said = [listed for number in fresh for listed in _pair(number, now, self._life_s)]
        while self._listed and self._listed[0][0] < now - timedelta(seconds=self._life_s):
            said.extend(_ends(self._listed.popleft()[1]))
        await self._say(said)

    async def _hear(self) -> None:
        stream = self._client.stream(after=0, types=["tenon.docking.confirmed.v1"])
        async with aclosing(stream) as entries:
            async for entry in entries:
                await self._confirmed.put(decode_tolerant(Docking, entry.event.data))

    async def _report(self) -> None:
        while True:
            docking = await self._confirmed.get()
            shipped, delivered = _progress(docking, 1), _progress(docking, 2, delivered=docking.quantity)
            await self._say([shipped, delivered])
            self.delivered += 1

    async def _say(self, data: Iterable[Shape]) -> None:
        told = await self._client.publish(new_event(_TYPES[type(each)], "tests/soak", each) for each in data)
        self.sent += len(told)
        self.refused += sum(not each.accepted for each in told)


def _party(party: str) -> Shape:
    return intake.PartyRegistered(
        party=party,
        revision=1,
        name=party,
        supply_confirmation="automatic",
        demand_confirmation="automatic",
    )


def _site(party: str, number: int) -> Shape:
    place = Position(latitude=48 + number / 10, longitude=11.0)
    return intake.SitePublished(party=party, site="main", revision=1, position=place, region="DE-BY")


def _pair(number: int, now: datetime, life_s: float) -> tuple[Shape, Shape]:
    """An offer and a demand; of every fourth pair the quantities leave something open."""
    window = Window(
        id="w", from_=now, until=now + timedelta(seconds=4 * life_s), quantity=Decimal(10 + number % 4)
    )
    item = Item(class_=_MASK, unit="C62")
    supplier, buyer = f"supplier-{number % _PAIRS_PER_PARTY}", f"buyer-{number * 3 % _PAIRS_PER_PARTY}"
    name = f"n{number}"
    return (
        intake.OfferPublished(
            party=supplier, offer=name, revision=1, site="main", item=item, windows=[window]
        ),
        intake.DemandPublished(
            party=buyer, demand=name, revision=1, site="main", item=item, windows=[window]
        ),
    )


def _ends(number: int) -> tuple[Shape, Shape]:
    supplier, buyer = f"supplier-{number % _PAIRS_PER_PARTY}", f"buyer-{number * 3 % _PAIRS_PER_PARTY}"
    return (
        intake.OfferWithdrawn(party=supplier, offer=f"n{number}", revision=2, class_=_MASK),
        intake.DemandWithdrawn(party=buyer, demand=f"n{number}", revision=2, class_=_MASK),
    )


def _progress(docking: Docking, revision: int, delivered: Decimal | None = None) -> Shape:
    return intake.DockingProgressed(
        party=docking.supply.party,
        docking=docking.docking,
        revision=revision,
        class_=docking.class_,
        unit=docking.unit,
        shipped=docking.quantity,
        delivered=delivered,
    )
