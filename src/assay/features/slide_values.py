"""What do the values in each window say, as it moves? Quantiles, most frequent values, entropy.

A live read looks at every value of its window (``assay.features.sample``). Here windows overlap:
values in order, and the bounded states above the cap, take up what comes in and give back what
leaves, so that a busy entity costs no more an event than a quiet one. States are sums of whole
numbers, or maxima with the place at which each was last reached, so that both ways end in the same
bits.
"""

from typing import NamedTuple

import numpy as np

from assay.features.compiled import compiled, inlined
from assay.features.layout import (
    AGGREGATE,
    CAP,
    COUNT,
    CURRENT,
    DISTINCTS,
    ENTROPIES,
    IS_REAL,
    NTHS,
    NULL,
    OWN,
    PERMILLE,
    QUANTILES,
    SAMPLE_WORDS,
    WORD_AT,
    Ints,
    K,
    Word,
)
from assay.features.program import (
    INCLUDES,
    ORDERED,
    RUNNING,
    SAMPLE_COUNT,
    SAMPLE_FROM,
    SAMPLES,
    SPAN,
)
from assay.features.sample import (
    FINE,
    SIDE,
    entropy_bits,
    insert_sorted,
    most_frequent,
    nearest_rank,
    of_sorted,
    sorted_values,
)
from assay.features.sketch import (
    CELLS,
    RANKS,
    REGISTERS,
    ROWS,
    WIDTH,
    bucket_of,
    bucket_value,
    cell_of,
    different,
    entropy_cell,
    register_of,
    surprise,
)
from assay.features.slide import HELD, HELD_FROM, HELD_TO, Chunk

#: Words before a state: the first place it has taken up, the one after the last (0: none), and a
#: sum that goes with it.
_FROM, _TO, _SUM, _HEAD = 0, 1, 2, 3
#: Words of a state of each kind. Of different values: how many registers hold each rank, what each
#: register holds, and the place at which it last met each rank.
_QUANTILE = _HEAD + 2 * SIDE + (2 * SIDE << FINE)
_ENTROPY, _FREQUENCY = _HEAD + CELLS, _HEAD + ROWS * WIDTH
_HOLDS, _MET = RANKS + 1, RANKS + 1 + REGISTERS
_DIFFERENT = _HEAD + _MET + REGISTERS * (RANKS + 1)


#: Where the lane of some rows begins in the pool, and the edges of a window in it.
_Window = tuple[Word, Word, Word]


class Sliding(NamedTuple):
    """What slides: ``pool`` are the lanes one after the other, each of ``length`` words.

    ``samples`` say what is wanted, ``states`` where the state of each stands in ``held``; ``room``
    is that of a sample.
    """

    pool: Ints
    length: Word
    samples: Ints
    states: Ints
    held: Ints
    room: Ints


@compiled
def state_words(what: Word) -> int:
    """Words of the state of an aggregate above its cap, with what stands before it."""
    if what == NTHS:
        return 0
    if what == QUANTILES:
        return _QUANTILE
    if what == ENTROPIES:
        return _ENTROPY
    return _DIFFERENT if what == DISTINCTS else _FREQUENCY


@compiled
def forget(states: Ints, held: Ints) -> None:
    """Other rows begin: no state has taken anything up."""
    for at in states:
        if at < len(held):
            held[at + _FROM], held[at + _TO] = 0, 0


