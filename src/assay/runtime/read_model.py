"""Where do scorers on other machines find what the owner of a partition knows? In a read model.

The owner of a partition publishes row images and, last, the partition's *status*: the place in the
log up to which every touched row has been published. One flush is atomic and one fetch is too, so
the status is the exact cut of every vector read with it. A *generation* is one complete
publication: an image of an older one is of a key that the present log does not know.

Publishers are told apart by an *epoch*: a flush of an older one changes nothing.
"""

from collections.abc import Sequence
from hashlib import blake2b
from hmac import compare_digest
from typing import NamedTuple, Protocol

import msgspec

from assay.core.errors import Conflict, Corrupt, Unavailable
from assay.features.row_image import GENERATION_AT, Asked

GENERATION = slice(GENERATION_AT, GENERATION_AT + 8)
STATUS_MAX = 1 << 16  #: bytes of a status


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What a partition's images are good for.

    ``seq`` is the place in the log that they show, ``mark`` what tells that log from another one.
    ``tables`` holds the digests of the tables published, ``newest`` the newest accepted ts of each
    source, ``oldest`` the oldest T that the owner still answers (None: any). ``published_at`` is
    wall-clock microseconds: the owner was alive then.
    """

    generation: int
    seq: int
    mark: bytes
    tables: tuple[bytes, ...]
    newest: dict[str, int]
    oldest: int | None
    published_at: int


class Claim(NamedTuple):
    """What a new publisher gets: its epoch, and the status of the one before, if it is whole."""

    epoch: int
    status: bytes | None


class RowWrite(NamedTuple):
    """One row to write: its name, its image, and after how long without a write it may go.

    ``keep_ms`` is milliseconds on the store's own clock, None for ever: garbage collection, which
    no value may depend on.
    """

    name: bytes
    image: bytes
    keep_ms: int | None


class Flush(NamedTuple):
    """Rows of one partition that appear together, or not at all.

    ``after`` is the ``seq`` that the store has reached by this publisher's flushes; None for a part
    of a complete publication, while which there is no status (``status`` is None for all parts but
    the last). ``first`` marks the first part: the store must still hold it when the others come.
    """

    partition: str
    epoch: int
    generation: int
    seq: int
    after: int | None
    first: bool
    rows: Sequence[RowWrite]
    status: bytes | None


class Superseded(Conflict):
    """Another publisher owns the partition now: this one must stop."""

    code = "superseded"

    def __init__(self, partition: str, epoch: int) -> None:
        super().__init__(
            f"partition {partition!r} has a newer publisher than epoch {epoch}: this one stops. "
            "One process owns a partition; find out why two ran"
        )


class Lost(Unavailable):
    """The store no longer holds what was published: everything is published again."""

    code = "read_model_lost"

    def __init__(self, partition: str) -> None:
        super().__init__(
            f"the read model lost partition {partition!r} (restarted empty, or its keys were "
            "deleted): publish it again as a whole"
        )


class ReadModel(Protocol):
    """The store. Every method raises Unavailable when it does not answer in time."""

    def claim(self, partition: str, at: int) -> Claim:
        """Become the partition's only publisher.

        Args:
            partition: its name.
            at: wall-clock microseconds; the epoch is at least that, so that a store that has
                forgotten everything still tells a newer publisher from an older one.
        """

    def publish(self, flush: Flush) -> None:
        """Write a flush, atomically.

        Raises:
            Superseded: a newer epoch owns the partition; nothing was written.
            Lost: the store has not reached ``after``, or forgot the first part: nothing written.
        """

    def sweep(self, partition: str, epoch: int, generation: int, cursor: int) -> int:
        """Forget some images of other generations: nobody is shown them, but they are still there.

        What was erased from a log, say. Only the publisher of that epoch forgets anything.

        Args:
            partition: its name.
            epoch: of the publisher.
            generation: what stays.
            cursor: 0 to begin, then what the call before returned.

        Returns:
            Where to go on; 0 when all has been looked at.
        """

    def fetch(self, names: Sequence[bytes]) -> list[bytes | None]:
        """The values of names, all from one moment, in one round trip."""


def status_name(partition: str) -> bytes:
    """Under which name a partition's status is fetched."""
    return b"status:" + partition.encode()


def row_name(partition: str, asked: Asked) -> bytes:
    """Under which name a row's image is kept and fetched."""
    return row_prefix(partition) + asked.name


