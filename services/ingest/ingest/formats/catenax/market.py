"""What of a relationship belongs on the open market: uncovered demand, and spare capacity.

One listing per customer site of a demand, and one per group; a window per week. Amounts are rounded to what
can be counted, so that no less is asked and no more offered than it is.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from math import ceil, floor
from typing import Any, Literal
from uuid import UUID, uuid5

from ingest.formats.catenax.comparing import compare
from ingest.formats.catenax.linking import Relation, Series, SeriesKey, series_of
from ingest.formats.catenax.material_demand import WeekBasedMaterialDemand
from ingest.formats.catenax.releases import Release
from ingest.formats.catenax.ruling import Pair
from ingest.formats.catenax.uncovered import unanswered, uncovered
from ingest.formats.catenax.units import CODES
from ingest.formats.catenax.values import plain_uuid
from tenon.contracts.intake import DemandPublished, OfferPublished
from tenon.contracts.units import UNITS, Unit, from_counts
from tenon.contracts.values import ExternalReference, Item, Window

_NAMESPACE = UUID("5d0f6f2e-6f53-4f5b-9a77-9a2d34b6a7c4")
_MOST_WINDOWS = 500
Amounts = Mapping[date, Fraction]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two partners: its party, its sites by BPNS, and its releases by what they are about."""

    party: str
    sites: Mapping[str, str]
    releases: Mapping[str, Release] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A listing that belongs on the market, without its revision; `problem` says why it can't be there."""

    party: str
    listing: str
    kind: Literal["demand", "offer"]
    subject: str
    release: Release
    changed_at: datetime
    data: DemandPublished | OfferPublished | None
    problem: str | None = None


def demands(relation: Relation, pair: Pair, customer: Side, now: datetime) -> Iterator[Wanted]:
    """Yield the customer's demands that are uncovered and released."""
    limits = {release.beyond for release in customer.releases.values()}
    amounts = {limit: uncovered(relation, limit) for limit in limits}
    alone = unanswered(relation)
    changed = _changed(relation)
    for demand_id, demand in sorted(relation.demands.items()):
        release = customer.releases.get(demand.material_number_customer)
        if release is None or demand.material_demand_is_inactive:
            continue
        beside = alone if release.unanswered else frozenset()
        found = _by_site(series_of(demand), amounts[release.beyond], beside)
        for location, weeks in sorted(found.items()):
            site = customer.sites.get(location)
            made = _making(release, demand.unit_of_measure, site, location, weeks, now, up=True)
            listing = _listing(pair, demand_id, location, release)
            data = _demand(made, customer.party, listing, _references(demand_id, pair, demand))
            if made.windows or made.problem is not None:
                yield Wanted(
                    customer.party, listing, "demand", demand_id, release, changed, data, made.problem
                )


def offers(relation: Relation, pair: Pair, supplier: Side, now: datetime) -> Iterator[Wanted]:
    """Yield the supplier's spare capacity that is released."""
    changed = _changed(relation)
    for group_id, group in sorted(relation.groups.items()):
        release = supplier.releases.get(group_id)
        if release is None or group.capacity_group_is_inactive:
            continue
        comparison = compare(relation, group_id)
        weeks = {week.week: Fraction(week.spare) for week in comparison.weeks if week.complete}
        location = next(iter(group.supplier_locations), "")
        site = release.site or supplier.sites.get(location)
        made = _making(release, group.unit_of_measure, site, location, weeks, now, up=False)
        listing = _listing(pair, group_id, site or location, release)
        reference = ExternalReference(type="catenax-capacity-group", id=group_id)
        data = _offer(made, supplier.party, listing, [reference])
        problem = comparison.problem or made.problem
        if made.windows or problem is not None:
            yield Wanted(supplier.party, listing, "offer", group_id, release, changed, data, problem)


