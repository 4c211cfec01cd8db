"""How is a request read from the live state? The program and the buffers of a read."""

import struct

import numpy as np

from assay.contracts.event import Event
from assay.core.errors import Invalid
from assay.features.catalog import Catalog
from assay.features.combine import combine
from assay.features.feed import look_up, rows_of
from assay.features.finalise import finalise_vector
from assay.features.gather import read
from assay.features.layout import NO_KEY, Ints
from assay.features.slabs import Key
from assay.features.vector import Vector

_FIRST_SEEN = 1 << 8


class Reader:
    """How requests are read: the program and the buffers it works in."""

    def __init__(self, catalog: Catalog, keys: list[dict[Key, int]]) -> None:
        plan = catalog.plan
        self._program, self._operations, self._width = plan.reading, plan.operations, len(catalog)
        self._combining = catalog.combining
        self._lookups = [look_up(keys[group.table], group.key) for group in plan.groups]
        self._encoder = plan.encoders[catalog.request.type] if plan.includes else None
        inputs = len(self._encoder.inputs) if self._encoder else 0
        self._no_places = [-1] * len(plan.groups) if plan.ties else []
        size = 1 + len(plan.groups) + len(self._no_places) + inputs
        self._words = struct.Struct(f"<{size}q")
        self._io = np.zeros(size, np.int64)
        words = len(plan.slots) * plan.slot_words
        self.words = np.zeros(words + 1, np.int64)
        self._slots = self.words[:words].reshape(-1, plan.slot_words)
        self._seen = np.zeros(1 + 2 * _FIRST_SEEN, np.int64)
        self._work = np.zeros(plan.work_words, np.int64)

    def fill(self, request: Event, without: tuple[int, ...] = ()) -> list[int]:
        """Write what the kernel reads: T, rows, and the request's own inputs if any count.

        Returns the rows.
        """
        rows = rows_of(request.payload, self._lookups)
        for group in without:
            rows[group] = NO_KEY
        codes = self._encoder.encode(request.payload) if self._encoder else ()
        try:
            self._words.pack_into(self._io.data, 0, request.ts, *rows, *self._no_places, *codes)
        except struct.error as error:
            raise Invalid(
                self._encoder.misfit(codes) if self._encoder else f"T is no time: {error}"
            ) from error
        return rows

    def gather(self, pool: Ints, rows: Ints) -> int:
        """Gather every slot; 0, ``TIE``, or how many values must be told apart."""
        return read(pool, rows, self._program, self._io, self.words, self._seen, self._work)

    def finalise(self, at: int) -> tuple[Vector, int]:
        """The vector of what was gathered, derived values missing, and how many did not fit."""
        vector = Vector(np.empty(self._width, np.int64), np.empty(self._width, np.uint8))
        lost = finalise_vector(self._slots, self._operations, at, vector.bits, vector.known)
        if len(self._combining):
            lost += combine(self._combining, vector.bits[None], vector.known[None])
        return vector, lost

    def place(self, places: list[int]) -> None:
        """Write where the request stands among the events at T, in the row of each look-up."""
        self._io[1 + len(places) : 1 + 2 * len(places)] = np.maximum(places, 0)

    def remember(self, values: int) -> None:
        """Make room to tell that many values apart at half load."""
        self._seen = np.zeros(1 + 2 * (1 << (2 * values).bit_length()), np.int64)