def row_prefix(partition: str) -> bytes:
    """How the name of every row of a partition begins."""
    return b"row:" + partition.encode() + b":"


def generation_bytes(generation: int) -> bytes:
    """A generation as it stands in an image, at ``GENERATION``."""
    return generation.to_bytes(8, "little", signed=True)


_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.Decoder(Status).decode
_TAG = 16  #: bytes of the checksum before a status
_KIND = b"assay status"


class StatusSeal:
    """Writes and reads statuses with a checksum of their bytes and of their partition's name.

    With a secret only who knows it can make one. An old status of the same partition is genuine:
    that its owner is silent since is told by its ``published_at``.

    Args:
        secret: of those who publish and those who read; at most 64 bytes.

    Example:
        >>> status = Status(generation=1, seq=7, mark=b"", tables=(), newest={}, oldest=None,
        ...                 published_at=5)
        >>> seal = StatusSeal(b"between us")
        >>> seal.read("users/3", seal.write("users/3", status)).seq
        7
        >>> seal.read("users/4", seal.write("users/3", status))
        Traceback (most recent call last):
        ...
        assay.core.errors.Corrupt: the status of partition 'users/4' does not match its checksum...
    """

    def __init__(self, secret: bytes = b"") -> None:
        self._secret = secret

    def write(self, partition: str, status: Status) -> bytes:
        """The bytes of a partition's status."""
        body = _encode(status)
        return self._tag(partition, body) + body

    def read(self, partition: str, data: bytes) -> Status:
        """The status in its bytes.

        Raises:
            Corrupt: they are none, of another partition, altered, or made with another secret.
        """
        if len(data) > STATUS_MAX:
            raise Corrupt(f"a status has at most {STATUS_MAX} bytes, got {len(data)}")
        if not compare_digest(data[:_TAG], self._tag(partition, data[_TAG:])):
            raise Corrupt(
                f"the status of partition {partition!r} does not match its checksum: it was "
                "altered, is of another partition, or made with another redis.image_secret. Its "
                "owner publishes it anew when it starts"
            )
        try:
            return _decode(data[_TAG:])
        except msgspec.MsgspecError as error:
            raise Corrupt(f"the status of a partition cannot be read: {error}") from error

    def _tag(self, partition: str, body: bytes) -> bytes:
        found = blake2b(digest_size=_TAG, key=self._secret, person=_KIND)
        name = partition.encode()
        found.update(len(name).to_bytes(4, "little") + name)
        found.update(body)
        return found.digest()


UNKEYED = StatusSeal()  #: tells damage and mistakes, not malice


class MemoryReadModel:
    """A read model in this process, for tests and for one that has no other; keeps all."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._epochs: dict[str, int] = {}
        self._seqs: dict[str, int] = {}
        self._building: dict[str, int] = {}

    def claim(self, partition: str, at: int) -> Claim:
        """See ``ReadModel.claim``."""
        epoch = self._epochs[partition] = max(self._epochs.get(partition, 0) + 1, at)
        return Claim(epoch, self._values.get(status_name(partition)))

    def publish(self, flush: Flush) -> None:
        """See ``ReadModel.publish``."""
        partition, name = flush.partition, status_name(flush.partition)
        if self._epochs.get(partition, 0) > flush.epoch:
            raise Superseded(partition, flush.epoch)
        if flush.after is not None:
            reached = self._seqs.get(partition, -1) if name in self._values else -1
            same = self._epochs.get(partition) == flush.epoch
            if not (same and flush.after <= reached <= flush.seq):
                raise Lost(partition)
        elif not flush.first and self._building.get(partition) != flush.generation:
            raise Lost(partition)
        self._epochs[partition], self._building[partition] = flush.epoch, flush.generation
        for row in flush.rows:
            self._values[row.name] = row.image
        if flush.status is None:
            self._values.pop(name, None)
        else:
            self._values[name], self._seqs[partition] = flush.status, flush.seq

    def sweep(self, partition: str, epoch: int, generation: int, cursor: int) -> int:
        """See ``ReadModel.sweep``; all at once."""
        assert cursor == 0
        start = row_prefix(partition)
        if self._epochs.get(partition) == epoch:
            for name, image in list(self._values.items()):
                if name.startswith(start) and image[GENERATION] != generation_bytes(generation):
                    del self._values[name]
        return 0

    def fetch(self, names: Sequence[bytes]) -> list[bytes | None]:
        """See ``ReadModel.fetch``."""
        return [self._values.get(name) for name in names]
