"""How far an endpoint has got: the cursor never passes an event that is neither taken nor parked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.classify import Delivered, Disable, Park, Retry, Verdict
from notifier.domain.progress import BEHIND, Circuit, Progress, Result, advance

OK, NO, LATER, GONE = Delivered(), Park("no"), Retry(700, "busy"), Disable("gone")
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR_MS = 3_600_000


def results(*verdicts: Verdict | None, failed_before: int = 0) -> list[Result]:
    return [Result(number, failed_before, verdict) for number, verdict in enumerate(verdicts, 11)]


def after(given_: list[Result], failing_for: timedelta | None = None) -> Progress:
    since = None if failing_for is None else NOW - failing_for
    return advance(given_, Circuit(since, HOUR_MS), NOW)


def test_delivered_events_move_the_cursor() -> None:
    progress = after(results(OK, OK, OK), timedelta(minutes=5))
    assert (progress.cursor, progress.failing_since, progress.wait_ms) == (13, None, 0)


def test_a_failure_stops_everything_behind_it() -> None:
    progress = after(results(OK, LATER, None, failed_before=2))
    assert (progress.cursor, progress.failed, progress.wait_ms) == (11, 3, 700)


def test_an_event_is_parked_with_its_reason_and_passed() -> None:
    progress = after(results(OK, NO))
    assert (progress.cursor, progress.park, progress.failing_since) == (12, {12: "no"}, NOW)


def test_what_waits_behind_a_parked_event_is_parked_and_says_nothing_of_the_endpoint() -> None:
    progress = after([Result(11, 0, None, behind=True), Result(12, 0, OK)], timedelta(minutes=5))
    assert (progress.cursor, progress.park, progress.failing_since) == (12, {11: BEHIND}, None)


def test_the_circuit_opens_when_nothing_but_failures_came_for_the_set_time() -> None:
    assert after(results(LATER), timedelta(minutes=59)).disable is None
    assert (
        after(results(LATER), timedelta(hours=1)).disable == "nothing but failures since 2026-03-02T11:00:00Z"
    )
    assert after(results(NO), timedelta(hours=1)).disable is not None


def test_one_success_closes_the_circuit() -> None:
    progress = after(results(OK, LATER), timedelta(hours=9))
    assert (progress.disable, progress.failing_since) == (None, NOW)


def test_gone_disables_and_keeps_the_event() -> None:
    progress = after(results(OK, GONE, None))
    assert (progress.cursor, progress.disable) == (11, "gone")


@given(st.lists(st.sampled_from([OK, NO, LATER, GONE, None])))
def test_everything_up_to_the_cursor_is_delivered_or_parked(verdicts: list[Verdict | None]) -> None:
    given_ = results(*verdicts)
    progress = after(given_)
    for result in given_:
        passed = progress.cursor is not None and result.number <= progress.cursor
        assert passed == (result.verdict == OK or result.number in progress.park) or not passed
        assert not passed or result.verdict in (OK, NO)
