"""What is known about a request whose entities live on different partitions? And as of when?

The values of each entity are read where its history lies, by the same kernel; the cut of the
receipt names the place of every partition that was asked.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.contracts.event import Event
from assay.features.catalog import Catalog
from assay.features.combine import combine
from assay.features.derive import Deriver
from assay.features.state import FeatureState
from assay.features.vector import Vector
from assay.features.view import view_names
from assay.runtime.partition_plan import Partition, Routes, shard_catalog, shards_of


class Holding(NamedTuple):
    """The state of one partition, and the ``seq`` up to which it reaches."""

    features: FeatureState
    seq: int


class Ask(NamedTuple):
    """The values of one shard that are asked for by one field of the request.

    ``ours`` are their places in the whole vector, ``theirs`` in the shard's.
    """

    shard: str
    field: str
    ours: NDArray[np.int64]
    theirs: NDArray[np.int64]


class Share(NamedTuple):
    """What one partition knows for a request."""

    ask: Ask
    bits: NDArray[np.int64]
    known: NDArray[np.uint8]
    newest: int | None


class Spread:
    """How a vector is put together from shares.

    Args:
        catalog: the values of a vector.
        routes: where entities live.
    """

    def __init__(self, catalog: Catalog, routes: Routes) -> None:
        self.catalog, self._routes = catalog, routes
        self._deriver = Deriver(catalog)
        self.catalogs = {s.name: shard_catalog(catalog, s) for s in shards_of(catalog)}
        self._nobody = {name: FeatureState(kept) for name, kept in self.catalogs.items()}
        self._asks: list[Ask] = []
        for shard in shards_of(catalog):
            for field in dict.fromkeys(shard.asked):
                places = [at for at, asked in enumerate(shard.asked) if asked == field]
                ours = [catalog.index(shard.features[at].name) for at in places]
                self._asks.append(Ask(shard.name, field, np.array(ours), np.array(places)))

    def asks(self, request: Event) -> list[tuple[Ask, Partition | None]]:
        """What is asked of which partition; of none where the request does not name the entity."""
        payload, place = request.payload, self._routes.place
        return [
            (ask, None if (value := payload.get(ask.field)) is None else place(ask.shard, value))
            for ask in self._asks
        ]

    def share(
        self, ask: Ask, state: FeatureState | None, request: Event, absent: Iterable[str] = ()
    ) -> Share:
        """The share of a state of the ask's shard; None stands for one that knows nobody.

        What comes from an ``absent`` view is not known.
        """
        state = state or self._nobody[ask.shard]
        theirs = view_names(state.catalog.plan) if absent else ()
        found, newest = state.read(request, [view for view in absent if view in theirs])
        return Share(ask, found.bits[ask.theirs], found.known[ask.theirs], newest)

    def whole(self, request: Event, shares: Iterable[Share]) -> tuple[Vector, int | None]:
        """The vector of all shares, and the newest event any of them used."""
        size = len(self.catalog)
        vector = Vector(np.zeros(size, np.int64), np.zeros(size, np.uint8))
        newest: int | None = None
        for share in shares:
            vector.bits[share.ask.ours], vector.known[share.ask.ours] = share.bits, share.known
            if share.newest is not None and (newest is None or share.newest > newest):
                newest = share.newest
        combine(self.catalog.combining, vector.bits[None], vector.known[None])
        self._deriver.fill(vector, request.payload)
        return vector, newest


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
        self._spread, self._at = Spread(catalog, routes), at

    def read(self, request: Event) -> tuple[Vector, int | None, dict[str, int]]:
        """The vector at ``T = request.ts``, the newest event used, and the cut it was read at.

        Raises:
            Unavailable: a partition is not at hand.
        """
        cut: dict[str, int] = {}
        shares = []
        for ask, partition in self._spread.asks(request):
            state = None
            if partition is not None:
                state, cut[str(partition)] = self._at(partition)
            shares.append(self._spread.share(ask, state, request))
        vector, newest = self._spread.whole(request, shares)
        return vector, newest, cut
