"""The processor time of process trees, and of the whole machine. Knows no process by its work."""

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil

OWN, MACHINE = "bench", "machine"


@dataclass(frozen=True, slots=True)
class Use:
    """What a piece of work took: seconds of the clock, and of the processors by process tree."""

    events: int
    seconds: float
    cores: int
    cpu_s: Mapping[str, float]


def tree_seconds(pid: int) -> float:
    """Return what a process and its descendants used, with those that ended and were waited for."""
    try:
        root = psutil.Process(pid)
        tree = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    return sum(_seconds(process) for process in tree)


def _seconds(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        used = process.cpu_times()
        return float(used.user + used.system + used.children_user + used.children_system)
    return 0.0


def busy_seconds() -> float:
    """Return what all cores did since the start of the machine, for whomever."""
    times = psutil.cpu_times()
    guest = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # counted in user already
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - guest)


class Meter:
    """Reads named process trees; `bench` is this process alone, `machine` is everything that runs."""

    def __init__(self, trees: Mapping[str, list[int]]) -> None:
        self._trees = trees

    def read(self) -> dict[str, float]:
        """Return the seconds used so far, by name."""
        own = psutil.Process(os.getpid()).cpu_times()
        used = {name: sum(tree_seconds(pid) for pid in pids) for name, pids in self._trees.items()}
        return {**used, OWN: own.user + own.system, MACHINE: busy_seconds()}

    def span(self) -> "Span":
        """Begin to measure now."""
        return Span(self)


class Span:
    """A piece of work that is being done."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._began, self._before = time.monotonic(), meter.read()

    def use(self, events: int) -> Use:
        """Return what so many events took from the beginning until now."""
        after = self._meter.read()
        used = {name: after[name] - self._before[name] for name in after}
        return Use(events, time.monotonic() - self._began, os.cpu_count() or 1, used)


class Others:
    """What is neither this process nor started by it, from now on."""

    def __init__(self) -> None:
        self._began, self._others = time.monotonic(), _others_seconds()

    def share(self) -> float:
        """Return how much of the machine they had until now."""
        passed = (time.monotonic() - self._began) * (os.cpu_count() or 1)
        return max(0.0, (_others_seconds() - self._others) / passed)


def _others_seconds() -> float:
    return busy_seconds() - tree_seconds(os.getpid())
