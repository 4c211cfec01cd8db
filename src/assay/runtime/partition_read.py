"""What is known about a request whose entities live on different partitions? And as of when?

The values of each entity are read where its history lies, by the same kernel; the cut of the
receipt names the place of every partition that was asked.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.contracts.event import Event
from assay.features.catalog import Catalog
from assay.features.combine import combine
from assay.features.derive import Deriver
from assay.features.state import FeatureState
from assay.features.vector import Vector
from assay.runtime.partition_plan import Partition, Routes, shard_catalog, shards_of


class Holding(NamedTuple):
    """The state of one partition, and the ``seq`` up to which it reaches."""

    features: FeatureState
    seq: int


class _View(NamedTuple):
    """The values of one shard that are asked for by one field of the request."""

    shard: str
    field: str
    ours: NDArray[np.int64]
    theirs: NDArray[np.int64]


class SpreadReader:
    """Reads whole vectors from states that each keep one shard's features of some entities.

    Args:
        catalog: the values of a vector.
        routes: where entities live.
        at: the holding of a partition; raises Unavailable when there is none.
    """

    def __init__(
        self, catalog: Catalog, routes: Routes, at: Callable[[Partition], Holding]
    ) -> None:
        self._catalog, self._routes, self._at = catalog, routes, at
        self._deriver = Deriver(catalog)
        self._views: list[_View] = []
        self._nobody: dict[str, FeatureState] = {}
        for shard in shards_of(catalog):
            self._nobody[shard.name] = FeatureState(shard_catalog(catalog, shard))
            for field in dict.fromkeys(shard.asked):
                places = [at for at, asked in enumerate(shard.asked) if asked == field]
                ours = [catalog.index(shard.features[at].name) for at in places]
                self._views.append(_View(shard.name, field, np.array(ours), np.array(places)))

    def read(self, request: Event) -> tuple[Vector, int | None, dict[str, int]]:
        """The vector at ``T = request.ts``, the newest event used, and the cut it was read at.

        Raises:
            Unavailable: a partition is not at hand.
        """
        size = len(self._catalog)
        vector = Vector(np.zeros(size, np.int64), np.zeros(size, np.uint8))
        newest: int | None = None
        cut: dict[str, int] = {}
        for view in self._views:
            value = request.payload.get(view.field)
            if value is None:  # nobody: any state says so
                state = self._nobody[view.shard]
            else:
                partition = self._routes.place(view.shard, value)
                state, cut[str(partition)] = self._at(partition)
            found, seen = state.read(request)
            vector.bits[view.ours] = found.bits[view.theirs]
            vector.known[view.ours] = found.known[view.theirs]
            if seen is not None and (newest is None or seen > newest):
                newest = seen
        combine(self._catalog.combining, vector.bits[None], vector.known[None])
        combine(self._catalog.combining, vector.bits.reshape(1, -1), vector.known.reshape(1, -1))
        self._deriver.fill(vector, request.payload)
        return vector, newest, cut
