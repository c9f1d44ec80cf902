"""What drives a partition as its owner does: a log, rounds cut from it, owners that die and are born again.

What may be said stands here too; what must hold is the business of `ledger` and of the test.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from matcher.domain.model import Demand, Market, Offer
from matcher.domain.reading import Entry, LogRecord, Unusable, read
from matcher.domain.state import State
from matcher.domain.step import Decisions, Read, step
from tenon.contracts import intake, log, values
from tenon.contracts.cloudevents import CloudEvent, to_kafka
from tenon.contracts.codec import encode
from tenon.contracts.families import LOG_BY_TYPE
from tenon.contracts.values import Shape
from tests.support.market import DAY_MS, HOUR_MS, MARKET, MASKS, START_MS, day, demanded, item, window
from tests.unit.matcher.ledger import Ledger, Said, Told
from tests.unit.matcher.tables import Tables

PARTIES = ("a", "b", "c", "d")
OTHER_MARKET = "own:glove"
SPANS = ((0, 300), (0, 300), (0, 10), (10, 20), (20, 40))
TYPE_OF = {family.data: name for name, family in LOG_BY_TYPE.items()}


def seldom(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """Return a strategy that gives the usual value nine times out of ten."""
    return st.integers(0, 9).flatmap(lambda number: st.just(usual) if number < 9 else st.sampled_from(others))


parties = st.sampled_from(PARTIES)
suppliers = st.sampled_from((*PARTIES[:2] * 4, *PARTIES))
buyers = st.sampled_from((*PARTIES[2:] * 4, *PARTIES))
names = st.sampled_from(("x", "x", "y"))
revisions = st.integers(1, 6)
markets = seldom(MARKET, OTHER_MARKET)
offered_codes = st.sampled_from(("mask", "mask.ffp2", "mask.ffp2", "mask.ffp3"))
demanded_codes = st.sampled_from(("mask", "mask", "mask", "mask.ffp2"))
units = seldom("C62", "KGM")
regions = st.sampled_from(("DE", "DE-BY", "FR"))
terms_of_parts = st.sampled_from(
    ((0, None), (0, None), (0, None), (7, None), (60, None), (0, 4.5), (1, 300.0))
)
"""The least part that a window takes, the day from which on it is late."""
blocks = seldom([], ["a"], ["c"])
prices = st.sampled_from((None, None, "0", "1", "2.5")).flatmap(
    lambda amount: (
        st.none()
        if amount is None
        else st.builds(values.Money, amount=st.just(amount), currency=seldom("EUR", "USD"))
    )
)


@st.composite
def windows(draw: st.DrawFn) -> list[values.Window]:
    called = draw(st.lists(st.sampled_from(("w1", "w2", "w3")), min_size=1, max_size=2, unique=True))
    spans = [draw(st.sampled_from(SPANS)) for _ in called]
    amounts = [draw(st.sampled_from((0, 1, 5, 20, 30, 60)) | st.integers(0, 60)) for _ in called]
    return [
        window(amount, first, last, name)
        for name, (first, last), amount in zip(called, spans, amounts, strict=True)
    ]


@st.composite
def sites(draw: st.DrawFn, owner: str) -> log.SiteState:
    return log.SiteState(
        party=owner,
        site=draw(st.sampled_from(("main", "main", "east"))),
        revision=draw(st.integers(1, 3)),
        position=values.Position(latitude=draw(st.sampled_from((0.0, 1.0, 20.0))), longitude=10.0),
        region=draw(regions),
        readiness=values.Readiness(machine=values.Evidence(ratio=draw(seldom(1.0, 0.2)))),
    )


@st.composite
def terms(draw: st.DrawFn, owner: str) -> log.PartyTerms:
    modes: st.SearchStrategy[intake.Confirmation] = st.sampled_from(("manual", "automatic"))
    return log.PartyTerms(
        party=owner,
        revision=draw(st.integers(1, 3)),
        supply_confirmation=draw(modes),
        demand_confirmation=draw(modes),
    )


@st.composite
def offers(draw: st.DrawFn) -> log.OfferListed:
    owner = draw(suppliers)
    place = draw(sites(owner))
    held = st.builds(
        values.Certificate,
        scheme=st.sampled_from(("CE", "ISO")),
        valid_until=st.none() | st.integers(1, 20).map(day),
    )
    offer = intake.OfferPublished(
        party=owner,
        offer=draw(names),
        revision=draw(revisions),
        site=place.site,
        item=item(draw(offered_codes), draw(units)),
        windows=draw(windows()),
        price=draw(prices),
        lead_time_s=draw(seldom(0, 86_400, 5 * 86_400)),
        valid_until=draw(st.none() | st.none() | st.integers(1, 30).map(day)),
        blocked=draw(blocks),
        regions_served=draw(seldom([], ["DE"], ["DE-BY"])),
        certificates=draw(st.lists(held, max_size=2)),
        resource=draw(draws),
        flexible=draw(st.booleans()),
    )
    return log.OfferListed(offer=offer, site=place, terms=draw(terms(owner)))


draws = st.none() | st.builds(
    values.ResourceDraw,
    id=seldom("x", "y"),
    load_factor=st.sampled_from(("1", "1", "3", "0.5", "7.25", "0.001")).map(Decimal),
    unit=seldom(None, "MIN", "KGM"),
)


@st.composite
def resources(draw: st.DrawFn) -> intake.ResourcePublished:
    spans = draw(st.sampled_from((((0, 300),), ((0, 300),), ((0, 300),), ((0, 10), (10, 40)), ((0, 5),))))
    amounts = [draw(st.sampled_from((0, 30, 100, 400)) | st.integers(0, 100)) for _ in spans]
    return intake.ResourcePublished(
        party=draw(suppliers),
        resource=draw(seldom("x", "y")),
        revision=draw(revisions),
        site="main",
        class_=MASKS,
        unit=draw(seldom("SEC", "C62")),
        windows=[
            window(amount, first, last, f"r{at}")
            for at, (amount, (first, last)) in enumerate(zip(amounts, spans, strict=True))
        ],
    )


@st.composite
def demands(draw: st.DrawFn) -> log.DemandListed:
    owner = draw(buyers)
    place = draw(sites(owner))
    demand = intake.DemandPublished(
        party=owner,
        demand=draw(names),
        revision=draw(revisions),
        site=place.site,
        item=item(draw(demanded_codes), draw(units)),
        windows=[demanded(each, *draw(terms_of_parts)) for each in draw(windows())],
        tier=draw(st.integers(1, 3)),
        highest_price=draw(prices),
        required_certificates=draw(seldom([], ["CE"])),
        patience_until=draw(st.none() | st.none() | st.integers(1, 30).map(day)),
        blocked=draw(blocks),
    )
    return log.DemandListed(demand=demand, site=place, terms=draw(terms(owner)))


@st.composite
def routes(draw: st.DrawFn) -> intake.RoutesPublished:
    metres = st.sampled_from((0, 150_000, 900_000, 3_000_000))
    targets = [f"{owner}/{site}" for owner in PARTIES for site in ("main", "east")]
    return intake.RoutesPublished(
        party=draw(parties),
        site=draw(st.sampled_from(("main", "east"))),
        revision=draw(st.integers(1, 3)),
        class_=item(draw(demanded_codes)).class_,
        distances_m=draw(st.dictionaries(st.sampled_from(targets), metres, max_size=3)),
    )


changed_sites = parties.flatmap(sites).map(lambda place: log.SiteChanged(site=place))
changed_terms = parties.flatmap(terms).map(lambda said: log.PartyChanged(terms=said))
REACHES = (
    (intake.ReachStep(waiting_s=0),),
    (intake.ReachStep(waiting_s=0, distance_m=200_000), intake.ReachStep(waiting_s=3 * 86_400)),
    (
        intake.ReachStep(waiting_s=0, distance_m=0),
        intake.ReachStep(waiting_s=3_600, distance_m=200_000),
        intake.ReachStep(waiting_s=86_400, distance_m=1_000_000),
    ),
)
TRANCHES = (
    (intake.Tranche(up_to_share=1, value=100_000),),
    (intake.Tranche(up_to_share=0.5, value=100_000), intake.Tranche(up_to_share=1, value=300)),
    (intake.Tranche(up_to_share=0.3, value=900), intake.Tranche(up_to_share=0.8, value=100)),
)
policies = st.builds(
    intake.PolicyPublished,
    policy=st.sampled_from(("p", "q")),
    revision=revisions,
    market=st.sampled_from((None, None, MARKET, OTHER_MARKET)),
    weights=st.builds(
        intake.Weights,
        price=st.sampled_from((0, 100)),
        freight=st.sampled_from((0, 1, 1)),
        lateness=st.sampled_from((0, 0, 70)),
        waiting=st.sampled_from((0, 150)),
        further_docking=st.sampled_from((0, 0, 100, 1_000_000, 10**9)),
        flexible=st.sampled_from((0, 0, 200, 10**9)),
    ),
    tranches=st.sampled_from(TRANCHES),
    reach=st.sampled_from(REACHES),
    respond_within_s=st.sampled_from((1, 3_600, 2 * 86_400)),
    patience_s=st.sampled_from((None, None, 3_600, 5 * 86_400)),
    hold_s=st.sampled_from((0, 0, 60, 86_400)),
    confirmation=st.sampled_from(("by_party", "by_party", "automatic")),
    keep_closed_s=st.sampled_from((1, 3_600, 3_600, 86_400)),
)
listings = offers() | offers() | demands() | demands() | resources()
others = st.one_of(policies, policies, routes(), changed_sites, changed_terms)


def good(data: Shape, number: int, market: str = MARKET) -> LogRecord:
    """Return a record as ingest writes it; its place in the log is given when it is appended."""
    event = CloudEvent(str(number), "test", TYPE_OF[type(data)], encode(data), extensions={"market": market})
    return LogRecord(-1, to_kafka(event), event.data)


def _unusable() -> dict[str, LogRecord]:
    end = good(intake.OfferWithdrawn(party="a", offer="x", revision=1, class_=MASKS), 0)
    named = dict(end.headers)
    return {
        "no value": LogRecord(-1, end.headers, None),
        "broken": LogRecord(-1, end.headers, b"{"),
        "another shape": LogRecord(-1, end.headers, b'{"party":7}'),
        "nobody's type": LogRecord(-1, list({**named, "ce_type": b"org.other.v1"}.items()), end.value),
        "of another topic": LogRecord(
            -1, list({**named, "ce_type": b"tenon.docking.proposed.v1"}.items()), end.value
        ),
        "no market": LogRecord(-1, [each for each in end.headers if each[0] != "ce_market"], end.value),
        "no headers": LogRecord(-1, [], b"\xff\xfe"),
    }


UNUSABLE = _unusable()


FORWARD_MS = (1, 600_000, HOUR_MS, HOUR_MS, DAY_MS, 3 * DAY_MS, 9 * DAY_MS, 31 * DAY_MS)
JUMPS_MS = (0, 0, 0, 0, 0, *FORWARD_MS, -HOUR_MS, -5 * DAY_MS)
moves = st.sampled_from((*JUMPS_MS, *["to the next timer"] * 4, "just before the next timer"))
"""How the wall's clock moves before a round, in milliseconds or to where something is due."""


