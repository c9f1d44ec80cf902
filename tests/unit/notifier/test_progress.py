"""How far an endpoint has got: the cursor never passes an event that is neither taken nor parked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.classify import Delivered, Disable, Park, Retry, Verdict
from notifier.domain.progress import BEHIND, Result, advance

OK, NO, LATER, GONE = Delivered(), Park("no"), Retry(700, "busy"), Disable("gone")


def results(*verdicts: Verdict | None, failed_before: int = 0) -> list[Result]:
    return [Result(number, failed_before, verdict) for number, verdict in enumerate(verdicts, 11)]


def test_delivered_events_move_the_cursor() -> None:
    progress = advance(results(OK, OK, OK), 3, 5)
    assert (progress.cursor, progress.parked_in_row, progress.wait_ms) == (13, 0, 0)


def test_a_failure_stops_everything_behind_it() -> None:
    progress = advance(results(OK, LATER, None, failed_before=2), 0, 5)
    assert (progress.cursor, progress.failed, progress.wait_ms) == (11, 3, 700)


def test_an_event_is_parked_with_its_reason_and_passed() -> None:
    progress = advance(results(OK, NO, OK), 0, 5)
    assert (progress.cursor, progress.park, progress.parked_in_row) == (13, {12: "no"}, 0)


def test_what_waits_behind_a_parked_event_is_parked_without_counting_as_a_failure() -> None:
    progress = advance([Result(11, 0, None, behind=True), Result(12, 0, OK)], 4, 5)
    assert (progress.cursor, progress.park, progress.disable) == (12, {11: BEHIND}, None)


def test_too_many_parked_in_a_row_disable_the_endpoint() -> None:
    assert advance(results(NO), 1, 3).disable is None
    assert advance(results(NO), 2, 3).disable == "3 events in a row had to be parked"


def test_gone_disables_and_keeps_the_event() -> None:
    progress = advance(results(OK, GONE, None), 0, 5)
    assert (progress.cursor, progress.disable) == (11, "gone")


@given(st.lists(st.sampled_from([OK, NO, LATER, GONE, None])))
def test_everything_up_to_the_cursor_is_delivered_or_parked(verdicts: list[Verdict | None]) -> None:
    given_ = results(*verdicts)
    progress = advance(given_, 0, 100)
    for result in given_:
        passed = progress.cursor is not None and result.number <= progress.cursor
        assert passed == (result.verdict == OK or result.number in progress.park) or not passed
        assert not passed or result.verdict in (OK, NO)
