"""How do many events enter? One after the other as if each came alone, in one compiled call.

The call returns where only Python can help and is then made again, from the same event on: a key
needs a row, a tie the ids of events, the pool room, the ids a new buffer, or the sweep is due.
"""

from assay.features.arena import FULL, TIE, insert, make_room
from assay.features.compiled import compiled
from assay.features.layout import (
    CHUNK_BITS,
    IDS_FULL,
    NO_KEY,
    REACH,
    SHAPE_WORDS,
    Bytes,
    Ints,
    Word,
)
from assay.features.retention import STRIDE, sweep

#: What ``fold`` answers: all is done, or what it waits for.
DONE, ROW, PLACE, ROOM, BUFFER, SWEEP = range(6)
#: Where it stands, and what it counts: the event; how far that has come; whether its full rows
#: were rid of what no read can reach; the table whose row, or the words that are wanting; the rows
#: of the event; the bytes of ids gathered; the keys that got a row; how many rows are unused, and
#: the first that never was used; visits of the sweep that are left, how far it is, the words it
#: kept, and the rows it has emptied; then the members of `FeatureState` of these names.
(
    EVENT, STEP, GROWING, WANTING, USES, GATHERED, NEXT_ID, MADE, UNUSED, NEXT_ROW,
    VISITS, SWEPT, KEPT, EMPTIED, EDGE, LOOKBACK, DUE, UNREACHABLE,
) = range(18)  # fmt: skip
NOW_WORDS = 18
_FIND_ROWS, _INSERT, _MOVE_TIME, _SWEEP = range(4)
_OFFSET = (1 << CHUNK_BITS) - 1


@compiled
def fold(
    memory: tuple[Ints, Ints, Ints, Ints],
    places: tuple[Ints, Ints, Ints],
    plan: tuple[Ints, Ints],
    events: tuple[Ints, Ints, Ints],
    ids: tuple[Bytes, Ints, Bytes],
    now: Ints,
) -> int:
    """Put events into their rows; returns ``DONE`` or what is needed to go on.

    Args:
        memory: the pool, the rows, the free slabs and the uses of ids.
        places: the table of each row, the rows that are unused, and those the sweep has emptied.
        plan: the programs of all event types in a row, and the shapes of the tables.
        events: what ``insert`` is given, one line an event; where its program starts; the rows of
            numbered keys, and which of them got one. A row below ``NO_KEY`` is such a number.
        ids: the UTF-8 bytes of the ids, where each ends, and the bytes gathered of those kept.
        now: see ``EVENT`` and the following.
    """
    programs, shapes = plan
    lines, starts, keys = events
    for i in range(now[EVENT], len(lines)):
        now[EVENT] = i
        io, program = lines[i], programs[starts[i] :]
        if now[STEP] == _FIND_ROWS:
            if not _find_rows(program, shapes, io, (keys, places[0], places[1]), now):
                return ROW
            io[1] = now[NEXT_ID]
            now[GROWING], now[STEP] = 0, _INSERT
        if now[STEP] == _INSERT:
            wanting = _insert(memory, program, shapes, io, now)
            if wanting != 0:
                now[WANTING] = wanting
                return PLACE if wanting == TIE else ROOM
            now[STEP] = _MOVE_TIME
            if now[USES] > 0:
                _keep_id(ids, i, now)
                memory[3][io[1] >> CHUNK_BITS] += now[USES]
                if now[NEXT_ID] & _OFFSET > IDS_FULL:
                    return BUFFER
        if now[STEP] == _MOVE_TIME:
            _move_time(io[0], now)
            now[STEP] = _SWEEP
        while now[VISITS] > 0:
            if _visit(memory, shapes, places, now):
                return SWEEP
        now[STEP] = _FIND_ROWS
    return DONE


@compiled
def _insert(
    memory: tuple[Ints, Ints, Ints, Ints], program: Ints, shapes: Ints, io: Ints, now: Ints
) -> Word:
    """Put one event into its rows; 0, ``TIE``, or how many words the pool must have free first."""
    pool, rows, free, uses = memory
    wanting = insert(pool, rows, free, program, io, now[GROWING])
    if wanting == FULL:
        make_room(pool, rows, uses, shapes, program, io, now[EDGE])
        now[GROWING] = 1
        wanting = insert(pool, rows, free, program, io, now[GROWING])
    return wanting


@compiled
def _move_time(ts: Word, now: Ints) -> None:
    """What an event that was inserted changes for those after it, and for the sweep."""
    if now[LOOKBACK] >= 0:
        now[EDGE] = max(now[EDGE], ts - now[LOOKBACK])
    now[DUE] += 2 * now[USES]
    if now[DUE] >= STRIDE:
        now[VISITS], now[DUE] = (now[DUE] + STRIDE - 1) // STRIDE, 0


@compiled
def _visit(
    memory: tuple[Ints, Ints, Ints, Ints], shapes: Ints, places: tuple[Ints, Ints, Ints], now: Ints
) -> bool:
    """Visit some rows; whether any was emptied or all have been visited."""
    now[VISITS] -= 1
    stop = min(now[SWEPT] + STRIDE, now[NEXT_ROW])
    span = (now[SWEPT], stop)
    emptied, kept = sweep(memory, shapes, places[0], span, now[EDGE], places[2])
    now[SWEPT], now[EMPTIED] = stop, emptied
    now[KEPT] += kept
    return bool(emptied > 0 or stop == now[NEXT_ROW])


@compiled
def _find_rows(
    program: Ints, shapes: Ints, io: Ints, places: tuple[Ints, Ints, Ints], now: Ints
) -> bool:
    """Write the row of each table to ``io``; False where there is no room for another."""
    keys, tables, unused = places
    count: Word = 0
    late = False
    for t in range(program[0]):
        row, table = io[2 + t], program[8 + 8 * t]
        reached = now[EDGE] - shapes[SHAPE_WORDS * table + REACH]
        too_late = io[0] < reached
        late |= too_late
        if row == NO_KEY or too_late:
            io[2 + t] = NO_KEY
            continue
        if row < NO_KEY:
            number = NO_KEY - 1 - row
            if keys[0, number] < 0 and not _make_row(keys, number, tables, unused, now):
                now[WANTING] = t
                return False
            row = io[2 + t] = keys[0, number]
            tables[row] = table
        count += 1
    now[USES] = count
    if late and count == 0:
        now[UNREACHABLE] += 1
    return True


@compiled
def _make_row(keys: Ints, number: Word, tables: Ints, unused: Ints, now: Ints) -> bool:
    """Give a key a row: the one unused last, or the next; False where there is none."""
    if now[UNUSED] > 0:
        now[UNUSED] -= 1
        keys[0, number] = unused[now[UNUSED]]
    elif now[NEXT_ROW] < len(tables):
        keys[0, number] = now[NEXT_ROW]
        now[NEXT_ROW] += 1
    else:
        return False
    keys[1, now[MADE]] = number
    now[MADE] += 1
    return True


@compiled
def _keep_id(ids: tuple[Bytes, Ints, Bytes], i: Word, now: Ints) -> None:
    """Gather the id of an event, behind its length in two bytes."""
    texts, ends, gathered = ids
    first, stop, at = ends[i], ends[i + 1], now[GATHERED]
    size = stop - first
    gathered[at], gathered[at + 1] = size & 255, size >> 8
    for byte in range(size):
        gathered[at + 2 + byte] = texts[first + byte]
    now[GATHERED] = at + 2 + size
    now[NEXT_ID] += 2 + size