@dataclass(frozen=True, slots=True)
class _Making:
    """What a listing is made of: its release, the partners' unit, its site if it is known, and the weeks."""

    release: Release
    unit_of_measure: str | None
    site: str | None
    location: str
    windows: list[Window]

    @property
    def problem(self) -> str | None:
        """Why it can't be listed, None when it can be."""
        code = _code(self.release, self.unit_of_measure)
        if code is None:
            return "the partners leave the unit out: say it as unit of the release"
        if code not in UNITS:
            return f"{self.unit_of_measure or code} is a unit that Tenon does not convert"
        if self.site is None:
            return f"no site of this party has the number {self.location or '(no location is given)'}"
        return None

    def common(self, party: str, references: list[ExternalReference]) -> dict[str, Any]:
        """Return what an offer and a demand have in common; only where there is no problem."""
        unit = UNITS[str(_code(self.release, self.unit_of_measure))]
        return {
            "party": party,
            "revision": 1,
            "site": self.site,
            "item": Item(class_=self.release.class_, unit=unit.dimension.base_unit, kind=self.release.kind),
            "windows": self.windows,
            "external_references": references,
        }


def _code(release: Release, unit_of_measure: str | None) -> str | None:
    return release.unit if unit_of_measure is None else CODES[unit_of_measure]


def _making(
    release: Release,
    unit_of_measure: str | None,
    site: str | None,
    location: str,
    weeks: Amounts,
    now: datetime,
    *,
    up: bool,
) -> _Making:
    unit = UNITS.get(_code(release, unit_of_measure) or "")
    windows = [] if unit is None else _windows(weeks, unit, now, up=up)
    return _Making(release, unit_of_measure, site, location, windows)


def _demand(
    made: _Making, party: str, listing: str, references: list[ExternalReference]
) -> DemandPublished | None:
    if made.problem is not None:
        return None
    release = made.release
    price = release.highest_price
    common = made.common(party, references)
    return DemandPublished(demand=listing, tier=release.tier, highest_price=price, **common)


def _offer(
    made: _Making, party: str, listing: str, references: list[ExternalReference]
) -> OfferPublished | None:
    if made.problem is not None:
        return None
    release = made.release
    common = made.common(party, references)
    return OfferPublished(offer=listing, price=release.price, regions_served=release.regions_served, **common)


def _by_site(
    all_series: Iterable[Series], amounts: Mapping[SeriesKey, Amounts], alone: Collection[SeriesKey]
) -> dict[str, dict[date, Fraction]]:
    """Return what of a demand is uncovered at each customer site; categories are added up."""
    found: dict[str, dict[date, Fraction]] = {}
    for series in all_series:
        key = series.key
        missing = {week: Fraction(amount) for week, amount in series.weeks.items()} if key in alone else None
        weeks = found.setdefault(key[1], {})
        for week, amount in (missing or amounts.get(key, {})).items():
            weeks[week] = weeks.get(week, Fraction(0)) + amount
    return {location: weeks for location, weeks in found.items() if any(weeks.values())}


def _windows(weeks: Amounts, unit: Unit, now: datetime, *, up: bool) -> list[Window]:
    """Return a window for each week that has not ended, from Monday to Monday in UTC."""
    windows = []
    for week, amount in sorted(weeks.items()):
        from_ = datetime.combine(week, time(), UTC)
        until = from_ + timedelta(weeks=1)
        exact = amount * unit.factor * unit.dimension.scale
        counts = ceil(exact) if up else floor(exact)
        if counts > 0 and until > now:
            quantity = from_counts(counts, unit.dimension.base_unit)
            windows.append(Window(id=f"{week:%G-W%V}", from_=from_, until=until, quantity=quantity))
    return windows[:_MOST_WINDOWS]


def _references(demand_id: str, pair: Pair, demand: WeekBasedMaterialDemand) -> list[ExternalReference]:
    return [
        ExternalReference(type="catenax-material-demand", id=demand_id),
        ExternalReference(type="catenax-supplier", id=pair[0]),
        ExternalReference(type="catenax-material", id=demand.material_number_customer),
    ]


def _listing(pair: Pair, subject: str, place: str, release: Release) -> str:
    """Return the id of a listing. Another class is another listing: it may be of another market."""
    named = (*pair, subject, place, release.class_.scheme, release.class_.code, release.kind)
    return f"cx-{uuid5(_NAMESPACE, '/'.join(named))}"


def _changed(relation: Relation) -> datetime:
    """Return when anything of a relationship was changed last, as its partners say."""
    told = [demand.changed_at for demand in relation.demands.values()]
    told += [group.changed_at for group in relation.groups.values()]
    return max(told, default=datetime.fromtimestamp(0, UTC))


def subject_of(release: Release) -> tuple[str, str]:
    """Return the aspect and the name of what a release is about."""
    if release.material is not None:
        return "demand", release.material
    return "capacity", plain_uuid(release.capacity_group or "")
