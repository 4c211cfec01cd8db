"""How does what is known about one entity travel to another process? As one block of bytes.

An image holds the events of one row (see ``packing``), not values: the reader finalises them at its
own T with the same kernel, so that no value is ever served past the instant at which a window edge
changes it. An image that is not exactly what was made is an error, never a wrong value.
"""

import hashlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from assay.contracts.contract import Field
from assay.contracts.event import Event
from assay.core.canonical import canonical, digest
from assay.core.errors import Corrupt, Invalid
from assay.core.time import TIME_MIN
from assay.features.catalog import Catalog
from assay.features.feed import composite_key
from assay.features.layout import NULL, REACH, SHAPE_WORDS
from assay.features.packing import Packed, packed_size
from assay.features.plan import FOREVER, Table
from assay.features.retention import shapes
from assay.features.slabs import Key
from assay.features.state import FeatureState
from assay.features.vector import Vector
from assay.features.view import view_names

IMAGE_MAX = (
    1 << 20
)  #: bytes of an image unless said otherwise; beyond it the oldest blocks stay out
EVENTS_MAX = 1 << 24  #: more events than any image holds: a bound on what a reader allocates
_MAGIC = b"ARI1"
#: magic, table, key, events, id bytes, generation, seq, since, newest
_HEADER = struct.Struct("<4s16s16sIIqqqq")
#: Where in an image its generation stands, as eight bytes.
GENERATION_AT = struct.calcsize("<4s16s16sII")
_CHECK = 8  #: bytes of the checksum at the end
_ID_LENGTH = struct.Struct("<H")


class BadImage(Corrupt):
    """Bytes that are not the image they should be."""

    code = "bad_image"

    def __init__(self, why: str) -> None:
        super().__init__(f"a row image cannot be read: {why}. Have its owner publish the row again")


class Asked(NamedTuple):
    """One row that a request needs: its table, key, and the name both have outside."""

    table: int
    key: Key
    name: bytes


class RowImage(NamedTuple):
    """A decoded image: the events, and the place in the log at which they were all there were.

    ``generation`` tells one complete publication from the next: see ``runtime.read_model``.
    """

    generation: int
    seq: int
    newest: int | None
    packed: Packed


