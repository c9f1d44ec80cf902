"""A share of a core, on a machine that lets this user give one; elsewhere it is said what is missing."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.bench import quota
from tests.bench.failing import BenchFailed
from tests.bench.quota import quotas

_SHARE = 0.1
_SPIN = "while True: pass"


def limited_share() -> float:
    """How much of a core an endless loop gets that may have a tenth."""
    with subprocess.Popen([sys.executable, "-c", _SPIN]) as process:
        try:
            with quotas() as limited:
                limited.limit(process.pid, _SHARE)
                began, before = time.monotonic(), psutil.Process(process.pid).cpu_times()
                time.sleep(0.5)
                after, passed = psutil.Process(process.pid).cpu_times(), time.monotonic() - began
            return (after.user + after.system - before.user - before.system) / passed
        finally:
            process.kill()


def test_a_process_gets_its_share_and_no_more() -> None:
    try:
        share = limited_share()
    except BenchFailed as refused:
        pytest.skip(f"this machine gives nobody a share of a core: {refused}")
    assert share < 2 * _SHARE
    assert not list(Path("/sys/fs/cgroup").glob(f"*/tenon-bench-{os.getpid()}*"))


def test_where_there_are_no_groups_it_is_said_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(quota, "_ROOTS", (tmp_path, tmp_path / "none"))
    with pytest.raises(BenchFailed, match="run it as root"), quotas():
        pass
    assert not list(tmp_path.iterdir())
