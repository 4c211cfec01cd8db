"""Which events belong to the entity of which request, when both come as columns?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assay.core.errors import Invalid
from assay.features.columns import Coded, Column, taken, whole_codes
from assay.features.encode import NULL
from assay.features.sweep import dense

Ints = NDArray[np.int64]


def rows_of(
    ours: Sequence[Column],
    theirs: Sequence[Column],
    order: NDArray[np.intp],
    places: NDArray[np.intp],
) -> tuple[Ints, Ints, int]:
    """The row of each event and of each request, and the number of rows.

    A key of which a part is not known has the row after the last.
    """
    keys, rows = np.zeros(len(order) + len(places), np.int64), 1
    for part, (our, their) in enumerate(zip(ours, theirs, strict=True)):
        codes, count = _unified(taken(our, order), taken(their, places))
        if part == 0:
            keys, rows = codes, count
        else:
            both = np.where((keys >= 0) & (codes >= 0), keys * count + codes, NULL)
            keys, rows = dense(both)
    keys = np.where(keys >= 0, keys, rows)
    return keys[: len(order)], keys[len(order) :], rows


def _unified(our: Column, their: Column) -> tuple[Ints, int]:
    """One number for equal values of two columns, -1 where not known, and how many there are."""
    if isinstance(our, Coded) or isinstance(their, Coded):
        ours, theirs = _as_coded(our), _as_coded(their)
        if ours.texts is theirs.texts:
            codes = np.concatenate((ours.codes, theirs.codes)).astype(np.int64)
            return np.maximum(codes, -1), len(ours.texts)
        places: dict[str, int] = {}
        tables = [
            np.array([*(places.setdefault(t, len(places)) for t in column.texts), -1], np.int64)
            for column in (ours, theirs)
        ]
        return np.concatenate(
            (tables[0][np.maximum(ours.codes, -1)], tables[1][np.maximum(theirs.codes, -1)])
        ), len(places)
    return dense(np.concatenate((whole_codes(our), whole_codes(their))))


def _as_coded(column: Column) -> Coded:
    """A text column; one of numbers is only accepted where nothing is known."""
    if isinstance(column, Coded):
        return column
    codes = whole_codes(column)
    if np.any(codes != NULL):
        raise Invalid("a key of texts is given as Coded, not as numbers")
    return Coded(np.full(len(codes), -1), ())
