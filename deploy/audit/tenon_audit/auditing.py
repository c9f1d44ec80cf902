"""The audit: wait for rest, fix an instant of the tables, read the topics, read the tables, compare.

The only place that knows the order. The journal is read first; then a snapshot of the tables is opened, and
the topics are read before its rows: so whatever a line that still works adds meanwhile can't look like a
fault, since what the tables knew at that instant is on the topics.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tenon.contracts import topics
from tenon.kafka import KafkaSettings
from tenon.sharding import Sharding
from tenon_audit import journal as journals
from tenon_audit import log
from tenon_audit.checks import accepted, asked, delivered, drawn, offered, repeated, rounds, told
from tenon_audit.checks.accepted import Journal
from tenon_audit.checks.repeated import InForce, Name
from tenon_audit.deciding import Decided
from tenon_audit.facts import Said, Waiting
from tenon_audit.ledger import shares
from tenon_audit.reading import (
    EVERYWHERE,
    KEPT_CLOSED_S,
    POLICY_TYPE,
    Unreadable,
    attributes,
    content,
    digest,
    kept_closed_ms,
    statement,
)
from tenon_audit.report import Report
from tenon_audit.settling import NOTIFIED, settled
from tenon_audit.tables import Tables, snapshot

Say = Callable[[str], None]
_HOUR_MS = 3_600_000


def _since(now_ms: int, hours: float) -> int:
    """Return when what may be gone for its age was written at the latest; an hour is left for stragglers."""
    return now_ms - int((hours - min(1, hours / 2)) * _HOUR_MS)


def silent(text: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where to look. `sharding`: all databases, of which the first has every schema.

    `settle_s`: how long to wait for rest. The others are the notifier's settings, in hours.
    """

    kafka: KafkaSettings
    sharding: Sharding
    settle_s: float = 30.0
    feed_retention_h: float = 720
    attempts_retention_h: float = 168
    history_retention_h: float = 8_760


async def audit(
    sources: Sources, *, journal: Path | None = None, replay: bool = False, say: Say = silent
) -> Report:
    """Recompute guarantees 1 to 6 and return what does not hold.

    `journal`: what a sender wrote down, see `tenon_audit.journal`. `replay`: decide all rounds again. Raises
    `Transient` or `Misconfigured` where Kafka, the tables or the journal can't be read.
    """
    report = Report()
    say("waiting for rest")
    moving = await settled(sources.kafka, sources.sharding, seconds=sources.settle_s, say=say)
    report.add(moving)
    sent = Journal.of(journals.lines(journal)) if journal else Journal()
    async with snapshot(sources.sharding) as tables:
        looking = _Audit(sources, tables, report, say, Decided(await tables.heads(), await tables.now_ms()))
        await looking.at_ingest(sent)
        await looking.decisions()
        await looking.sums(at_rest=not moving)
        await looking.deliveries()
    await looking.later()
    report.accepted, report.lost = sum(sent.accepted.values()), len(sent.lost)
    report.unanswered = sent.unanswered
    if replay:
        from tenon_audit.replaying import replayed  # the engine and its solvers, for whoever asks for them

        await replayed(sources.kafka, looking.decided, report, say)
    return report


