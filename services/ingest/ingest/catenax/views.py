"""What partners are shown: comparisons, deviations, releases, in the form that is described."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

import msgspec

from ingest.formats.catenax.comparing import Comparison, Week, aggregated, compare
from ingest.formats.catenax.deviation import WeekDeviation, deviations
from ingest.formats.catenax.linking import Relation
from ingest.formats.catenax.listing import Listed
from ingest.formats.catenax.releases import Release
from ingest.formats.catenax.ruling import Pair
from ingest.formats.catenax.uncovered import unanswered

_MOST_ALONE = 1_000


class WeekShown(msgspec.Struct, frozen=True):
    """A week: `total` is `demand`, with load factors, and `delta`; `missing` is above the maximum."""

    week: date
    demand: Decimal
    delta: Decimal
    total: Decimal
    actual: Decimal
    maximum: Decimal
    missing: Decimal
    spare: Decimal
    result: str
    colour: str
    complete: bool


class ComparisonShown(msgspec.Struct, frozen=True, omit_defaults=True):
    """The comparison of a group; `problem` says why it has no weeks."""

    supplier: str
    customer: str
    group: str
    name: str
    weeks: Sequence[WeekShown]
    unit: str | None = None
    problem: str | None = None


class SeriesShown(msgspec.Struct, frozen=True):
    """A demand series that no active group answers."""

    supplier: str
    customer: str
    material: str
    location: str
    category: str


class Comparisons(msgspec.Struct, frozen=True):
    """Comparisons; on the first page of one partner also up to 1,000 series that nobody answers."""

    comparisons: Sequence[ComparisonShown]
    unanswered: Sequence[SeriesShown]
    next: str | None


class DeviationShown(msgspec.Struct, frozen=True):
    """How far a group's demand moved between two measurements; `alerts`: weeks beyond a threshold."""

    supplier: str
    customer: str
    group: str
    name: str
    previous: datetime
    latest: datetime
    alerts: int
    weeks: Sequence[WeekDeviation]


class ListingShown(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a release came to: an offer or a demand of this id on the market, or why there is none."""

    id: str
    kind: str
    supplier: str
    customer: str
    subject: str
    revision: int
    open: bool
    problem: str | None = None


class ReleaseShown(msgspec.Struct, frozen=True):
    """A release in force."""

    id: str
    release: Release
    listings: Sequence[ListingShown]


def comparisons(
    relations: Mapping[Pair, Relation],
    groups: Sequence[tuple[Pair, str]],
    following: str | None,
    *,
    alone: bool,
) -> Comparisons:
    """Return the comparisons of groups; `alone`: with the series that nobody answers."""
    shown = [_comparison(pair, relations[pair], compare(relations[pair], group)) for pair, group in groups]
    series = (
        SeriesShown(*pair, *key) for pair, found in relations.items() for key in sorted(unanswered(found))
    )
    return Comparisons(shown, list(islice(series, _MOST_ALONE)) if alone else [], following)


def deviation(
    pair: Pair, group: str, before: Relation, latest: Relation, at: tuple[datetime, datetime]
) -> DeviationShown:
    """Return the deviation of a group, whose demands were held as `before` and as `latest` when measured."""
    told = latest.groups[group]
    assert told.demand_volatility_parameters is not None
    parameters = told.demand_volatility_parameters
    weeks = deviations(parameters, aggregated(before, group), aggregated(latest, group), at[1])
    alerts = sum(bool(week.exceeded) for week in weeks)
    return DeviationShown(*pair, group, told.name, *at, alerts, weeks)


def releases(found: Sequence[tuple[str, Release, Sequence[tuple[Pair, Listed]]]]) -> list[ReleaseShown]:
    """Return releases with what each came to."""
    return [ReleaseShown(name, release, list(_listings(listed))) for name, release, listed in found]


def _listings(listed: Sequence[tuple[Pair, Listed]]) -> Iterator[ListingShown]:
    for pair, each in listed:
        yield ListingShown(
            each.listing, each.kind, *pair, each.subject, each.revision, each.open, each.problem
        )


def _comparison(pair: Pair, relation: Relation, told: Comparison) -> ComparisonShown:
    name = relation.groups[told.group].name
    return ComparisonShown(*pair, told.group, name, list(map(_week, told.weeks)), told.unit, told.problem)


def _week(week: Week) -> WeekShown:
    names = (name for name in WeekShown.__struct_fields__ if name != "missing")
    shown: dict[str, Any] = {name: getattr(week, name) for name in names}
    return WeekShown(missing=week.missing("maximum"), **shown)
