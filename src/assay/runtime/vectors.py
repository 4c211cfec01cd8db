"""Where does the vector of a request come from, and is it recent enough to be used?"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from assay.contracts.event import Event
from assay.core.errors import AssayError
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.freshness import FEATURES_STALE, ViewTarget, missed_targets, withheld
from assay.features.vector import Vector
from assay.features.view import FeatureSource, Served, Stale
from assay.runtime.freshness import Freshness
from assay.runtime.live import Live

FEATURES_UNAVAILABLE = "features_unavailable"
VIEW_UNAVAILABLE = "view_unavailable"


class Found(NamedTuple):
    """A vector, the codes of what fell back, and whether the model may not be asked for it."""

    served: Served
    codes: tuple[str, ...] = ()
    without_score: bool = False


class Vectors:
    """The vectors that one policy decides on.

    Args:
        policy: what decides, and how fresh it wants its views.
        source: where vectors come from, None for the live state.
        counts: hears how recent they were.
    """

    def __init__(
        self, policy: CompiledPolicy, source: FeatureSource | None, counts: Freshness
    ) -> None:
        self._catalog, self._source, self._counts = policy.catalog, source, counts
        self._targets = policy.policy.freshness
        self._views = frozenset(target.view for target in self._targets)

    def of(self, request: Event, live: Live) -> Found:
        """The vector of a request; what cannot be had is not known, and the codes say so."""
        missed: list[ViewTarget] = []
        stale = self._judge(request, missed) if self._targets else None
        try:
            if self._source is None:
                served = live.serve(request, self._catalog.digest, stale)
            else:
                served = self._source.serve(request, stale)
        except AssayError:
            return self.none(live)
        codes = [FEATURES_STALE] if missed else []
        if any(why != FEATURES_STALE for why in served.absent.values()):
            codes.append(VIEW_UNAVAILABLE if served.cut else FEATURES_UNAVAILABLE)
        self._counts.read(request.ts, served.newest, served.absent)
        seen = {view: ts for view, ts in served.seen.items() if view in self._views}
        without_score = any(target.missed == "no_score" for target in missed)
        return Found(served._replace(seen=seen), tuple(codes), without_score)

    def none(self, live: Live) -> Found:
        """The vector that knows nothing, for a request whose features are not read."""
        width = len(self._catalog.names)
        vector = Vector(np.zeros(width, np.int64), np.zeros(width, np.uint8))
        return Found(Served(vector, None, {"0": live.seq}, {}, {}), (FEATURES_UNAVAILABLE,))

    def _judge(self, request: Event, missed: list[ViewTarget]) -> Stale:
        def stale(seen: Mapping[str, int | None]) -> Mapping[str, str]:
            missed.extend(missed_targets(self._targets, seen, request.ts))
            self._counts.watched(self._targets, seen, missed, request.ts)
            return withheld(missed)

        return stale
