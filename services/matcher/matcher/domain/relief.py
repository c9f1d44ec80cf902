"""What would have to change for an offer that fails one test, and whether it would dock then.

Changes are told in coarse steps, so that nobody's exact price or place can be read from them; each is large
enough to suffice. A change that would not lead to a docking is not told.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec

from matcher.domain.model import Demand, DemandWindow, Offer, OfferWindow
from matcher.domain.pairs import priced
from matcher.domain.pricing import DAY_MS, MAX_POINTS
from matcher.domain.solving import worth_taking
from matcher.domain.timers import patience_until_ms
from tenon.contracts.intake import PolicyPublished, Tranche
from tenon.contracts.positions import Test

_STEP_KM = 50
_STEP_PERCENT = 5


@dataclass(frozen=True, slots=True)
class Case:
    """An open offer and an open demand, and what decides on them beside eligibility."""

    policy: PolicyPublished
    offer: Offer
    demand: Demand
    distance_m: int
    now_ms: int
    held_until_ms: int | None = None

    def finished(self) -> "Case":
        """Return the case without a price on a further docking."""
        weights = msgspec.structs.replace(self.policy.weights, further_docking=0)
        return replace(self, policy=msgspec.structs.replace(self.policy, weights=weights))

    def borne(self) -> "Case":
        """Return the case as if nothing else drew on the offer's resource, and it held enough."""
        return self._windows_of_offer(lambda window: replace(window, drawn=None))

    def in_any_part(self) -> "Case":
        """Return the case as if the demand took parts of any size."""
        windows = [replace(window, least_part=0) for window in self.demand.windows]
        return replace(self, demand=replace(self.demand, windows=windows))

    def _windows_of_offer(self, change: Callable[[OfferWindow], OfferWindow]) -> "Case":
        windows = [change(window) for window in self.offer.windows]
        return replace(self, offer=replace(self.offer, windows=windows))

    def docks(self) -> bool:
        """True when some of it is worth docking, eligible as it is then."""
        pairs = priced(self.policy, self.offer, self.demand, self.distance_m, self.now_ms)
        return bool(worth_taking(self.policy, pairs, self.now_ms))


@dataclass(frozen=True, slots=True)
class Change:
    """A change: how large (to sort by), how to say it, and the case as it would be then."""

    size: int
    text: str
    case: Case


def relief(case: Case, test: Test) -> Change | None:
    """Return the change after which the offer would dock, None when there is none to tell."""
    find = _RELIEF.get(test)
    change = find(case) if find is not None else None
    return change if change is not None and change.case.docks() else None


def _saying(text: str) -> Callable[[Case], Change]:
    """Return the relief that removes a test of eligibility and nothing else."""
    return lambda case: Change(0, text, case)


def _price(case: Case) -> Change:
    ceiling, price = case.demand.ceiling_micros or 0, case.offer.price_micros
    if not ceiling:
        return Change(100, "give a highest price above 0", case)
    percent = _coarse(-(-(price - ceiling) * 100 // ceiling), _STEP_PERCENT)
    return Change(percent, f"pay {percent} % more", case)


def _window(case: Case) -> Change | None:
    shifts = [
        shift
        for have in case.offer.windows
        for want in case.demand.windows
        if have.available and want.open and have.until_ms > case.now_ms
        for shift in [_days_apart(case, max(have.from_ms, case.now_ms), have.until_ms, want)]
    ]
    if not shifts:
        return None
    days = min(shifts, key=lambda shift: (abs(shift), shift))
    text = f"accept {days} days later" if days > 0 else f"accept {-days} days earlier"
    windows = [_shifted(window, days) for window in case.demand.windows]
    return Change(abs(days), text, replace(case, demand=replace(case.demand, windows=windows)))


def _days_apart(case: Case, from_ms: int, until_ms: int, want: DemandWindow) -> int:
    """Return by how many whole days a window is too early (positive) or too late (negative)."""
    lead_ms = case.offer.said.lead_time_s * 1000
    if from_ms + lead_ms >= want.until_ms:
        return (from_ms + lead_ms - want.until_ms) // DAY_MS + 1
    return -((want.from_ms - until_ms - lead_ms) // DAY_MS + 1)


def _shifted(window: DemandWindow, days: int) -> DemandWindow:
    if days > 0:
        return replace(window, until_ms=window.until_ms + days * DAY_MS)
    return replace(window, from_ms=window.from_ms + days * DAY_MS)


def _distance(case: Case) -> Change:
    km = _coarse(-(-case.distance_m // 1000), _STEP_KM)
    return Change(km, f"accept supply from {km} km away", case)


def _held_back(case: Case) -> Change | None:
    """Wait until the offer's reach has grown, or the market has gathered, if the demand can wait."""
    near = [
        step for step in case.policy.reach if step.distance_m is None or step.distance_m >= case.distance_m
    ]
    then_ms = max(case.offer.since_ms + near[0].waiting_s * 1000, case.held_until_ms or 0)
    if patience_until_ms(case.policy, case.demand) <= then_ms:
        return None
    kept = then_ms > (case.held_until_ms or 0)
    text = "the offer is kept for nearer demands" if kept else "the market gathers before it decides"
    return Change(0, f"wait: {text} for now", replace(case, now_ms=max(then_ms, case.now_ms)))


def _not_worth(case: Case) -> Change:
    highest = (Tranche(up_to_share=1, value=MAX_POINTS),)
    policy = msgspec.structs.replace(case.policy, tranches=highest)
    return Change(0, "the policy's value of a unit is below its cost", replace(case, policy=policy))


def _resource(case: Case) -> Change:
    """Let the resource be stated for that time, or have enough left of what others take of it."""
    known = any(window.drawn is not None and window.drawn.until_ms for window in case.offer.windows)
    text = (
        "wait: nothing is left of what the supplier makes it on at that time"
        if known
        else "the supplier has to state the capacity of what it makes it on at that time"
    )
    return Change(0, text, case.borne())


def _least_part(case: Case) -> Change:
    return Change(0, "take smaller parts", case.in_any_part())


def _unfinished(case: Case) -> Change:
    """Ask for no more than the offer can give."""
    most = max(window.available for window in case.offer.windows)
    windows = [
        replace(window, said=min(window.said, window.docked + window.given_up + most))
        for window in case.demand.windows
    ]
    less = replace(case, demand=replace(case.demand, windows=windows))
    return Change(0, "ask for less: the offer cannot finish what is open", less)


def _coarse(amount: int, step: int) -> int:
    return -(-amount // step) * step


_RELIEF: dict[Test, Callable[[Case], Change | None]] = {
    "blocked": _saying("lift the block between the two parties"),
    "declined_before": _saying("publish the demand again under a new id: this pair fell through before"),
    "region": _saying("ask the supplier to serve your region"),
    "certificates": _saying("accept other certificates"),
    "currency": _saying("give a highest price in the offer's currency"),
    "price": _price,
    "readiness": _saying("wait until the supplier's site is ready"),
    "window": _window,
    "least_part": _least_part,
    "resource": _resource,
    "distance": _distance,
    "held_back": _held_back,
    "not_worth": _not_worth,
    "unfinished": _unfinished,
}
