"""A running stack with two of each service that faults are done to, one after the other.

Decides how replicas are killed, frozen, woken and started again, and when the line counts as healed. Must not
know what is sent through it, nor how a fault is judged.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tenon.failpoints import EXIT_CODE
from tenon.kafka import KafkaSettings
from tenon_local.plan import Plan
from tenon_local.service import ServiceProcess
from tenon_local.settings import LocalSettings
from tenon_local.stack import Stack
from tests.chaos.detours import Detours, detours
from tests.support.stack import folder

SERVICES = ("ingest", "matcher", "notifier")
NAMES = tuple(f"{service}-{number}" for service in SERVICES for number in (1, 2))
SESSION_MS = 4_000
EVIDENCE = Path("build/chaos")
_HEALED_S = 180
_AT_MOST_TRIALS = 16
"""The audit reads the whole log: it takes longer with each trial."""
_ENV = {
    "TENON_SESSION_TIMEOUT_MS": str(SESSION_MS),
    "TENON_REBALANCE_TIMEOUT_MS": "20000",
}
# A receiver that is well is called again soon, however often its notifier died in between.
_NOTIFIER = {
    "TENON_WEBHOOK_LEASE_MS": "3000",
    "TENON_WEBHOOK_RETRY_SCHEDULE": ",".join(["1s"] * 20 + ["5s"] * 20),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """What a line consists of, beyond two of each service. `env`: for all, `service_env`: for those named.

    `detours`: processes, by name, that reach their stores through proxies.
    """

    brokers: int = 1
    env: Mapping[str, str] = field(default_factory=dict)
    service_env: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    detours: tuple[str, ...] = ()


class Line:
    """A stack under faults. `spoiled` once a judgement was bad: what follows needs a new line.

    `trials`: how many began; `fed`: the number in the administrator's feed up to which it was read.
    `restored`: its database was put back from a backup, so that clients of feeds may have to begin anew.
    """

    def __init__(self, stack: Stack, shape: Shape, detours: Detours) -> None:
        self.stack = stack
        self.detours = detours
        self.shape = shape
        self.spoiled = False
        self.restored = False
        self.trials = 0
        self.fed = 0
        self._env = {replica.process.name: replica.process.env for replica in stack.replicas()}
        self.journal = stack.plan.data_dir / "journal.jsonl"

    @property
    def kafka(self) -> KafkaSettings:
        """How a test reaches the brokers."""
        return self.stack.kafka_settings("admin", "chaos")

    @property
    def auditor(self) -> str:
        """The address of the database for whoever audits it."""
        return self.stack.postgres.url("auditor")

    def replica(self, name: str) -> ServiceProcess:
        """One process by its name, as `matcher-2`."""
        service, _, number = name.rpartition("-")
        return self.stack.services[service][int(number) - 1]

    def urls(self, service: str) -> list[str]:
        """Where the replicas of a service answer."""
        return [replica.url for replica in self.stack.services[service]]

    async def restart(self, name: str, **env: str) -> None:
        """kill -9 it and start it with these variables beside its own; return when it is ready.

        The variables stay until `heal`.
        """
        await self.replica(name).kill()
        self.start(name, **env)
        await self.replica(name).wait_ready(_HEALED_S)

    def start(self, name: str, **env: str) -> None:
        """Start it, unless it runs, with these variables beside its own; does not wait."""
        process = self.replica(name).process
        process.env = {**self._env[name], **env}
        process.start()

    async def dies_at(self, name: str, failpoint: str, within_s: float = 120) -> None:
        """Return when it ended at a failpoint it was started with. Raises ProcessFailed when it lives on."""
        process = self.replica(name).process
        code = await process.wait_exit(within_s)
        assert code == EXIT_CODE, process.failure(f"ended with code {code}, not at {failpoint}")

    async def heal(self) -> None:
        """Heal ways, wake what is frozen, start what ended, and return when every process is ready."""
        self.detours.heal()
        for _, _, process in self.stack.processes():
            process.thaw()
        await self._heal_stores()
        for replica in self.stack.replicas():
            if replica.process.env != self._env[replica.process.name]:
                await replica.kill()
            self.start(replica.process.name)
        for replica in self.stack.replicas():
            await self._well(replica)

    async def _heal_stores(self) -> None:
        kafka, postgres = self.stack.kafka, self.stack.postgres
        if not all(broker.process.alive for broker in kafka.brokers):
            await kafka.start()
        if not postgres.process.alive:
            await postgres.start()

    async def _well(self, replica: ServiceProcess) -> None:
        """Return when it is ready; one that gives up meanwhile is started again, as a supervisor would."""
        async with asyncio.timeout(_HEALED_S):
            while not await replica.is_ready():
                replica.start()
                await asyncio.sleep(0.1)

    def keep_evidence(self, test: str) -> Path:
        """Copy logs and journal to where they outlive the run; return the folder."""
        kept = EVIDENCE / test
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self.stack.plan.data_dir / "log", kept)
        if self.journal.exists():
            shutil.copy(self.journal, kept)
        return kept


@contextmanager
def running(shape: Shape = Shape()) -> Iterator[Line]:
    """A line that runs until the block ends; then it is killed, for nobody needs its end in order."""
    with folder() as path, detours(shape.detours) as ways:
        plan = Plan(
            data_dir=path,
            jars_dir=LocalSettings().jars_dir.absolute(),
            replicas=dict.fromkeys(SERVICES, 2),
            env={**_ENV, **shape.env},
            service_env={"notifier": _NOTIFIER, **shape.service_env},
            kafka_brokers=shape.brokers,
            kafka_detours=ways.listeners,
        )
        stack = Stack(plan)
        ways.lead(stack)
        try:
            asyncio.run(stack.start())
            yield Line(stack, shape, ways)
        finally:
            asyncio.run(stack.kill())


class Lines:
    """The one line that runs: kept from fault to fault as long as the next one can use it."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._line: Line | None = None

    def sound(self, shape: Shape) -> Line:
        """The line as it runs; a new one for another shape, after a bad judgement, or after many trials."""
        line = self._line
        if line is not None and (line.spoiled or line.shape != shape or line.trials >= _AT_MOST_TRIALS):
            self.close()
        if self._line is None:
            self._line = self._open.enter_context(running(shape))
        return self._line

    def close(self) -> None:
        """End what runs."""
        self._line = None
        self._open.close()
