"""What Kafka knows of parties, sites and policies, and what of it a registry that lost some has to take back.

Parties and keys are told in whole on their topic, policies in the log; a site is known by the markets that
were told of it. What none of these says (names of sites) stays as the registry has it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from ingest.domain.records import party_state
from ingest.domain.registry import Changes, Entry, PartyEntry, Present, SiteKey
from ingest.domain.revisions import digest
from tenon.contracts.cloudevents import CloudEvent, NotCloudEvent, from_kafka
from tenon.contracts.codec import InvalidData, NotJson, decode_tolerant
from tenon.contracts.intake import PartyRegistered, PolicyPublished, SitePublished
from tenon.contracts.log import PartyChanged, PartyTerms, SiteChanged, SiteState
from tenon.contracts.parties import PartyState
from tenon.contracts.values import Shape
from tenon.records import Record

S = TypeVar("S", bound=msgspec.Struct)


class _Listing(msgspec.Struct, frozen=True):
    """What an offer or a demand in the log says of its site and party."""

    site: SiteState
    terms: PartyTerms


@dataclass(slots=True)
class Known:
    """The newest that Kafka says of each. `told`: (party, site, market) for each market that knows a site."""

    parties: dict[str, tuple[int, PartyState]] = field(default_factory=dict)
    terms: dict[str, PartyTerms] = field(default_factory=dict)
    sites: dict[SiteKey, SiteState] = field(default_factory=dict)
    policies: dict[str, PolicyPublished] = field(default_factory=dict)
    told: set[tuple[str, str, str]] = field(default_factory=set)

    def note_party(self, record: Record) -> None:
        """Take a record of tenon.parties; one that can't be read says nothing."""
        event = _event(record)
        state = None if event is None else _data(PartyState, event)
        text = "" if event is None else event.extensions.get("sequence", "")
        if state is None or not (text.isascii() and text.isdigit()):
            return
        if state.party not in self.parties or int(text) > self.parties[state.party][0]:
            self.parties[state.party] = (int(text), state)

    def note_entry(self, record: Record) -> None:
        """Take a record of the log; one that can't be read, or is of something else, says nothing."""
        event = _event(record)
        if event is None or event.type not in _KINDS:
            return
        said = _data(_KINDS[event.type], event)
        if isinstance(said, _Listing):
            self.told.add((said.site.party, said.site.site, event.extensions.get("market", "")))
        if isinstance(said, _Listing | SiteChanged):
            self._site(said.site)
        if isinstance(said, _Listing | PartyChanged):
            self._terms(said.terms)
        if isinstance(said, PolicyPublished):
            known = self.policies.get(said.policy)
            if known is None or said.revision > known.revision:
                self.policies[said.policy] = said

    def statements(self) -> Iterator[Shape]:
        """Return everything as statements of parties: what a registry has to be asked for."""
        for _, state in self.parties.values():
            yield _party(state, self.terms.get(state.party), None)
        for site in self.sites.values():
            yield _site(site, None)
        yield from self.policies.values()

    def _site(self, site: SiteState) -> None:
        known = self.sites.get((site.party, site.site))
        if known is None or site.revision > known.revision:
            self.sites[site.party, site.site] = site

    def _terms(self, terms: PartyTerms) -> None:
        known = self.terms.get(terms.party)
        if known is None or terms.revision > known.revision:
            self.terms[terms.party] = terms


def missing(known: Known, present: Present) -> Changes:
    """Return what a registry lacks; each party that it lacks is to be told again, as it is."""
    changes = Changes()
    for name, (sequence, state) in sorted(known.parties.items()):
        entry = present.parties.get(name)
        if entry is None or sequence > entry.sequence:
            changes.parties[name] = _entry_of(sequence, state, known.terms.get(name), entry)
            changes.records.append(party_state(state, sequence))
    owners = known.parties.keys() | present.parties.keys()
    for key, site in sorted(known.sites.items()):
        before = present.sites.get(key)
        if site.party in owners and (before is None or site.revision > before.revision):
            data = _site(site, before)
            changes.sites[key] = Entry(data, data.revision, digest(data))
    for name, policy in sorted(known.policies.items()):
        held = present.policies.get(name)
        if held is None or policy.revision > held.revision:
            changes.policies[name] = Entry(policy, policy.revision, digest(policy))
    return changes


def _entry_of(
    sequence: int, state: PartyState, terms: PartyTerms | None, before: PartyEntry | None
) -> PartyEntry:
    if before is not None and before.data.revision == state.revision:
        return PartyEntry(before.data, before.digest, sequence, tuple(state.keys))
    data = _party(state, terms, before)
    return PartyEntry(data, digest(data), sequence, tuple(state.keys))


def _party(state: PartyState, terms: PartyTerms | None, before: PartyEntry | None) -> PartyRegistered:
    """Return a party with the terms that some market was told, else with those it had."""
    known: PartyTerms | PartyRegistered | None = terms
    if before is not None and (terms is None or terms.revision < before.data.revision):
        known = before.data
    said = PartyRegistered(party=state.party, revision=state.revision, name=state.name)
    if known is None:
        return said
    return msgspec.structs.replace(
        said,
        supply_confirmation=known.supply_confirmation,
        demand_confirmation=known.demand_confirmation,
    )


def _site(site: SiteState, before: Entry | None) -> SitePublished:
    named = before.data.name if before is not None and isinstance(before.data, SitePublished) else None
    return SitePublished(
        party=site.party,
        site=site.site,
        revision=site.revision,
        position=site.position,
        region=site.region,
        name=named,
        readiness=site.readiness,
    )


def _event(record: Record) -> CloudEvent | None:
    try:
        return from_kafka(record.headers, record.value)
    except (NotCloudEvent, NotJson):
        return None


_KINDS: dict[str, type[msgspec.Struct]] = {
    "tenon.offer.listed.v1": _Listing,
    "tenon.demand.listed.v1": _Listing,
    "tenon.site.changed.v1": SiteChanged,
    "tenon.party.changed.v1": PartyChanged,
    "tenon.policy.published.v1": PolicyPublished,
}


def _data(kind: type[S], event: CloudEvent) -> S | None:
    try:
        return decode_tolerant(kind, event.data)
    except (NotJson, InvalidData):
        return None
