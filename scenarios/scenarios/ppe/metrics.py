"""How good a set of dockings is, in the measures of the package `ppe-match`. Must not know who decided them.

Definitions, from `ppe_match/testing_framework.py` of 0.1.4: holding is per unit, days between the donor's row
and the docking, rounded half to even; unit-miles are miles per unit; the fill of a recipient and kind is
received over requested, at most 1; the fill rate is the mean over recipients per kind, then the mean over
kinds; "of those served" leaves out the zeros. A donor's units of one kind are drawn from its oldest row
first.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scenarios.ppe.data import Dataset, Docking, Donation

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Metrics:
    """The report's figures: `holding_days`, `unit_miles` per unit docked, fills as ratios 0..1."""

    units: int
    dockings: int
    recipients_served: int
    holding_days: float
    unit_miles: float
    fill_rate: float
    fill_of_served: float


class NotOffered(ValueError):
    """A docking takes more than its donor had offered by then."""


def measure(data: Dataset, dockings: Sequence[Docking]) -> Metrics:
    """The figures of dockings in any order. Raises NotOffered where they take what was not there."""
    units = sum(docking.qty for docking in dockings)
    rates = fills(data, dockings)
    return Metrics(
        units=units,
        dockings=len(dockings),
        recipients_served=len({docking.rec_id for docking in dockings}),
        holding_days=_per_unit(sum(days * qty for days, qty in holdings(data, dockings)), units),
        unit_miles=_per_unit(
            sum(data.distances.between(d.don_id, d.rec_id) * d.qty for d in dockings), units
        ),
        fill_rate=_mean_of_means(rates.values()),
        fill_of_served=_mean_of_means([[rate for rate in kind if rate > 0] for kind in rates.values()]),
    )


def fills(data: Dataset, dockings: Iterable[Docking]) -> dict[str, list[float]]:
    """Per kind the fill of each recipient that asked for it, 0..1."""
    received: defaultdict[tuple[str, str], int] = defaultdict(int)
    for docking in dockings:
        received[docking.rec_id, docking.ppe] += docking.qty
    rates: defaultdict[str, list[float]] = defaultdict(list)
    for key, requested in data.requested.items():
        rates[key[1]].append(min(1.0, received[key] / requested))
    return dict(rates)


def holdings(data: Dataset, dockings: Iterable[Docking]) -> list[tuple[int, int]]:
    """(days, units) of each part of a docking that comes from one row of its donor, in order of date."""
    stock: defaultdict[tuple[str, str], list[Donation]] = defaultdict(list)
    for donation in reversed(data.donations):
        stock[donation.don_id, donation.ppe].append(donation)
    left = {donation.row: donation.qty for donation in data.donations}
    parts: list[tuple[int, int]] = []
    for docking in sorted(dockings, key=lambda docking: docking.date):
        parts += _drawn(docking, stock[docking.don_id, docking.ppe], left)
    return parts


def _drawn(docking: Docking, stock: list[Donation], left: dict[int, int]) -> list[tuple[int, int]]:
    """Takes the docking's units from `stock`, whose oldest row is last."""
    parts: list[tuple[int, int]] = []
    wanted = docking.qty
    while wanted:
        if not stock or stock[-1].at > docking.date:
            raise NotOffered(f"{docking.don_id} had offered {wanted} {docking.ppe} too few by {docking.date}")
        oldest = stock[-1]
        taken = min(wanted, left[oldest.row])
        parts.append((_days(oldest.at, docking.date), taken))
        wanted -= taken
        left[oldest.row] -= taken
        if not left[oldest.row]:
            stock.pop()
    return parts


def _days(since: datetime, until: datetime) -> int:
    return round((until - since) / DAY)


def _per_unit(total: float, units: int) -> float:
    return total / units if units else 0.0


def _mean_of_means(groups: Iterable[Sequence[float]]) -> float:
    means = [sum(group) / len(group) for group in groups if group]
    return sum(means) / len(means) if means else 0.0
