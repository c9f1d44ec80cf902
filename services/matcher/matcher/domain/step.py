"""One round: `step(state, read) -> decisions`, the whole of what Tenon decides.

Deterministic: the same state and the same input give the same decisions, byte for byte. The state is
changed in place; whoever can't store the decisions throws it away and loads it again. How a market is solved
is an argument, so that a caller who has a clock can see how long it takes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version

from matcher.domain.applying import apply
from matcher.domain.effects import Effects
from matcher.domain.explain import explain
from matcher.domain.forgetting import forget, schedule
from matcher.domain.lifecycle import release
from matcher.domain.model import Cause, Demand, Market, Offer, Resource
from matcher.domain.placing import place_demand, place_offer
from matcher.domain.reading import Entry, Unusable
from matcher.domain.resources import draws, replace
from matcher.domain.rows import Rows, rows_of
from matcher.domain.settling import settle_demand, settle_offer, settle_resource
from matcher.domain.solving import solve
from matcher.domain.state import State, Timer
from matcher.domain.telling import OutEvent, round_event, tell
from matcher.domain.timers import reach_times_ms, wake_rise
from tenon.contracts.codec import encode, instant
from tenon.contracts.rejections import EventSuperseded
from tenon.contracts.rounds import RoundCounts, RoundDecided, Skipped

ENGINE = f"{version('tenon-matcher')}+ortools-{version('ortools')}"
EXPLAINED_OFFERS_PER_ROUND = 5_000  # At most a tenth of a second, so that a round stays short.


Solve = Callable[[State, Market, Effects], None]


@dataclass(frozen=True, slots=True)
class Read:
    """What a round read: records `from_offset` to `next_offset` (exclusive), at a time."""

    entries: Sequence[Entry | Unusable]
    from_offset: int
    next_offset: int
    clock_ms: int


@dataclass(frozen=True, slots=True)
class Decisions:
    """What a round decided: events for the outside, rows for the store, and the round's own record."""

    events: list[OutEvent]
    rows: Rows
    decided: RoundDecided


def step(state: State, read: Read, solve: Solve = solve) -> Decisions:
    """Decide one round."""
    state.round += 1
    state.clock_ms = max(state.clock_ms, read.clock_ms)
    state.next_offset = read.next_offset
    effects = Effects(state.partition, state.round, state.clock_ms)
    for entry in read.entries:
        apply(state, entry, effects)
    for timer in state.due(state.clock_ms):
        _fire(state, timer, effects)
    _settle(state, effects)
    for name in sorted(name for name, market in state.markets.items() if _has_to_decide(market)):
        _decide(state, state.markets[name], effects, solve)
    _settle(state, effects)
    _explain(state, effects)
    schedule(state, effects)
    events = tell(state, effects)
    decided = _decided(state, read, effects, events)
    state.digest = decided.digest
    events.append(round_event(decided, state.partition, state.round, state.clock_ms, len(events)))
    return Decisions(events, rows_of(state, effects), decided)


def _fire(state: State, timer: Timer, effects: Effects) -> None:
    at_ms, what, market_name, key = timer
    market = state.markets[market_name]
    if what == "forget":
        forget(state, market, key, effects)
        return
    deal, offer, demand = market.deals.get(key), market.offers.get(key), market.demands.get(key)
    resource = market.resources.get(key)
    if what == "lapse" and deal is not None and deal.told.status == "proposed":
        release(market, deal, "lapsed", Cause("no_answer"), effects)
    elif what == "demand" and demand is not None and settle_demand(market, demand, effects):
        effects.demands.add((market_name, key))
    elif what == "offer" and offer is not None and settle_offer(offer, effects):
        effects.offers.add((market_name, key))
    elif what == "resource" and resource is not None and settle_resource(resource, effects.clock_ms):
        effects.resources.add((market_name, key))
    elif what == "reach" and offer is not None and at_ms in reach_times_ms(market, offer):
        market.dirty.add(f"o:{key}")
    elif what == "rise" and demand is not None and market.policy.weights.waiting:
        if demand.open:
            market.dirty.add(f"d:{key}")
        wake_rise(state, market, demand)


