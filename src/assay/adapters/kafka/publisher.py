"""How is something said to a partition, and when is it known to have arrived?"""

import time
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from assay.adapters.kafka.connection import Connection
from assay.core.errors import Unavailable
from assay.runtime.partition_plan import Partition

_LINGER_MS = 5  #: how long a message may wait for company
_DELIVERY_SECONDS = 30.0  #: after this a message that no broker confirmed is given up


class KafkaPublisher:
    """See `Publisher`: idempotent, so that the client's own repeats double and swap nothing.

    What a *process* says again after a crash is new to the broker; the reader knows it by its id.

    Args:
        connection: the cluster.
        seconds: how long the broker may take to confirm.
    """

    def __init__(self, connection: Connection, *, seconds: float = _DELIVERY_SECONDS) -> None:
        self._connection, self._seconds = connection, seconds
        self._producer = self._made()
        self._failed: KafkaError | None = None

    def send(self, partition: Partition, key: bytes, value: bytes) -> None:
        """See `Publisher.send`."""
        end = time.monotonic() + self._seconds
        while True:
            try:
                self._producer.produce(partition.topic, value, key, partition.number)
            except BufferError:  # the client's queue is full: let it work
                if time.monotonic() > end:
                    raise self._gave_up("the client's queue stayed full") from None
                self._producer.poll(0.05)
            except KafkaException as error:
                raise self._gave_up(str(error)) from error
            else:
                return

    def flush(self) -> None:
        """See `Publisher.flush`: one wait for everything on its way."""
        left = self._producer.flush(self._seconds)
        if left or self._failed is not None:
            raise self._gave_up(f"{left} messages are not confirmed ({self._failed})")

    def close(self) -> None:
        """Give up what is on its way: whatever needed confirmation has been flushed."""
        self._producer.purge()
        self._producer.flush(1.0)

    def _gave_up(self, why: str) -> Unavailable:
        """Start over with a new client: after a fatal error the old one refuses everything."""
        self.close()
        self._producer, self._failed = self._made(), None
        return Unavailable(f"Kafka at {self._connection.brokers} does not take messages: {why}")

    def _made(self) -> Producer:
        options: dict[str, Any] = {
            **self._connection.options(),
            "enable.idempotence": True,  # with it acks=all
            "linger.ms": _LINGER_MS,
            "compression.type": "lz4",
            "delivery.timeout.ms": int(self._seconds * 1_000),
            "delivery.report.only.error": True,
            "on_delivery": self._heard,
        }
        return Producer(options)

    def _heard(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failed = error
