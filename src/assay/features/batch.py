"""What does the compiled fold take for many events at once? Every field of them as one column."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from operator import attrgetter
from typing import Any, cast

import msgspec
import numpy as np

from assay.contracts.event import Event
from assay.core.errors import Invalid
from assay.features.encode import values_of, whole_numbers
from assay.features.feed import Feed
from assay.features.fold import (
    DONE,
    EMPTIED,
    EVENT,
    GATHERED,
    KEPT,
    MADE,
    NEXT_ID,
    NEXT_ROW,
    PLACE,
    ROOM,
    ROW,
    SWEEP,
    SWEPT,
    UNUSED,
    WANTING,
    fold,
)
from assay.features.layout import ID_BYTES, NO_KEY, NOT_SEEN, Bytes, Ints
from assay.features.slabs import Key, Slabs

_type_of, _payload_of = attrgetter("type"), attrgetter("payload")
_ts_of, _id_of = attrgetter("ts"), attrgetter("id")


class _KeyColumn(msgspec.Struct, frozen=True):
    """The keys of events in one table: on which lines, in which word; the numbers of some."""

    places: Ints
    word: int
    values: Sequence[Key | None]
    numbers: dict[Key, int]


class Keys:
    """The keys of a group of events that have no row yet, or no longer, by number."""

    def __init__(self) -> None:
        self.names: list[Key] = []
        self.rows: Ints = np.zeros((2, 0), np.int64)  #: their rows, and numbers that got one
        self._columns: list[_KeyColumn] = []

    def words_of(
        self, places: Ints, word: int, values: Sequence[Key | None], rows: Mapping[Key, int]
    ) -> Ints:
        """The row of each key, or what stands for its number, or ``NO_KEY``.

        They are meant for that word of the lines of these places.
        """
        column = _KeyColumn(places, word, values, {})
        self._columns.append(column)
        found: list[Any] = [*map(cast("Mapping[Any, int]", rows).get, values)]
        at = -1
        for _ in range(found.count(None)):
            at = found.index(None, at + 1)
            found[at] = self._number(column, values[at])
        self._make_room()
        return whole_numbers(found)

    def add(self, names: Sequence[Key], rows: Mapping[Key, int]) -> int:
        """Number different keys; what stands for the first, those after it are less by one each."""
        first = len(self.names)
        self.names += names
        self._make_room()
        found = [rows.get(name, NOT_SEEN) for name in names]
        self.rows[0, first:] = found
        return NO_KEY - 1 - first

    def forget(self, gone: list[int], lines: Ints, since: int) -> None:
        """These rows belong to no key any more: the lines from ``since`` on must not name them."""
        self.rows[0, np.isin(self.rows[0], gone)] = NOT_SEEN
        for column in self._columns:
            first = int(np.searchsorted(column.places, since))
            places = column.places[first:]
            for hit in np.flatnonzero(np.isin(lines[places, column.word], gone)).tolist():
                lines[places[hit], column.word] = self._number(column, column.values[first + hit])
        self._make_room()

    def _number(self, column: _KeyColumn, key: Key | None) -> int:
        """What stands for the number of a key, which is given its next one if it has none."""
        if key is None:
            return NO_KEY
        number = column.numbers.setdefault(key, len(self.names))
        if number == len(self.names):
            self.names.append(key)
        return NO_KEY - 1 - number

    def _make_room(self) -> None:
        more = len(self.names) - self.rows.shape[1]
        if more:
            self.rows = np.hstack((self.rows, np.full((2, more), NOT_SEEN, np.int64)))


class Batch(msgspec.Struct, frozen=True):
    """A group of events as the compiled fold takes them; see `assay.features.fold.fold`."""

    feeds: Sequence[Feed]
    of: Ints
    lines: Ints
    starts: Ints
    keys: Keys
    texts: Bytes
    ends: Ints


def batch_of(
    events: Sequence[Event], feeds: Mapping[str, Feed], gone: AbstractSet[str]
) -> Batch | None:
    """The columns of those events whose type has a feed and whose id is not ``gone``, if any.

    Raises:
        Exception: of several kinds, where one of the events cannot be applied.
    """
    types = [*map(_type_of, events)]
    if gone or not feeds.keys() >= set(types):
        events = [event for event in events if event.type in feeds and event.id not in gone]
        types = [*map(_type_of, events)]
    present = [feeds[name] for name in dict.fromkeys(types)]
    if not present:
        return None
    texts, ends = texts_of([*map(_id_of, events)])
    lines = np.empty((len(events), max(feed.words for feed in present)), np.int64)
    starts, of = np.empty(len(events), np.int64), np.zeros(len(events), np.int64)
    keys = Keys()
    if len(present) == 1:
        starts[:] = present[0].start
        _fill(lines, np.arange(len(events)), present[0], events, keys)
        return Batch(present, of, lines, starts, keys, texts, ends)
    for number, feed in enumerate(present):
        kind = feed.encoder.event_type
        places = np.array([at for at, name in enumerate(types) if name == kind], np.int64)
        part = np.empty((len(places), feed.words), np.int64)
        _fill(part, places, feed, [events[at] for at in places.tolist()], keys)
        lines[places, : feed.words], starts[places], of[places] = part, feed.start, number
    return Batch(present, of, lines, starts, keys, texts, ends)


def enter(slabs: Slabs, plan: tuple[Ints, Ints], batch: Batch, now: Ints) -> None:
    """Put the events of a batch into their rows; ``now`` is that of the compiled fold."""
    identities, keys = slabs.identities, batch.keys
    gathered = np.empty(len(batch.texts) + 2 * len(batch.lines), np.uint8)
    now[NEXT_ID] = identities.next
    done = -1
    while done != DONE:
        now[UNUSED], now[NEXT_ROW] = slabs.unused_count, len(slabs.names)
        now[SWEPT], now[KEPT] = slabs.swept, slabs.kept
        done = fold(
            (slabs.pool, slabs.rows, slabs.free, identities.uses),
            (slabs.tables, slabs.unused, slabs.emptied),
            plan,
            (batch.lines, batch.starts, keys.rows),
            (batch.texts, batch.ends, gathered),
            now,
        )
        at, wanting = int(now[EVENT]), int(now[WANTING])
        slabs.swept, slabs.kept = int(now[SWEPT]), int(now[KEPT])
        if now[MADE]:
            slabs.unused_count = int(now[UNUSED])
            numbers = keys.rows[1, : now[MADE]]
            names = [keys.names[number] for number in numbers.tolist()]
            slabs.adopt(keys.rows[0, numbers].tolist(), names)
            now[MADE] = 0
        if done == ROW:
            table = batch.feeds[batch.of[at]].tables[wanting]
            number = NO_KEY - 1 - int(batch.lines[at, 2 + wanting])
            keys.rows[0, number] = slabs.new_row(table, keys.names[number])
        elif done == ROOM:
            slabs.grow(wanting)
        elif done == SWEEP:
            forgotten = slabs.visited(slabs.swept, int(now[EMPTIED]), slabs.kept)
            if forgotten:
                keys.forget(forgotten, batch.lines, at + 1)
        else:
            identities.extend(gathered[: now[GATHERED]].tobytes())
            now[GATHERED], now[NEXT_ID] = 0, identities.next
            if done == PLACE:
                _place(slabs, batch, at)


def _place(slabs: Slabs, batch: Batch, at: int) -> None:
    """Find where an event stands among those of its time."""
    tables = len(batch.feeds[batch.of[at]].tables)
    line = batch.lines[at]
    name = batch.texts[batch.ends[at] : batch.ends[at + 1]].tobytes().decode()
    rows = line[2 : 2 + tables].tolist()
    line[2 + tables : 2 + 2 * tables] = [slabs.position(r, int(line[0]), name)[0] for r in rows]


def _fill(lines: Ints, places: Ints, feed: Feed, events: Sequence[Event], keys: Keys) -> None:
    """Write events of one type, which stand at ``places`` of the group, to their lines."""
    payloads = [*map(_payload_of, events)]
    tables = len(feed.tables)
    lines[:, 0] = whole_numbers([*map(_ts_of, events)])
    for word, (rows, name, names) in enumerate(feed.lookups, 2):
        values = _keys(payloads, names or (name,))
        lines[:, word] = keys.words_of(places, word, values, rows)
    lines[:, 2 + tables : 2 + 2 * tables] = -1
    for word, codes in enumerate(feed.encoder.encode_all(payloads), 2 + 2 * tables):
        lines[:, word] = codes


def _keys(payloads: Sequence[Mapping[str, Any]], names: tuple[str, ...]) -> list[Key | None]:
    """The key of each payload; None where a part is not known."""
    parts: list[list[Any]] = [values_of(payloads, name) for name in names]
    if len(parts) == 1:
        return parts[0]
    return [None if None in key else key for key in zip(*parts, strict=True)]


def texts_of(ids: list[str]) -> tuple[Bytes, Ints]:
    """The UTF-8 bytes of ids, and where each ends behind a first zero."""
    joined = "".join(ids)
    body = joined.encode()
    plain = len(body) == len(joined)
    sizes = np.array([*map(len, ids if plain else map(str.encode, ids))], np.int64)
    if len(sizes) and sizes.max() > ID_BYTES:
        raise Invalid(f"an id has at most {ID_BYTES} bytes")
    return np.frombuffer(body, np.uint8), np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes)))
