"""A publisher whose store fails at any moment: nothing is forgotten, nothing is shown by halves."""

import hypothesis.strategies as st
from hypothesis import given, settings
from tests.unit.features.small import T, catalog, feature, paid

from assay.core.errors import Unavailable
from assay.features.row_image import ImageCodec
from assay.features.state import FeatureState
from assay.runtime.breaker import Breaker
from assay.runtime.ports import Entry
from assay.runtime.publisher import Publisher
from assay.runtime.read_model import Flush, MemoryReadModel
from assay.runtime.shared_features import SharedFeatures

CATALOG = catalog(feature(), feature("sum"), feature(name="user_count", key=("user",)))
WORKS, REFUSES, TAKES_AND_IS_SILENT, FORGETS = range(4)


class Flaky(MemoryReadModel):
    """Does at each publication what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.next = WORKS

    def publish(self, flush: Flush) -> None:
        """Fail before or after the write, or lose everything first."""
        if self.next == FORGETS:
            self.__init__()  # type: ignore[misc]  # restarted empty
        if self.next == REFUSES:
            raise Unavailable("no answer")
        super().publish(flush)
        if self.next == TAKES_AND_IS_SILENT:
            raise Unavailable("the answer was lost")


@settings(deadline=None, max_examples=80)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 3)), max_size=25))
def test_what_the_store_shows_is_always_one_moment_of_the_log(
    steps: list[tuple[int, int, int]],
) -> None:
    """After every step a vector is absent, or that of the prefix of the log that its cut names."""
    model, state, clock = Flaky(), FeatureState(CATALOG), [0]
    codec = ImageCodec(CATALOG)
    publisher = Publisher(model, codec, "p", wall=lambda: clock[0])
    publisher.claim()
    source = SharedFeatures(
        model, codec, lambda _asked: "p", breaker=Breaker(lambda: 0), wall=lambda: clock[0]
    )
    request = paid(100, name="request", card="c1", user="u1")
    history = [FeatureState(CATALOG).read(request)[0].digest]
    for seq, (what, card, user) in enumerate(steps, start=1):
        event = paid(seq, cents=seq, name=f"e{seq}", card=f"c{card}", user=f"u{user}")
        clock[0] = T + seq
        state.apply(event)
        history.append(state.read(request)[0].digest)
        publisher.note(Entry(seq=seq, event=event, known_at=T + seq, accepted=True))
        model.next = what
        try:
            publisher.flush(state)
        except Unavailable:
            assert what in (REFUSES, TAKES_AND_IS_SILENT)
        served = source.serve(request)
        if not served.absent:
            assert served.vector.digest == history[served.cut["p"]]
    model.next = WORKS
    for _ in range(3):
        if publisher.flush(state):
            break
    served = source.serve(request)
    assert (served.absent, served.cut) == ({}, {"p": len(steps)})
    assert served.vector.digest == history[-1]
