"""Are the topics there, with the partitions on which the place of every entity depends?"""

import time
from collections.abc import Iterable, Mapping, Sequence

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from assay.adapters.kafka.connection import Connection
from assay.core.errors import Invalid, Unavailable

_ASK_SECONDS = 10.0
_ANY = 12  #: partitions of a topic whose number decides nothing
_SEEN_SECONDS = 10.0  #: how long a new topic may take until every broker tells of it


def ensure_topics(
    connection: Connection, wanted: Mapping[str, int | None], *, create: bool, replication: int
) -> None:
    """Return when every topic exists with exactly so many partitions (None: any number of them).

    Args:
        connection: the cluster.
        wanted: partitions by topic; one that may have any number is made with `_ANY`.
        create: whether missing topics are made.
        replication: copies of a topic that is made.

    Raises:
        Invalid: a topic has another number of partitions, or is missing and must not be made.
        Unavailable: the cluster does not answer.
    """
    admin = AdminClient(connection.options())
    found = _partitions(admin, wanted)
    missing = [name for name in wanted if name not in found]
    if missing and not create:
        raise Invalid(
            f"the topics {', '.join(missing)} do not exist: make them, each with the number of "
            "partitions in the settings, or set kafka.create_topics = true"
        )
    if missing:
        _create(admin, {name: wanted[name] or _ANY for name in missing}, replication)
        found |= _seen(admin, missing)
    for name, count in wanted.items():
        if count is not None and found[name] != count:
            raise Invalid(
                f"topic {name!r} has {found[name]} partitions, the settings say {count}. Where an "
                "entity's history lies depends on their number: it can never change. Set it back, "
                "or route into topics of another name"
            )


def _partitions(admin: AdminClient, names: Iterable[str]) -> dict[str, int]:
    """The number of partitions of those topics that exist.

    Raises:
        Unavailable: the cluster does not answer.
    """
    found = {}
    for name in names:
        try:
            topic = admin.list_topics(name, timeout=_ASK_SECONDS).topics[name]
        except KafkaException as error:
            raise Unavailable(f"Kafka did not answer: {error}") from error
        if topic.error is None:
            found[name] = len(topic.partitions)
    return found


def _create(admin: AdminClient, topics: Mapping[str, int], replication: int) -> None:
    asked = admin.create_topics(
        [NewTopic(name, count, replication) for name, count in topics.items()],
        request_timeout=_ASK_SECONDS,
    )
    for name, answer in asked.items():
        try:
            answer.result(_ASK_SECONDS)
        except (KafkaException, TimeoutError) as error:
            there = isinstance(error, KafkaException) and (
                error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS
            )
            if not there:
                raise Unavailable(f"topic {name!r} could not be made: {error!r}") from error


def _seen(admin: AdminClient, names: Sequence[str]) -> dict[str, int]:
    end = time.monotonic() + _SEEN_SECONDS
    while True:
        found = _partitions(admin, names)
        if len(found) == len(names):
            return found
        if time.monotonic() > end:
            raise Unavailable(f"the topics {', '.join(names)} were made and do not show up")
        time.sleep(0.1)
