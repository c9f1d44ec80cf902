"""Parties, sites and policies in any order, repeated, late, in batches that are committed or lost.

The judge keeps what is in force by a rule of its own (the newest revision, first come), and what each market
and each partition of the log was told; both must end up the same.
"""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from ingest.domain.admit import Statement
from ingest.domain.faults import Refusal
from ingest.domain.registry import Changes, Entry, PartyEntry, Present, decide, next_state, state_of, terms_of
from ingest.domain.route import Router
from tenon.contracts import intake
from tenon.contracts.cloudevents import CloudEvent
from tenon.contracts.codec import decode_tolerant, encode
from tenon.contracts.families import FAMILIES, INTAKE
from tenon.contracts.log import PartyChanged, PartyTerms, SiteChanged, SiteState
from tenon.contracts.markets import MarketTable
from tenon.contracts.parties import KeyHash, PartyState
from tenon.contracts.values import Position, Shape
from tenon.records import OutRecord
from tests.support.driving import drive

pytestmark = [pytest.mark.unit, pytest.mark.timeout(3_600)]

PARTITIONS = 3
MARKETS = ("hs:63", "hs:30", "own:mask")
FAMILY_OF = {family.data: family for family in INTAKE}
Key = tuple[str, ...]

parties = st.sampled_from(("acme", "clinic"))
revisions = st.integers(1, 5)
said = st.one_of(
    st.builds(
        intake.PartyRegistered,
        party=parties,
        revision=revisions,
        name=st.sampled_from(("One", "Other")),
        supply_confirmation=st.sampled_from(("manual", "automatic")),
    ),
    st.builds(
        intake.SitePublished,
        party=parties,
        site=st.sampled_from(("main", "east")),
        revision=revisions,
        position=st.builds(Position, latitude=st.sampled_from((1.0, 2.0)), longitude=st.just(3.0)),
        region=st.sampled_from(("DE", "CN")),
    ),
    st.builds(
        intake.PolicyPublished,
        policy=st.sampled_from(("p", "q")),
        revision=revisions,
        market=st.sampled_from((None, *MARKETS)),
        hold_s=st.sampled_from((0, 60)),
    ),
)
batches = st.lists(said, min_size=1, max_size=5)


def key_of(data: Shape) -> Key:
    """Return what a statement is about."""
    match data:
        case intake.PartyRegistered():
            return "party", data.party
        case intake.SitePublished():
            return "site", data.party, data.site
        case _:
            assert isinstance(data, intake.PolicyPublished)
            return "policy", data.policy


@dataclass
class Follower:
    """A reader of the log: of what it is told of sites, terms and policies it keeps the newest."""

    sites: dict[tuple[str, str], SiteState] = field(default_factory=dict)
    terms: dict[str, PartyTerms] = field(default_factory=dict)
    policies: dict[str, intake.PolicyPublished] = field(default_factory=dict)

    def learn(self, data: Shape) -> None:
        """Read one record; each has to be newer than what was told before."""
        match data:
            case SiteChanged(site=site):
                known = self.sites.get((site.party, site.site))
                assert known is None or site.revision > known.revision
                self.sites[site.party, site.site] = site
            case PartyChanged(terms=terms):
                before = self.terms.get(terms.party)
                assert before is None or terms.revision > before.revision
                self.terms[terms.party] = terms
            case intake.PolicyPublished():
                old = self.policies.get(data.policy)
                assert old is None or data.revision > old.revision
                self.policies[data.policy] = data
            case _:
                pytest.fail(f"{data} is not told to markets")


