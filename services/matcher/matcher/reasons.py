"""The full answer to why a demand is open: every nearest miss, as of now, by a process of its own.

A round says why within a budget. Whoever asks for all of it must not hold up the rounds: the answer is
worked out from the stored state by `python -m matcher.reasons`, which can be killed and shares no event loop
with them.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from matcher.domain.explain import explain
from matcher.store import SCHEMA, Store
from tenon.clock import WallClock
from tenon.contracts.codec import encode
from tenon.contracts.positions import Reasons
from tenon.db import Database
from tenon.errors import TenonError, Transient

AT_ONCE = 1
NOT_THERE = 3
_URL = "TENON_DATABASE_URL"


@dataclass(frozen=True, slots=True)
class Question:
    """Which demand: its market, where that lives, its key (`party/id`), and whether time is the wall's."""

    partition: int
    market: str
    demand: str
    live: bool

    def arguments(self) -> list[str]:
        """Return the question as arguments of the process that answers."""
        return [str(self.partition), self.market, self.demand, "live" if self.live else "log"]

    @classmethod
    def of(cls, arguments: list[str]) -> "Question":
        """Return the question that arguments ask."""
        partition, market, demand, clock = arguments
        return cls(int(partition), market, demand, clock == "live")


class Explainer:
    """Asks the process, one at a time, with a deadline. `url_of`: the database of a partition."""

    def __init__(self, url_of: Callable[[int], str], deadline_ms: int) -> None:
        self._url_of = url_of
        self._deadline_ms = deadline_ms
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def ask(self, question: Question) -> bytes | None:
        """Return the reasons as JSON, None where no such demand is open.

        Raises `Transient` when they are not known by the deadline, or the process failed.
        """
        try:
            async with asyncio.timeout(self._deadline_ms / 1000), self._slots:
                return await self._answer(question)
        except TimeoutError:
            raise Transient(f"no answer within {self._deadline_ms} ms") from None

    async def _answer(self, question: Question) -> bytes | None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            __name__,
            *question.arguments(),
            env={**os.environ, _URL: self._url_of(question.partition)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode == NOT_THERE:
            return None
        if process.returncode != 0:
            raise Transient(
                f"the process that explains ended with {process.returncode}: {err.decode()[-500:]}"
            )
        return out


async def answer(store: Store, question: Question, now_ms: int) -> Reasons | None:
    """Return why a demand is open, from what its partition's last round stored; None where it is not."""
    state = await store.load(question.partition, 0, question.market)
    market = state.market(question.market)
    demand = market.demands.get(question.demand)
    if demand is None or not demand.open:
        return None
    clock_ms = max(state.clock_ms, now_ms) if question.live else state.clock_ms
    return explain(market, demand, clock_ms, most_misses=None)


async def _main(arguments: list[str]) -> int:
    async with Database.connect(os.environ[_URL], schema=SCHEMA, pool_size=2) as database:
        found = await answer(Store(database), Question.of(arguments), WallClock().now_ms())
    if found is None:
        return NOT_THERE
    sys.stdout.buffer.write(encode(found))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(_main(sys.argv[1:])))
    except TenonError as failure:
        sys.exit(f"{type(failure).__name__}: {failure}")
