"""The life of a docking: proposed, confirmed, shipped, delivered, or one of the four ends that give back.

Every step keeps the sums of both windows true; what is given back is docked again, without that pair.
"""

from dataclasses import dataclass
from decimal import Decimal

from msgspec.structs import replace

from matcher.domain.effects import Effects
from matcher.domain.model import Cause, Deal, Demand, DemandWindow, Market, Offer, OfferWindow, Site
from matcher.domain.resources import sharing, take
from matcher.domain.state import State
from tenon.contracts.codec import instant
from tenon.contracts.dockings import Cause as ToldCause
from tenon.contracts.dockings import Docking, DockingStatus, Side
from tenon.contracts.intake import DockingAnswered, DockingProgressed
from tenon.contracts.rejections import AnswerRefused
from tenon.contracts.units import NotWhole, UnknownUnit, from_counts, to_counts, unit


@dataclass(frozen=True, slots=True)
class Proposal:
    """An amount of an offer's window for a demand's window."""

    offer: Offer
    offer_window: OfferWindow
    demand: Demand
    demand_window: DemandWindow
    quantity: int
    distance_m: int


def propose(state: State, market: Market, proposal: Proposal, effects: Effects) -> Deal:
    """Reserve: make the docking and take its quantity from both windows at once."""
    automatic = market.policy.confirmation == "automatic"
    supply = _side(proposal.offer, proposal.offer_window.id, market, automatic)
    demand = _side(proposal.demand, proposal.demand_window.id, market, automatic)
    confirmed = supply.accepted and demand.accepted
    respond_by_ms = None if confirmed else effects.clock_ms + market.policy.respond_within_s * 1000
    told = _first(market, proposal, supply, demand, effects, respond_by_ms)
    deal = Deal(
        told,
        (proposal.offer.key, proposal.offer_window.id),
        (proposal.demand.key, proposal.demand_window.id),
        proposal.quantity,
    )
    hold(market, deal)
    if respond_by_ms is not None:
        state.wake(respond_by_ms, "lapse", market.name, deal.id)
    effects.steps.append(told)
    effects.docked += 1
    _touch(market, deal, effects)
    return deal


def hold(market: Market, deal: Deal) -> None:
    """Enter a docking into its market and count it in both windows."""
    enter(market, deal)
    _count(market, deal, 1)


def enter(market: Market, deal: Deal) -> None:
    """Enter a docking into its market, whose windows count it already or are about to."""
    market.deals[deal.id] = deal
    for name in deal.sides:
        market.held[name] = market.held.get(name, 0) + 1


def release(market: Market, deal: Deal, status: DockingStatus, cause: Cause, effects: Effects) -> None:
    """End a docking (declined, lapsed, cancelled, failed): give back what was not shipped, bar the pair."""
    _count(market, deal, -1)
    _tell(deal, effects, status=status, cause=cause)
    _count(market, deal, 1)
    demand = market.demands.get(deal.demand[0])
    if demand is not None:
        demand.barred |= {deal.offer[0]}
    effects.released += 1
    _touch(market, deal, effects)
    _reopen(market, deal)


def answer(market: Market, said: DockingAnswered, effects: Effects) -> None:
    """Take a side's answer, or say why it came too late."""
    deal = market.deals.get(said.docking)
    side = None if deal is None else _side_of(deal, said.party)
    if deal is None or side is None:
        effects.told.append(_refused(said, None, "unknown_docking", "there is no such docking", effects))
        return
    if _is_known(deal, side, said):
        return
    if deal.told.status != "proposed":
        text = f"the docking is {deal.told.status}"
        effects.told.append(_refused(said, deal, "too_late", text, effects))
    elif said.answer == "decline":
        release(market, deal, "declined", Cause("declined", said.reason), effects)
    else:
        _accept(market, deal, said.party, effects)


def _is_known(deal: Deal, side: Side, said: DockingAnswered) -> bool:
    """True when the answer repeats what holds already."""
    return side.accepted if said.answer == "accept" else deal.told.status == "declined"


