"""The audit: wait for rest, read the tables as of one instant, read the topics, compare.

The only place that knows the order. The journal is read first and the topics last, so that whatever a line
that still works adds meanwhile can't look like a fault: what the tables know is on the topics by then.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tenon.contracts import topics
from tenon.kafka import KafkaSettings
from tenon_audit import journal as journals
from tenon_audit import log
from tenon_audit.checks import accepted, asked, delivered, offered, repeated, rounds, told
from tenon_audit.checks.accepted import Journal
from tenon_audit.checks.delivered import Feeds
from tenon_audit.deciding import Decided
from tenon_audit.facts import DemandRow, DockingRow, Entity, OfferRow, Own, Said, Waiting
from tenon_audit.ledger import shares
from tenon_audit.reading import EVERYWHERE, Headers, Unreadable, attributes, content, digest, own, statement
from tenon_audit.report import Report
from tenon_audit.settling import NOTIFIED, settled
from tenon_audit.tables import Tables, snapshot

Say = Callable[[str], None]
_HOUR_MS = 3_600_000


def silent(text: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where to look. `settle_s`: how long to wait for rest; `feed_retention_h`: as the notifier's setting."""

    kafka: KafkaSettings
    database_url: str
    settle_s: float = 30.0
    feed_retention_h: int = 720


@dataclass(slots=True)
class _Stored:
    """What the tables said, as far as the topics are compared with it."""

    decided: Decided
    feeds: Feeds
    matcher: dict[int, int]
    notifier: dict[tuple[str, int], int]
    outbox: list[Waiting]
    registry: list[Said]
    entities: list[Entity]
    dockings: list[DockingRow]
    offer_windows: list[OfferRow]
    demand_windows: list[DemandRow]
    shown: dict[str, tuple[int, str]]
    shown_steps: set[tuple[str, int]]
    handled: list[str] = field(default_factory=list)


async def audit(
    sources: Sources, *, journal: Path | None = None, replay: bool = False, say: Say = silent
) -> Report:
    """Recompute guarantees 1 to 6 and return what does not hold.

    `journal`: what a sender wrote down, see `tenon_audit.journal`. `replay`: decide all rounds again. Raises
    `Transient` or `Misconfigured` where Kafka, the tables or the journal can't be read.
    """
    report = Report()
    say("waiting for rest")
    moving = await settled(sources.kafka, sources.database_url, seconds=sources.settle_s, say=say)
    report.add(moving)
    sent = Journal.of(journals.lines(journal)) if journal else Journal()
    async with snapshot(sources.database_url) as tables:
        stored = await _read_tables(sources, tables, report, say, replay=replay)
    await _compare_log(sources.kafka, stored, sent, report, say)
    _compare_state(stored, report, at_rest=not moving)
    await _compare_told(sources, stored, report, say)
    _compare_journal(sent, stored, report)
    if replay:
        from tenon_audit.replaying import replayed  # the engine and its solvers, for whoever asks for them

        await replayed(sources.kafka, stored.decided.owns, report, say)
    return report


async def _read_tables(
    sources: Sources, tables: Tables, report: Report, say: Say, *, replay: bool
) -> _Stored:
    now_ms = await tables.now_ms()
    decided = Decided(now_ms, keep_owns=replay)
    say("reading rounds")
    count = 0
    async for this in tables.rounds():
        report.add(decided.take(this))
        count += 1
    kept_since_ms = now_ms - sources.feed_retention_h * _HOUR_MS
    feeds = Feeds(decided.steps, kept_since_ms=kept_since_ms, began_ms=await tables.began_ms())
    say("reading feeds")
    async for entry in tables.feed():
        report.add(feeds.follow(entry))
    report.add(feeds.end(await tables.feed_counters()))
    report.add(delivered.endpoints(await tables.endpoints(), await tables.undelivered()))
    report.add(accepted.outbox_goes_on("notifier", await tables.outbox("notifier")))
    report.looked_at |= {"rounds": count, "steps": len(decided.steps.by_id), "feed entries": feeds.entries}
    market = {place[1]: offset for place, offset in (await tables.positions("matcher")).items()}
    return _Stored(
        decided,
        feeds,
        market,
        await tables.positions("notifier"),
        await tables.outbox("ingest"),
        await tables.registry(),
        await tables.entities(),
        await tables.dockings(),
        await tables.offer_windows(),
        await tables.demand_windows(),
        await tables.shown(),
        await tables.shown_steps(),
    )