@dataclass
class Partition:
    """A log, what its rounds stored and told, and three owners that read it.

    `lived` has read everything. `other` is thrown away and rebuilt from the rows whenever the test says so.
    `sober` never reads a record that was read before. `whole`: no round failed halfway.
    """

    lived: State = field(default_factory=lambda: State(0))
    other: State = field(default_factory=lambda: State(0))
    sober: State = field(default_factory=lambda: State(0))
    tables: Tables = field(default_factory=Tables)
    said: Said = field(default_factory=Said)
    ledger: Ledger = field(default_factory=Ledger)
    log: list[LogRecord] = field(default_factory=list)
    rounds: list[Decisions] = field(default_factory=list)
    wall_ms: int = START_MS
    next_offset: int = 0
    whole: bool = True
    _read_before: set[bytes] = field(default_factory=set)

    @property
    def pending(self) -> list[LogRecord]:
        """What no round has read."""
        return [record for record in self.log if record.offset >= self.lived.next_offset]

    def append(self, record: LogRecord, gap: int = 0) -> None:
        """Write a record into the log, `gap` offsets after the last: those hold nothing."""
        offset = self.next_offset + gap
        self.log.append(LogRecord(offset, record.headers, record.value))
        self.next_offset = offset + 1

    def swap(self, at: int) -> None:
        """Let two pending neighbours reach the log in the other order."""
        first, second = self.log[at], self.log[at + 1]
        self.log[at] = LogRecord(first.offset, second.headers, second.value)
        self.log[at + 1] = LogRecord(second.offset, first.headers, first.value)

    def move(self, how: int | str) -> None:
        """Set the wall's clock forward or back."""
        due_ms = self.lived.wake_at_ms
        if isinstance(how, int):
            self.wall_ms += how
        elif due_ms is not None:
            self.wall_ms = max(self.wall_ms, due_ms - (how != "to the next timer"))

    def cut(self, most: int) -> Read:
        """Return a round that reads at most so many records, at the time of the wall."""
        records = self.pending[:most]
        end = records[-1].offset + 1 if records else self.lived.next_offset
        return Read([read(each) for each in records], self.lived.next_offset, end, self.wall_ms)

    def die(self, most: int) -> None:
        """Let an owner decide a round and die before it is stored: the next one knows nothing of it."""
        step(self.tables.reborn(self.lived), self.cut(most))
        self.other = self.tables.reborn(self.lived)

    def decide(self, most: int) -> Told:
        """Decide a round by all three owners and store it; fail where they differ."""
        self.whole = False
        what = self.cut(most)
        decisions = step(self.lived, what)
        assert step(self.other, what) == decisions
        abstained = step(self.sober, self._without_repeated(what))
        assert _told_of(abstained, STATES) == _told_of(decisions, STATES)
        self.tables.commit(decisions.rows)
        self.rounds.append(decisions)
        self.said.take(what.entries, self.lived.clock_ms)
        told = self.ledger.take(decisions.events)
        for name in told.forgotten:
            self.said.forget(name, self.lived.clock_ms)
        self._remember(what.entries, told)
        self.whole = True
        return told

    def _without_repeated(self, what: Read) -> Read:
        fresh = [entry for entry in what.entries if _content(entry) not in self._read_before]
        return Read(fresh, what.from_offset, what.next_offset, what.clock_ms)

    def _remember(self, entries: Iterable[Entry | Unusable], told: Told) -> None:
        """Keep what had its effect. What was refused had none, and may be said again."""
        refused = {(each.party, each.docking, each.docking_revision) for each in told.refused}
        rejected = {each.origin.offset for each in told.rejected}
        for entry in entries:
            data = entry.data if isinstance(entry, Entry) else None
            if isinstance(data, intake.DockingProgressed):
                without = (data.party, data.docking, data.revision) in refused
            else:
                without = data is None or entry.offset in rejected
            if not without:
                self._read_before.add(_content(entry))