def progress(market: Market, said: DockingProgressed, effects: Effects) -> None:
    """Take a cumulative report; one that says nothing new has no effect."""
    deal = market.deals.get(said.docking)
    if deal is None or _side_of(deal, said.party) is None:
        effects.told.append(_refused(said, None, "unknown_docking", "there is no such docking", effects))
        return
    fault = _progress_fault(deal, said)
    if fault is not None:
        effects.told.append(_refused(said, deal, fault[0], fault[1], effects))
        return
    reported = _reported(deal, said)
    if reported == (deal.shipped, deal.delivered, deal.failed):
        return
    if reported[0] + reported[2] > deal.quantity:
        text = "shipped and failed together exceed what was docked"
        effects.told.append(_refused(said, deal, "not_possible", text, effects))
        return
    _advance(market, deal, reported, said.cause, effects)


def _advance(market: Market, deal: Deal, reported: tuple[int, int, int], note: str, effects: Effects) -> None:
    gave_back = reported[2] > deal.failed
    _count(market, deal, -1)
    deal.shipped, deal.delivered, deal.failed = reported
    _tell(deal, effects, _progress_status(deal), Cause("failed" if gave_back else "progress", note))
    _count(market, deal, 1)
    demand = market.demands.get(deal.demand[0])
    if gave_back and demand is not None:
        demand.barred |= {deal.offer[0]}
        effects.released += 1
        _reopen(market, deal)
    _touch(market, deal, effects)


def _progress_status(deal: Deal) -> DockingStatus:
    if deal.failed == deal.quantity:
        return "failed"
    if deal.delivered and deal.delivered + deal.failed == deal.quantity:
        return "delivered"
    return "shipped" if deal.shipped else "confirmed"


def _progress_fault(deal: Deal, said: DockingProgressed) -> tuple[str, str] | None:
    if deal.told.status == "proposed":
        return "not_possible", "the docking is not confirmed yet"
    if not deal.live and deal.told.status != "delivered":
        return "too_late", f"the docking is {deal.told.status}"
    if said.party != deal.told.supply.party and (said.shipped is not None or said.failed is not None):
        return "not_allowed", "only the supplier reports what was shipped or failed"
    try:
        if unit(said.unit).dimension != unit(deal.told.unit).dimension:
            return "not_possible", f"the docking is counted in {deal.told.unit}, not in {said.unit}"
        for quantity in (said.shipped, said.delivered, said.failed):
            if quantity is not None:
                to_counts(quantity, said.unit)
    except (NotWhole, UnknownUnit) as error:
        return "not_possible", str(error)
    return None


def _reported(deal: Deal, said: DockingProgressed) -> tuple[int, int, int]:
    """Return cumulative (shipped, delivered, failed) counts, never lower than before."""
    delivered = _counts(said.delivered, said.unit, deal.delivered)
    shipped = max(_counts(said.shipped, said.unit, deal.shipped), delivered)
    return shipped, delivered, _counts(said.failed, said.unit, deal.failed)


def _counts(quantity: Decimal | None, unit: str, before: int) -> int:
    return before if quantity is None else max(before, to_counts(quantity, unit))


def _accept(market: Market, deal: Deal, party: str, effects: Effects) -> None:
    sides = {
        name: replace(side, accepted=side.accepted or side.party == party)
        for name, side in (("supply", deal.told.supply), ("demand", deal.told.demand))
    }
    deal.told = replace(deal.told, supply=sides["supply"], demand=sides["demand"])
    both = deal.told.supply.accepted and deal.told.demand.accepted
    _count(market, deal, -1)
    _tell(deal, effects, "confirmed" if both else "proposed", Cause("accepted"))
    _count(market, deal, 1)
    _touch(market, deal, effects)


def _tell(deal: Deal, effects: Effects, status: DockingStatus, cause: Cause) -> None:
    counted = deal.told.unit
    deal.told = replace(
        deal.told,
        revision=deal.told.revision + 1,
        status=status,
        at=instant(effects.clock_ms),
        cause=ToldCause(code=cause.code, note=cause.note),
        respond_by=deal.told.respond_by if status == "proposed" else None,
        shipped=from_counts(deal.shipped, counted),
        delivered=from_counts(deal.delivered, counted),
        failed=from_counts(deal.failed, counted),
    )
    effects.steps.append(deal.told)


