"""What lies in every window of many requests, and what values follow? The core of backfills.

One compiled pass takes the rows a few at a time, until they hold a few hundred events, and fills
their part of the frame: requests in chunks, so that what is gathered stays in the nearest caches
and each row of the frame is written while it is there. Most entities have few events: what a slot
costs by itself is shared by all rows that are swept together. Programs are data, so that a new
definition compiles nothing. Rows are independent: threads may sweep different ones at once, and
no split of them changes a bit.
"""

from typing import NamedTuple

import numpy as np

from assay.features.compiled import borrowing, compiled, inlined, unlocked
from assay.features.finalise import Bytes, finalise_rows
from assay.features.layout import (
    AGGREGATE,
    CAP,
    CURRENT,
    FIRST,
    HIGHEST,
    LAST,
    LOWEST,
    NULL,
    SAMPLE_WORDS,
    Ints,
    Word,
)
from assay.features.placed import AT, BEFORE, TARGET, TIMES, Sorted, place_in
from assay.features.program import (
    COUNTED,
    COUNTING,
    EVENTS,
    EVERY,
    HIGH_AT,
    INCLUDES,
    LANE,
    LOW_AT,
    NEED,
    NUMBERING,
    SAMPLE_COUNT,
    SAMPLE_FROM,
    SLOT_WORDS,
    SPAN,
    STOP,
    TIED,
    WINDOW,
    Program,
)
from assay.features.program import FIRST as FROM
from assay.features.slide import (
    ABSENT,
    ENTERED,
    LEFT,
    NEWEST,
    STATE_WORDS,
    Chunk,
    add_up,
    slide_all,
    slide_different,
    slide_first,
    slide_greatest,
    slide_last,
    slide_least,
    slide_totals,
)
from assay.features.slide_values import Sliding, forget, slide_values, state_words

#: Requests that are gathered together; events and requests that rows swept together have at most,
#: if they are more than one.
_CHUNK, _TOGETHER = 64, 128


class _Scratch(NamedTuple):
    """What a sweep writes and forgets.

    ``spans`` and ``state`` are those of the program with how far each has come; ``between`` the
    edges of the windows of a chunk; ``work`` lines as long as the most events swept together;
    ``asked`` the numbers of the requests' own values; ``table`` numbers values; ``slots`` are what
    is gathered; ``sliding`` is what samples of values need.
    """

    spans: Ints
    state: Ints
    between: Ints
    work: Ints
    asked: Ints
    table: Ints
    slots: Ints
    sliding: Sliding


@unlocked
def sweep(placed: Sorted, program: Program, rows: tuple[int, int], bits: Ints, known: Bytes) -> int:
    """Fill the features of a program for the requests of rows ``rows[0]`` up to ``rows[1]``.

    Returns how many values overflowed and are therefore not known.
    """
    numbered, most = len(program.numbered), 0
    longest = max(_longest(placed.start, rows), _TOGETHER)
    if placed.own.shape[1]:
        most = max(_longest(placed.asked, rows), _TOGETHER)
    state = np.empty((len(program.slots), STATE_WORDS), np.int64)
    state[:, :SLOT_WORDS] = program.slots
    scratch = _Scratch(
        program.spans.copy(),
        state,
        np.zeros((len(program.spans), _CHUNK, 2), np.int64),
        np.empty((program.lines, longest + 1), np.int64),
        np.empty((numbered, most), np.int64),
        np.empty((2, _table_size(longest) if numbered else 0), np.int64),
        np.zeros((_CHUNK, program.slot_words), np.int64),
        _sliding(placed, program, longest),
    )
    overflows: Word = 0
    row: Word = rows[0]
    while row < rows[1]:
        stop = _together(placed, row, rows[1])
        if placed.asked[row] < placed.asked[stop]:
            overflows += _sweep_rows(placed, program, (row, stop), scratch, bits, known)
        row = stop
    return int(overflows)


