"""The sender's journal: a line for each try, as the audit reads it."""

from pathlib import Path

from tenon.client import new_event
from tenon.contracts import intake
from tenon_audit import journal as audited
from tests.chaos.load import Journal, Tried, tried


async def test_the_audit_reads_what_the_load_writes(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    party = intake.PartyRegistered(party="acme", revision=3, name="acme")
    event = new_event("tenon.party.registered.v1", "tests", party, event_id="e1")
    await Journal(file).write([Tried("e0", "tests", 0), tried(event, 202)])
    await Journal(file).write([Tried("e0", "tests", 202)])
    lines = [(one.id, one.answer, one.kind, one.key, one.revision) for one in audited.lines(file)]
    assert lines == [
        ("e0", 0, "", "", 0),
        ("e1", 202, "party", "acme", 3),
        ("e0", 202, "", "", 0),
    ]
