"""Who may sign in at the embedded brokers, and how: users, passwords, and what the brokers are told of them.

Clients sign in by SCRAM-SHA-512. Controllers take a plain password, of whom they know from their settings: so
the users' passwords can be given, and given anew at each start, before anybody can sign in. Pure. What a
principal may do once it is in is `tenon.contracts.rights`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tenon.contracts.rights import PRINCIPALS
from tenon.kafka import KafkaSecurity, KafkaSettings
from tenon_local.secrets import Secrets

ADMIN = "admin"
"""Makes topics and rights, repairs and looks at everything: the command line, the demo, the benches."""
BROKER = "broker"
"""The brokers and controllers among themselves."""
USERS = (ADMIN, BROKER, *PRINCIPALS)
_MODULES = "org.apache.kafka.common.security"


@dataclass(frozen=True, slots=True)
class Tls:
    """What the client listener shows, a certificate with its key in one PEM file, and who vouches for it."""

    key_store: Path
    ca_file: Path


@dataclass(frozen=True, slots=True)
class Access:
    """The passwords of all users, by name. They hold letters and digits only. `tls` None: unencrypted."""

    passwords: Mapping[str, str]
    tls: Tls | None = None

    @classmethod
    def of(cls, secrets: Secrets, tls: Tls | None = None) -> Access:
        """Everybody's password from the stack's secrets, made the first time."""
        return cls({name: secrets.get(f"kafka.{name}") for name in USERS}, tls)

    @property
    def protocol(self) -> str:
        """What the client listener speaks."""
        return "SASL_SSL" if self.tls else "SASL_PLAINTEXT"

    def security(self, user: str) -> KafkaSecurity:
        """How this user signs in at a broker."""
        ca_file = self.tls.ca_file if self.tls else None
        return KafkaSecurity(self.protocol, "SCRAM-SHA-512", user, self.passwords[user], ca_file)

    def controllers(self, bootstrap: str) -> KafkaSettings:
        """How the passwords are given: at the controllers, as one of them."""
        security = KafkaSecurity("SASL_PLAINTEXT", "PLAIN", BROKER, self.passwords[BROKER])
        return KafkaSettings(bootstrap, "", "tenon-local", security=security)

    def properties(self, listeners: Sequence[str]) -> dict[str, str]:
        """The lines of server.properties for these client listeners; the password of `broker` is in them."""
        scram = f"{_MODULES}.scram.ScramLoginModule required {self._credentials(BROKER)};"
        plain = (
            f"{_MODULES}.plain.PlainLoginModule required {self._credentials(BROKER)}"
            f' user_{BROKER}="{self.passwords[BROKER]}";'
        )
        clients = [f"listener.name.{name.lower()}" for name in listeners]
        protocols = [*(f"{name}:{self.protocol}" for name in listeners), "CONTROLLER:SASL_PLAINTEXT"]
        return {
            "listener.security.protocol.map": ",".join(protocols),
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
            "sasl.mechanism.controller.protocol": "PLAIN",
            **{f"{name}.scram-sha-512.sasl.jaas.config": scram for name in clients},
            "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.controller.plain.sasl.jaas.config": plain,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "false",
            "super.users": f"User:{ADMIN};User:{BROKER}",
            **(_tls_properties(self.tls) if self.tls else {}),
        }

    def _credentials(self, user: str) -> str:
        return f'username="{user}" password="{self.passwords[user]}"'


def _tls_properties(tls: Tls) -> dict[str, str]:
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(tls.key_store),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(tls.ca_file),
    }


def environment(kafka: KafkaSettings) -> dict[str, str]:
    """The variables that tell a process of its own to reach Kafka like this."""
    security = kafka.security
    named = {
        "TENON_KAFKA_USERNAME": security.username,
        "TENON_KAFKA_PASSWORD": security.password,
        "TENON_KAFKA_CA_FILE": security.ca_file,
    }
    return {
        "TENON_KAFKA_BOOTSTRAP": kafka.bootstrap,
        "TENON_KAFKA_SECURITY": security.protocol,
        **{name: str(value) for name, value in named.items() if value is not None},
    }