@compiled
def _sliding(placed: Sorted, program: Program, longest: int) -> Sliding:
    """What samples of values need; no states where no row is long enough to have one."""
    count = len(program.samples) // SAMPLE_WORDS
    states, words = np.empty(count, np.int64), 0
    least = np.int64(longest)
    for k in range(count):
        states[k] = words
        words += state_words(program.samples[k * SAMPLE_WORDS + AGGREGATE])
        least = min(least, program.samples[k * SAMPLE_WORDS + CAP])
    return Sliding(
        placed.lanes.reshape(-1),
        np.int64(placed.lanes.shape[1]),
        program.samples,
        states,
        # Memory that is not touched costs nothing. The request itself may be one too many.
        np.empty(words if longest >= least else 0, np.int64),
        np.zeros(program.work_words, np.int64),
    )


@borrowing
def _together(placed: Sorted, row: Word, last: Word) -> Word:
    """The row before which to stop: those that ask nothing stand alone, so as to be left out."""
    start, asked = placed.start, placed.asked
    stop = row + 1
    while (
        stop < last
        and asked[stop] > asked[stop - 1]
        and asked[stop + 1] > asked[stop]
        and start[stop + 1] - start[row] <= _TOGETHER
        and asked[stop + 1] - asked[row] <= _TOGETHER
    ):
        stop += 1
    return stop


@borrowing
def _sweep_rows(
    placed: Sorted,
    program: Program,
    rows: tuple[Word, Word],
    scratch: _Scratch,
    bits: Ints,
    known: Bytes,
) -> int:
    """Fill the features at all requests of some rows; what every sweep needs is compiled in."""
    start, lanes, asked, asks, own, _ = placed
    spans, state, between, work, own_numbers, table, slots, sliding = scratch
    row, first, stop = rows[0], asked[rows[0]], asked[rows[1]]
    base, numbered, added = start[row], program.numbered, program.added
    length, features, overflows = start[rows[1]] - base, program.features, 0
    _restart(state, work, length)
    forget(sliding.states, sliding.held)
    line = np.int64(0)
    for n in range(len(added)):
        add_up(lanes, (added[n, 0], added[n, 1]), (base, length), work, line)
        line += added[n, 1]
    for n in range(len(numbered)):
        _number(lanes, (numbered[n], base, length), table, work, line + n)
        if own.shape[1]:
            _number_own(own, (numbered[n], first, stop), length, table, own_numbers, n)
    for q in range(first, stop, _CHUNK):
        count = min(_CHUNK, stop - q)
        row = _edges(placed, (row, base, q, count), spans, between)
        for s in range(len(state)):
            chunk = (np.int64(s), base, np.int64(count), np.int64(q - first))
            _gather(lanes, between, chunk, length, state, work, slots)
            if state[s, NUMBERING] >= 0:
                slide_different(own_numbers, line, between, chunk, state, work, slots)
            if state[s, INCLUDES]:
                _include(own, (state[s, LANE], np.int64(q), np.int64(count)), slots)
            if state[s, SAMPLE_COUNT]:
                slide_values(sliding, state[s, LANE], between, chunk, state, work, slots)
            span = state[s, SPAN]
            state[s, LEFT] = between[span, count - 1, 0]
            state[s, ENTERED] = between[span, count - 1, 1]
            which = (state[s, FROM], state[s, STOP])
            overflows += finalise_rows(slots, features, which, asks, (q, count), bits, known)
    return overflows


@unlocked
def blank(placed: Sorted, row: int, columns: Ints, bits: Ints, known: Bytes) -> None:
    """Make some features of the requests of a row not known."""
    for q in range(placed.asked[row], placed.asked[row + 1]):
        for column in columns:
            bits[placed.asks[q, TARGET], column], known[placed.asks[q, TARGET], column] = 0, 0


@borrowing
def _longest(start: Ints, rows: tuple[int, int]) -> int:
    most = 1
    for row in range(rows[0], rows[1]):
        most = max(most, start[row + 1] - start[row])
    return most


@borrowing
def _table_size(length: Word) -> int:
    """Of a table of values, a power of two, that is at most half full."""
    size = 16
    while size < 2 * length:
        size *= 2
    return size


