"""What the known supplier can't cover: the share of each demand series above capacity, week by week.

What is above a group's limit is shared by its series as they load it. Where several groups stand in the way
of one series, the narrowest counts. A series that no group answers is not uncovered, but unanswered.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Literal

from ingest.formats.catenax.comparing import Week, compare, loads_by_series
from ingest.formats.catenax.linking import Load, Relation, SeriesKey, total

Limit = Literal["actual", "maximum"]
Uncovered = Mapping[SeriesKey, Mapping[date, Fraction]]


def uncovered(relation: Relation, limit: Limit) -> Uncovered:
    """Return the uncovered amounts of each answered series, in the unit of its demand; zeros are left out."""
    shares: dict[tuple[SeriesKey, date], Fraction] = {}
    for group_id in relation.groups:
        loads = relation.loads(group_id)
        for week in compare(relation, group_id).weeks:
            for key, share in _shares(relation, loads, week, limit).items():
                shares[key, week.week] = max(share, shares.get((key, week.week), Fraction(0)))
    found: dict[SeriesKey, dict[date, Fraction]] = {}
    for (key, at), share in shares.items():
        amount = Fraction(relation.series[key].weeks[at]) * share
        if amount:
            found.setdefault(key, {})[at] = amount
    return found


def unanswered(relation: Relation) -> set[SeriesKey]:
    """Return the series that no active group answers."""
    linked = {load.key for group_id in relation.groups for load in relation.loads(group_id)}
    return set(relation.series) - linked


def _shares(relation: Relation, loads: Sequence[Load], week: Week, limit: Limit) -> dict[SeriesKey, Fraction]:
    missing = week.missing(limit)
    if not missing:
        return {}
    loaded = loads_by_series(relation, loads, week.week)
    whole = total(loaded.values())
    if not whole:
        return {}
    share = min(Fraction(1), Fraction(missing) / Fraction(whole))
    return {key: share for key, load in loaded.items() if load}
