"""The whole line on one machine: Kafka, PostgreSQL, the replicas of the three services, what watches them.

Decides the order of starting and ending, and what each process is told. Must not know what the services do.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from tenon.kafka import KafkaSettings
from tenon_local import ports, state
from tenon_local.jars import JarStore
from tenon_local.kafka import Access, EmbeddedKafka, Java, environment
from tenon_local.monitoring import Prometheus, prometheus
from tenon_local.plan import Plan
from tenon_local.postgres import SERVICES, EmbeddedPostgres, owner
from tenon_local.process import Identity, ManagedProcess, kill_all
from tenon_local.secrets import Secrets
from tenon_local.service import ServiceProcess, migrate
from tenon_local.together import together
from tenon_local.topics import make_topics

Report = Callable[[str], None]


class Stack:
    """A stack by its plan: making one takes folder and ports, `start` starts, `stop` or `kill` ends it.

    The parts are there to be handled one by one: `kafka.brokers[0].process.kill()`,
    `services["matcher"][0].freeze()`. Make it from the main thread: see `parent`. Raises AlreadyRunning,
    PortTaken or JarsUntrusted before anything was started.
    """

    def __init__(self, plan: Plan, report: Report = lambda _: None) -> None:
        self.plan = plan
        self._report = report
        self._lock = state.FolderLock(plan.data_dir)
        try:
            self._clear_leftovers()
            self._build()
        except BaseException:
            self._lock.release()
            raise

    def _build(self) -> None:
        plan = self.plan
        secrets = Secrets.of(plan.data_dir / "secrets.json")
        self.admin_key = plan.admin_key or f"tenon_admin_{secrets.get('admin')}"
        java = Java.of(JarStore.of_lock(plan.jars_dir))
        self.kafka = EmbeddedKafka(
            plan.data_dir / "kafka",
            java,
            port=plan.ports.kafka,
            brokers=plan.kafka_brokers,
            heap_mb=plan.kafka_heap_mb,
            detours=plan.kafka_detours,
            access=Access.of(secrets),
        )
        self.postgres = EmbeddedPostgres(
            plan.data_dir / "postgres", port=plan.ports.postgres, secrets=secrets
        )
        self.services = {name: self._replicas(name) for name in SERVICES}
        self.prometheus = self._prometheus() if plan.watched else None
        ports.check_distinct(self._ports())

    def _ports(self) -> Iterator[tuple[str, int]]:
        for broker in self.kafka.brokers:
            yield f"the controller of {broker.process.name}", broker.node.controller_port
            for detour in broker.node.detours:
                yield f"the listener {detour.name} of {broker.process.name}", detour.port
        for _, port, process in self.processes():
            yield process.name, port

    @property
    def ingest(self) -> ServiceProcess:
        """The first ingest."""
        return self.services["ingest"][0]

    @property
    def matcher(self) -> ServiceProcess:
        """The first matcher."""
        return self.services["matcher"][0]

    @property
    def notifier(self) -> ServiceProcess:
        """The first notifier."""
        return self.services["notifier"][0]

    def replicas(self) -> Iterator[ServiceProcess]:
        """All processes of the services."""
        for replicas in self.services.values():
            yield from replicas

    def kafka_settings(self, principal: str = "admin", client_id: str = "tenon-local") -> KafkaSettings:
        """How a client reaches this stack's Kafka as one of its principals: who may do all, or a service."""
        return self.kafka.settings_for(principal, client_id)

    def kafka_env(self, principal: str = "admin") -> dict[str, str]:
        """The same for a process of its own, as environment variables; never as arguments."""
        return environment(self.kafka_settings(principal))

    def processes(self) -> Iterator[tuple[str, int, ManagedProcess]]:
        """Every process with its kind and port, in the order of starting."""
        for broker in self.kafka.brokers:
            yield "kafka", broker.node.port, broker.process
        yield "postgres", self.postgres.port, self.postgres.process
        for replica in self.replicas():
            yield replica.service, replica.port, replica.process
        if self.prometheus is not None:
            yield prometheus.NAME, self.prometheus.port, self.prometheus.process

    async def start(self) -> None:
        """Start all, and return when every service is ready; kill what had started when one fails."""
        try:
            await self.start_stores()
            if self.prometheus is not None:
                await self._start_prometheus(self.prometheus)
            await self.start_services()
        except BaseException:
            await self.kill()
            raise

    async def start_stores(self) -> None:
        """Kafka with its topics, PostgreSQL with its schemas up to date; no service."""
        self._write("starting")
        await together(self._start_kafka(), self._start_postgres())
        self._write("starting")

    async def start_services(self) -> None:
        """Start every replica, and return when all are ready."""
        began = time.monotonic()
        for replica in self.replicas():
            replica.start()
        self._write("starting")
        await together(*(replica.wait_ready() for replica in self.replicas()))
        self._write("running")
        names = ", ".join(replica.process.name for replica in self.replicas())
        self._report(f"{names} ready after {time.monotonic() - began:.1f} s")

    async def stop(self) -> None:
        """End the services, then what they stand on, each in order; nothing is left running."""
        self._write("stopping")
        if self.prometheus is not None:
            await self._end(self.prometheus)
        await together(*(self._end(replica) for replica in self.replicas()))
        await together(self.kafka.stop(), self.postgres.stop())
        self._close()

    async def kill(self) -> None:
        """kill -9 of everything, as a power cut would."""
        await kill_all(process for _, _, process in self.processes())
        self._close()

    def write_state(self) -> None:
        """Write down who runs now; after a process was started again by hand."""
        self._write("running")

    async def _start_kafka(self) -> None:
        began = time.monotonic()
        await self.kafka.start()
        await make_topics(self.kafka_settings(), self.kafka.replication, self.plan.env)
        self._report(f"Kafka on {self.kafka.bootstrap} ready after {time.monotonic() - began:.1f} s")

    async def _start_postgres(self) -> None:
        began = time.monotonic()
        await self.postgres.start()
        log_dir = self.plan.data_dir / "log"
        await together(
            *(
                migrate(name, self.postgres.url(owner(name)), self._env(name), log_dir)
                for name in SERVICES
                if self.services[name]
            )
        )
        self._report(
            f"PostgreSQL on {ports.HOST}:{self.postgres.port} ready after {time.monotonic() - began:.1f} s"
        )

    async def _start_prometheus(self, server: Prometheus) -> None:
        began = time.monotonic()
        await server.start()
        self._report(f"Prometheus on {server.url} ready after {time.monotonic() - began:.1f} s")

    async def _end(self, replica: ServiceProcess | Prometheus) -> None:
        if not await replica.stop():
            self._report(f"{replica.process.name} did not end in time and was killed")

    def _replicas(self, name: str) -> list[ServiceProcess]:
        first = self.plan.ports.services.get(name, 0)
        env, log_dir = self._env(name), self.plan.data_dir / "log"
        return [
            ServiceProcess.build(name, number, self._claim(name, first, number), env, log_dir)
            for number in range(1, self.plan.replicas_of(name) + 1)
        ]

    def _prometheus(self) -> Prometheus:
        port = ports.claim(self.plan.ports.prometheus, prometheus.NAME, "TENON_PROMETHEUS_PORT")
        targets = {
            name: [f"{ports.HOST}:{replica.port}" for replica in replicas]
            for name, replicas in self.services.items()
        }
        return Prometheus.build(self.plan.data_dir / prometheus.NAME, port, targets)

    @staticmethod
    def _claim(name: str, first: int, number: int) -> int:
        port = first + number - 1 if first else 0
        return ports.claim(port, f"{name}-{number}", f"TENON_{name.upper()}_PORT")

    def _env(self, name: str) -> dict[str, str]:
        return {
            "TENON_WEBHOOK_ALLOW_PRIVATE": "true",  # receivers of a local stack are local too
            **self.plan.env,
            **self.kafka_env(name),
            "TENON_DATABASE_URL": self.postgres.url(name),
            "TENON_ADMIN_KEY": self.admin_key,
            **self.plan.service_env.get(name, {}),
        }

    def _clear_leftovers(self) -> None:
        """Of a stack whose holder was killed: nobody holds the folder, but its processes may still run."""
        before = state.read(self.plan.data_dir)
        if before is not None and (names := before.kill_leftovers()):
            self._report(f"ended what was left of the stack before: {', '.join(names)}")

    def _write(self, phase: state.Phase) -> None:
        me, access = Identity.of(os.getpid()), self.kafka.access
        assert me is not None
        assert access is not None
        state.State(
            phase=phase,
            supervisor_pid=me.pid,
            supervisor_started=me.started,
            kafka_bootstrap=self.kafka.bootstrap,
            kafka_security=access.protocol,
            kafka_users=dict(access.passwords),
            urls={name: [replica.url for replica in replicas] for name, replicas in self.services.items()},
            admin_key=self.admin_key,
            database_urls={role: self.postgres.url(role) for role in self.postgres.roles.names()},
            processes=list(self._entries()),
        ).write(self.plan.data_dir)

    def _entries(self) -> Iterator[state.Entry]:
        for kind, port, process in self.processes():
            if process.identity is not None and process.alive:
                who, log = process.identity, str(process.log_file)
                yield state.Entry(process.name, kind, who.pid, who.started, process.started_at_s, port, log)

    def _close(self) -> None:
        state.forget(self.plan.data_dir)
        self._lock.release()

    async def __aenter__(self) -> Self:
        """Start everything."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop in order; kill where the block failed or was cancelled."""
        await (self.stop() if kind is None else self.kill())
