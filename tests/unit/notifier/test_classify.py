"""What the outcome of a call means: a table of cases, and the waits it leads to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.backoff import BadSchedule, delay_ms, parse_schedule
from notifier.domain.classify import Attempt, Delivered, Disable, Park, Patience, Retry, judge, retry_after_ms
from notifier.settings import NotifierSettings

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SCHEDULE = (1_000, 60_000)


@pytest.mark.parametrize(
    ("attempt", "failed_before", "verdict"),
    [
        (Attempt(200), 0, Delivered()),
        (Attempt(204), 2, Delivered()),
        (Attempt(301), 0, Retry(1_000, "HTTP 301: redirects are not followed")),
        (Attempt(304), 0, Retry(1_000, "HTTP 304: redirects are not followed")),
        (Attempt(400), 0, Retry(1_000, "HTTP 400: not a success")),
        (Attempt(400), 1, Retry(60_000, "HTTP 400: not a success")),
        (Attempt(400), 2, Park("HTTP 400: not a success")),
        (Attempt(410), 0, Disable("HTTP 410: not a success")),
        (Attempt(429), 0, Retry(5_000, "HTTP 429: not a success")),
        (Attempt(502), 0, Retry(5_000, "HTTP 502: not a success")),
        (Attempt(504), 0, Retry(5_000, "HTTP 504: not a success")),
        (Attempt(503, retry_after="7"), 0, Retry(7_000, "HTTP 503: not a success")),
        (Attempt(429, retry_after="7"), 0, Retry(7_000, "HTTP 429: not a success")),
        (Attempt(503, retry_after="7"), 2, Park("HTTP 503: not a success")),
        (Attempt(None, "no answer in time"), 0, Retry(1_000, "no answer in time")),
        (Attempt(None), 2, Park("no answer")),
    ],
)
def test_each_outcome_has_its_verdict(attempt: Attempt, failed_before: int, verdict: object) -> None:
    assert judge(attempt, failed_before, Patience(SCHEDULE), 0.5, NOW) == verdict


def test_retry_after_is_read_in_seconds_and_as_a_date() -> None:
    assert retry_after_ms("120", NOW) == 120_000
    assert retry_after_ms(format_datetime(NOW + timedelta(seconds=30), usegmt=True), NOW) == 30_000
    assert retry_after_ms(format_datetime(NOW - timedelta(seconds=30), usegmt=True), NOW) == 0
    assert retry_after_ms("99999999999999999999", NOW) == 86_400_000
    for nonsense in (None, "", "soon", "-5", "1.5", "٣"):
        assert retry_after_ms(nonsense, NOW) == 0


@given(st.text())
def test_no_retry_after_makes_a_verdict_fail(text: str) -> None:
    assert 0 <= retry_after_ms(text, NOW) <= 86_400_000


@given(failed=st.integers(1, 5), jitter=st.floats(0, 1), least=st.integers(0, 10_000))
def test_a_wait_is_that_of_the_schedule_within_a_fifth_and_at_least_what_was_asked(
    failed: int, jitter: float, least: int
) -> None:
    wait = delay_ms(SCHEDULE, failed, jitter, least)
    if failed > len(SCHEDULE):
        assert wait is None
    else:
        step = SCHEDULE[failed - 1]
        assert wait is not None
        assert max(least, 0.8 * step - 1) <= wait <= max(least, 1.2 * step)


def test_by_default_an_event_is_tried_ten_times_over_three_days() -> None:
    waits = NotifierSettings.model_validate({}).retry_schedule_ms
    assert len(waits) + 1 == 10
    assert sum(waits) == pytest.approx(3 * 86_400_000, rel=0.01)


def test_in_strict_order_the_last_failure_ends_the_endpoint_and_passes_nothing() -> None:
    strict = Patience(SCHEDULE, strict=True)
    assert isinstance(judge(Attempt(500), 1, strict, 0.5, NOW), Retry)
    assert judge(Attempt(500), 2, strict, 0.5, NOW) == Disable(
        "HTTP 500: not a success; tried 3 times, and the order is strict"
    )


@pytest.mark.parametrize(("skip_after", "tries"), [(1, 1), (2, 2), (3, 3), (99, 3), (None, 3)])
def test_an_event_is_skipped_after_as_many_attempts_as_were_asked_for(
    skip_after: int | None, tries: int
) -> None:
    patience = Patience(SCHEDULE, skip_after=skip_after)
    verdicts = [judge(Attempt(500), failed, patience, 0.5, NOW) for failed in range(tries)]
    assert [isinstance(each, Park) for each in verdicts] == [False] * (tries - 1) + [True]


def test_a_schedule_is_read_with_its_units() -> None:
    assert parse_schedule("250ms, 5s,10m,2h,1d,7") == (250, 5_000, 600_000, 7_200_000, 86_400_000, 7_000)
    assert parse_schedule("") == ()
    for wrong in ("5 s", "-1s", "1w", "s"):
        with pytest.raises(BadSchedule, match="is no wait"):
            parse_schedule(wrong)
