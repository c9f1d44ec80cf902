"""A run that lost, doubled or overdrew anything has no figures."""

import pytest

from tenon_audit import Finding, Report
from tests.bench import honest
from tests.bench.failing import BenchFailed
from tests.bench.messages import Seen


def report(*findings: Finding, dockings: int = 3) -> Report:
    made = Report(looked_at={"dockings": dockings})
    made.add(findings)
    return made


def seen(*, faulty: int = 0, dockings: int = 5) -> Seen:
    return Seen(at=1.0, decided=10, faulty=faulty, dockings_decided=5, dockings=dockings, docked=[])


def test_a_clean_run_passes() -> None:
    honest.check_report(report())
    honest.check_seen(seen(), decided=10, accepted=10)


def test_what_the_audit_finds_fails_a_run_and_is_said() -> None:
    sold = Finding(3, "offer.sold_twice", "docking 0-1-1 was made though all is consumed", "round 7", "look")
    with pytest.raises(BenchFailed, match=r"1 faults: offer\.sold_twice: docking 0-1-1 .* \(round 7\)"):
        honest.check_report(report(sold))


def test_a_run_without_any_docking_measured_nothing() -> None:
    with pytest.raises(BenchFailed, match="without any docking"):
        honest.check_report(report(dockings=0))


@pytest.mark.parametrize("decided", [9, 11])
def test_an_event_lost_or_decided_twice_fails_a_run(decided: int) -> None:
    with pytest.raises(BenchFailed, match=f"10 events were accepted, {decided} decided"):
        honest.check_seen(seen(), decided=decided, accepted=10)


def test_records_that_were_not_simply_used_fail_a_run() -> None:
    with pytest.raises(BenchFailed, match="1 records"):
        honest.check_seen(seen(faulty=1), decided=10, accepted=10)


def test_a_docking_that_was_not_told_fails_a_run() -> None:
    with pytest.raises(BenchFailed, match="5 dockings were decided, 4 told"):
        honest.check_seen(seen(dockings=4), decided=10, accepted=10)
