"""What was accepted is somewhere: the sender's journal, the log's offsets, the registry and its outbox."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenon.errors import Misconfigured
from tenon_audit.checks import accepted
from tenon_audit.checks.accepted import Journal, Offsets
from tenon_audit.facts import Entity, JournalLine, Said, Waiting
from tenon_audit.journal import lines
from tests.unit.audit.samples import kinds

MARKET, PARTIES = "tenon.market.v1", "tenon.parties.v1"


def line(name: str, answer: int = 202, **said: object) -> JournalLine:
    return JournalLine(name, "/loader", answer)._replace(**said)  # type: ignore[arg-type]


def waiting(topic: str = MARKET, *, told: bool = False, **said: object) -> Waiting:
    fields = Waiting(7, topic, "acme", ("/loader", "e1"), "", told, None)
    return fields._replace(**said)  # type: ignore[arg-type]


def test_an_event_that_was_accepted_and_seen_is_not_lost() -> None:
    journal = Journal.of([line("e1"), line("e1", 0), line("e2", 503)])
    journal.see(("/loader", "e1"))
    assert kinds(accepted.nothing_lost(journal)) == []
    assert (sum(journal.accepted.values()), journal.unanswered) == (1, 0)


def test_an_event_that_was_accepted_once_and_is_nowhere_is_lost() -> None:
    journal = Journal.of([line("e1", 0), line("e1"), line("e1", 503)])
    (found,) = accepted.nothing_lost(journal)
    assert (found.guarantee, found.check) == (1, "event.lost")
    assert "e1 of /loader" in found.what


def test_the_same_id_of_another_source_is_another_event() -> None:
    journal = Journal.of([line("e1")])
    journal.see(("/other", "e1"))
    assert journal.lost == [("/loader", "e1")]


def test_what_is_written_without_a_202_is_counted_and_no_fault() -> None:
    journal = Journal.of([line("e1", 0), line("e2", 503)])
    journal.see(("/loader", "e1"))
    assert kinds(accepted.nothing_lost(journal)) == []
    assert journal.unanswered == 1


@pytest.mark.parametrize(("revision", "lost"), [(1, 1), (2, 0), (3, 0)])
def test_a_statement_of_the_registry_is_found_in_its_revision_or_a_newer_one(
    revision: int, lost: int
) -> None:
    journal = Journal.of([line("s1", kind="site", key="acme/main", revision=2)])
    journal.see_registry([Said("site", "acme/main", revision)])
    assert len(journal.lost) == lost


def test_a_journal_is_read_up_to_the_line_that_was_being_written(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    file.write_text(
        '{"id":"e1","source":"/s","answer":202}\n\n{"id":"e2","source":"/s","answer":0}\n{"id":"e3"'
    )
    assert [each.id for each in lines(file)] == ["e1", "e2"]


def test_a_journal_with_a_line_that_says_nothing_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    file.write_text('{"id":"e1","source":"/s","answer":202}\n{"id":"e2"}\n')
    with pytest.raises(Misconfigured, match="line 2 of the journal"):
        list(lines(file))


@given(st.sets(st.integers(0, 30), min_size=1))
def test_offsets_that_are_missing_are_named_wherever_they_are(there: set[int]) -> None:
    offsets = Offsets()
    found = [finding for offset in sorted(there) for finding in offsets.follow(3, offset)]
    found += offsets.end({3: 31})
    missing = set(range(31)) - there
    runs = [offset for offset in missing if offset - 1 not in missing]
    assert [finding.where for finding in found] == [f"tenon.market.v1/3@{offset}" for offset in sorted(runs)]


def test_what_an_outbox_set_aside_is_found() -> None:
    entries = [waiting(), waiting(parked_why="too large")]
    (found,) = accepted.outbox_goes_on("ingest", entries)
    assert (found.check, found.where) == ("outbox.parked", "ingest.outbox 7")


def test_what_counts_as_told_and_is_not_there_is_found() -> None:
    told = accepted.told_to_log([waiting(told=True), waiting(), waiting(PARTIES, told=True)])
    assert list(told) == [("/loader", "e1")]
    assert kinds(accepted.log_was_told(told)) == ["outbox.untold"]
    state = waiting(PARTIES, told=True, sequence="2")
    assert kinds(accepted.parties_told([state], {"acme": "2"})) == []
    assert kinds(accepted.parties_told([state], {"acme": "1"})) == ["outbox.untold"]


def test_a_party_that_was_told_to_nobody_is_found() -> None:
    registry = [Said("party", "acme", 1, told=2)]
    assert kinds(accepted.registry_is_told(registry, [], {"acme": f"{2:020d}"})) == []
    assert kinds(accepted.registry_is_told(registry, [waiting(PARTIES)], {})) == []
    assert kinds(accepted.registry_is_told(registry, [], {"acme": f"{1:020d}"})) == ["party.untold"]


def test_a_market_that_holds_an_older_site_or_policy_than_the_registry_is_found() -> None:
    registry = [Said("site", "acme/main", 2), Said("policy", "p", 1)]
    entities = [
        Entity(0, "site", "own:mask", "acme/main", 1, "", explained=False),
        Entity(0, "policy", "*", "p", 1, "", explained=False),
    ]
    (found,) = accepted.markets_know(registry, entities, [])
    assert (found.guarantee, found.check) == (1, "site.untold")
    assert found.where == "matcher.entities 0/site/own:mask/acme/main"
    assert kinds(accepted.markets_know(registry, entities, [waiting()])) == []