class ImageCodec:
    """Makes and reads the images of one catalog's tables.

    Args:
        catalog: what is kept; two catalogs share the images of a table they both have.
        secret: mixed into the checksum, so that only who knows it can make an image.
        image_max: bytes an image may have.

    Raises:
        Invalid: ``image_max`` is too small for one block, or the secret is longer than 64 bytes.
    """

    def __init__(
        self, catalog: Catalog, *, secret: bytes = b"", image_max: int = IMAGE_MAX
    ) -> None:
        if len(secret) > hashlib.blake2b.MAX_KEY_SIZE:
            raise Invalid(f"expected a secret of at most 64 bytes, got {len(secret)}")
        self.catalog, self._secret, self._max = catalog, secret, image_max
        self.tables = tuple(_table_digest(catalog, table) for table in range(len(self._shapes)))
        self._with_ids = _tables_with_ids(catalog)
        self._most = [self._events_max(*shape) for shape in self._shapes]

    def asked(self, request: Event) -> Iterator[Asked | None]:
        """The row of each look-up of a read, None where the request does not name one."""
        for group in self.catalog.plan.groups:
            key = _key(request.payload, group.key)
            yield None if key is None else Asked(group.table, key, self.name(group.table, key))

    def touched(self, event: Event) -> Iterator[Asked]:
        """The rows that an event changes."""
        for table in self.catalog.plan.by_source.get(event.type, ()):
            key = _key(event.payload, self.catalog.plan.tables[table].key)
            if key is not None:
                yield Asked(table, key, self.name(table, key))

    def name(self, table: int, key: Key) -> bytes:
        """The name of a row wherever it is kept: the hash of its table and key, 16 bytes.

        A hash, because keys are personal data and as long as their sender likes.
        """
        parts = [*key] if isinstance(key, tuple) else [key]
        return hashlib.blake2b(self.tables[table] + canonical(parts), digest_size=16).digest()

    def encode(self, state: FeatureState, asked: Asked, seq: int, generation: int = 0) -> bytes:
        """The image of a row after ``seq``; without events for a key that has none any more.

        Args:
            state: of this codec's catalog.
            asked: the row.
            seq: the newest entry of the log that the state holds.
            generation: of the publication it is part of.
        """
        table = asked.table
        found = state.packed(table, asked.key, self._most[table], ids=self._with_ids[table])
        if found is None:
            found = Packed(0, NULL, np.empty(0, np.int64))
        newest = int(found.words[found.n - 1]) if found.n else NULL
        ids = b"".join(_ID_LENGTH.pack(len(i)) + i for i in found.ids)
        what = (_MAGIC, self.tables[table], asked.name, found.n, len(ids))
        header = _HEADER.pack(*what, generation, seq, found.since, newest)
        body = b"".join((header, found.words.astype("<i8", copy=False).tobytes(), ids))
        return body + self._check(body)

    def decode(self, asked: Asked, image: bytes) -> RowImage:
        """The row in an image.

        Raises:
            BadImage: it is truncated, altered, too large, of another row or of another catalog.
        """
        if len(image) < _HEADER.size + _CHECK:
            raise BadImage(f"expected at least {_HEADER.size + _CHECK} bytes, got {len(image)}")
        if image[:4] != _MAGIC:
            raise BadImage(f"expected format {_MAGIC!r}, got {bytes(image[:4])!r}")
        if self._check(image[:-_CHECK]) != image[-_CHECK:]:
            raise BadImage("its bytes do not match their checksum")
        _, table, name, n, id_bytes, generation, seq, since, newest = _HEADER.unpack_from(image)
        if (table, name) != (self.tables[asked.table], asked.name):
            raise BadImage("it is that of another row, or of a table defined otherwise")
        words = packed_size(n, *self._shapes[asked.table]) if n <= EVENTS_MAX else -1
        if len(image) != _HEADER.size + 8 * words + id_bytes + _CHECK:
            raise BadImage(f"expected {n} events, got {len(image)} bytes")
        body = np.frombuffer(image, "<i8", words, _HEADER.size).astype(np.int64, copy=False)
        ids = tuple(_ids(image[_HEADER.size + 8 * words : -_CHECK]))
        if len(ids) != (n if self._with_ids[asked.table] else 0):
            raise BadImage(f"expected the ids of {n} events, got {len(ids)}")
        last = None if newest == NULL else newest
        return RowImage(generation, seq, last, Packed(n, since, body, ids))

    def rows(self, state: FeatureState) -> Iterator[Asked]:
        """Every row that a state keeps."""
        for table, key in state.every_key():
            yield Asked(table, key, self.name(table, key))

    def retention(self, table: int) -> int | None:
        """Microseconds after which no window sees an event of a table; None for never."""
        reach = _reaches(self.catalog)[table]
        return None if reach >= FOREVER else reach

    @property
    def _shapes(self) -> list[tuple[int, int, int]]:
        return [table.shape for table in self.catalog.plan.tables]

    def _check(self, body: bytes) -> bytes:
        return hashlib.blake2b(body, digest_size=_CHECK, key=self._secret).digest()

    def _events_max(self, columns: int, masked: int, lanes: int) -> int:
        """Events that fit: at least one block, or an image would be of no use."""
        block = 8 * packed_size(64, columns, masked, lanes) + 64 * _ID_LENGTH.size
        blocks = (self._max - _HEADER.size - _CHECK) // block
        if blocks < 1:
            raise Invalid(f"expected image_max of at least {block + 100} bytes, got {self._max}")
        return min(64 * blocks, EVENTS_MAX)


