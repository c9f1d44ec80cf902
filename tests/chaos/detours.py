"""The ways of some processes to Kafka and PostgreSQL, each through a proxy that can be cut.

Decides how a process is led through its proxies. Must not know which fault acts, nor what travels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from tenon_local.ports import HOST
from tenon_local.stack import Stack
from tests.support.proxy import Proxy, proxies


class Detours:
    """Proxies by process and by what they lead to: `kafka` or `postgres`."""

    def __init__(self, ways: Mapping[tuple[str, str], Proxy]) -> None:
        self._ways = ways

    def __getitem__(self, way: tuple[str, str]) -> Proxy:
        return self._ways[way]

    @property
    def listeners(self) -> dict[str, int]:
        """The listeners that Kafka needs: where a client's way leads to, and what the client is told."""
        return {_listener(name): proxy.port for (name, to), proxy in self._ways.items() if to == "kafka"}

    def lead(self, stack: Stack) -> None:
        """Send the processes of a stack that does not run yet through their proxies."""
        ports = {own.name: own.port for own in stack.kafka.nodes[0].detours}
        for (name, to), proxy in self._ways.items():
            proxy.target = ports[_listener(name)] if to == "kafka" else stack.postgres.port
            service, _, number = name.rpartition("-")
            process = stack.services[service][int(number) - 1].process
            process.env = {**process.env, **_told(to, proxy, stack, service)}

    def heal(self) -> None:
        """Let everything pass."""
        for proxy in self._ways.values():
            proxy.be("pass")


@contextmanager
def detours(names: Sequence[str]) -> Iterator[Detours]:
    """Ways for these processes, until the block ends."""
    wanted = [(name, to) for name in names for to in ("kafka", "postgres")]
    with proxies(len(wanted)) as made:
        yield Detours(dict(zip(wanted, made, strict=True)))


def _listener(name: str) -> str:
    return name.replace("-", "").upper()


def _told(to: str, proxy: Proxy, stack: Stack, service: str) -> dict[str, str]:
    if to == "kafka":
        return {"TENON_KAFKA_BOOTSTRAP": f"{HOST}:{proxy.port}"}
    own, led = f":{stack.postgres.port}/", f":{proxy.port}/"
    return {"TENON_DATABASE_URL": stack.postgres.url(service).replace(own, led)}
