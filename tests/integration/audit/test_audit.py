"""The audit of a line that did its work: clean as it is; whatever is then taken out by hand is found.

Each test works on a copy of the tables (or of the topics), so that it finds its own fault alone.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tenon.contracts import topics
from tenon.db import Database
from tenon.kafka import KafkaSettings
from tenon.records import OutRecord, Record
from tenon.sharding import Sharding
from tenon_audit import Finding, Report, Sources, audit
from tenon_audit.commands import audit as command
from tenon_local.kafka import EmbeddedKafka
from tests.integration.audit.line import SOURCE, Line, as_it_is, copied, played
from tests.support.stack import PostgresServer, settings_for

pytestmark = pytest.mark.timeout(300)


def patient(server: EmbeddedKafka) -> KafkaSettings:
    """How to reach Kafka under names of its own; nothing here is about how soon it answers."""
    return replace(settings_for(server), request_timeout_ms=30_000)


@pytest.fixture(scope="module")
def line(kafka_server: EmbeddedKafka, postgres_server: PostgresServer) -> Iterator[Line]:
    """The line after its story, its services stopped."""
    url = postgres_server.fresh()
    yield asyncio.run(played(patient(kafka_server), url))
    postgres_server.drop(url)


@pytest.fixture
def tables(line: Line, postgres_server: PostgresServer) -> Iterator[Line]:
    """The line with tables of its own, to be spoiled."""
    url = postgres_server.fresh(copy_of=line.database_url)
    yield replace(line, database_url=url)
    postgres_server.drop(url)


Spoil = Callable[..., Awaitable[Any]]


async def spoiled(line: Line, *statements: str, replay: bool = False) -> Report:
    """Change the tables by hand, and audit."""
    async with Database.connect(line.database_url, schema="public", pool_size=1) as database:
        for statement in statements:
            assert not (await database.execute(statement)).endswith(" 0"), f"it changed nothing: {statement}"
    return await audited(line, replay=replay)


async def audited(
    line: Line, journal: Path | None = None, *, replay: bool = False, shards: Mapping[str, str] | None = None
) -> Report:
    sources = Sources(line.kafka, Sharding.of(line.database_url, shards or {}), settle_s=0)
    return await audit(sources, journal=journal, replay=replay)


async def asked(line: Line, query: str) -> str:
    async with Database.connect(line.database_url, schema="public", pool_size=1) as database:
        return str(await database.fetchval(query))


def found(report: Report, check: str) -> Finding:
    """Return the one finding of a kind."""
    (finding,) = [each for each in report.findings if each.check == check]
    assert finding.todo
    return finding


async def test_a_line_that_worked_is_clean_and_every_round_decides_the_same_again(
    line: Line, tmp_path: Path
) -> None:
    report = await audited(line, line.write_journal(tmp_path / "journal"), replay=True)
    assert report.findings == []
    assert report.clean
    assert (report.accepted, report.lost, report.doubled) == (len({e["id"] for e in line.journal}), 0, 0)
    assert report.looked_at["rounds decided again"] == report.looked_at["rounds"] > 0
    assert report.looked_at["steps"] > report.looked_at["dockings"] > 3
    assert report.notes == []


async def test_partitions_are_looked_for_in_the_databases_that_hold_them(tables: Line, line: Line) -> None:
    """The tables lose a partition, of which another database has all rows."""
    number = await asked(tables, "SELECT min(partition) FROM matcher.dockings")
    gone = [
        f"DELETE FROM matcher.{table} WHERE partition = {number}"
        for table in ("dockings", "entities", "offer_windows", "demand_windows", "rounds", "heads")
    ]
    assert not (await spoiled(tables, *gone)).clean
    report = await audited(tables, shards={number: line.database_url}, replay=True)
    assert report.findings == []
    assert report.looked_at["dockings"] > 3


async def test_a_reservation_that_was_taken_out_is_named(tables: Line) -> None:
    docking = await asked(tables, "SELECT max(docking) FROM matcher.dockings WHERE consumed > 0")
    report = await spoiled(tables, f"DELETE FROM matcher.dockings WHERE docking = '{docking}'")
    finding = found(report, "docking.missing")
    assert finding.guarantee == 3
    assert finding.where.startswith(f"matcher.dockings {docking.split('-')[0]}/{docking}, matcher.rounds ")
    assert set(report.counts) == {"docking.missing"}


async def test_an_event_that_was_accepted_and_is_nowhere_is_named(line: Line, tmp_path: Path) -> None:
    never = {"id": "never-written", "source": SOURCE, "answer": 202}
    report = await audited(line, line.write_journal(tmp_path / "journal", never))
    finding = found(report, "event.lost")
    assert (finding.guarantee, report.lost) == (1, 1)
    assert "never-written" in finding.what
    assert set(report.counts) == {"event.lost"}


async def test_what_was_not_answered_counts_only_where_it_was_written(line: Line, tmp_path: Path) -> None:
    cut = [{**each, "answer": 0} for each in line.journal]
    unsent = {"id": "never-written", "source": SOURCE, "answer": 503}
    file = tmp_path / "journal"
    report = await audited(replace(line, journal=cut), replace(line, journal=cut).write_journal(file, unsent))
    assert report.clean
    assert (report.accepted, report.unanswered) == (0, len({each["id"] for each in cut}))


async def test_a_statement_of_the_registry_that_is_gone_is_lost(line: Line, tmp_path: Path) -> None:
    newer = {"id": "s9", "source": SOURCE, "answer": 202, "kind": "site", "key": "acme/main", "revision": 9}
    report = await audited(line, line.write_journal(tmp_path / "journal", newer))
    assert "site acme/main in revision 9" in found(report, "event.lost").what


# What is changed by hand, and where it is then found: guarantee, kind of fault, place.
SUMS = {
    "UPDATE matcher.resource_windows SET consumed = consumed + 1, free = free - 1 WHERE \"window\" = 'h'": (
        (3, "resource.consumed", "matcher.resource_windows 2/acme/line/h")
    ),
    "UPDATE matcher.resource_windows SET quantity = 5, free = 5 WHERE \"window\" = 'outside'": (
        (3, "resource.quantity", "matcher.resource_windows 2/acme/line/outside")
    ),
    "UPDATE matcher.offer_windows SET consumed = consumed - 5, free = free + 5 WHERE key = 'acme/o1'": (
        (3, "offer.consumed", "matcher.offer_windows 2/acme/o1/w")
    ),
    "UPDATE matcher.offer_windows SET quantity = quantity + 1, free = free + 1 WHERE key = 'bolt/o2'": (
        (3, "offer.quantity", "matcher.offer_windows 2/bolt/o2/w")
    ),
    "UPDATE matcher.demand_windows SET delivered = 0, open = open + delivered WHERE delivered > 0": (
        (4, "demand.docked", "matcher.demand_windows 2/clinic/d1/w")
    ),
    "DELETE FROM matcher.demand_windows WHERE key = 'depot/d2'": (
        (4, "demand.window_missing", "matcher.demand_windows 2/depot/d2/w")
    ),
}
STATEMENTS = {
    "ALTER TABLE matcher.offer_windows DROP CONSTRAINT offer_windows_add_up": None,
    "UPDATE matcher.offer_windows SET free = free + 1 WHERE key = 'acme/o1'": (
        (3, "offer.adds_up", "matcher.offer_windows 2/acme/o1/w")
    ),
    "UPDATE matcher.entities SET revision = 1 WHERE kind = 'offer' AND key = 'bolt/o2'": (
        (2, "entity.revision", "matcher.entities 2/offer/own:mask/bolt/o2, tenon.market.v1/2@")
    ),
    "UPDATE matcher.entities SET meta = convert_to((convert_from(meta, 'UTF8')::jsonb - 'reasons')::text,"
    " 'UTF8') WHERE key = 'depot/d2'": (
        (4, "demand.unexplained", "matcher.entities 2/demand/own:mask/depot/d2")
    ),
    "UPDATE ingest.sites SET revision = 7 WHERE party = 'acme'": (
        (1, "site.untold", "matcher.entities 2/site/own:mask/acme/main")
    ),
    "UPDATE ingest.parties SET sequence = sequence + 1 WHERE party = 'acme'": (
        (1, "party.untold", "ingest.parties acme")
    ),
    "UPDATE matcher.rounds SET clock_ms = clock_ms - 1"
    " WHERE round = (SELECT min(round) FROM matcher.rounds)": ((6, "round.differs", "matcher.rounds 2/")),
}
SHOWN = {
    "DELETE FROM notifier.steps WHERE (docking, revision) ="
    " (SELECT docking, revision FROM notifier.steps ORDER BY docking, revision LIMIT 1)": (
        (5, "shown.step_missing", "notifier.steps 2-")
    ),
    "UPDATE notifier.dockings SET status = 'confirmed' WHERE status = 'declined'": (
        (5, "shown.differs", "notifier.dockings 2-")
    ),
    "DELETE FROM notifier.feed WHERE audience = 'acme' AND number ="
    " (SELECT max(number) FROM notifier.feed WHERE audience = 'acme' AND type ~ 'docking')": (
        (5, "feed.missing", "notifier.feed acme, tenon.dockings.v1/")
    ),
    "DELETE FROM notifier.feed WHERE audience = 'clinic' AND number ="
    " (SELECT max(number) - 1 FROM notifier.feed WHERE audience = 'clinic')": (
        (5, "feed.gap", "notifier.feed clinic/")
    ),
    "UPDATE notifier.positions SET next_offset = 1000 WHERE topic = 'tenon.parties.v1' AND partition = 1": (
        (5, "notifier.beyond", "notifier.positions tenon.parties.v1/1")
    ),
    "UPDATE matcher.positions SET next_offset = next_offset - 1 WHERE partition = 2": (
        (6, "position.round", "matcher.positions tenon.market.v1/2")
    ),
}


@pytest.mark.parametrize("faults", [SUMS, STATEMENTS, SHOWN], ids=["sums", "statements", "shown"])
async def test_rows_that_were_changed_by_hand_are_named(
    tables: Line, faults: dict[str, tuple[int, str, str] | None]
) -> None:
    report = await spoiled(tables, *faults)
    named = [(each.guarantee, each.check, each.where) for each in report.findings]
    for guarantee, check, where in filter(None, faults.values()):
        assert any(one[:2] == (guarantee, check) and one[2].startswith(where) for one in named), named


async def test_a_round_that_was_taken_out_is_named(tables: Line) -> None:
    number = await asked(
        tables,
        "SELECT min(round) FROM matcher.rounds WHERE position('docking.declined'::bytea IN events) > 0",
    )
    report = await spoiled(tables, f"DELETE FROM matcher.rounds WHERE round = {number}")
    assert found(report, "round.row_missing").where == f"matcher.rounds 2/{number}"
    assert set(report.counts) == {"round.row_missing"}


async def test_an_entry_that_stands_twice_in_a_feed_is_named(tables: Line) -> None:
    report = await spoiled(
        tables,
        "INSERT INTO notifier.feed SELECT audience, number + 1, event_id, type, subject, written_at, body"
        " FROM notifier.feed WHERE audience = '*' AND type ~ 'docking' ORDER BY number DESC LIMIT 1"
        " ON CONFLICT DO NOTHING",
        "UPDATE notifier.feed_counters SET last = last + 1 WHERE audience = '*'",
    )
    assert set(report.counts) == {"feed.twice"}


async def test_what_an_endpoint_passed_over_is_named_and_what_it_took_or_parks_is_not(tables: Line) -> None:
    attempt = (
        "INSERT INTO notifier.attempts (endpoint, number, event_id, type, at, status, latency_ms, detail,"
        " response, taken)"
    )
    report = await spoiled(
        tables,
        "INSERT INTO notifier.endpoints (id, audience, url, types, description, secret, status, cursor)"
        " VALUES ('hook', 'acme', 'http://127.0.0.1/', '{}', '', '', 'active', 4)",
        f"{attempt} SELECT 'hook', number, event_id, type, now(), 200, 1, '', '', number IN (1, 4)"
        " FROM notifier.feed WHERE audience = 'acme' AND number <= 4",
        "INSERT INTO notifier.parked (endpoint, number, event_id, type, subject, why, body)"
        " SELECT 'hook', number, event_id, type, subject, 'it failed', body FROM notifier.feed"
        " WHERE audience = 'acme' AND number = 3",
    )
    assert set(report.counts) == {"endpoint.passed_over"}
    finding = found(report, "endpoint.passed_over")
    assert finding.where == "notifier.endpoints hook"
    assert "number 2" in finding.what


async def test_a_round_that_is_still_to_be_told_is_not_at_rest_and_no_other_fault(tables: Line) -> None:
    report = await spoiled(
        tables,
        "UPDATE matcher.rounds SET published_at = NULL WHERE round = (SELECT max(round) FROM matcher.rounds)",
    )
    assert set(report.counts) == {"unsettled"}
    assert found(report, "unsettled").where == "matcher.rounds"


async def test_what_an_outbox_set_aside_is_named(tables: Line) -> None:
    report = await spoiled(
        tables,
        "UPDATE ingest.outbox SET published_at = NULL, parked_why = 'too large'"
        " WHERE id = (SELECT max(id) FROM ingest.outbox)",
    )
    assert "too large" in found(report, "outbox.parked").what


async def test_a_step_that_is_missing_on_its_topic_and_one_that_nobody_decided_are_named(
    line: Line, kafka_server: EmbeddedKafka
) -> None:
    gone: list[Record] = []

    def change(record: Record) -> OutRecord | None:
        if record.topic == topics.DOCKINGS.name and not gone:
            gone.append(record)
            headers = [(name, b"foreign" if name == "ce_id" else value) for name, value in record.headers]
            return as_it_is(record)._replace(headers=headers)
        return as_it_is(record)

    report = await audited(await copied(line, patient(kafka_server), change))
    step = dict(gone[0].headers)["ce_subject"].decode()
    assert step in found(report, "step.untold").what
    place = f"{gone[0].topic}/{gone[0].partition}@{gone[0].offset}"
    assert found(report, "step.orphan").where == place


async def test_a_record_that_was_taken_out_of_the_log_is_named(
    line: Line, kafka_server: EmbeddedKafka, tmp_path: Path
) -> None:
    def change(record: Record) -> OutRecord | None:
        ended = dict(record.headers).get("ce_type") == b"tenon.demand.withdrawn.v1"
        return None if record.topic == topics.MARKET.name and ended else as_it_is(record)

    copy = await copied(line, patient(kafka_server), change)
    report = await audited(copy, copy.write_journal(tmp_path / "journal"))
    assert report.lost == 1
    place = "matcher.positions tenon.market.v1/2, tenon.market.v1/2@"
    assert found(report, "position.beyond").where.startswith(place)


async def test_a_record_that_says_something_else_than_was_decided_on_is_found_by_replaying(
    line: Line, kafka_server: EmbeddedKafka
) -> None:
    def change(record: Record) -> OutRecord | None:
        value = record.value
        if record.topic == topics.MARKET.name and value is not None and b'"demand":"d2"' in value:
            value = value.replace(b'"quantity":90', b'"quantity":91')
        return as_it_is(record)._replace(value=value)

    report = await audited(await copied(line, patient(kafka_server), change), replay=True)
    assert found(report, "replay.differs").guarantee == 6
    assert found(report, "demand.quantity").where == "matcher.demand_windows 2/depot/d2/w"


def test_the_command_tells_by_its_status_what_it_found(tables: Line, tmp_path: Path) -> None:
    told = tmp_path / "report.json"
    places = ["--kafka", tables.kafka.bootstrap, "--prefix", tables.kafka.prefix]
    arguments = [*places, "--database-url", tables.database_url, "--settle", "0", "--json", str(told)]
    clean = CliRunner().invoke(command, arguments)
    assert (clean.exit_code, json.loads(told.read_bytes())["clean"]) == (0, True)
    assert "all guarantees hold" in clean.stdout
    asyncio.run(spoiled(tables, "DELETE FROM notifier.feed WHERE audience = '*' AND number = 2"))
    fault = CliRunner().invoke(command, arguments)
    assert fault.exit_code == 1
    assert "feed.gap" in json.loads(told.read_bytes())["counts"]
    blind = CliRunner().invoke(command, [*arguments, "--database-url", tables.database_url + "_gone"])
    assert blind.exit_code == 2
    assert "does not exist" in blind.output
