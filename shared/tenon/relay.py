"""The relay loop: takes due work from a store, does it to the outside world, marks what became of it.

At least once: an effect whose mark was lost is done again. In order per key, as the source gives it: the next
work is claimed only when the last is settled. What is pending (a send that was neither refused nor confirmed)
is waited for and never done a second time. This module must not know what the work is, nor when it is due.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from tenon import log
from tenon.errors import Fenced, Transient
from tenon.failpoints import failpoint
from tenon.metrics import Metrics, counter, gauge, histogram
from tenon.retry import backoff_ms

SETTLED = counter("relay_settled_total", "work that was settled, by outcome", "relay", "outcome")
SECONDS = histogram("relay_batch_seconds", "time from claiming a batch to settling it", "relay")
FAILURES = counter("relay_failures_total", "batches given up for now because something was away", "relay")
PENDING = gauge("relay_pending", "work handed over whose result is not known yet", "relay")

_logger = log.get("relay")


@dataclass(frozen=True, slots=True)
class Done:
    """The effect happened."""


@dataclass(frozen=True, slots=True)
class Later:
    """The effect did not happen; try again at `at_ms` (epoch ms), or as soon as it suits with None."""

    why: str
    at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Parked:
    """The effect can't happen as things are: an operator has to look."""

    why: str


@dataclass(frozen=True, slots=True, eq=False)
class Pending:
    """The effect may still happen. `outcome` becomes done when that is known."""

    outcome: "asyncio.Future[Outcome]"


Outcome = Done | Later | Parked | Pending
T = TypeVar("T")
R = TypeVar("R")


def outcome_of(result: "asyncio.Future[R]", read: Callable[["asyncio.Future[R]"], Outcome]) -> Outcome:
    """Return what a result means: at once where it is known, else pending until it is."""
    if result.done():
        return read(result)
    outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def resolve(known: "asyncio.Future[R]") -> None:
        if not outcome.done():
            outcome.set_result(read(known))

    result.add_done_callback(resolve)
    return Pending(outcome)


class Source(Protocol[T]):
    """Where work comes from. Both calls are fenced: they raise `Fenced` when another process took over."""

    async def claim(self, limit: int) -> Sequence[T]:
        """Return due work, at most `limit`, in order per key; nothing where another process has its turn."""
        ...

    async def settle(self, outcomes: Sequence[tuple[T, Outcome]]) -> None:
        """Mark work; it is never given `Pending`."""
        ...


Effect = Callable[[Sequence[T]], Awaitable[Sequence[Outcome]]]


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """How a relay works: most items at a time, how often it looks for work, how long it may fail, in ms."""

    service: str
    limit: int = 500
    interval_ms: int = 200
    retry_deadline_ms: int = 120_000


class Relay(Generic[T]):
    """Runs one effect over one source. `wake` it when there is new work; it looks now and then anyway."""

    def __init__(
        self,
        name: str,
        source: Source[T],
        effect: Effect[T],
        *,
        metrics: Metrics,
        settings: RelaySettings,
    ) -> None:
        self._name = name
        self._source = source
        self._effect = effect
        self._metrics = metrics
        self._settings = settings
        for outcome in (Done, Later, Parked):
            metrics.add(SETTLED, 0, relay=name, outcome=_name(outcome))
        metrics.add(FAILURES, 0, relay=name)
        self._woken = asyncio.Event()
        self._failing_since: float | None = None
        self._attempts = 0

    def wake(self) -> None:
        """Look for work now."""
        self._woken.set()

    def problem(self) -> str | None:
        """Return since when this relay gets nothing done, None if it does: for readiness."""
        if self._failing_since is None:
            return None
        return f"relay {self._name} has been failing for {time.monotonic() - self._failing_since:.0f} s"

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until `stop` is set; raises the last `Transient` when nothing has worked for too long."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._woken.clear()
                wait_ms = await self._once(stopping)
                if wait_ms:
                    await self._sleep(stopping, wait_ms)
        finally:
            stopping.cancel()

    async def _once(self, stopping: "asyncio.Task[bool]") -> int:
        """Relay one batch and return how long to wait before the next, in ms."""
        try:
            more = await self._relay_batch(stopping)
        except Fenced as error:
            _logger.warning("fenced", relay=self._name, error=str(error))
            return self._settings.interval_ms
        except Transient as error:
            return self._failed(error)
        self._failing_since, self._attempts = None, 0
        return 0 if more else self._settings.interval_ms

    async def _relay_batch(self, stopping: "asyncio.Task[bool]") -> bool:
        """Relay one batch; return whether more may be due at once."""
        items = await self._source.claim(self._settings.limit)
        if not items:
            return False
        started = time.perf_counter()
        outcomes = await self._effect(items)
        await failpoint(f"{self._settings.service}.after_relay_send")
        undecided = await self._settle(list(zip(items, outcomes, strict=True)))
        while undecided and not stopping.done():
            undecided = await self._settle(await self._await_some(undecided, stopping))
        self._metrics.observe(SECONDS, time.perf_counter() - started, relay=self._name)
        return len(items) == self._settings.limit and not any(isinstance(o, Later) for o in outcomes)

    async def _settle(self, outcomes: Sequence[tuple[T, Outcome]]) -> list[tuple[T, Outcome]]:
        """Mark what is decided and return what is pending."""
        decided = [(item, outcome) for item, outcome in outcomes if not isinstance(outcome, Pending)]
        undecided = [pair for pair in outcomes if isinstance(pair[1], Pending)]
        self._metrics.set(PENDING, len(undecided), relay=self._name)
        if decided:
            await failpoint(f"{self._settings.service}.before_mark")
            await self._source.settle(decided)
            for _, outcome in decided:
                self._metrics.add(SETTLED, relay=self._name, outcome=_name(type(outcome)))
        return undecided

    async def _await_some(
        self, undecided: Sequence[tuple[T, Outcome]], stopping: "asyncio.Task[bool]"
    ) -> list[tuple[T, Outcome]]:
        """Wait until one of the pending outcomes is known, or the relay is to stop."""
        waits: list[asyncio.Future[Any]] = [stopping]
        waits += [outcome.outcome for _, outcome in undecided if isinstance(outcome, Pending)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        return [(item, _known(outcome)) for item, outcome in undecided]

    def _failed(self, error: Transient) -> int:
        now = time.monotonic()
        self._failing_since = self._failing_since or now
        if (now - self._failing_since) * 1000 > self._settings.retry_deadline_ms:
            raise error
        self._attempts += 1
        self._metrics.add(FAILURES, relay=self._name)
        _logger.warning("relay failed", relay=self._name, attempt=self._attempts, error=str(error))
        return backoff_ms(self._attempts)

    async def _sleep(self, stopping: "asyncio.Task[bool]", wait_ms: int) -> None:
        woken = asyncio.create_task(self._woken.wait())
        try:
            await asyncio.wait([woken, stopping], timeout=wait_ms / 1000, return_when="FIRST_COMPLETED")
        finally:
            woken.cancel()


def _name(outcome: type[Outcome]) -> str:
    return outcome.__name__.lower()


def _known(outcome: Outcome) -> Outcome:
    return outcome.outcome.result() if isinstance(outcome, Pending) and outcome.outcome.done() else outcome
