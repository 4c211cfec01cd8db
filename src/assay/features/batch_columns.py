"""How do events that already are columns enter the live state? With no Python object for each."""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import numpy as np

from assay.contracts.contract import EventContract
from assay.core.errors import Invalid, shown
from assay.features.batch import Batch, Keys, texts_of
from assay.features.columns import Coded, Column, Columns, Partly, encoded, taken, whole_codes
from assay.features.encode import NULL
from assay.features.feed import Feed
from assay.features.layout import NO_KEY, Ints
from assay.features.placed import dense
from assay.features.slabs import Key


def batches_of(
    columns: Columns, feed: Feed, contract: EventContract, gone: set[str], size: int
) -> Iterator[Batch]:
    """Events of one type, so many at a time, without those whose id is ``gone``.

    Raises:
        Invalid: a column of another kind or length than expected, an id or key that is no text
            where one is needed; at the first batch, for all of them.
    """
    ids = _checked(columns, feed, contract)
    if gone:
        left = np.array([at for at, name in enumerate(ids) if name not in gone], np.intp)
        fields = {name: taken(column, left) for name, column in columns.fields.items()}
        ids = [ids[at] for at in left.tolist()]
        columns = Columns(columns.ts[left], ids, fields)
    codes = [encoded(columns, item) for item in feed.encoder.inputs]
    keys = [
        _KeyColumn(columns, key, rows)
        for key, (rows, _, _) in zip(feed.keys, feed.lookups, strict=True)
    ]
    tables = len(keys)
    for start in range(0, len(ids), size):
        span = slice(start, start + size)
        numbers = Keys()
        lines = np.empty((len(ids[span]), feed.words), np.int64)
        lines[:, 0] = columns.ts[span]
        for word, key in enumerate(keys, 2):
            lines[:, word] = key.words(span, numbers)
        lines[:, 2 + tables : 2 + 2 * tables] = -1
        for word, values in enumerate(codes, 2 + 2 * tables):
            lines[:, word] = values[span]
        of, starts = np.zeros(len(lines), np.int64), np.full(len(lines), feed.start, np.int64)
        yield Batch([feed], of, lines, starts, numbers, *texts_of(ids[span]))


class _KeyColumn:
    """One look-up of an event type: a number per event, and the keys that the numbers stand for."""

    def __init__(self, columns: Columns, names: tuple[str, ...], rows: Mapping[Key, int]) -> None:
        self._rows = rows
        parts = [_numbered(columns.column(name)) for name in names]
        self._numbers, self._keys = parts[0]
        for numbers, keys in parts[1:]:
            known = (self._numbers >= 0) & (numbers >= 0)
            pairs, count = dense(np.where(known, self._numbers * len(keys) + numbers, NULL))
            some = np.zeros(count, np.int64)
            some[pairs[known]] = np.flatnonzero(known)
            ours, theirs = self._numbers[some].tolist(), numbers[some].tolist()
            self._keys = [
                _joined(self._keys[i], keys[j]) for i, j in zip(ours, theirs, strict=True)
            ]
            self._numbers = pairs
        self._last: Ints = np.zeros(len(self._keys), np.int64)

    def words(self, span: slice, keys: Keys) -> Ints:
        """What stands for the key of each event of a span in its line; see `Keys`."""
        numbers, last = self._numbers[span], self._last
        known = numbers >= 0
        kept, order = numbers[known], np.arange(np.count_nonzero(known))
        last[kept] = order  # of equal numbers the last one stands
        found = last[kept]
        first = np.flatnonzero(found == order)
        order[first] = np.arange(len(first))
        names = [self._keys[number] for number in kept[first].tolist()]
        words = np.full(len(numbers), NO_KEY, np.int64)
        words[known] = keys.add(names, self._rows) - order[found]
        return words


def _joined(one: Key, other: Key) -> Key:
    return (*(one if isinstance(one, tuple) else (one,)), cast("str | int", other))


def _used(column: Column) -> Column:
    """The same column; of a dictionary larger than the column only the texts that occur."""
    if not isinstance(column, Coded) or len(column.texts) <= len(column.codes):
        return column
    used, codes = np.unique(np.maximum(column.codes, -1), return_inverse=True)
    unknown = int(len(used) > 0 and used[0] < 0)
    return Coded(codes - unknown, [column.texts[at] for at in used[unknown:].tolist()])


def _numbered(column: Column) -> tuple[Ints, Sequence[Key]]:
    """A number for each value, negative where it is not known, and what the numbers stand for."""
    if isinstance(column, Coded):
        return column.codes.astype(np.int64), column.texts
    values = whole_codes(column)
    numbers, count = dense(values)
    keys = np.empty(count, np.int64)
    keys[numbers[numbers >= 0]] = values[numbers >= 0]
    return numbers, keys.tolist()


def _checked(columns: Columns, feed: Feed, contract: EventContract) -> list[str]:
    """The ids, when all columns have the length and, if they are of keys, the kind they must."""
    count = len(columns.ts)
    if isinstance(columns.ids, np.ndarray):
        raise Invalid("the ids of events that enter a state are texts, got numbers")
    lengths = {name: _length(column) for name, column in columns.fields.items()}
    wrong = {
        name: size for name, size in {"id": len(columns.ids), **lengths}.items() if size != count
    }
    if wrong:
        raise Invalid(f"expected columns of {count} values as there are ts, got {shown(wrong)}")
    for name in {name for key in feed.keys for name in key}:
        kind = contract.field(name).kind
        column = columns.column(name)
        known = column.known.any() if isinstance(column, Partly) else len(columns.ts) > 0
        if known and isinstance(column, Coded) != (kind == "text"):
            raise Invalid(
                f"field {name!r}: a key of kind {kind} is not given as {type(column).__name__}"
            )
    return list(columns.ids)


def _length(column: Column) -> int:
    if isinstance(column, Coded):
        return len(column.codes)
    return len(column.values) if isinstance(column, Partly) else len(column)
