"""The jars Kafka runs from: exactly those of `jgo.lock.toml`, each checked by its sha256 before any is run.

Decides where jars are kept and which are trusted. Must not know how a broker is configured.
"""

from tenon_local.jars.lock import Jar, locked_jars
from tenon_local.jars.store import JarStore

__all__ = ["Jar", "JarStore", "locked_jars"]
