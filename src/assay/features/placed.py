"""Where does each event and request of a backfill stand? By row, then by time, side by side.

A counting sort: one pass counts what each row has, one puts every event at its place, as a record
of words that are then read one after the other. Its order is stable, so that what is passed in
order of time stays in it.
"""

from typing import NamedTuple

import numpy as np

from assay.features.compiled import inlined, unlocked
from assay.features.lane import filter_mask
from assay.features.layout import NULL, Ints, Word

#: Words of a request: its T, its row in the frame, and how many events of the type stand before it
#: by (ts, id), where that matters.
AT, TARGET, BEFORE, ASKED_WORDS = 0, 1, 2, 3
#: The lane that holds the times of the events.
TIMES = 0


class Sorted(NamedTuple):
    """Events and requests, each sorted by row and time.

    ``start`` and ``asked`` tell where the events and requests of a row begin, shape
    ``(rows + 1,)``. ``lanes`` are the times of the events, then their values in each lane, shape
    ``(1 + lanes, n)``, ``NULL`` where an event does not count. ``own`` are the same of the
    requests for features that count them in, or of no requests. ``ranks`` are the places of the
    events among all of their type, where that matters.
    """

    start: Ints
    lanes: Ints
    asked: Ints
    asks: Ints
    own: Ints
    ranks: Ints


@unlocked
def places_by_row(rows: Ints, order: Ints, buckets: int) -> tuple[Ints, Ints]:
    """Where each row starts, shape ``(buckets + 1,)``, and the place of each item as given.

    ``order`` lists items in order of time; it is empty where they are given so.
    """
    start, at = np.zeros(buckets + 1, np.int64), np.empty(len(rows), np.int64)
    for row in rows:
        start[row + 1] += 1
    for bucket in range(buckets):
        start[bucket + 1] += start[bucket]
    free = start[:-1].copy()
    for k in range(len(rows)):
        i = order[k] if len(order) else np.int64(k)
        at[i] = free[rows[i]]
        free[rows[i]] += 1
    return start, at


@unlocked
def put_values(
    at: Ints,
    ts: Ints,
    codes: Ints,
    lanes: Ints,
    columns: Ints,
    filters: tuple[Ints, Word],
    out: Ints,
) -> None:
    """Write times and the values of lanes to the places of their events.

    Args:
        at: the place of each event.
        ts: its time.
        codes: its inputs, shape ``(inputs, n)``.
        lanes: column (-1 for none) and filter (-1 for none) of each lane.
        columns: the input of each column.
        filters: the program of the event type, and where its table stands in it.
        out: what is written, shape ``(1 + lanes, n)``.
    """
    program, head = filters
    inputs = np.zeros(len(codes), np.int64)
    mask: Word = 0
    filtered = program[head + 1] != 0
    for i in range(len(at)):
        if filtered:
            for c in range(len(codes)):
                inputs[c] = codes[c, i]
            mask = filter_mask(program, head, inputs, 0)
        out[TIMES, at[i]] = ts[i]
        for lane in range(len(lanes)):
            column, kept = lanes[lane, 0], lanes[lane, 1]
            if kept >= 0 and not (mask >> kept) & 1:
                out[1 + lane, at[i]] = NULL
            else:
                out[1 + lane, at[i]] = codes[columns[column], i] if column >= 0 else np.int64(0)


@unlocked
def put_requests(at: Ints, ts: Ints, targets: Ints, before: Ints, out: Ints) -> None:
    """Write requests to their places, shape ``(n, ASKED_WORDS)``; ``before`` may be empty."""
    for i in range(len(at)):
        p = at[i]
        out[p, AT], out[p, TARGET] = ts[i], targets[i]
        out[p, BEFORE] = before[i] if len(before) else np.int64(0)


@unlocked
def dense(values: Ints) -> tuple[Ints, int]:
    """Each value's number by first appearance (-1 for ``NULL``), and how many there are."""
    size, used = 1 << 10, 0
    held, numbers = np.empty(size, np.int64), np.full(size, -1, np.int64)
    out = np.empty(len(values), np.int64)
    for i in range(len(values)):
        x = values[i]
        if x == NULL:
            out[i] = -1
            continue
        h = place_in(held, numbers, x)
        if numbers[h] < 0:
            held[h], numbers[h] = x, used
            used += 1
        out[i] = numbers[h]
        if 2 * used > size:
            size *= 4
            wider, places = np.empty(size, np.int64), np.full(size, -1, np.int64)
            for old in range(len(held)):
                if numbers[old] >= 0:
                    at = place_in(wider, places, held[old])
                    wider[at], places[at] = held[old], numbers[old]
            held, numbers = wider, places
    return out, used


@inlined
def place_in(held: Ints, numbers: Ints, x: Word) -> np.uint64:
    """Where a value stands in a table of a power of two, or would: where no number stands yet."""
    mask = np.uint64(len(held) - 1)
    h = np.uint64(x) * np.uint64(0x9E3779B97F4A7C15)
    h = (h ^ (h >> np.uint64(32))) & mask
    while numbers[h] >= 0 and held[h] != x:
        h = (h + np.uint64(1)) & mask
    return h
