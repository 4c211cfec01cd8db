"""Which events were given more than once? The same one again is left out, another one refused.

Hashes find suspects; what decides is the id itself, and a 64-bit hash of everything else.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from assay.adapters.parquet.arrow import whole
from assay.adapters.parquet.conflicts import Conflict
from assay.adapters.parquet.folder import Folder
from assay.adapters.parquet.slots import committed, read_slot
from assay.core.errors import TooLarge

Facts = dict[str, Any]
Drops = dict[str, dict[int, list[int]]]
#: More would not be an accident; they are kept in memory until they are judged.
SUSPECTS_MAX = 2_000_000
_ROW_MASK = (1 << 32) - 1


def find_same(
    folder: Folder,
    pieces: Sequence[str],
    slots: int,
    told: Callable[[list[Conflict]], Iterable[Facts]],
) -> Facts:
    """One step: the rows to leave out are written to ``drops``, those refused to quarantine.

    Args:
        folder: where the pieces lie.
        pieces: of the input, in its order.
        slots: how many buckets hashes of ids went to.
        told: gives the lines of the quarantine.

    Raises:
        TooLarge: more than two million events share an id with another.
    """
    suspects: list[NDArray[np.int64]] = []
    found = 0
    for slot in range(slots):
        chosen = _suspects([folder.ids(piece) for piece in pieces], slot)
        found += len(chosen)
        if found > SUSPECTS_MAX:
            raise TooLarge(
                f"more than {SUSPECTS_MAX:,} events share an id with another one: "
                "remove what was given twice first"
            )
        suspects.append(chosen)
    rows = np.concatenate(suspects) if suspects else np.zeros((0, 5), np.int64)
    drops, conflicts = _judged(folder, pieces, rows)
    with committed(folder.work / "drops.json") as aside:
        aside.write_text(json.dumps(drops), encoding="ascii")
    with (
        committed(folder.refused("same")) as aside,
        aside.open("w", encoding="ascii") as quarantine,
    ):
        quarantine.writelines(json.dumps(line) + "\n" for line in told(conflicts))
    if not conflicts:
        folder.refused("same").unlink()
    dropped = sum(len(at) for by_range in drops.values() for at in by_range.values())
    return {"duplicates": dropped - len(conflicts), "conflicts": len(conflicts)}


def read_drops(folder: Folder) -> Drops:
    """By piece and range, the rows to leave out."""
    found = json.loads((folder.work / "drops.json").read_bytes())
    return {
        piece: {int(at): rows for at, rows in by_range.items()} for piece, by_range in found.items()
    }


def _suspects(paths: Sequence[Path], slot: int) -> NDArray[np.int64]:
    """Rows (piece, place, input, id hash, body hash) of a slot whose id hash is not alone."""
    tables = [read_slot(path, slot) for path in paths]
    hashes = np.concatenate([_words(table, "id") for table in tables] or [np.zeros(0, np.int64)])
    order = np.argsort(hashes, kind="stable")
    held = hashes[order]
    equal = held[1:] == held[:-1]
    shared = np.zeros(len(held), np.bool_)
    shared[1:] |= equal
    shared[:-1] |= equal
    chosen = np.sort(order[shared])
    if not len(chosen):
        return np.zeros((0, 5), np.int64)
    starts = np.cumsum([0, *(table.num_rows for table in tables)])
    piece = np.searchsorted(starts, chosen, "right") - 1
    columns = [
        np.concatenate([_words(table, name) for table in tables])[chosen]
        for name in ("place", "input", "id", "body")
    ]
    return np.stack([piece.astype(np.int64), *columns], axis=1)


def _judged(
    folder: Folder, pieces: Sequence[str], rows: NDArray[np.int64]
) -> tuple[Drops, list[Conflict]]:
    """The first event of an id stands, in the order of the input; a piece is one event type."""
    first: dict[str, int] = {}
    seen: Counter[tuple[str, str, str]] = Counter()
    drops: Drops = {}
    conflicts = []
    order = np.lexsort((rows[:, 2], rows[:, 0]))
    names = _ids_at(folder, pieces, rows)
    for at in order.tolist():
        piece, place, _, _, body = rows[at].tolist()
        event_id = names[at]
        unit, _, event_type = pieces[piece].split("-", 2)
        nth = seen[unit, event_type, event_id]
        seen[unit, event_type, event_id] += 1
        stands = first.get(event_id)
        if stands is None:
            first[event_id] = body
            continue
        by_range = drops.setdefault(pieces[piece], {})
        by_range.setdefault(place >> 32, []).append(place & _ROW_MASK)
        if stands != body:
            conflicts.append(Conflict(int(unit), event_type, event_id, nth))
    return drops, conflicts


def _ids_at(folder: Folder, pieces: Sequence[str], rows: NDArray[np.int64]) -> list[str]:
    """The id of each row, every batch that holds one read once."""
    batches = rows[:, 0] << 32 | rows[:, 1] >> 32
    found = [""] * len(rows)
    for batch in np.unique(batches).tolist():
        here = np.flatnonzero(batches == batch)
        table = read_slot(folder.staged(pieces[batch >> 32]), batch & _ROW_MASK)
        taken = table.take(pa.array(rows[here, 1] & _ROW_MASK))
        for at, name in zip(here.tolist(), taken.column("id").to_pylist(), strict=True):
            found[at] = name
    return found


def _words(table: Any, name: str) -> NDArray[np.int64]:
    column = table.column(name)
    if column.type == pa.uint64():
        words: NDArray[np.int64] = column.to_numpy(zero_copy_only=False).view(np.int64)
        return words
    return whole(column)