STATES = ("tenon.dockings.v1", "tenon.positions.v1", "tenon.alerts.v1")


def _told_of(decisions: Decisions, topics: Sequence[str]) -> list[tuple[str, str, bytes]]:
    return [(event.topic, event.key, event.value) for event in decisions.events if event.topic in topics]


def _content(entry: Entry | Unusable) -> bytes:
    record = entry.record
    assert record is not None
    headers = [header for header in record.headers if header[0] != "ce_id"]
    return repr((headers, record.value)).encode() if isinstance(entry, Entry) else b""


def essence(state: State) -> dict[str, Any]:
    """Return what a state knows, without what only its past can explain: spent timers, numbers of sites."""
    return {
        "position": (state.clock_ms, state.round, state.digest, state.next_offset, state.unusable_run),
        "policies": (list(state.published.items()), state.policies),
        "homes": state.homes,
        "unexplained": {at for at in state.unexplained if state.markets[at[0]].demands[at[1]].open},
        "markets": {name: kept for name, market in state.markets.items() if (kept := _kept(market))},
    }


def _kept(market: Market) -> dict[str, Any]:
    places = {number: key for key, number in market.numbers.items()}
    kept = {
        "offers": market.offers,
        "demands": market.demands,
        "deals": market.deals,
        "resources": market.resources,
        "drawing": market.drawing,
        "sites": market.sites,
        "terms": market.terms,
        "closed": market.closed,
        "held_until": market.held_until_ms,
        "held": market.held,
        "placed": market.placed,
        "open_offers": {code: set(table) for code, table in market.open_offers.items() if len(table)},
        "open_demands": {code: set(table) for code, table in market.open_demands.items() if len(table)},
        "all_offers": {code: keys for code, keys in market.all_offers.items() if keys},
        "proposals": {key: made for key, made in market.proposals.items() if made},
        "routes": {
            (site, code): (known.revision, dict(zip(map(places.get, known.sites), known.metres, strict=True)))
            for site, sets in market.routes.items()
            for code, known in sets.items()
        },
    }
    return {name: what for name, what in kept.items() if what}