@compiled
def slide_values(
    sliding: Sliding, lane: Word, between: Ints, chunk: Chunk, state: Ints, work: Ints, slots: Ints
) -> None:
    """Write what a slot's samples ask for at some requests; ``NULL`` for what is not known."""
    pool, length, samples, states, _, room = sliding
    s, base, count, _ = chunk
    span, start = state[s, SPAN], lane * length + base
    first = state[s, SAMPLES]
    for r in range(count):
        n = slots[r, COUNT]
        if n < state[s, SAMPLE_FROM]:
            continue
        window = start, between[span, r, 0], between[span, r, 1]
        own = slots[r, CURRENT] if state[s, INCLUDES] else np.int64(NULL)
        ready = np.int64(-1)
        for k in range(state[s, SAMPLE_COUNT]):
            at = first + k * SAMPLE_WORDS
            x = own if samples[at + OWN] else np.int64(NULL)
            having, what = n + (1 if x != NULL else 0), samples[at + AGGREGATE]
            word = samples[at + WORD_AT]
            if what == NTHS:
                nth = samples[at + K] - (1 if x != NULL else 0)
                place = _newest_from(work, state[s, RUNNING], window, nth)
                slots[r, word] = pool[start + place] if place < window[2] else np.int64(NULL)
                if nth == 0:
                    slots[r, word] = x
            elif having > samples[at + CAP]:
                which = s, at, states[first // SAMPLE_WORDS + k]
                slots[r, word] = _above(sliding, which, window, (having, x), state, work)
                ready = np.int64(-1)
            elif what != DISTINCTS:
                if ready < 0:
                    ready = _order(pool, window, state, s, work, room)
                if ready < having:
                    insert_sorted(room, ready, x)
                    ready = having
                slots[r, word] = of_sorted(room, having, (samples, at))


@compiled
def _above(
    sliding: Sliding,
    which: tuple[Word, Word, Word],
    window: _Window,
    ask: tuple[Word, Word],
    state: Ints,
    work: Ints,
) -> np.int64:
    """One value from the state of a window.

    ``which`` is the slot, what is asked of it, and where the state stands; ``ask`` the count and
    the request's own value.
    """
    pool, _, samples, _, held, room = sliding
    (s, at, state_at), (count, x) = which, ask
    to, kind = held[state_at:], (samples[at + AGGREGATE], samples[at + IS_REAL])
    _slide(pool, window, to, kind)
    if kind[0] == DISTINCTS:
        return _different(to, x)
    if x != NULL:
        _take(to, kind, x, window[2], 1)
    found = np.int64(NULL)
    if kind[0] == QUANTILES:
        found = _quantile(to, nearest_rank(samples[at + PERMILLE], count), kind[1])
    elif kind[0] == ENTROPIES:
        found = entropy_bits(count, to[_SUM])
    else:
        # The request's own value is one of the newest, as many as the cap.
        others = samples[at + CAP] - (1 if x != NULL else 0)
        newest = _newest_from(work, state[s, RUNNING], window, others)
        kept = _order(pool, (window[0], newest, window[2]), state, s, work, room)
        if x != NULL:
            insert_sorted(room, kept, x)
            kept += 1
        found = most_frequent(room, kept, (to, count, np.int64(_HEAD)), (samples, at))
    if x != NULL:
        _take(to, kind, x, window[2], -1)
    return found


@inlined
def _newest_from(work: Ints, line: Word, window: _Window, k: Word) -> np.int64:
    """The place of the k-th newest value; the place after the window where it has fewer."""
    _, low, high = window
    wanted = work[line, high] - k
    if wanted < work[line, low]:
        return np.int64(high)
    while low < high:
        middle = (low + high) >> 1
        if work[line, middle + 1] > wanted:
            high = middle
        else:
            low = middle + 1
    return np.int64(low)


@compiled
def _order(pool: Ints, window: _Window, state: Ints, s: Word, work: Ints, room: Ints) -> np.int64:
    """Hold the values of a window in order, and put them into the room; how many there are."""
    (start, low, high), line, n = window, state[s, ORDERED], state[s, HELD]
    gone, came = state[s, HELD_FROM], state[s, HELD_TO]
    if low >= came or high - came + abs(low - gone) > came - gone:
        # More has changed than stayed.
        place = np.int64(0), np.int64(0), np.int64(-1), start, np.int64(0), np.int64(0)
        n = sorted_values(pool, place, (low, high), room)
        for at in range(n):
            work[line, at] = room[at]
    else:
        for i in range(gone, low):
            if pool[start + i] != NULL:
                n -= 1
                for at in range(_found(work, line, n, pool[start + i]), n):
                    work[line, at] = work[line, at + 1]
        for i in range(low, gone):
            n = _put(work, line, n, pool[start + i])
        for i in range(came, high):
            n = _put(work, line, n, pool[start + i])
        for at in range(n):
            room[at] = work[line, at]
    state[s, HELD], state[s, HELD_FROM], state[s, HELD_TO] = n, low, high
    return np.int64(n)


@inlined
def _put(work: Ints, line: Word, n: Word, x: Word) -> Word:
    """Put a value among ``n`` in order, unless it is none; how many there are then."""
    if x != NULL:
        to = _found(work, line, n, x)
        for at in range(n, to, -1):
            work[line, at] = work[line, at - 1]
        work[line, to] = x
        n += 1
    return n


@inlined
def _found(work: Ints, line: Word, n: Word, x: Word) -> np.int64:
    """The first of ``n`` places in order that does not hold less."""
    low, high = np.int64(0), np.int64(n)
    while low < high:
        middle = (low + high) >> 1
        if work[line, middle] < x:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _slide(pool: Ints, window: _Window, to: Ints, kind: tuple[Word, Word]) -> None:
    """Bring a state up to the edges of another window."""
    start, low, high = window
    if low >= to[_TO]:
        to[: state_words(kind[0])] = 0
        if kind[0] == DISTINCTS:
            to[_HEAD] = REGISTERS
        to[_FROM] = to[_TO] = low
    for i in range(to[_TO], high):
        if pool[start + i] != NULL:
            _take(to, kind, pool[start + i], i, 1)
    for i in range(to[_FROM], low):
        if pool[start + i] != NULL:
            _take(to, kind, pool[start + i], i, -1)
    to[_FROM], to[_TO] = low, high


@compiled
def _take(to: Ints, kind: tuple[Word, Word], x: Word, place: Word, sign: Word) -> None:
    """Take a value up, or give it back."""
    what, is_real = kind
    if what == QUANTILES:
        bucket = bucket_of(x, is_real)
        to[_HEAD + (bucket >> FINE) + SIDE] += sign
        to[_HEAD + 2 * SIDE + bucket + (SIDE << FINE)] += sign
    elif what == ENTROPIES:
        cell = _HEAD + entropy_cell(x)
        before = to[cell]
        to[cell] = before + sign
        to[_SUM] += surprise(before + sign) - surprise(before)
    elif what == DISTINCTS:
        _meet(to, register_of(x), place, sign)
    else:
        for row in range(ROWS):
            to[_HEAD + cell_of(x, row)] += sign


@compiled
def _meet(to: Ints, of: tuple[Word, Word], place: Word, sign: Word) -> None:
    """A register meets a rank at a place, or no longer does: the greatest rank it meets is kept."""
    register, rank = of
    holds = _HEAD + _HOLDS + register
    met = _HEAD + _MET + register * (RANKS + 1)
    kept = to[holds]
    if sign > 0:
        to[met + rank] = place + 1
        kept = max(kept, rank)
    elif kept == rank:
        while kept > 0 and to[met + kept] <= place + 1:
            kept -= 1
    if kept != to[holds]:
        to[_HEAD + to[holds]] -= 1
        to[_HEAD + kept] += 1
        to[holds] = kept


@compiled
def _different(to: Ints, x: Word) -> np.int64:
    ranks = to[_HEAD : _HEAD + RANKS + 1]
    if x == NULL:
        return np.int64(different(ranks))
    register, rank = register_of(x)
    kept = to[_HEAD + _HOLDS + register]
    ranks[kept] -= 1
    ranks[max(kept, rank)] += 1
    found = np.int64(different(ranks))
    ranks[max(kept, rank)] -= 1
    ranks[kept] += 1
    return found


@compiled
def _quantile(to: Ints, rank: Word, is_real: Word) -> np.int64:
    """The bucket that holds a rank: 128 buckets at a time, then one."""
    coarse = np.int64(0)
    while rank > to[_HEAD + coarse]:
        rank -= to[_HEAD + coarse]
        coarse += 1
    bucket = coarse << FINE
    while rank > to[_HEAD + 2 * SIDE + bucket]:
        rank -= to[_HEAD + 2 * SIDE + bucket]
        bucket += 1
    return bucket_value(bucket - (SIDE << FINE), is_real)
