"""How is the Kafka cluster of a home named, and how does a worker prove who it is there?"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from assay.app.kinds import Count, Duration, Port, Secret
from assay.core.errors import Invalid, shown
from assay.core.time import SECOND

#: What Kafka takes as a topic, shorter by room for a dash and the name of a field. The topic is
#: also the name of a folder, so "." and ".." must not be one.
_TOPIC = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,184}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """What `assay worker` connects to; nothing else does."""

    brokers: Annotated[str | None, "addresses of the cluster: HOST:PORT, separated by commas"] = (
        None
    )
    topic: Annotated[str, "where events come in; TOPIC-FIELD is the history by one key field"] = (
        "events"
    )
    group: Annotated[str, "workers of one group share the partitions"] = "assay"
    partitions: Annotated[Count, "partitions of each history by key; can never change"] = 12
    replication: Annotated[Count, "copies of a topic that is made"] = 3
    create_topics: Annotated[bool, "make the topics that are missing"] = True
    publish: Annotated[bool, "workers share what they know through the server of [redis]"] = False
    session: Annotated[Duration, "a worker silent for so long loses its partitions"] = 10 * SECOND
    security: Annotated[
        Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"],
        "how the connection is protected",
    ] = "plaintext"
    ca_file: Annotated[Path | None, "PEM file of the authority that signed the brokers"] = None
    certificate: Annotated[Path | None, "PEM file of this client's certificate"] = None
    key: Annotated[Path | None, "PEM file of the certificate's key"] = None
    key_password: Annotated[Secret | None, "password of that file"] = None
    mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"], "how the password is proven"
    ] = "SCRAM-SHA-512"
    username: Annotated[str | None, "who this worker is"] = None
    password: Annotated[Secret | None, "its password"] = None
    metrics_host: Annotated[str, "address on which a worker's metrics are read"] = "127.0.0.1"
    metrics_port: Annotated[Port | None, "port of them; without one there are none"] = None


def check_kafka(settings: KafkaSettings) -> None:
    """Return when the settings go together.

    Raises:
        Invalid: they do not, or a password would travel in clear text.
    """
    if not _TOPIC.fullmatch(settings.topic):
        raise Invalid(
            f"kafka.topic {shown(settings.topic)}: expected 1 to 184 letters, digits, '.', '_' or "
            "'-', as Kafka takes them, and neither '.' nor '..'"
        )
    named = settings.username is not None and settings.password is not None
    if settings.security.startswith("sasl") and not named:
        raise Invalid(
            f"kafka.security = {settings.security!r} needs kafka.username and kafka.password"
        )
    if not settings.security.startswith("sasl") and settings.password is not None:
        raise Invalid(
            f"kafka.password is set and kafka.security = {settings.security!r} never uses it: set "
            'kafka.security = "sasl_ssl"'
        )
    if settings.security == "sasl_plaintext" and settings.mechanism == "PLAIN":
        raise Invalid(
            'kafka.mechanism = "PLAIN" over "sasl_plaintext" sends the password in clear text: '
            'set kafka.security = "sasl_ssl", or a SCRAM mechanism'
        )
    if not settings.security.endswith("ssl") and (settings.ca_file or settings.certificate):
        raise Invalid(
            f"kafka.ca_file or kafka.certificate is set and with kafka.security = "
            f'{settings.security!r} nothing is encrypted: set it to "ssl" or "sasl_ssl"'
        )
    if (settings.certificate is None) != (settings.key is None):
        raise Invalid("kafka.certificate and kafka.key are set together or not at all")