def _settle(state: State, effects: Effects) -> None:
    """Bring everything that changed up to date: what is given up, its status, and where it is found."""
    for market_name, key in sorted(effects.demands):
        market = state.markets[market_name]
        settle_demand(market, market.demands[key], effects)
        _renew(market.demands[key], effects)
        place_demand(market, market.demands[key])
    for market_name, key in sorted(effects.offers):
        market = state.markets[market_name]
        settle_offer(market.offers[key], effects)
        _renew(market.offers[key], effects)
        place_offer(market, market.offers[key])
        if market.drawing:
            draws(market, effects, market.offers[key])
    for market_name, key in sorted(effects.resources):
        market = state.markets[market_name]
        replace(market, key)
        if (resource := market.resources.get(key)) is not None:
            settle_resource(resource, effects.clock_ms)
            _renew(resource, effects)


def _renew(entry: Offer | Demand | Resource, effects: Effects) -> None:
    """Let what is closed and changed all the same be closed from now on."""
    if entry.closed_ms is not None:
        entry.closed_ms = effects.clock_ms


def _has_to_decide(market: Market) -> bool:
    """True when something changed, or when the market gathers, be it for what is forgotten meanwhile."""
    return bool(market.dirty) or market.held_until_ms is not None


def _decide(state: State, market: Market, effects: Effects, solve: Solve) -> None:
    """Solve a market now, or gather until its holding window ends."""
    if market.policy.hold_s and market.held_until_ms is None:
        market.held_until_ms = state.clock_ms + market.policy.hold_s * 1000
        state.wake(market.held_until_ms, "hold", market.name, "")
        effects.markets.add(market.name)
    if market.held_until_ms is not None and state.clock_ms < market.held_until_ms:
        return
    if market.held_until_ms is not None:
        market.held_until_ms = None
        effects.markets.add(market.name)
    solve(state, market, effects)


def _explain(state: State, effects: Effects) -> None:
    """Say why what changed and stayed open is open, as far as the round's budget goes."""
    for market_name, key in effects.demands:
        state.markets[market_name].demands[key].reasons = None
    state.unexplained |= effects.demands
    budget = EXPLAINED_OFFERS_PER_ROUND
    for market_name, key in sorted(state.unexplained):
        if budget <= 0:
            return
        state.unexplained.discard((market_name, key))
        market = state.markets[market_name]
        demand = market.demands[key]
        if demand.open:
            demand.reasons = explain(market, demand, state.clock_ms)
            effects.demands.add((market_name, key))
            budget -= 1 + sum(len(names) for names in market.open_offers.values())


def _decided(state: State, read: Read, effects: Effects, events: Sequence[OutEvent]) -> RoundDecided:
    policies = {scope: policy.revision for scope, policy in sorted(state.policies.items())}
    previous = state.digest
    skipped = [Skipped(offset=bad.offset, code=bad.code, detail=bad.detail[:100]) for bad in effects.unusable]
    facts = [state.partition, state.round, read.from_offset, read.next_offset, state.clock_ms, policies]
    return RoundDecided(
        partition=state.partition,
        round=state.round,
        from_offset=read.from_offset,
        next_offset=read.next_offset,
        clock=instant(state.clock_ms),
        engine=ENGINE,
        policies=policies,
        skipped=skipped,
        counts=_counts(effects),
        previous_digest=previous,
        digest=_digest(previous, facts, skipped, events),
    )


def _digest(
    previous: str, facts: Sequence[object], skipped: Sequence[Skipped], events: Sequence[OutEvent]
) -> str:
    summed = sha256(previous.encode() + encode(facts) + encode(skipped))
    for event in events:
        summed.update(event.topic.encode() + b"\0" + event.key.encode() + b"\0" + event.value)
    return summed.hexdigest()


def _counts(effects: Effects) -> RoundCounts:
    superseded = sum(isinstance(told, EventSuperseded) for told in effects.told)
    return RoundCounts(
        records=effects.records,
        docked=effects.docked,
        released=effects.released,
        superseded=superseded,
        refused=len(effects.told) - superseded,
        skipped=len(effects.unusable),
    )
