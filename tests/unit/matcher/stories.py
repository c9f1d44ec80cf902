"""Anything that can happen to a market, for Hypothesis: what is said, repeated, reordered, answered."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

from hypothesis import strategies as st
from msgspec import structs

from tenon.contracts import intake
from tenon.contracts.log import PartyChanged, SiteChanged
from tenon.contracts.values import Money, Shape, Window
from tests.support.market import (
    MARKET,
    MASKS,
    World,
    answered,
    day,
    demand,
    demanded,
    item,
    offer,
    policy,
    progressed,
    resource,
    site,
    terms,
    window,
)
from tests.support.market import draw as drawn

PARTIES = ("a", "b", "c", "d")
party = st.sampled_from(PARTIES)
revision = st.integers(1, 4)
quantity = st.integers(0, 60)
kilometres = st.sampled_from((0, 90, 400, 2500))
NEAR_FIRST = (intake.ReachStep(waiting_s=0, distance_m=200_000), intake.ReachStep(waiting_s=3 * 86_400))
ANYWHERE = (intake.ReachStep(waiting_s=0),)
FALLING = (intake.Tranche(up_to_share=0.5, value=100_000), intake.Tranche(up_to_share=1, value=300))
prices = st.none() | st.sampled_from(("0", "1", "2.5")).map(
    lambda amount: Money(amount=amount, currency="EUR")
)
weights = st.builds(
    intake.Weights,
    price=st.sampled_from((0, 100)),
    lateness=st.sampled_from((0, 70)),
    waiting=st.sampled_from((0, 0, 150)),
    further_docking=st.sampled_from((0, 0, 100, 1_000_000, 10**9)),
)
Said = Callable[[World], Shape]
"""What is said may depend on what was decided before: an answer names a docking."""


CODES = ("mask", "mask", "mask.ffp2", "mask.ffp3")


def windows_of(draw: st.DrawFn) -> list[Window]:
    names = draw(st.lists(st.sampled_from(("w1", "w2")), min_size=1, max_size=2, unique=True))
    return [
        window(draw(quantity), first=index * 10, last=index * 10 + 10, name=name)
        for index, name in enumerate(names)
    ]


@st.composite
def listings(draw: st.DrawFn) -> Said:
    said: dict[str, Any] = {
        "party": draw(party),
        "name": draw(st.sampled_from(("x", "y"))),
        "kilometres": draw(kilometres),
        "revision": draw(revision),
        "automatic": draw(st.booleans()),
        "windows": windows_of(draw),
        "blocked": draw(st.lists(party, max_size=1)),
        "item": item(draw(st.sampled_from(CODES)), draw(st.sampled_from(("C62",) * 9 + ("KGM",)))),
    }
    if draw(st.booleans()):
        valid = draw(st.none() | st.integers(1, 20).map(day))
        lead_time_s = draw(st.sampled_from((0, 86_400)))
        taken = draw(st.none() | st.sampled_from(("1", "2.5", "7")).map(drawn))
        listed: Shape = offer(
            **said, lead_time_s=lead_time_s, valid_until=valid, price=draw(prices), resource=taken
        )
    else:
        patience = draw(st.none() | st.integers(1, 20).map(day))
        tier, highest = draw(st.integers(1, 3)), draw(prices)
        said["windows"] = [demanded(each, draw(st.sampled_from((0, 0, 9, 60)))) for each in said["windows"]]
        listed = demand(**said, tier=tier, patience_until=patience, highest_price=highest)
    return lambda world: listed


@st.composite
def ends(draw: st.DrawFn) -> Said:
    who, name, number = draw(party), draw(st.sampled_from(("x", "y"))), draw(revision)
    if draw(st.booleans()):
        return lambda world: intake.OfferWithdrawn(party=who, offer=name, revision=number, class_=MASKS)
    return lambda world: intake.DemandWithdrawn(party=who, demand=name, revision=number, class_=MASKS)


@st.composite
def replies(draw: st.DrawFn) -> Said:
    which, supply = draw(st.integers(0, 20)), draw(st.booleans())
    counts = draw(st.lists(quantity, min_size=3, max_size=3))
    kind: Literal["accept", "decline", "progress"] = draw(st.sampled_from(("accept", "decline", "progress")))

    def build(world: World) -> Shape:
        made = world.dockings()
        if not made:
            return site_changed("a", 2)
        docking = made[which % len(made)]
        who = docking.supply.party if supply else docking.demand.party
        if kind == "progress":
            names = ("shipped", "delivered", "failed") if supply else ("delivered",)
            return progressed(docking, who, **dict(zip(names, counts, strict=False)))
        return answered(docking, who, kind)

    return build


def site_changed(who: str, number: int, ready: float = 1) -> Shape:
    return SiteChanged(site=site(who, 50, revision=number, ready=ready))


@st.composite
def others(draw: st.DrawFn) -> Said:
    kind, who, number = draw(st.integers(0, 5)), draw(party), draw(revision)
    if kind > 3:
        spans = draw(st.sampled_from((((0, 20),), ((0, 10), (10, 20)), ((5, 20),))))
        held = [window(2 * draw(quantity), *span, f"r{at}") for at, span in enumerate(spans)]
        return lambda world: resource(who, *held, revision=number)
    if kind == 0:
        return lambda world: site_changed(who, number, ready=0.2)
    if kind == 1:
        return lambda world: PartyChanged(terms=terms(who, automatic=True))
    if kind == 2:
        far = {f"{other}/main": 1000 * draw(kilometres) for other in PARTIES}
        goods = item(draw(st.sampled_from(CODES))).class_
        return lambda world: intake.RoutesPublished(
            party=who, site="main", revision=number, class_=goods, distances_m=far
        )
    said: dict[str, Any] = {
        "reach": draw(st.sampled_from((NEAR_FIRST, ANYWHERE))),
        "weights": draw(weights),
        "patience_s": draw(st.none() | st.integers(1, 9).map(lambda days: days * 86_400)),
        "market": draw(st.none() | st.sampled_from((MARKET, "own:other"))),
        "hold_s": draw(st.sampled_from((0, 0, 86_400))),
        "tranches": FALLING,
        "respond_within_s": 2 * 86_400,
        "keep_closed_s": draw(st.sampled_from((86_400, 2 * 86_400, 30 * 86_400))),
    }
    name = draw(st.sampled_from(("p", "q")))
    return lambda world: structs.replace(policy(number, **said), policy=name)


said = st.one_of(listings(), listings(), listings(), replies(), replies(), ends(), others())
Story = list[tuple[list[Said], int]]
stories = st.lists(st.tuples(st.lists(said, max_size=4), st.integers(0, 4)), min_size=1, max_size=8)


def played(world: World, story: Story) -> Iterator[None]:
    """Decide a story round by round; each is decided when its turn comes."""
    clock = 0.0
    for events, days in story:
        clock += days
        world.round(*(build(world) for build in events), at=clock)
        yield
