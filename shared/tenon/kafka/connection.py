"""How to reach a cluster, and which names in it are ours."""

from dataclasses import dataclass
from typing import Self

from tenon.settings import CommonSettings


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """Brokers to start from, the prefix of our names, and how long one request may take, in ms.

    A leader that is frozen costs each request `request_timeout_ms`, so it is kept short.
    """

    bootstrap: str
    prefix: str = ""
    client_id: str = "tenon"
    request_timeout_ms: int = 8_000

    @classmethod
    def of(cls, settings: CommonSettings) -> Self:
        """Take what a service was told by its environment."""
        return cls(settings.kafka_bootstrap, settings.topic_prefix, f"tenon-{settings.instance}")
