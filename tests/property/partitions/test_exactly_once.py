"""However partitions move, messages repeat and processes die, every event counts once.

The oracle is one state that was given each valid event once, in the order in which it came in; it
knows nothing of partitions. A short world, so that keys, ties, duplicates and crashes collide.
"""

from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.property.partitions.small_world import (
    AT,
    CATALOG,
    REQUESTS,
    Cluster,
)

from assay.contracts.event import Event
from assay.features.state import FeatureState
from assay.runtime.partition_read import SpreadReader

text = st.sampled_from(["a", "b", "c", "d"])
payment = st.fixed_dictionaries(
    {}, optional={"user": text, "device": text, "cents": st.integers(0, 5), "host": text}
)
spoken = st.one_of(
    st.tuples(st.integers(0, 6), payment),
    st.just(b"not an event"),
    st.integers(0, 40),  # takes back the event of that number, said or still to come
)
act = st.one_of(
    st.tuples(st.just("say"), st.lists(spoken, min_size=1, max_size=4)),
    st.tuples(st.just("repeat"), st.integers(0, 30)),
    st.tuples(st.just("step"), st.integers(0, 1)),
    st.tuples(st.just("move"), st.integers(0, 30)),
    st.tuples(st.just("kill"), st.integers(0, 1)),
    st.tuples(st.just("keep"), st.just(0)),
    st.tuples(st.just("outage"), st.booleans()),
    st.tuples(st.just("full disk"), st.booleans()),
)


AWHILE: list[tuple[str, Any]] = [("step", at) for at in (0, 1)] * 4
SAID = ("say", [(0, {"user": "a", "device": "b"}), b"not an event"])


@example(acts=[("outage", True), SAID, ("step", 0)])
@example(acts=[*AWHILE, SAID, *AWHILE, ("keep", 0), SAID, *AWHILE[:2], ("kill", 0), ("kill", 1)])
@example(acts=[("step", 0), SAID, ("step", 0), ("full disk", True), ("step", 0), ("step", 0)])
@example(acts=[("step", 0), SAID, ("step", 0), ("kill", 0), ("step", 1), ("step", 1)])
@settings(max_examples=150, deadline=None)
@given(acts=st.lists(act, max_size=25))
def test_every_event_counts_once_on_every_partition_of_its_keys(
    acts: list[tuple[str, Any]],
) -> None:
    cluster, said = Cluster(), dict[str, bytes]()
    valid: list[Event] = []
    taken_back: list[int] = []
    spoiled = 0
    for what, how in acts:
        if what == "say":
            for item in how:
                if isinstance(item, bytes):
                    cluster.say(item)
                    spoiled += 1
                    continue
                if isinstance(item, int):
                    said_back = {"event": f"e{item}"}
                    name = f"r{len(taken_back)}"
                    cluster.say(
                        msgspec.json.encode(
                            {"id": name, "type": "retraction", "ts": AT, "data": said_back}
                        )
                    )
                    taken_back.append(item)
                    continue
                at, payload = item
                event = Event(f"e{len(said)}", "paid", AT + at, payload)
                said[event.id] = msgspec.json.encode(
                    {"id": event.id, "type": event.type, "ts": event.ts, "data": payload}
                )
                cluster.say(said[event.id])
                valid.append(event)
        elif what == "repeat" and said:
            cluster.say(list(said.values())[how % len(said)])
        else:
            cluster.do(what, how)
    cluster.settle()
    truth = FeatureState(CATALOG)
    truth.apply_all(event for event in valid if int(event.id[1:]) not in taken_back)
    reader = SpreadReader(CATALOG, cluster.routes, cluster.holding)
    for request in REQUESTS:
        vector, newest, cut = reader.read(request)
        wanted, oldest = truth.read(request)
        assert vector.bits.tolist() == wanted.bits.tolist()
        assert vector.known.tolist() == wanted.known.tolist()
        assert newest == oldest
        assert all(cut[name] == cluster.seq(name) for name in cut)
    assert cluster.spoiled() == spoiled
    for partition in cluster.routes.everywhere():
        ids = [logged.event.id for logged in cluster.log(partition).read()]
        assert len(ids) == len(set(ids))
        ours = {e.id for e in valid if partition in [place for place, _ in cluster.routes.of(e)]}
        assert {name for name in ids if name.startswith("e")} == ours
        position = cluster.log(partition).position()
        assert position is not None
        assert position.next == cluster.end(partition)
