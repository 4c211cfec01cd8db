"""What lies in every window of a request? One read of the arena, for any T.

A window is two edge scans plus whole blocks. A wider window of a lane that ends at the same edge
is gathered on top of the narrower ones. ``assay.features.plan`` lays out the programs.
"""

import numpy as np

from assay.features.arena import TIE, capacity
from assay.features.compiled import compiled, inlined
from assay.features.lane import clear, first_at, holds, lane_at, lift, merge
from assay.features.layout import (
    ADDED,
    BLOCK,
    CONDITION_COUNT,
    CONDITIONS,
    COUNT,
    CURRENT,
    DIFFERENT,
    DIFFERENT_TO,
    DISTINCT,
    EVERY,
    FIRST,
    FIRST_AT,
    FIRST_VALUE,
    FRESH,
    GATHERED_WORDS,
    GROUP,
    HEADER,
    LANE,
    LAST_AT,
    MISSING,
    NEED,
    NO_KEY,
    NOT_ADDED,
    NULL,
    SAMPLE_COUNT,
    SAMPLE_FROM,
    SAMPLES,
    SLOT,
    TIED,
    WINDOW,
    Ints,
    LaneAt,
    Word,
)
from assay.features.sample import sample


@compiled
def read(pool: Ints, rows: Ints, plan: Ints, io: Ints, slots: Ints, seen: Ints, work: Ints) -> int:
    """Gather every slot at T = ``io[0]``; the rest of ``io`` is rows, places of ties, inputs.

    ``slots`` holds ``plan[2]`` words a slot, then the newest ts used. ``seen`` tells values apart:
    a generation, then pairs (value, generation), a power of two of them. ``work`` is for samples.
    Returns 0, how many values ``seen`` must hold at half load, or ``TIE`` when the place of the
    request among events at T is needed and not given.
    """
    newest = np.int64(NULL)
    edge: Word = np.int64(0)
    stop: Word = np.int64(0)
    for s in range(plan[1]):
        p, w = HEADER + 3 * plan[0] + SLOT * s, s * plan[2]
        row, need = io[1 + plan[p + GROUP]], plan[p + NEED]
        if row == NO_KEY:
            slots[w + COUNT] = -1
            continue
        start, n = np.int64(0), np.int64(0)
        cap: Word = np.int64(0)
        if row >= 0 and rows[row, 2] > 0:
            start, cap, n = rows[row, 0], capacity(rows[row, 1]), rows[row, 2]
        end = io[0]
        if plan[p + EVERY]:
            end -= end % plan[p + EVERY]
        if plan[p + FRESH]:
            clear(slots, w)
            slots[w + DIFFERENT], slots[w + FIRST_AT] = 0, NULL
            seen[0] += 1
            edge = _edge(pool, plan, p, io, (start, n, end))
            if edge < 0:
                return TIE
            stop = edge
        else:
            for word in range(GATHERED_WORDS):
                slots[w + word] = slots[w + word - plan[2]]
        first = first_at(pool, start, stop, end - plan[p + WINDOW])
        place = lane_at(start, cap, plan, HEADER + 3 * plan[p + GROUP], p + LANE)
        if first < stop:
            newest = max(newest, pool[start + stop - 1])
            _gather(pool, place, need, (first, stop), slots, w)
            wanting = _gather_more(pool, place, (first, stop), plan, p, (slots, w), seen)
            if wanting:
                return int(wanting)
            stop = first
        slots[w + CURRENT], slots[w + MISSING] = NULL, 0
        if plan[p + ADDED] != NOT_ADDED:
            _set_current(plan, p, io, (slots, w), seen)
        if plan[p + SAMPLE_COUNT] and slots[w + COUNT] >= plan[p + SAMPLE_FROM]:
            samples = (plan[p + SAMPLES], plan[p + SAMPLE_COUNT])
            own = (slots, w, slots[w + CURRENT])
            sample(pool, place, (first, edge), plan, samples, own, work)
    slots[plan[1] * plan[2]] = newest
    return 0


@inlined
def _edge(pool: Ints, plan: Ints, p: Word, io: Ints, row: tuple[Word, Word, Word]) -> Word:
    """Where windows of a row (start, events, end of time) stop; ``TIE`` if that is not known."""
    start, n, end = row
    edge: Word = first_at(pool, start, n, end)
    if plan[p + TIED] and edge < n and pool[start + edge] == end:
        edge = io[1 + plan[0] + plan[p + GROUP]]
    return edge


