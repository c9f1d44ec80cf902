"""What statements about parties, sites and policies change: rows to write, and records that tell of it.

Decides a whole batch in the order it was sent; knows nothing of the database that holds the registry.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ingest.domain.admit import Statement, unknown_party
from ingest.domain.faults import Refusal, Refused
from ingest.domain.records import market_record, party_changed, party_state, site_changed
from ingest.domain.revisions import Verdict, compare, digest, superseded
from ingest.domain.route import Router
from tenon.contracts.intake import PartyRegistered, PolicyPublished, SitePublished
from tenon.contracts.log import PartyTerms, SiteState
from tenon.contracts.parties import KeyHash, PartyState
from tenon.contracts.values import Shape
from tenon.records import OutRecord

SiteKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A statement in force and the digest of its content."""

    data: Shape
    revision: int
    digest: str


@dataclass(frozen=True, slots=True)
class PartyEntry:
    """A party in force; `sequence` counts what was told about it on its topic."""

    data: PartyRegistered
    digest: str
    sequence: int
    keys: tuple[KeyHash, ...] = ()


@dataclass(slots=True)
class Present:
    """What the registry holds of everything that a batch speaks of. Markets: those each site was told to."""

    parties: dict[str, PartyEntry] = field(default_factory=dict)
    sites: dict[SiteKey, Entry] = field(default_factory=dict)
    policies: dict[str, Entry] = field(default_factory=dict)
    markets: Mapping[SiteKey, frozenset[str]] = field(default_factory=dict)

    def markets_of(self, party: str) -> list[str]:
        """Return every market that knows a site of the party."""
        return sorted({m for (owner, _), markets in self.markets.items() if owner == party for m in markets})


@dataclass(slots=True)
class Changes:
    """What a batch changes. `refusals`: one for each statement, in order; None where it is in force."""

    refusals: list[Refusal | None] = field(default_factory=list)
    parties: dict[str, PartyEntry] = field(default_factory=dict)
    sites: dict[SiteKey, Entry] = field(default_factory=dict)
    policies: dict[str, Entry] = field(default_factory=dict)
    records: list[OutRecord] = field(default_factory=list)


def decide(statements: Sequence[Statement], present: Present, router: Router) -> Changes:
    """Return what the statements change; `present` is brought up to date with each of them."""
    changes = Changes()
    for statement in statements:
        try:
            _apply(statement, present, changes, router)
        except Refused as refused:
            changes.refusals.append(refused.refusal)
        else:
            changes.refusals.append(None)
    return changes


def next_state(entry: PartyEntry, keys: Iterable[KeyHash]) -> tuple[PartyEntry, OutRecord]:
    """Return a party with other keys, and the record that tells of it."""
    data = entry.data
    changed = PartyEntry(data, entry.digest, entry.sequence + 1, tuple(keys))
    state = PartyState(
        party=data.party,
        revision=data.revision,
        name=data.name,
        keys=sorted(changed.keys, key=lambda k: k.key),
    )
    return changed, party_state(state, changed.sequence)


def terms_of(party: PartyRegistered) -> PartyTerms:
    """Return what deciding needs to know of a party."""
    return PartyTerms(
        party=party.party,
        revision=party.revision,
        supply_confirmation=party.supply_confirmation,
        demand_confirmation=party.demand_confirmation,
    )


def state_of(site: SitePublished) -> SiteState:
    """Return what deciding needs to know of a site."""
    return SiteState(
        party=site.party,
        site=site.site,
        revision=site.revision,
        position=site.position,
        region=site.region,
        readiness=site.readiness,
    )


def _apply(statement: Statement, present: Present, changes: Changes, router: Router) -> None:
    match statement.data:
        case PartyRegistered() as party:
            _party(statement, party, present, changes, router)
        case SitePublished() as site:
            _site(statement, site, present, changes, router)
        case PolicyPublished() as policy:
            _policy(statement, policy, present, changes, router)
        case other:
            raise TypeError(f"the registry holds no {type(other).__name__}")


def _party(
    statement: Statement, party: PartyRegistered, present: Present, changes: Changes, router: Router
) -> None:
    known = present.parties.get(party.party)
    content = digest(party)
    in_force = None if known is None else (known.data.revision, known.digest)
    verdict = _checked(
        compare(in_force, party.revision, content), f"party {party.party}", party.revision, in_force
    )
    if verdict == "same":
        return
    markets = present.markets_of(party.party)
    told = [
        party_changed(statement.event, terms_of(party), party.name, router.home(market)) for market in markets
    ]
    before = PartyEntry(party, content, known.sequence if known else 0, known.keys if known else ())
    entry, state = next_state(before, before.keys)
    present.parties[party.party] = changes.parties[party.party] = entry
    changes.records += [state, *told]


def _site(
    statement: Statement, site: SitePublished, present: Present, changes: Changes, router: Router
) -> None:
    if site.party not in present.parties:
        raise Refused(unknown_party(site.party))
    key = (site.party, site.site)
    entry = Entry(site, site.revision, digest(site))
    if _supersedes(present.sites.get(key), entry, f"site {site.site}"):
        markets = sorted(present.markets.get(key, ()))
        changes.records += [
            site_changed(statement.event, state_of(site), router.home(market)) for market in markets
        ]
        present.sites[key] = changes.sites[key] = entry


def _policy(
    statement: Statement, policy: PolicyPublished, present: Present, changes: Changes, router: Router
) -> None:
    entry = Entry(policy, policy.revision, digest(policy))
    if _supersedes(present.policies.get(policy.policy), entry, f"policy {policy.policy}"):
        places = router.everywhere(policy.market)
        changes.records += [market_record(statement, policy, place) for place in places]
        present.policies[policy.policy] = changes.policies[policy.policy] = entry


def _supersedes(known: Entry | None, entry: Entry, what: str) -> bool:
    """True when the entry takes the place of the known one, False when it is the same; raise `Refused`."""
    in_force = None if known is None else (known.revision, known.digest)
    return _checked(compare(in_force, entry.revision, entry.digest), what, entry.revision, in_force) != "same"


def _checked(verdict: Verdict, what: str, revision: int, in_force: tuple[int, str] | None) -> Verdict:
    if in_force is not None and verdict in ("older", "other_content"):
        raise Refused(superseded(what, verdict, revision, in_force[0]))
    return verdict
