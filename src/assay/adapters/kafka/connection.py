"""How is a Kafka cluster reached, and what keeps its passwords out of every message?"""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from assay.core.errors import Unavailable

Security = Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]

#: Where the client's own lines go.
_log = logging.getLogger("assay.kafka")


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Addresses and credentials; secrets are not part of its text.

    Example:
        >>> Connection(brokers="k:9092", security="sasl_ssl", username="a", password="hunter2")
        Connection(brokers='k:9092', security='sasl_ssl', mechanism='SCRAM-SHA-512', username='a')
    """

    brokers: str
    security: Security = "plaintext"
    ca_file: Path | None = field(default=None, repr=False)
    certificate: Path | None = field(default=None, repr=False)
    key: Path | None = field(default=None, repr=False)
    key_password: str | None = field(default=None, repr=False)
    mechanism: str = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def options(self) -> dict[str, Any]:
        """The client library's options; they hold the secrets, so they are never kept or shown."""
        given = {
            "bootstrap.servers": self.brokers,
            "security.protocol": self.security,
            "ssl.ca.location": self.ca_file and str(self.ca_file),
            "ssl.certificate.location": self.certificate and str(self.certificate),
            "ssl.key.location": self.key and str(self.key),
            "ssl.key.password": self.key_password,
            "sasl.username": self.username,
            "sasl.password": self.password,
        }
        if self.security.startswith("sasl"):
            given["sasl.mechanism"] = self.mechanism
        found: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        return found | {"client.id": "assay", "logger": _log}


def library() -> ModuleType:
    """The client library.

    Raises:
        Unavailable: the extra is not installed.
    """
    try:
        import confluent_kafka
    except ImportError as error:
        raise Unavailable(
            "Kafka needs the extra that brings its client: pip install 'assay[kafka]'"
        ) from error
    return confluent_kafka
