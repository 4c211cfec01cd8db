"""How does a worker hear what is said to its partitions? A consumer group, assigned cooperatively.

Offsets kept by the broker are only for its tools: reading starts where the durable log of the
partition says, so nothing here commits before anything else is durable.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from assay.adapters.kafka.connection import Connection
from assay.core.errors import Unavailable
from assay.runtime.partition_log import Message
from assay.runtime.partition_memory import Listener
from assay.runtime.partition_plan import Partition

_AT_ONCE = 4_000  #: messages in one round
_ASK_SECONDS = 5.0  #: how long the broker may take to answer a question
_SESSION_MS = 10_000  #: a worker that is silent for so long has lost its partitions
#: A worker that does not come back for its messages for so long has lost its partitions.
_ABSENT_MS = 300_000

_log = logging.getLogger("assay.kafka")


class KafkaFeed:
    """See `Feed`.

    Args:
        connection: the cluster.
        group: workers of one group share the partitions.
        topics: what is read.
        session_ms: a worker that is silent for so long has lost its partitions.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        group: str,
        topics: Sequence[str],
        session_ms: int = _SESSION_MS,
    ) -> None:
        self._consumer = Consumer(
            {
                **connection.options(),
                "group.id": group,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "partition.assignment.strategy": "cooperative-sticky",
                "session.timeout.ms": session_ms,
                "heartbeat.interval.ms": session_ms // 5,
                "max.poll.interval.ms": max(_ABSENT_MS, session_ms),
                "fetch.wait.max.ms": 50,
                "queued.max.messages.kbytes": 16_384,
                "error_cb": _heard,
            }
        )
        self._topics = list(topics)

    def join(self, listener: Listener) -> None:
        """Join the group; from now on ``listener`` hears of assignments, from within `poll`."""

        def assigned(consumer: Consumer, given: list[TopicPartition]) -> None:
            consumer.incremental_assign(given)
            consumer.pause(given)
            listener.assigned(_ours(given))

        def revoked(consumer: Consumer, taken: list[TopicPartition]) -> None:
            listener.revoked(_ours(taken), lost=False)
            consumer.incremental_unassign(taken)

        def lost(consumer: Consumer, taken: list[TopicPartition]) -> None:
            listener.revoked(_ours(taken), lost=True)
            consumer.incremental_unassign(taken)

        self._consumer.subscribe(self._topics, on_assign=assigned, on_revoke=revoked, on_lost=lost)

    def poll(self, timeout: float) -> Mapping[Partition, list[Message]]:
        """See `Feed.poll`.

        Raises:
            Unavailable: this client can no longer be part of the group.
        """
        first = self._consumer.poll(timeout)
        if first is None:
            return {}
        found: dict[Partition, list[Message]] = {}
        for message in (first, *self._consumer.consume(_AT_ONCE, 0)):
            error = message.error()
            if error is not None:
                self._trouble(error)
                continue
            place, plain = _plain(message)
            found.setdefault(place, []).append(plain)
        return found

    def bounds(self, partition: Partition) -> tuple[int, int]:
        """See `Feed.bounds`."""
        low, high = _asked(
            lambda: self._consumer.get_watermark_offsets(
                TopicPartition(*partition), timeout=_ASK_SECONDS, cached=False
            )
        )
        return low, high

    def start(self, partition: Partition, offset: int) -> None:
        """See `Feed.start`."""
        place = TopicPartition(partition.topic, partition.number, offset)
        _asked(lambda: self._consumer.seek(place))
        _asked(lambda: self._consumer.resume([place]))

    def pause(self, partition: Partition) -> None:
        """See `Feed.pause`."""
        _asked(lambda: self._consumer.pause([TopicPartition(*partition)]))

    def commit(self, positions: Mapping[Partition, int], *, wait: bool) -> None:
        """See `Feed.commit`: a failure costs nothing but the tools' view of the lag."""
        offsets = [TopicPartition(*place, offset) for place, offset in positions.items()]
        try:
            if wait:
                self._consumer.commit(offsets=offsets, asynchronous=False)
            else:
                self._consumer.commit(offsets=offsets)
        except KafkaException as error:
            _log.info("the broker did not note the offsets: %s", error)

    def close(self) -> None:
        """See `Feed.close`."""
        self._consumer.close()

    def _trouble(self, error: KafkaError) -> None:
        if error.fatal():
            raise Unavailable(f"Kafka's client cannot go on: {error}")
        _log.warning("Kafka: %s", error)


def _plain(message: KafkaMessage) -> tuple[Partition, Message]:
    topic, number, offset = message.topic(), message.partition(), message.offset()
    if topic is None or number is None or offset is None:
        raise Unavailable("Kafka's client gave a message without its place")
    kind, at = message.timestamp()
    return Partition(topic, number), Message(
        offset, message.value() or b"", at * 1_000 * bool(kind)
    )


def _ours(partitions: Sequence[TopicPartition]) -> list[Partition]:
    return [Partition(place.topic, place.partition) for place in partitions]


def _asked(question: Callable[[], Any]) -> Any:
    try:
        answer = question()
    except KafkaException as error:
        raise Unavailable(f"Kafka did not answer: {error}") from error
    return answer


def _heard(error: KafkaError) -> None:
    _log.warning("Kafka: %s", error)
