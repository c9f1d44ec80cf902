"""How to reach a cluster, who we are there, and which names in it are ours."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tenon.settings import CommonSettings, KafkaAccess
from tenon.tls import client_context


@dataclass(frozen=True, slots=True)
class KafkaSecurity:
    """How a client signs in, and whom it trusts; as it stands: not at all, and anybody."""

    protocol: str = "PLAINTEXT"
    mechanism: str = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    def tls(self) -> ssl.SSLContext | None:
        """Return the context of connections, None without TLS; raises `Misconfigured` for a wrong file."""
        if not self.protocol.endswith("SSL"):
            return None
        return client_context(self.ca_file, self.certificate_file, self.key_file)

    @property
    def who(self) -> str:
        """Who the brokers take us for, as far as we know."""
        return self.username or ("the certificate's owner" if self.certificate_file else "nobody")


OPEN = KafkaSecurity()


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """Brokers to start from, the prefix of our names, and how long one request may take, in ms.

    A leader that is frozen costs each request `request_timeout_ms`, so it is kept short.
    """

    bootstrap: str
    prefix: str = ""
    client_id: str = "tenon"
    request_timeout_ms: int = 8_000
    security: KafkaSecurity = OPEN

    @classmethod
    def of(cls, settings: CommonSettings) -> Self:
        """Take what a service was told by its environment."""
        return cls.reached_by(settings, f"tenon-{settings.instance}")

    @classmethod
    def reached_by(cls, settings: KafkaAccess, client_id: str) -> Self:
        """Take what any process was told; `client_id` is what it is called in Kafka's logs."""
        password = settings.kafka_password
        security = KafkaSecurity(
            settings.kafka_security,
            settings.kafka_mechanism,
            settings.kafka_username,
            None if password is None else password.get_secret_value(),
            settings.kafka_ca_file,
            settings.kafka_certificate_file,
            settings.kafka_key_file,
        )
        return cls(settings.kafka_bootstrap, settings.topic_prefix, client_id, security=security)