@inlined
def _restart(state: Ints, work: Ints, length: Word) -> None:
    """Begin some rows: nothing has entered a window."""
    for s in range(len(state)):
        for word in range(SLOT_WORDS, STATE_WORDS):
            state[s, word] = 0
        state[s, NEWEST] = -1
        if state[s, NUMBERING] >= 0:
            for i in range(length):
                work[state[s, COUNTED], i] = 0


@borrowing
def _number(lanes: Ints, row: tuple[Word, Word, Word], table: Ints, work: Ints, n: Word) -> None:
    """Number values (lane, first event, events) by first appearance; -1 for none."""
    lane, base, length = row
    size, used = _table_size(length), 0
    held, places = table[0, :size], table[1, :size]
    places[:] = -1
    for i in range(length):
        x = lanes[lane, base + i]
        work[n, i] = -1
        if x != NULL:
            h = place_in(held, places, x)
            if places[h] < 0:
                held[h], places[h] = x, used
                used += 1
            work[n, i] = places[h]


@borrowing
def _number_own(
    own: Ints, asked: tuple[Word, Word, Word], length: Word, table: Ints, out: Ints, n: Word
) -> None:
    """The numbers of the requests' own values (lane, first, last); -1 for none."""
    lane, first, stop = asked
    size = _table_size(length)
    held, places = table[0, :size], table[1, :size]
    for q in range(first, stop):
        x = own[lane, q]
        out[n, q - first] = -1
        if x != NULL:
            number = places[place_in(held, places, x)]
            out[n, q - first] = number if number >= 0 else ABSENT


@inlined
def _edges(
    placed: Sorted, where: tuple[Word, Word, Word, Word], spans: Ints, between: Ints
) -> Word:
    """First place in the window of each request and first place after it, of every span.

    ``where`` is the first request's row, or one before it; the first event swept together; the
    first request and how many. Returns the last request's row.
    """
    start, lanes, asked, asks, _, ranks = placed
    first, base, q, count = where
    row = first
    for span in range(len(spans)):
        low, high, window = spans[span, LOW_AT], spans[span, HIGH_AT], spans[span, WINDOW]
        every, tied = spans[span, EVERY], spans[span, TIED]
        row, r = first, np.int64(0)
        while r < count:
            while asked[row + 1] <= q + r:
                row += 1
            if q + r == asked[row]:
                low = high = start[row]
            end, last = start[row + 1], min(asked[row + 1] - q, count)
            while r < last:
                at = asks[q + r, AT]
                if every:
                    at -= at % every
                if tied:
                    while high < end and ranks[high] < asks[q + r, BEFORE]:
                        high += 1
                else:
                    while high < end and lanes[TIMES, high] < at:
                        high += 1
                while low < high and lanes[TIMES, low] < at - window:
                    low += 1
                between[span, r, 0], between[span, r, 1] = low - base, high - base
                r += 1
        spans[span, LOW_AT], spans[span, HIGH_AT] = low, high
    return row


@inlined
def _gather(
    lanes: Ints,
    between: Ints,
    chunk: Chunk,
    length: Word,
    state: Ints,
    work: Ints,
    slots: Ints,
) -> None:
    """What a slot needs, for a chunk of requests, but for different values and samples."""
    s = chunk[0]
    need, counting = state[s, NEED], state[s, COUNTING]
    if state[s, LANE] == TIMES or (counting < EVENTS and length < state[s, SAMPLE_FROM]):
        slide_all(between, chunk, state, slots)
    else:
        slide_totals(between, chunk, state, work, slots, max(counting, EVENTS))
    if need & LOWEST:
        slide_least(lanes, between, chunk, state, work, slots)
    if need & HIGHEST:
        slide_greatest(lanes, between, chunk, state, work, slots)
    if need & LAST:
        slide_last(lanes, between, chunk, state, slots)
    if need & FIRST:
        slide_first(lanes, between, chunk, state, slots)


@borrowing
def _include(own: Ints, asked: tuple[Word, Word, Word], slots: Ints) -> None:
    """What each request (lane, first, how many) itself adds."""
    lane, first, count = asked
    for r in range(count):
        slots[r, CURRENT] = own[lane, first + r] if lane != TIMES else np.int64(0)