class ImageReader:
    """Vectors from images: what the owner of the rows would have read, bit for bit.

    Not for two threads at once.
    """

    def __init__(self, codec: ImageCodec) -> None:
        self.codec, plan = codec, codec.catalog.plan
        self._scratch = FeatureState(codec.catalog)
        self._views = view_names(plan)
        self._reach = _reaches(codec.catalog)

    def incomplete(self, table: int, image: RowImage, at: int) -> bool:
        """Whether a window at T may reach back to events that were left out of an image."""
        if image.packed.since == NULL:
            return False
        reach = self._reach[table]
        return reach >= FOREVER or at - reach < image.packed.since

    def read(
        self, request: Event, rows: Sequence[tuple[Asked, RowImage]], absent: Mapping[str, str]
    ) -> tuple[Vector, int | None]:
        """The vector at ``T = request.ts``; a row that is not given was never seen.

        Args:
            request: what is asked about.
            rows: the rows that have an image, each once.
            absent: the views whose values are not known, with the reason.
        """
        scratch = self._scratch
        scratch.clear()
        for asked, image in rows:
            scratch.lay(asked.table, asked.key, image.packed)
        return scratch.read(request, tuple(absent))

    def warm(self) -> None:
        """Compile, or load, what making and reading images takes."""
        catalog, state = self.codec.catalog, FeatureState(self.codec.catalog)
        for table in catalog.plan.tables:
            contract = catalog.contracts.get(table.source)
            payload = {f: "a" if contract.field(f).kind == "text" else 1 for f in table.key}
            event = Event("warm", table.source, TIME_MIN, payload)
            state.apply(event)
            for asked in self.codec.touched(event):
                row = self.codec.decode(asked, self.codec.encode(state, asked, 0))
                self.read(Event("r", catalog.request.type, TIME_MIN, {}), [(asked, row)], {})

    @property
    def views(self) -> tuple[str, ...]:
        """The view of each table."""
        return self._views


def _key(payload: Mapping[str, Any], names: tuple[str, ...]) -> Key | None:
    if len(names) > 1:
        return composite_key(payload, names)
    key: Key | None = payload.get(names[0])
    return key


def _reaches(catalog: Catalog) -> list[int]:
    """How far back any window over each table sees."""
    found: list[int] = shapes(catalog)[REACH::SHAPE_WORDS].tolist()
    return found


def _ids(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        if at + _ID_LENGTH.size > len(data):
            raise BadImage("its ids end in the middle of one")
        (size,) = _ID_LENGTH.unpack_from(data, at)
        at += _ID_LENGTH.size
        if at + size > len(data):
            raise BadImage("its ids end in the middle of one")
        yield data[at : at + size]
        at += size


def _tables_with_ids(catalog: Catalog) -> list[bool]:
    """Whether the order of simultaneous events by id can change a value of a table."""
    by_id = {
        (feature.source, feature.key)
        for feature in catalog.features
        if getattr(feature, "ties", "exclude") != "exclude"
    }
    return [(table.source, table.key) in by_id for table in catalog.plan.tables]


def _numbers(catalog: Catalog, table: Table) -> list[Field]:
    """The fields whose numbers stand in a row, or decided which did."""
    inputs = catalog.plan.encoders[table.source].inputs
    names = [inputs[column].field for column in table.columns]
    names += [where.field for held in table.filters for where in held]
    return [catalog.contracts.get(table.source).field(name) for name in names]


def _table_digest(catalog: Catalog, index: int) -> bytes:
    """What the words of a row mean, as 16 bytes: equal where images can be shared."""
    table = catalog.plan.tables[index]
    inputs = catalog.plan.encoders[table.source].inputs
    meaning = {
        "layout": 1,
        "source": table.source,
        "key": table.key,
        "kinds": [catalog.contracts.get(table.source).field(name).kind for name in table.key],
        "columns": [msgspec.to_builtins(inputs[column]) for column in table.columns],
        "units": [[field.unit, field.scale] for field in _numbers(catalog, table)],
        "filters": [[msgspec.to_builtins(where) for where in held] for held in table.filters],
        "lanes": [[lane.column, lane.filter] for lane in table.lanes],
        "needs": table.needs,
        "ids": _tables_with_ids(catalog)[index],
    }
    return bytes.fromhex(digest(meaning).partition(":")[2])[:16]