async def _compare_log(
    kafka: KafkaSettings, stored: _Stored, sent: Journal, report: Report, say: Say
) -> None:
    """Read the log: guarantee 1 as far as the log alone shows it, 2, and what is in force for 3 and 4."""
    say("reading the log")
    ends = {place[1]: end for place, end in (await log.ends(kafka, [topics.MARKET.name])).items()}
    offsets, contents, statements = accepted.Offsets(), repeated.Contents(), repeated.Statements()
    wanted = {entry.event for entry in stored.outbox if entry.told and entry.topic == topics.MARKET.name}
    found = set()
    async for record in log.records(kafka, topics.MARKET.name):
        place = (record.partition, record.offset)
        report.add(offsets.follow(*place))
        said = attributes(record.headers)
        event = (said.get("source", ""), said.get("id", ""))
        sent.see(event)
        found |= {event} & wanted
        if place in stored.decided.skipped:
            continue
        fans_out = said.get("type") in EVERYWHERE
        name, body = digest("\0".join(event).encode()), content(said, record.value or b"")
        report.add(contents.see(name, body, event, place, fans_out=fans_out))
        if record.offset < stored.matcher.get(record.partition, 0):
            _take(statements, record.partition, record.offset, record.headers, record.value)
    report.add(offsets.end(ends))
    report.add(rounds.at_position(stored.decided.chain.last, stored.matcher, ends))
    report.add(accepted.outbox_goes_on("ingest", stored.outbox))
    states = await log.newest(kafka, topics.PARTIES.name, "sequence")
    report.add(accepted.outbox_was_told(stored.outbox, frozenset(found), states))
    report.add(accepted.registry_is_told(stored.registry, stored.outbox, states))
    in_force = statements.in_force
    report.add(repeated.newest_in_force(in_force, stored.entities))
    report.add(offered.now(stored.offer_windows, stored.decided.ledgers, in_force))
    report.add(asked.now(stored.demand_windows, stored.decided.ledgers, in_force))
    report.doubled = contents.doubled
    report.looked_at |= {"records of the log": offsets.records, "repeated records": contents.repeated}
    report.looked_at |= {"offers and demands": len(in_force)}


def _take(
    statements: repeated.Statements,
    partition: int,
    offset: int,
    headers: Headers,
    value: bytes | None,
) -> None:
    """Take what can be read; what can't is among what the rounds skipped, or its round differs."""
    try:
        said = statement(partition, offset, headers, value)
    except Unreadable:
        return
    if said is not None:
        statements.take(said)


def _compare_state(stored: _Stored, report: Report, *, at_rest: bool) -> None:
    """Compare the tables with each other and with the steps that led to them."""
    steps, entities = stored.decided.steps, stored.entities
    report.add(told.rows_as_told(stored.dockings, steps))
    offers = {(entity.partition, entity.key) for entity in entities if entity.kind == "offer"}
    demands = {(entity.partition, entity.key) for entity in entities if entity.kind == "demand"}
    report.add(told.sides_exist(stored.dockings, offers, demands))
    consumed = {
        docking: shares(step).consumed
        for ledger in stored.decided.ledgers.values()
        for docking, step in ledger.held.items()
    }
    report.add(told.consumed_as_told(stored.dockings, consumed))
    if at_rest:
        report.add(asked.explained(stored.demand_windows, entities))
        report.add(accepted.markets_know(stored.registry, entities, stored.outbox))
    report.looked_at["dockings"] = len(stored.dockings)


async def _compare_told(sources: Sources, stored: _Stored, report: Report, say: Say) -> None:
    """Read the topics that the matcher writes: all of it is there, and the notifier has taken it."""
    say("reading what was told")
    kafka, decided = sources.kafka, stored.decided
    report.add(delivered.within_ends(stored.notifier, await log.ends(kafka, NOTIFIED)))
    on_topic = told.OnTopic(decided.steps)
    async for record in log.records(kafka, topics.DOCKINGS.name):
        place = (record.partition, record.offset)
        event_id = attributes(record.headers).get("id", "")
        report.add(on_topic.see(event_id, digest(record.value or b""), place))
        if record.offset < stored.notifier.get((record.topic, record.partition), 0):
            report.add(stored.feeds.told(event_id, place, record.timestamp_ms))
            stored.handled.append(event_id)
    report.add(delivered.read_models(decided.steps, stored.handled, stored.shown, stored.shown_steps))
    report.add(on_topic.missing())
    owns = await _owns(kafka, report)
    report.add(rounds.on_topic(decided.chain.last, decided.digests, owns))
    newest = await log.newest(kafka, topics.POSITIONS.name, "id")
    seen = {topic: await log.ids(kafka, topic) for topic in (topics.REJECTED.name, topics.ALERTS.name)}
    report.add(decided.others.missing(seen))
    since = await _since(sources.database_url, decided)
    report.add(on_topic.orphans(since))
    report.add(decided.others.outdated(topics.POSITIONS.name, newest, since))


async def _owns(kafka: KafkaSettings, report: Report) -> list[tuple[int, int, Own]]:
    found = []
    async for record in log.records(kafka, topics.ROUNDS.name):
        try:
            found.append((record.partition, record.offset, own(record.value or b"")))
        except Unreadable as error:
            report.notes.append(f"{record.topic}/{record.partition}@{record.offset} is {error}")
    return found


async def _since(database_url: str, decided: Decided) -> set[str]:
    """Return the ids of what was decided after the tables were read."""
    after = {partition: last.round for partition, last in decided.chain.last.items()}
    async with snapshot(database_url) as tables:
        return {event.id async for this in tables.rounds(after) for event in this.events}


def _compare_journal(sent: Journal, stored: _Stored, report: Report) -> None:
    for entry in stored.outbox:
        sent.see(entry.event)
    sent.see_registry(stored.registry)
    report.add(accepted.nothing_lost(sent))
    report.accepted = sum(sent.accepted.values())
    report.lost, report.unanswered = len(sent.lost), sent.unanswered