class RegistryMachine(RuleBasedStateMachine):
    """One registry, its outbox and everybody who reads what comes out of it."""

    def __init__(self) -> None:
        super().__init__()
        self.router = Router(MarketTable(partitions=PARTITIONS))
        self.rows = Present()
        self.in_force: dict[Key, Shape] = {}
        self.markets: dict[str, Follower] = {market: Follower() for market in MARKETS}
        self.partitions: dict[int, Follower] = {number: Follower() for number in range(PARTITIONS)}
        self.parties: dict[str, list[PartyState]] = {}
        self.events = 0

    @rule(batch=batches)
    def commit(self, batch: list[Shape]) -> None:
        """A batch is decided, its rows are stored, its records reach their readers."""
        expected = [self._take(data) for data in batch]
        changes = self._decided(batch)
        assert [refusal is None for refusal in changes.refusals] == expected
        self._store(changes)
        self._deliver(changes.records)

    @rule(batch=batches)
    def lose(self, batch: list[Shape]) -> None:
        """A batch is decided, and its transaction undone."""
        self._decided(batch)

    @precondition(lambda self: self.in_force)
    @rule(at=st.integers(0, 20), number=st.integers(1, 3))
    def repeat(self, at: int, number: int) -> None:
        """What is in force may be said again, alone or several times in a batch: nobody hears of it."""
        known = [self.in_force[key] for key in sorted(self.in_force)]
        changes = self._decided([known[(at + step) % len(known)] for step in range(number)])
        assert changes.refusals == [None] * number
        assert changes == Changes(refusals=[None] * number)

    @precondition(lambda self: self.rows.sites)
    @rule(at=st.integers(0, 20), market=st.sampled_from(MARKETS))
    def list_at_a_site(self, at: int, market: str) -> None:
        """An offer is listed: from now on its market knows its site and its party's terms."""
        owner, site = sorted(self.rows.sites)[at % len(self.rows.sites)]
        known = dict(self.rows.markets)
        known[owner, site] = known.get((owner, site), frozenset()) | {market}
        self.rows = replace(self.rows, markets=known)
        here = self.rows.sites[owner, site].data
        assert isinstance(here, intake.SitePublished)
        self.markets[market].sites[owner, site] = state_of(here)
        self.markets[market].terms[owner] = terms_of(self.rows.parties[owner].data)

    @precondition(lambda self: self.rows.parties)
    @rule(at=st.integers(0, 20), names=st.sets(st.sampled_from(("k1", "k2"))))
    def give_keys(self, at: int, names: set[str]) -> None:
        """A party's keys change, which its statements leave alone."""
        party = sorted(self.rows.parties)[at % len(self.rows.parties)]
        keys = tuple(KeyHash(key=name, sha256="0" * 64) for name in sorted(names))
        self.rows.parties[party], record = next_state(self.rows.parties[party], keys)
        self._deliver([record])

    @invariant()
    def the_newest_is_in_force(self) -> None:
        entries: list[Entry | PartyEntry] = [
            *self.rows.parties.values(),
            *self.rows.sites.values(),
            *self.rows.policies.values(),
        ]
        assert {key_of(entry.data): entry.data for entry in entries} == self.in_force

    @invariant()
    def every_market_knows_its_sites_and_parties_as_they_are(self) -> None:
        for (owner, site), markets in self.rows.markets.items():
            here = self.rows.sites[owner, site].data
            assert isinstance(here, intake.SitePublished)
            for market in markets:
                assert self.markets[market].sites[owner, site] == state_of(here)
                assert self.markets[market].terms[owner] == terms_of(self.rows.parties[owner].data)

    @invariant()
    def every_partition_knows_every_policy(self) -> None:
        policies = {name: entry.data for name, entry in self.rows.policies.items()}
        assert all(each.policies == policies for each in self.partitions.values())

    @invariant()
    def a_partys_last_record_is_its_state(self) -> None:
        assert self.parties.keys() == self.rows.parties.keys()
        for name, told in self.parties.items():
            entry = self.rows.parties[name]
            assert (told[-1].revision, told[-1].name) == (entry.data.revision, entry.data.name)
            assert (entry.sequence, list(entry.keys)) == (len(told), told[-1].keys)

    def _take(self, data: Shape) -> bool:
        """Keep the newest; return whether the statement is in force afterwards."""
        known = self.in_force.get(key_of(data))
        if isinstance(data, intake.SitePublished) and ("party", data.party) not in self.in_force:
            return False
        if known is None or _revision(data) > _revision(known):
            self.in_force[key_of(data)] = data
            return True
        return data == known

    def _decided(self, batch: list[Shape]) -> Changes:
        present = Present(
            dict(self.rows.parties), dict(self.rows.sites), dict(self.rows.policies), self.rows.markets
        )
        return decide([self._statement(data) for data in batch], present, self.router)

    def _statement(self, data: Shape) -> Statement:
        self.events += 1
        family = FAMILY_OF[type(data)]
        return Statement(CloudEvent(str(self.events), "test", family.name, encode(data)), family, data)

    def _store(self, changes: Changes) -> None:
        self.rows.parties |= changes.parties
        self.rows.sites |= changes.sites
        self.rows.policies |= changes.policies
        assert all(refusal is None or _is_conflict_or_unknown(refusal) for refusal in changes.refusals)

    def _deliver(self, records: list[OutRecord]) -> None:
        """Hand each record to who reads its partition; a party's are numbered without a gap."""
        for record in records:
            headers = {name: value.decode() for name, value in record.headers}
            data = decode_tolerant(FAMILIES[headers["ce_type"]].data, record.value or b"")
            if isinstance(data, PartyState):
                told = self.parties.setdefault(data.party, [])
                told.append(data)
                assert int(headers["ce_sequence"]) == len(told)
                continue
            assert record.partition is not None
            if isinstance(data, intake.PolicyPublished):
                self.partitions[record.partition].learn(data)
            else:
                assert record.partition == self.router.home(headers["ce_market"]).partition
                self.markets[headers["ce_market"]].learn(data)


def _revision(data: Shape) -> int:
    revision: int = getattr(data, "revision")  # noqa: B009  every statement has one
    return revision


def _is_conflict_or_unknown(refusal: Refusal) -> bool:
    return refusal.status in (409, 422)


def test_whatever_is_repeated_late_or_lost_everybody_knows_what_is_in_force() -> None:
    drive(RegistryMachine)