@dataclass
class _Audit:
    """One audit under way: what it reads from, and what it found so far."""

    sources: Sources
    tables: Tables
    report: Report
    say: Say
    decided: Decided
    outbox: list[Waiting] = field(default_factory=list)
    registry: list[Said] = field(default_factory=list)
    in_force: dict[Name, InForce] = field(default_factory=dict)
    newest: dict[str, str] = field(default_factory=dict)
    kept_closed_ms: int = KEPT_CLOSED_S * 1000

    async def at_ingest(self, sent: Journal) -> None:
        """Guarantee 1: what was accepted is in the log, the registry or the outbox."""
        self.outbox = outbox = await self.tables.outbox("ingest")
        self.registry = registry = await self.tables.registry()
        self.say("reading rounds")
        async for record in log.records(self.sources.kafka, topics.ROUNDS.name):
            self.report.add(self.decided.see_round(record))
        async for this in self.tables.rounds(untold=True):
            self.decided.note(this)
        self.report.add(self.decided.told.chains())
        self.say("reading the log")
        self.in_force = await self._log(sent, outbox)
        states = await log.newest(self.sources.kafka, topics.PARTIES.name, "sequence")
        for entry in outbox:
            sent.see(entry.event)
        sent.see_registry(registry)
        self.report.add(accepted.nothing_lost(sent))
        self.report.add(accepted.outbox_goes_on("ingest", outbox))
        self.report.add(accepted.parties_told(outbox, states))
        self.report.add(accepted.registry_is_told(registry, outbox, states))

    async def decisions(self) -> None:
        """Guarantees 5 and 6: rounds are one chain, and what they decided is on its topics."""
        kafka, decided, report = self.sources.kafka, self.decided, self.report
        self.say("reading dockings")
        async for record in log.records(kafka, topics.DOCKINGS.name):
            report.add(decided.see_step(record))
        decided.sum_up()
        rejected, alerts = topics.REJECTED.name, topics.ALERTS.name
        self.newest, refusals, warnings = await asyncio.gather(
            log.newest(kafka, topics.POSITIONS.name, "id"), log.ids(kafka, rejected), log.ids(kafka, alerts)
        )
        self.say("reading the rounds that are kept")
        async for this in self.tables.rounds():
            report.add(decided.take(this))
        report.add(decided.end())
        report.add(decided.others.missing({rejected: refusals, alerts: warnings}))
        count = sum(len(owns) for owns in decided.told.rounds.values())
        report.looked_at |= {"rounds": count, "steps": len(decided.steps.by_id)}

    async def sums(self, *, at_rest: bool) -> None:
        """Guarantees 2, 3 and 4: what the matcher holds is what the log and the steps make it."""
        decided, report, in_force = self.decided, self.report, self.in_force
        entities, dockings = await self.tables.entities(), await self.tables.dockings()
        wants = await self.tables.demand_windows()
        in_force = repeated.kept_in_force(in_force, entities, await self.tables.closed())
        report.add(repeated.newest_in_force(in_force, entities))
        report.add(offered.now(await self.tables.offer_windows(), decided.ledgers, in_force))
        report.add(drawn.now(await self.tables.resource_windows(), decided.ledgers, in_force))
        report.add(asked.now(wants, decided.ledgers, in_force))
        forgotten_ms = {number: clock - self.kept_closed_ms for number, clock in decided.clocks.items()}
        report.add(told.rows_as_told(dockings, decided.steps, forgotten_ms))
        known = {
            kind: {(each.partition, each.key) for each in entities if each.kind == kind}
            for kind in ("offer", "demand")
        }
        report.add(told.sides_exist(dockings, known["offer"], known["demand"]))
        consumed = {
            docking: shares(step).consumed
            for ledger in decided.ledgers.values()
            for docking, step in ledger.held.items()
        }
        report.add(told.consumed_as_told(dockings, consumed))
        if at_rest:
            report.add(asked.explained(wants, entities))
            report.add(accepted.markets_know(self.registry, entities, self.outbox))
        report.looked_at |= {"offers and demands": len(in_force), "dockings": len(dockings)}

    async def deliveries(self) -> None:
        """Guarantee 5: what the notifier has read is in every feed, and every endpoint got it or parks it."""
        tables, report, steps = self.tables, self.report, self.decided.steps
        now_ms, kept = await tables.now_ms(), self.sources
        feeds = delivered.Feeds(steps, kept_since_ms=_since(now_ms, kept.feed_retention_h))
        self.say("reading feeds")
        async for entry in tables.feed():
            report.add(feeds.follow(entry))
        report.add(feeds.end(await tables.feed_counters()))
        positions = await tables.positions("notifier")
        report.add(feeds.complete(delivered.handled(steps, positions)))
        handled = delivered.handled(steps, positions)
        shown, stored = await tables.shown(), await tables.shown_steps()
        history_ms = _since(now_ms, kept.history_retention_h)
        report.add(delivered.read_models(handled, shown, stored, kept_since_ms=history_ms))
        undelivered = await tables.undelivered(_since(now_ms, kept.attempts_retention_h))
        report.add(delivered.endpoints(await tables.endpoints(), undelivered))
        report.add(accepted.outbox_goes_on("notifier", await tables.outbox("notifier")))
        report.add(delivered.within_ends(positions, await log.ends(self.sources.kafka, NOTIFIED)))
        report.looked_at["feed entries"] = feeds.entries

    async def later(self) -> None:
        """Tell what was decided since the snapshot from what nobody decided."""
        decided = self.decided
        async with snapshot(self.sources.sharding) as now:
            heads = {head.partition: head.round for head in await now.heads()}
            since = {event.id async for this in now.rounds(decided.heads) for event in this.events}
        self.report.add(decided.steps.undecided(heads))
        self.report.add(decided.others.outdated(topics.POSITIONS.name, self.newest, since))

    async def _log(self, sent: Journal, outbox: list[Waiting]) -> dict[Name, InForce]:
        """Read the log once: for the journal, for guarantee 2, and for what is in force."""
        market, report = topics.MARKET.name, self.report
        positions = {place[1]: offset for place, offset in (await self.tables.positions("matcher")).items()}
        ends = {place[1]: end for place, end in (await log.ends(self.sources.kafka, [market])).items()}
        offsets, contents, statements = accepted.Offsets(), repeated.Contents(), repeated.Statements()
        unseen = accepted.told_to_log(outbox)
        async for record in log.records(self.sources.kafka, market):
            place = (record.partition, record.offset)
            report.add(offsets.follow(*place))
            said = attributes(record.headers)
            event = (said.get("source", ""), said.get("id", ""))
            sent.see(event)
            unseen.pop(event, None)
            if place in self.decided.skipped or not said.get("id"):
                continue
            if said.get("type") == POLICY_TYPE:
                self.kept_closed_ms = min(self.kept_closed_ms, kept_closed_ms(record.value))
            fans_out = said.get("type") in EVERYWHERE
            name, body = digest("\0".join(event).encode()), content(said, record.value or b"")
            report.add(contents.see(name, body, event, place, fans_out=fans_out))
            if record.offset < positions.get(record.partition, 0):
                try:
                    statements.take(statement(*place, record.headers, record.value))
                except Unreadable as error:
                    report.add(repeated.unreadable(place, str(error)))
        report.add(offsets.end(ends))
        report.add(accepted.log_was_told(unseen))
        report.add(rounds.at_position(self.decided.ended, positions, ends))
        report.doubled = contents.doubled
        report.looked_at |= {"records of the log": offsets.records, "repeated records": contents.repeated}
        return statements.in_force