@inlined
def _gather_more(
    pool: Ints, place: LaneAt, span: tuple[Word, Word], plan: Ints, p: Word,
    slot: tuple[Ints, Word], seen: Ints,
) -> Word:  # fmt: skip
    """Add to a slot what no block summary knows; returns how many values ``seen`` must hold."""
    out, w = slot
    need = plan[p + NEED]
    if need & FIRST:
        _find_first(pool, place, span, out, w)
    if need & DISTINCT and out[w + COUNT] <= plan[p + DIFFERENT_TO]:
        if 4 * (out[w + COUNT] + 1) >= len(seen):
            return np.int64(out[w + COUNT] + 1)
        out[w + DIFFERENT] += _tell_apart(pool, place, span, seen)
    return np.int64(0)


@inlined
def _gather(
    pool: Ints, place: LaneAt, need: Word, span: tuple[Word, Word], out: Ints, w: Word
) -> None:
    """Add the events of ``span`` to a slot: edges one by one, whole blocks at once."""
    first, stop = span
    if place[3] < 0 and place[2] < 0:
        out[w + COUNT] += stop - first
        if out[w + LAST_AT] == NULL:
            out[w + LAST_AT] = pool[place[0] + stop - 1]
        return
    head, tail = (first + BLOCK - 1) // BLOCK, stop // BLOCK
    if head >= tail:
        lift(pool, place, need, span, out, w)
        return
    lift(pool, place, need, (tail * BLOCK, stop), out, w)
    for block in range(tail - 1, head - 1, -1):
        merge(pool, place[4] + block * place[5], out, w)
    lift(pool, place, need, (first, head * BLOCK), out, w)


@compiled
def _find_first(pool: Ints, place: LaneAt, span: tuple[Word, Word], out: Ints, w: Word) -> None:
    """Note the oldest counted event of ``span``, if there is one; empty blocks are skipped."""
    times, masks, bit, values = place[0], place[1], place[2], place[3]
    always = values < 0 and bit < 0
    i = np.int64(span[0])
    while i < span[1]:
        whole = i % BLOCK == 0 and i + BLOCK <= span[1] and not always
        if whole and pool[place[4] + i // BLOCK * place[5] + COUNT] == 0:
            i += BLOCK
            continue
        passed = bit < 0 or (pool[masks + i] >> bit) & 1 == 1
        if passed and (values < 0 or pool[values + i] != NULL):
            out[w + FIRST_AT] = pool[times + i]
            out[w + FIRST_VALUE] = pool[values + i] if values >= 0 else np.int64(0)
            return
        i += 1


@compiled
def _tell_apart(pool: Ints, place: LaneAt, span: tuple[Word, Word], seen: Ints) -> Word:
    """How many values among the events of ``span`` were not seen before."""
    masks, bit, values, fresh = place[1], place[2], place[3], 0
    for i in range(span[0], span[1]):
        if bit >= 0 and not (pool[masks + i] >> bit) & 1:
            continue
        x = pool[values + i]
        if x == NULL:
            continue
        at = _seen_at(seen, x)
        if seen[at + 1] != seen[0]:
            seen[at], seen[at + 1] = x, seen[0]
            fresh += 1
    return fresh


@inlined
def _seen_at(seen: Ints, x: Word) -> Word:
    """Where a value is in the open-addressed table, or where it would be put."""
    mask = np.uint64((len(seen) - 1) // 2 - 1)
    h = np.uint64(x) * np.uint64(0x9E3779B97F4A7C15)
    h = (h ^ (h >> np.uint64(32))) & mask
    at = 1 + 2 * np.int64(h)
    while seen[at + 1] == seen[0] and seen[at] != x:
        h = (h + np.uint64(1)) & mask
        at = 1 + 2 * np.int64(h)
    return at


@compiled
def _set_current(plan: Ints, p: Word, io: Ints, slot: tuple[Ints, Word], seen: Ints) -> None:
    """Note what the request's own payload would add to the slot; ``NULL`` is nothing."""
    out, w = slot
    column, inputs = plan[p + ADDED], plan[3]
    if not holds(plan, plan[p + CONDITIONS], plan[p + CONDITION_COUNT], io, inputs):
        return
    x = io[inputs + column] if column >= 0 else np.int64(0)
    out[w + CURRENT] = x
    if plan[p + NEED] & DISTINCT and x != NULL:
        out[w + MISSING] = int(seen[_seen_at(seen, x) + 1] != seen[0])
