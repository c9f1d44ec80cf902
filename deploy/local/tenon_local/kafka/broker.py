"""One broker as a process: its folder, its format, its command. Decides nothing about the cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tenon_local.kafka import config
from tenon_local.kafka.access import Access
from tenon_local.kafka.config import Node
from tenon_local.kafka.java import Java
from tenon_local.process import ManagedProcess
from tenon_local.secrets import write_private

FORMAT_TIMEOUT_S = 60
FORMAT_HEAP_MB = 128


@dataclass(frozen=True)
class Broker:
    """A broker in its own folder. `process` can be killed, frozen and started again at will."""

    node: Node
    folder: Path
    process: ManagedProcess
    formatter: ManagedProcess

    @classmethod
    def build(cls, node: Node, folder: Path, java: Java, cluster_id: str, heap_mb: int) -> Broker:
        """The broker of `node` that keeps everything below `folder`."""
        options = (
            f"-Djava.io.tmpdir={folder / 'tmp'}",
            f"-Dlog4j2.configurationFile={_logging_file(folder)}",
        )
        settings, log, name = str(_settings_file(folder)), folder / "kafka.log", f"kafka-{node.number}"
        run = java.command("kafka.Kafka", settings, heap_mb=heap_mb, options=options)
        tool = ("kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", cluster_id, "-c", settings)
        form = java.command(*tool, heap_mb=FORMAT_HEAP_MB, options=options)
        return cls(node, folder, ManagedProcess(name, run, log), ManagedProcess(f"{name} format", form, log))

    async def start(self, nodes: Sequence[Node], access: Access | None, extra: Mapping[str, str]) -> None:
        """Write its settings, format its folder the first time, and start the process; does not wait."""
        await asyncio.to_thread(self._write_settings, nodes, access, extra)
        if not (self.folder / "data" / "meta.properties").exists():
            self.formatter.start()
            if await self.formatter.wait_exit(FORMAT_TIMEOUT_S) != 0:
                raise self.formatter.failure("could not format its folder")
        self.process.start()

    def _write_settings(self, nodes: Sequence[Node], access: Access | None, extra: Mapping[str, str]) -> None:
        for folder in (self.folder / "data", self.folder / "tmp"):
            folder.mkdir(parents=True, exist_ok=True)
        _logging_file(self.folder).write_text(config.LOGGING)
        text = config.properties(self.node, nodes, self.folder / "data", access, extra)
        write_private(_settings_file(self.folder), text)  # passwords stand in it


def _settings_file(folder: Path) -> Path:
    return folder / "server.properties"


def _logging_file(folder: Path) -> Path:
    return folder / "log4j2.properties"