def accepted(state: State) -> dict[str, Any]:
    """Return what was accepted: the part of a state that does not depend on how the log was cut."""
    markets = {name: kept for name, market in state.markets.items() if (kept := _accepted(market))}
    policies = list(state.published.items())
    return {"policies": policies, "homes": state.homes, "run": state.unusable_run, "markets": markets}


def _accepted(market: Market) -> dict[str, Any]:
    entries: dict[str, Offer | Demand] = {f"o:{key}": each for key, each in market.offers.items()} | {
        f"d:{key}": each for key, each in market.demands.items()
    }
    kept = {
        "said": {key: (each.said, each.status == "withdrawn") for key, each in entries.items()},
        "resources": {key: (each.said, each.withdrawn) for key, each in market.resources.items()},
        "sites": market.sites,
        "terms": market.terms,
        "closed": market.closed,
    }
    return {name: what for name, what in kept.items() if what}


def decided_in_rounds_of(most: int, log_: Sequence[LogRecord], clock_ms: int) -> State:
    """Return the state after a log was read in rounds of so many records, all at one time."""
    state = State(0)
    for start in range(0, len(log_), most):
        part = log_[start : start + most]
        step(state, Read([read(each) for each in part], state.next_offset, part[-1].offset + 1, clock_ms))
    return state
