"""What has to be told to the log, so that the market has what belongs there: a revision, or a withdrawal.

Decides from what was told last; knows neither where that is kept nor who else has told anything.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import replace as with_
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from ingest.domain.normalise import normalise
from ingest.domain.revisions import digest
from ingest.domain.validate import rules_broken
from ingest.formats.catenax.market import Wanted
from tenon.contracts.codec import unix_ms
from tenon.contracts.intake import DemandPublished, DemandWithdrawn, OfferPublished, OfferWithdrawn
from tenon.contracts.values import ItemClass, Shape

_WITHDRAWN = "covered by the known partner, or no longer released"


@dataclass(frozen=True, slots=True)
class Listed:
    """A listing as it was told last. `revision` 0: it never was, `problem` says why."""

    party: str
    listing: str
    kind: str
    subject: str
    item_class: ItemClass
    revision: int
    digest: str
    open: bool
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A listing as it is from now on, and the event that tells it; None: there is nothing to tell."""

    listed: Listed
    event: Shape | None
    event_type: str = ""
    before: Listed | None = None

    def failed(self, problem: str) -> "Change":
        """Return what becomes of a listing that can't be told: it stays as it was, and says why."""
        unchanged = self.before or with_(self.listed, revision=0, digest="", open=False)
        return Change(with_(unchanged, problem=problem), None)


def changes(wanted: Iterable[Wanted], listed: Mapping[str, Listed], now: datetime) -> Iterator[Change]:
    """Yield what is different from what was told; what is not wanted any more is withdrawn."""
    named = {each.listing: each for each in wanted}
    for listing, each in named.items():
        before = listed.get(listing)
        change = _told(each, before, now)
        if before is None or change.event is not None or change.listed != before:
            yield change
    for listing, before in listed.items():
        if listing not in named and (before.open or before.problem is not None):
            yield (
                _withdrawn(before, now, _WITHDRAWN)
                if before.open
                else Change(with_(before, problem=None), None)
            )


def _told(wanted: Wanted, before: Listed | None, now: datetime) -> Change:
    data, problem = _checked(wanted)
    if data is None:
        blank = before or with_(_listed(wanted, 0, ""), open=False)
        if blank.open:
            change = _withdrawn(blank, now, str(problem))
            return with_(change, listed=with_(change.listed, problem=problem))
        return Change(with_(blank, problem=problem), None)
    content = digest(data)
    if before is not None and before.open and before.digest == content:
        return Change(with_(before, problem=None), None)
    revision = _revision(wanted.changed_at, now, before)
    told = replace(data, revision=revision)
    listed = _listed(wanted, revision, content)
    return Change(listed, told, f"tenon.{wanted.kind}.published.v1", before)


def _checked(wanted: Wanted) -> tuple[DemandPublished | OfferPublished | None, str | None]:
    """Return what may go to the log; the rules for it are those for everybody's events."""
    if wanted.data is None or wanted.problem is not None:
        return None, wanted.problem
    data, faults = normalise(wanted.data)
    faults += rules_broken(data)
    if faults:
        return None, f"{faults[0].pointer.removeprefix('/data')}: {faults[0].reason}"
    return data, None


def _revision(changed: datetime, now: datetime, before: Listed | None) -> int:
    """Return when it changed as its partners say, or when it is told, and always more than before.

    The time it is told keeps it above what was told before a restored backup no longer knows of it.
    """
    return max(unix_ms(changed), unix_ms(now), (before.revision if before is not None else 0) + 1)


def _withdrawn(before: Listed, now: datetime, reason: str) -> Change:
    revision = max(unix_ms(now), before.revision + 1)
    common: dict[str, Any] = {
        "party": before.party,
        "revision": revision,
        "class_": before.item_class,
        "reason": reason[:1000],
    }
    event: Shape
    if before.kind == "demand":
        event = DemandWithdrawn(demand=before.listing, **common)
    else:
        event = OfferWithdrawn(offer=before.listing, **common)
    closed = with_(before, revision=revision, digest="", open=False, problem=None)
    return Change(closed, event, f"tenon.{before.kind}.withdrawn.v1", before)


def _listed(wanted: Wanted, revision: int, content: str) -> Listed:
    return Listed(
        wanted.party,
        wanted.listing,
        wanted.kind,
        wanted.subject,
        wanted.release.class_,
        revision,
        content,
        True,
    )
