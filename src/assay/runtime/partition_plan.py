"""Which partition must hear of an event, and which must be asked about a request?

A *shard* is the history by one key field: every event that names a user, by user. One event with a
user, a device and a card belongs to three shards, each with partitions of its own, so that all
events of one entity stand in one log, in one order, under one owner.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from assay.contracts.event import Event
from assay.core.canonical import canonical
from assay.core.errors import Invalid, Unknown
from assay.features.catalog import Catalog
from assay.features.check import request_key
from assay.features.definition import Feature
from assay.features.row_image import Asked

PARTITIONS_MAX = 10_000


class Partition(NamedTuple):
    """One partition of a topic."""

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.number}"


class Shard(msgspec.Struct, frozen=True, kw_only=True):
    """The features whose entity is found by one field of their source events.

    ``name`` is that field; ``asked`` holds, for each feature, the request's field that gives its
    value.
    """

    name: str
    features: tuple[Feature, ...]
    asked: tuple[str, ...]


def partition_of(value: object, partitions: int) -> int:
    """The partition of a key: the first 64 bits of its BLAKE2b hash, modulo their number.

    The same on every machine and in every version: where an entity's history lies depends on it.

    Example:
        >>> partition_of("u1", 12), partition_of("u2", 12)
        (1, 2)
    """
    code = hashlib.blake2b(key_bytes(value), digest_size=8).digest()
    return int.from_bytes(code, "big") % partitions


def key_bytes(value: object) -> bytes:
    """The key of a message about an entity: text as it is, a number in digits."""
    return value.encode() if type(value) is str else canonical(value)


def shards_of(catalog: Catalog) -> tuple[Shard, ...]:
    """The shards that a catalog needs, in order of first use.

    A feature by several fields lies in the shard of one of them, the first that has a feature of
    its own: events of one pair (user, host) are all among the events of the user.
    """
    found: dict[str, list[Feature]] = {}
    for feature in catalog.features:
        found.setdefault(shard_name(catalog, feature.key), []).append(feature)
    return tuple(
        Shard(
            name=name,
            features=tuple(features),
            asked=tuple(request_key(f)[f.key.index(name)] for f in features),
        )
        for name, features in found.items()
    )


def shard_name(catalog: Catalog, key: tuple[str, ...]) -> str:
    """The shard of what is kept by these fields."""
    alone = {feature.key[0] for feature in catalog.features if len(feature.key) == 1}
    return next((field for field in key if field in alone), key[0])


def shard_catalog(catalog: Catalog, shard: Shard) -> Catalog:
    """What an owner of one of the shard's partitions keeps: its features and nothing derived."""
    return Catalog(request=catalog.request, contracts=catalog.contracts, features=shard.features)


class Routes:
    """How many partitions each shard has, hence where each event and each request belongs.

    Args:
        topic: of the events as they come in; shard ``user_id`` has the topic ``TOPIC-user_id``.
        partitions: of each shard, by its name.

    Raises:
        Invalid: a number of partitions out of range.

    Example:
        >>> routes = Routes("events", {"user": 4, "card": 2})
        >>> event = Event("e1", "paid", 0, {"user": "u1", "cents": 5})
        >>> [str(partition) for partition, _ in routes.of(event)]
        ['events-user/1']
    """

    def __init__(self, topic: str, partitions: Mapping[str, int]) -> None:
        self.topic, self.partitions = topic, dict(partitions)
        for name, count in self.partitions.items():
            if not 1 <= count <= PARTITIONS_MAX:
                raise Invalid(
                    f"shard {name!r}: expected 1 to {PARTITIONS_MAX} partitions, got {count}"
                )
        self._places = [(name, self.topic_of(name), n) for name, n in self.partitions.items()]

    def topic_of(self, shard: str) -> str:
        """The topic of a shard."""
        return f"{self.topic}-{shard}"

    def shard_of(self, topic: str) -> str | None:
        """The shard of a topic, None for the topic of incoming events.

        Raises:
            Unknown: the topic is neither.
        """
        if topic == self.topic:
            return None
        for name, known, _ in self._places:
            if known == topic:
                return name
        raise Unknown("topic", topic, known=self.topics)

    @property
    def topics(self) -> tuple[str, ...]:
        """The topic of incoming events, then one a shard."""
        return (self.topic, *(topic for _, topic, _ in self._places))

    def of(self, event: Event) -> list[tuple[Partition, bytes]]:
        """Where an event goes, with the key of its message; nowhere for a field it does not know.

        Whatever its type, and whether or not a feature reads it today: the log of a shard holds all
        that was said about its entities, so that a new feature finds its history there.
        """
        payload: Mapping[str, Any] = event.payload
        found = []
        for name, topic, count in self._places:
            value = payload.get(name)
            if value is not None:
                found.append((Partition(topic, partition_of(value, count)), key_bytes(value)))
        return found

    def everywhere(self) -> list[Partition]:
        """Every partition of every shard: for what names no key but may concern any."""
        return [
            Partition(topic, number) for _, topic, count in self._places for number in range(count)
        ]

    def owner_of(self, catalog: Catalog) -> Callable[[Asked], str]:
        """Says of a row that a request needs which partition has it, by its name in receipts."""
        places = []
        for table in catalog.plan.tables:
            shard = shard_name(catalog, table.key)
            places.append((shard, table.key.index(shard), len(table.key) > 1))

        def owner(asked: Asked) -> str:
            shard, at, several = places[asked.table]
            key: Any = asked.key
            return str(self.place(shard, key[at] if several else key))

        return owner

    def place(self, shard: str, value: object) -> Partition:
        """Where the history of one entity lies."""
        return Partition(self.topic_of(shard), partition_of(value, self.partitions[shard]))
