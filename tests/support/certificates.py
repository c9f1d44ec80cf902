"""Certificates for tests: an authority, and servers that it vouches for."""

from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)


@dataclass(frozen=True)
class Authority:
    """Who vouches for servers: its own certificate as a file, and others as they are asked for."""

    ca_file: Path
    issuer: trustme.CA

    @classmethod
    def in_folder(cls, folder: Path, name: str = "ca") -> "Authority":
        """Make one and keep its certificate there."""
        issuer, file = trustme.CA(), folder / f"{name}.pem"
        issuer.cert_pem.write_to_path(str(file))
        return cls(file, issuer)

    def key_store(self, file: Path, *names: str) -> Path:
        """Write a server's certificate with its key in front, as Kafka wants it; returns the file."""
        issued = self.issuer.issue_cert(*names)
        key = load_pem_private_key(issued.private_key_pem.bytes(), None)
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(text + b"".join(part.bytes() for part in issued.cert_chain_pems))
        return file
