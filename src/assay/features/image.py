"""How does a state leave its process, and how does another one take it up to the bit?

An image is good only for the code and the catalog that made it: anything else is refused, and the
log is folded instead. Nothing in it is executed or unpickled.
"""

from collections.abc import Mapping
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

from assay.core.errors import Corrupt, Invalid
from assay.features.compiled import room_stamp
from assay.features.identities import Identities
from assay.features.layout import CLASSES, ROW_WORDS, Ints
from assay.features.retention import used_words
from assay.features.slabs import Key, Slabs

Part = NDArray[np.uint8]
_ROOM = "assay.features"


class Foreign(Invalid):
    """Made by other code, or of another catalog: correct perhaps, but not to be built on."""

    code = "foreign"


class StateMeta(msgspec.Struct, frozen=True, kw_only=True):
    """What an image is of; ``chunks`` are the sizes of the buffers of ids, one of them open."""

    code: str
    catalog: str
    lookback: int | None
    edge: int
    chunks: tuple[int, ...]
    opened: int


_decode_names = msgspec.msgpack.Decoder(list[str | int | tuple[str | int, ...] | None]).decode
_decode_ids = msgspec.msgpack.Decoder(set[str]).decode
_encode = msgspec.msgpack.Encoder().encode


def state_parts(slabs: Slabs, retracted: set[str]) -> tuple[dict[str, Part], list[int], int]:
    """The parts of a state, not copied, with the sizes of the buffers of ids and the open one."""
    used = len(slabs.names)
    chunks, opened = slabs.identities.parts()
    parts = {
        "pool": _bytes(slabs.pool[: int(slabs.free[0])]),
        "rows": _bytes(slabs.rows[:used]),
        "tables": _bytes(slabs.tables[:used]),
        "free": _bytes(slabs.free),
        "uses": _bytes(slabs.identities.uses),
        "ids": np.frombuffer(b"".join(chunks), np.uint8),
        "names": np.frombuffer(_encode(slabs.names), np.uint8),
        "retracted": np.frombuffer(_encode(sorted(retracted)), np.uint8),
    }
    return parts, [len(chunk) for chunk in chunks], opened


def put_back(slabs: Slabs, meta: StateMeta, parts: Mapping[str, Part]) -> set[str]:
    """Fill empty slabs with the parts of an image; the ids that were retracted.

    Raises:
        Corrupt: the parts do not fit together.
    """
    try:
        names: list[Key | None] = list(_decode_names(parts["names"].data))
        retracted = _decode_ids(parts["retracted"].data)
        pool, free, uses = (_words(parts[name]) for name in ("pool", "free", "uses"))
        # Copied after they have their shape: what does not own its memory cannot grow.
        rows, tables = _words(parts["rows"], ROW_WORDS), _words(parts["tables"])
    except (KeyError, ValueError, msgspec.MsgspecError) as error:
        raise Corrupt(f"an image of a state cannot be read: {error}") from error
    if not _fit(slabs, meta, len(parts["ids"]), (names, pool, free, uses, rows, tables)):
        raise Corrupt("the parts of an image of a state do not fit together")
    ids = parts["ids"].tobytes()
    ends = np.cumsum((0, *meta.chunks)).tolist()
    chunks = [ids[start:stop] for start, stop in pairwise(ends)]
    slabs.pool, slabs.free = pool, free
    slabs.rows, slabs.tables = rows, tables
    slabs.identities = Identities.of(chunks, meta.opened, uses)
    slabs.restore(names)
    return retracted


def code_stamp() -> str:
    """The hash of the code that an image depends on."""
    return room_stamp(_ROOM).hex()


def _fit(
    slabs: Slabs,
    meta: StateMeta,
    ids: int,
    parts: tuple[list[Key | None], Ints, Ints, Ints, Ints, Ints],
) -> bool:
    names, pool, free, uses, rows, tables = parts
    sizes = (
        len(names) == len(rows) == len(tables)
        and len(free) == 1 + CLASSES * len(slabs.keys) == len(slabs.free)
        and free[0] == len(pool) >= 1
        and sum(meta.chunks) == ids
        and len(uses) >= len(meta.chunks) > meta.opened >= 0
    )
    if not sizes:
        return False
    known = np.array([name is not None for name in names], bool)
    if np.any((tables >= 0) != known) or np.any(tables >= len(slabs.keys)):
        return False
    return bool(used_words(rows, tables, slabs.shapes, len(pool)) >= 0)


def _bytes(words: Ints) -> Part:
    return np.ascontiguousarray(words).reshape(-1).view(np.uint8)


def _words(part: Part, width: int = 0) -> Ints:
    words: Ints = part.view(np.int64)
    return (words.reshape(-1, width) if width else words).copy()