def _count(market: Market, deal: Deal, sign: int) -> None:
    """Add a docking's shares to both windows, or take them out again."""
    proposed, confirmed, shipped, delivered = (sign * share for share in deal.shares())
    if not deal.consumed:
        return  # It holds nothing, so its windows may be gone.
    if proposed:
        note_proposal(market, deal, sign)
    offer = market.offers.get(deal.offer[0])
    demand = market.demands.get(deal.demand[0])
    if offer is not None:
        window = next(window for window in offer.windows if window.id == deal.offer[1])
        amount = proposed + confirmed + shipped + delivered
        window.consumed += amount
        if window.drawn is not None:
            take(window, amount)
    if demand is not None:
        asked = next(window for window in demand.windows if window.id == deal.demand[1])
        asked.proposed += proposed
        asked.confirmed += confirmed
        asked.shipped += shipped
        asked.delivered += delivered


def note_proposal(market: Market, deal: Deal, sign: int) -> None:
    """Find a proposal by either of its sides, or find it no more."""
    for key in deal.sides:
        names = market.proposals.setdefault(key, set())
        (names.add if sign > 0 else names.discard)(deal.id)


def _touch(market: Market, deal: Deal, effects: Effects) -> None:
    effects.offers.add((market.name, deal.offer[0]))
    effects.demands.add((market.name, deal.demand[0]))


def _reopen(market: Market, deal: Deal) -> None:
    """Let what is given back be docked: by its two sides, and by what shares its resource."""
    market.dirty |= {f"o:{deal.offer[0]}", f"d:{deal.demand[0]}"}
    offer = market.offers.get(deal.offer[0])
    if offer is not None and offer.said.resource is not None:
        market.dirty |= {f"o:{each.key}" for each in sharing(market, (offer,))}


def _side(entry: Offer | Demand, window: str, market: Market, automatic: bool) -> Side:
    site: Site = market.sites[entry.site_key]
    terms = market.terms[entry.said.party]
    confirmation = terms.supply_confirmation if isinstance(entry, Offer) else terms.demand_confirmation
    return Side(
        party=entry.said.party,
        id=entry.key.partition("/")[2],
        window=window,
        site=entry.said.site,
        region=site.state.region,
        position=site.state.position,
        accepted=automatic or confirmation == "automatic",
        external_references=entry.said.external_references,
    )


def _first(
    market: Market,
    proposal: Proposal,
    supply: Side,
    demand: Side,
    effects: Effects,
    respond_by_ms: int | None,
) -> Docking:
    none = from_counts(0, proposal.offer.unit)
    return Docking(
        docking=effects.next_docking(),
        revision=1,
        status="confirmed" if respond_by_ms is None else "proposed",
        market=market.name,
        class_=proposal.offer.said.item.class_,
        unit=proposal.offer.unit,
        quantity=from_counts(proposal.quantity, proposal.offer.unit),
        supply=supply,
        demand=demand,
        tier=proposal.demand.said.tier,
        distance_m=proposal.distance_m,
        proposed_at=instant(effects.clock_ms),
        at=instant(effects.clock_ms),
        cause=ToldCause(code="automatic" if respond_by_ms is None else "matched"),
        price=proposal.offer.said.price,
        respond_by=None if respond_by_ms is None else instant(respond_by_ms),
        shipped=none,
        delivered=none,
        failed=none,
        offered_since=instant(proposal.offer.since_ms),
        required_since=instant(proposal.demand.since_ms),
    )


def _side_of(deal: Deal, party: str) -> Side | None:
    return next((side for side in (deal.told.supply, deal.told.demand) if side.party == party), None)


def _refused(
    said: DockingAnswered | DockingProgressed, deal: Deal | None, code: str, detail: str, effects: Effects
) -> AnswerRefused:
    return AnswerRefused(
        party=said.party,
        docking=said.docking,
        docking_revision=said.docking_revision if isinstance(said, DockingAnswered) else said.revision,
        code=code,  # type: ignore[arg-type]
        detail=detail,
        present_status=None if deal is None else deal.told.status,
        present_revision=None if deal is None else deal.told.revision,
        at=instant(effects.clock_ms),
    )
