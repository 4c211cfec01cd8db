"""How do many events come in at once? As columns, without a Python object per event."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.contracts.contract import EventContract
from assay.contracts.event import Event
from assay.core.errors import Invalid, shown
from assay.features.encode import NULL, Input, text_code

Ints = NDArray[np.int64]
_ALL_BUT_SIGN = np.int64(0x7FFF_FFFF_FFFF_FFFF)


class Coded(msgspec.Struct, frozen=True):
    """A text column: ``texts[codes[i]]`` is the i-th value, a negative code is "not known".

    No text occurs twice in ``texts``.
    """

    codes: NDArray[np.integer]
    texts: Sequence[str]


class Partly(msgspec.Struct, frozen=True):
    """A number column of which some values are not known; those may hold anything."""

    values: NDArray[np.generic]
    known: NDArray[np.bool_]


#: Numbers that are all known, numbers of which some are, or texts. Keys that are only matched may
#: be whole numbers in place of texts, if they are in every table of a key.
Column = NDArray[np.generic] | Partly | Coded


class Columns(msgspec.Struct, frozen=True):
    """Events of one type, in any order.

    ``ts`` in microseconds, shape ``(n,)``; ``ids`` texts, or whole numbers whose order stands for
    that of the ids; ``fields`` holds a column of length n per field, absent ones are "not known".
    """

    ts: Ints
    ids: Sequence[str] | Ints
    fields: Mapping[str, Column]

    def column(self, name: str) -> Column:
        """The column of a field, all unknown where there is none."""
        found = self.fields.get(name)
        if found is not None:
            return found
        return Partly(np.zeros(len(self.ts), np.int64), np.zeros(len(self.ts), np.bool_))


def columns_of(events: Sequence[Event], contract: EventContract, names: Iterable[str]) -> Columns:
    """The named fields of events of one type as columns."""
    fields: dict[str, Column] = {}
    for name in names:
        values = [event.payload.get(name) for event in events]
        if contract.field(name).kind == "text":
            fields[name] = coded(values)
        else:
            real = contract.field(name).kind == "real"
            fields[name] = _numbers(values, np.float64 if real else np.int64)
    return Columns(
        ts=np.array([event.ts for event in events], np.int64),
        ids=[event.id for event in events],
        fields=fields,
    )


def coded(texts: Iterable[str | None]) -> Coded:
    """Texts (None: not known) as a dictionary-encoded column.

    Example:
        >>> column = coded(["a", None, "b", "a"])
        >>> column.codes.tolist(), column.texts
        ([0, -1, 1, 0], ['a', 'b'])
    """
    places: dict[str, int] = {}
    codes = [-1 if text is None else places.setdefault(text, len(places)) for text in texts]
    return Coded(np.array(codes, np.int64), list(places))


def whole_codes(column: Column) -> Ints:
    """A column of whole numbers, ``NULL`` where not known."""
    if isinstance(column, Coded):
        raise Invalid("expected whole numbers, got texts")
    if isinstance(column, Partly):
        return np.where(column.known, column.values.astype(np.int64), NULL)
    return column.astype(np.int64)


def encoded(columns: Columns, item: Input) -> Ints:
    """One field as the kernel sees it, shape ``(n,)``; ``NULL`` where not known.

    Raises:
        Invalid: a column of another kind than the contract says, or a NaN.
    """
    column = columns.column(item.field)
    if isinstance(column, Coded):
        if item.kind != "text":
            raise Invalid(f"field {item.field!r}: expected numbers ({item.kind}), got texts")
        if item.choices:
            places = {text: place for place, text in enumerate(item.choices)}
            table = [places.get(text, -1) for text in column.texts]
        else:
            table = [text_code(text) for text in column.texts]
        looked_up: Ints = np.array([*table, NULL], np.int64)[np.maximum(column.codes, -1)]
        return looked_up
    values, known = (column.values, column.known) if isinstance(column, Partly) else (column, None)
    if item.kind == "text" and (known is None or known.any()):
        raise Invalid(f"field {item.field!r}: expected texts as Coded, got {values.dtype}")
    codes = _real_codes(item, values, known) if item.kind == "real" else _whole(item, values)
    return codes if known is None else np.where(known, codes, NULL)


def time_order(columns: Columns) -> NDArray[np.intp] | None:
    """The order by (ts, id), or None when the events already are in it."""
    ts, ids = columns.ts, columns.ids
    if len(ts) < 2 or bool(np.all(ts[1:] > ts[:-1])):
        return None
    if isinstance(ids, np.ndarray):
        return np.lexsort((ids, ts))
    order = np.argsort(ts, kind="stable")
    tied = np.flatnonzero(np.diff(ts[order]) == 0)
    for run in np.split(tied, np.flatnonzero(np.diff(tied) > 1) + 1) if len(tied) else []:
        first, stop = int(run[0]), int(run[-1]) + 2
        order[first:stop] = sorted(order[first:stop].tolist(), key=ids.__getitem__)
    return order


def payload_values(column: Column) -> list[int | float | bool | str | None]:
    """A column as payload values, for functions that work on one request at a time."""
    if isinstance(column, Coded):
        return [None if code < 0 else column.texts[code] for code in column.codes.tolist()]
    if isinstance(column, Partly):
        pairs = zip(column.values.tolist(), column.known.tolist(), strict=True)
        return [value if known else None for value, known in pairs]
    return list(column.tolist())


def taken(column: Column, places: NDArray[np.intp]) -> Column:
    """The same column, reduced to ``places`` in that order."""
    if isinstance(column, Coded):
        return Coded(column.codes[places], column.texts)
    if isinstance(column, Partly):
        return Partly(column.values[places], column.known[places])
    return column[places]


def _numbers(values: list[int | float | None], kind: type[np.int64 | np.float64]) -> Column:
    try:
        if None not in values:
            return np.array(values, kind)
        filled = np.array([0 if value is None else value for value in values], kind)
    except OverflowError as error:
        raise Invalid(f"expected whole numbers of 64 bits: {error}") from error
    return Partly(filled, np.array([value is not None for value in values], np.bool_))


def _whole(item: Input, values: NDArray[np.generic]) -> Ints:
    if values.dtype.kind not in "biu":
        raise Invalid(f"field {item.field!r}: expected whole numbers, got {shown(values.dtype)}")
    return values.astype(np.int64)


def _real_codes(item: Input, values: NDArray[np.generic], known: NDArray[np.bool_] | None) -> Ints:
    reals = values.astype(np.float64) + 0.0  # -0.0 becomes 0.0
    if known is not None:
        reals = np.where(known, reals, 0.0)
    if bool(np.isnan(reals).any()):
        raise Invalid(f"field {item.field!r}: expected finite numbers, got NaN; use Partly")
    bits = reals.view(np.int64)
    return np.where(bits < 0, bits ^ _ALL_BUT_SIGN, bits)
