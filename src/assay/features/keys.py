"""Which events belong to the entity of which request, when both come as columns?"""

from collections.abc import Sequence

import numpy as np

from assay.core.errors import Invalid
from assay.features.columns import Coded, Column, Partly, whole_codes
from assay.features.encode import NULL
from assay.features.layout import Ints
from assay.features.placed import dense


def rows_of(ours: Sequence[Column], theirs: Sequence[Column]) -> tuple[Ints, Ints, int]:
    """The row of each event and of each request as given, and the number of rows.

    A key of which a part is not known has the row after the last. Where the two are the same
    columns, so are the rows.
    """
    same = all(our is their for our, their in zip(ours, theirs, strict=True))
    keys, rows = np.zeros(0, np.int64), 1
    for part, (our, their) in enumerate(zip(ours, theirs, strict=True)):
        codes, count = _unified((our,) if same else (our, their))
        if part == 0:
            keys, rows = codes, count
        else:
            both = np.where((keys >= 0) & (codes >= 0), keys * count + codes, NULL)
            keys, rows = dense(both)
    if len(keys) and keys.min() < 0:
        keys = np.where(keys >= 0, keys, rows)
    if same:
        return keys, keys, rows
    events = len(keys) - _length(theirs[0])
    return keys[:events], keys[events:], rows


def _unified(columns: Sequence[Column]) -> tuple[Ints, int]:
    """One number for equal values of all columns, -1 where not known, and how many there are."""
    if not any(isinstance(column, Coded) for column in columns):
        return dense(np.concatenate([whole_codes(column) for column in columns]))
    coded = [_as_coded(column) for column in columns]
    if all(column.texts is coded[0].texts for column in coded):
        codes = np.concatenate([column.codes for column in coded]).astype(np.int64)
        return codes, len(coded[0].texts)
    places: dict[str, int] = {}
    tables = [
        np.array([*(places.setdefault(t, len(places)) for t in column.texts), -1], np.int64)
        for column in coded
    ]
    pairs = zip(coded, tables, strict=True)
    return np.concatenate([table[np.maximum(c.codes, -1)] for c, table in pairs]), len(places)


def _as_coded(column: Column) -> Coded:
    """A text column; one of numbers is only accepted where nothing is known."""
    if isinstance(column, Coded):
        return column
    codes = whole_codes(column)
    if np.any(codes != NULL):
        raise Invalid("a key of texts is given as Coded, not as numbers")
    return Coded(np.full(len(codes), -1), ())


def _length(column: Column) -> int:
    if isinstance(column, Coded):
        return len(column.codes)
    return len(column.values) if isinstance(column, Partly) else len(column)
