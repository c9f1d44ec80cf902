"""Failpoints: off unless armed, precise when they are."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tenon.errors import Misconfigured, Transient
from tenon.failpoints import EXIT_CODE, failpoint, install


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    install("")


async def test_nothing_happens_at_a_failpoint_that_is_not_armed() -> None:
    await failpoint("matcher.after_commit")
    install("matcher.after_commit=error")
    await failpoint("ingest.after_commit")


async def test_an_error_is_transient() -> None:
    install("matcher.after_commit=error")
    with pytest.raises(Transient, match=r"failpoint matcher\.after_commit"):
        await failpoint("matcher.after_commit")


async def test_a_pause_takes_its_time() -> None:
    install("matcher.after_commit=pause:60")
    started = time.monotonic()
    await failpoint("matcher.after_commit")
    assert time.monotonic() - started >= 0.06


async def test_a_numbered_action_happens_at_that_passing_only() -> None:
    install("matcher.after_poll=error@3; ingest.before_mark=pause:1")
    await failpoint("matcher.after_poll")
    await failpoint("matcher.after_poll")
    with pytest.raises(Transient):
        await failpoint("matcher.after_poll")
    await failpoint("matcher.after_poll")


def test_exit_ends_the_process_as_kill_does() -> None:
    script = (
        "import asyncio; from tenon.failpoints import *; install('a.after_poll=exit');"
        "asyncio.run(failpoint('a.after_poll')); print('alive')"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout) == (EXIT_CODE, b"")


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("matcher.nowhere=exit", "'matcher.nowhere' is no failpoint"),
        ("after_commit=exit", "'after_commit' is no failpoint"),
        ("matcher.after_commit", "has no action"),
        ("matcher.after_commit=explode", "has no action"),
        ("matcher.after_commit=pause:x", "'x' in 'matcher.after_commit=pause:x' is no whole number"),
        ("matcher.after_commit=exit@never", "is no whole number"),
    ],
)
def test_a_wrong_name_or_action_is_refused_by_name(spec: str, says: str) -> None:
    with pytest.raises(Misconfigured, match=says.replace(".", r"\.")):
        install(spec)
