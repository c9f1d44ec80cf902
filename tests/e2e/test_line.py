"""The whole line as its users meet it: two of each service, HTTP in, answers, the docking out.

What is deterministic: who docks with whom, and how much. What is not: which replica does it.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tenon.client import TenonClient, new_event
from tenon.contracts import intake
from tenon.contracts.families import INTAKE
from tenon.contracts.values import Item, ItemClass, Position, Shape, Window
from tenon_local.plan import Plan
from tenon_local.settings import LocalSettings
from tenon_local.stack import Stack
from tests.support.stack import folder
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(240)

_TYPES = {family.data: family.name for family in INTAKE}
MASKS = ItemClass(scheme="own", code="mask.ffp2")
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
async def line() -> AsyncIterator[Stack]:
    """A running stack with two of each service, in a folder of its own."""
    with folder() as path:
        plan = Plan(
            data_dir=path,
            jars_dir=LocalSettings().jars_dir.absolute(),
            replicas={"ingest": 2, "matcher": 2, "notifier": 2},
        )
        async with Stack(plan) as stack:
            yield stack


def party(name: str) -> list[Shape]:
    place = Position(latitude=48.1, longitude=11.6)
    return [
        intake.PartyRegistered(party=name, revision=1, name=name.title()),
        intake.SitePublished(party=name, site="main", revision=1, position=place, region="DE-BY"),
    ]


def window(quantity: int) -> list[Window]:
    return [Window(id="w", from_=NOW, until=NOW + timedelta(days=30), quantity=Decimal(quantity))]


async def publish(client: TenonClient, *data: Shape) -> None:
    told = await client.publish([new_event(_TYPES[type(each)], "test", each) for each in data])
    assert [each.problem for each in told] == [None] * len(data)


async def test_an_offer_and_a_demand_become_a_confirmed_docking(line: Stack) -> None:
    """The offer enters by one ingest, the demand by the other; each side answers with its own key."""
    first, second = line.services["ingest"]
    item = Item(class_=MASKS, unit="C62")
    offer = intake.OfferPublished(
        party="acme", offer="o1", revision=1, site="main", item=item, windows=window(70)
    )
    demand = intake.DemandPublished(
        party="clinic", demand="d1", revision=1, site="main", item=item, windows=window(100)
    )
    async with (
        TenonClient(first.url, line.notifier.url, line.admin_key) as admin,
        TenonClient(second.url, line.services["notifier"][1].url, line.admin_key) as other,
    ):
        await publish(admin, *party("acme"), *party("clinic"))
        await publish(admin, offer)
        await publish(other, demand)

        async def proposed() -> list[dict[str, Any]]:
            return [docking async for docking in other.dockings()]

        (docking,) = await until(proposed, "the docking is proposed")
        assert docking["quantity"] == 70
        for name in ("acme", "clinic"):
            key = (await admin.make_key(name))["secret"]
            async with TenonClient(first.url, line.notifier.url, key) as side:
                await publish(
                    side,
                    intake.DockingAnswered(
                        party=name,
                        docking=docking["docking"],
                        docking_revision=1,
                        class_=MASKS,
                        answer="accept",
                    ),
                )

        async def confirmed() -> bool:
            found = await admin.docking(docking["docking"])
            return bool(found["status"] == "confirmed" and len(found["steps"]) == 3)

        await until(confirmed, "both sides accepted")

        async def counted() -> bool:
            found = [asked["windows"][0] async for asked in admin.demands()]
            return [(one["asked"], one["open"], one["confirmed"]) for one in found] == [(100, 30, 70)]

        await until(counted, "the demand says what is open")
