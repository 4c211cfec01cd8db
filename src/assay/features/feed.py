"""How does one event come in? By the rows of its keys, and as the whole numbers kept of it."""

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from assay.core.errors import Invalid
from assay.features.layout import NO_KEY, NOT_SEEN, REACH, SHAPE_WORDS
from assay.features.plan import Plan
from assay.features.slabs import Key, Slabs

#: The rows by key; the field that is the key; all fields if there are several.
Lookup = tuple[dict[Key, int], str, tuple[str, ...] | None]


class Feed:
    """How events of one type enter: their tables and keys, their program, and the buffer.

    ``start`` is where the program stands among those of all types.
    """

    def __init__(self, plan: Plan, source: str, slabs: Slabs, start: int) -> None:
        self.start = start
        tables = self.tables = plan.by_source[source]
        self.encoder, self.program = plan.encoders[source], plan.applying[source]
        self.keys = [plan.tables[at].key for at in tables]
        self.lookups = [
            look_up(slabs.keys[at], key) for at, key in zip(tables, self.keys, strict=True)
        ]
        reaches = slabs.shapes[REACH::SHAPE_WORDS].tolist()
        self.reaches = [reaches[at] for at in tables]
        self.least_reach = min(self.reaches)
        self._words = struct.Struct(f"<{2 + 2 * len(tables) + len(self.encoder.inputs)}q")
        self._no_places = [-1] * len(tables)
        self.words = self._words.size // 8
        self.io = np.zeros(self.words, np.int64)
        self._data = self.io.data

    def fill(self, ts: int, identity: int, rows: list[int], codes: list[int]) -> None:
        """Write what the kernel inserts.

        Raises:
            Invalid: a value is no whole number of 64 bits; what was written does not matter.
        """
        try:
            self._words.pack_into(self._data, 0, ts, identity, *rows, *self._no_places, *codes)
        except struct.error as error:
            raise Invalid(self.encoder.misfit(codes)) from error

    def put(self, place: int, row: int) -> None:
        """Write the row of a table."""
        self.io[2 + place] = row

    def place(self, places: list[int]) -> None:
        """Write the positions found for an event whose ts was there already."""
        self.io[2 + len(places) : 2 + 2 * len(places)] = places


def rows_of(payload: Mapping[str, Any], lookups: list[Lookup]) -> list[int]:
    """The row of each look-up: ``NO_KEY`` where a part is not known, ``NOT_SEEN`` if it is new."""
    rows = []
    for keys, name, names in lookups:
        key = payload.get(name) if names is None else composite_key(payload, names)
        rows.append(NO_KEY if key is None else keys.get(key, NOT_SEEN))
    return rows


def composite_key(payload: Mapping[str, Any], names: tuple[str, ...]) -> Key | None:
    """The key of several fields; None where any of them is not known."""
    parts: tuple[Any, ...] = tuple([payload.get(name) for name in names])
    return None if None in parts else parts


def look_up(keys: dict[Key, int], names: tuple[str, ...]) -> Lookup:
    """How to find the row of a key of these fields."""
    return keys, names[0], names if len(names) > 1 else None
