"""How does a state leave its process, and how does another one take it up to the bit?

An image is good only for the code and the catalog that made it: anything else is refused, and the
log is folded instead. Nothing in it is executed or unpickled.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

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
#: Gives an array by that name again: as it is, or a copy of it.
Keep = Callable[[str, Ints], Ints]
_ROOM = "assay.features"
_PIECE = 1 << 11  #: names written down in one go: far below a millisecond
_FIXED = 15  #: items of a list whose length stands in its first byte


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


class Held(NamedTuple):
    """What a state held at one moment, not yet written down."""

    arrays: dict[str, Ints]
    names: list[Key | None]
    ids: list[bytes | bytearray]
    opened: int
    retracted: set[str]


def as_it_is(_name: str, words: Ints) -> Ints:
    """No copy: a `Keep` for a state that does not change any more."""
    return words


class Ahead:
    """What is done before a state is held, so that holding it is short.

    ``sizes`` are the words of every array. The names are millions of objects: copied at once, each
    is touched. Here they are copied a few at a time while the state goes on; which of them changed
    meanwhile is noted.
    """

    def __init__(self, slabs: Slabs) -> None:
        self.sizes = {name: words.size for name, words in _arrays(slabs).items()}
        self._slabs, self._names = slabs, list[Key | None]()
        self._renamed = slabs.renamed = set[int]()

    def copy_names(self, breathe: Callable[[], None]) -> None:
        """Copy what there is, on any thread; ``breathe`` is called between small pieces."""
        names, copied = self._slabs.names, self._names
        while len(copied) < len(names):
            copied += names[len(copied) : len(copied) + _PIECE]
            breathe()

    def names_of(self, slabs: Slabs) -> list[Key | None]:
        """The names now; the copy is given away, and no change is noted any longer."""
        watched, renamed = slabs.renamed, self._renamed
        self.close()
        if slabs is not self._slabs or watched is not renamed:
            return slabs.names.copy()  # of another state, or of one that began anew
        names, copied = slabs.names, self._names
        for row in renamed:
            if row < len(copied):
                copied[row] = names[row]
        copied += names[len(copied) :]
        return copied

    def close(self) -> None:
        """Note no change any longer."""
        if self._slabs.renamed is self._renamed:
            self._slabs.renamed = None


def hold(slabs: Slabs, retracted: set[str], keep: Keep, ahead: Ahead | None) -> Held:
    """What a state holds now, every array as ``keep`` gives it again.

    With copies it stays what it was, whatever becomes of the state.
    """
    ids, opened = slabs.identities.parts()
    kept = {name: keep(name, words) for name, words in _arrays(slabs).items()}
    names = slabs.names.copy() if ahead is None else ahead.names_of(slabs)
    return Held(kept, names, ids, opened, retracted.copy())


def meta_of(held: Held, catalog: str, lookback: int | None, edge: int) -> StateMeta:
    """What an image made by this code is of."""
    return StateMeta(
        code=code_stamp(),
        catalog=catalog,
        lookback=lookback,
        edge=edge,
        chunks=tuple(map(len, held.ids)),
        opened=held.opened,
    )


def check_own(meta: StateMeta, catalog: str, lookback: int | None) -> None:
    """Return when an image was made by this code, for such a state.

    Raises:
        Foreign: it was not.
    """
    for what, found, own in (
        ("code", meta.code, code_stamp()),
        ("catalog", meta.catalog, catalog),
        ("lookback", meta.lookback, lookback),
    ):
        if found != own:
            raise Foreign(f"it was made with {what} {found}, wanted {own}")


def parts_of(held: Held, breathe: Callable[[], None] = lambda: None) -> dict[str, Part]:
    """The parts of an image; ``breathe`` is called between small pieces of the work."""
    parts = {name: _bytes(words) for name, words in held.arrays.items()}
    parts["ids"] = _joined(held.ids, breathe)
    parts["names"] = _joined(_in_pieces(held.names), breathe)
    parts["retracted"] = _joined(_in_pieces(sorted(held.retracted)), breathe)
    return parts


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


def _arrays(slabs: Slabs) -> dict[str, Ints]:
    used = len(slabs.names)
    return {
        "pool": slabs.pool[: int(slabs.free[0])],
        "rows": slabs.rows[:used],
        "tables": slabs.tables[:used],
        "free": slabs.free,
        "uses": slabs.identities.uses,
    }


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


def _in_pieces(items: Sequence[object]) -> Iterator[bytes]:
    """A list in msgpack, some items at a time."""
    yield b"\xdd" + len(items).to_bytes(4, "big")
    for start in range(0, len(items), _PIECE):
        piece = items[start : start + _PIECE]
        yield _encode(piece)[1 if len(piece) <= _FIXED else 3 :]  # without its own length


def _joined(pieces: Iterable[bytes | bytearray], breathe: Callable[[], None]) -> Part:
    made: list[bytes | bytearray] = []
    for piece in pieces:
        made.append(piece)
        breathe()
    whole, at = np.empty(sum(map(len, made)), np.uint8), 0
    for piece in made:
        whole[at : at + len(piece)] = np.frombuffer(piece, np.uint8)
        at += len(piece)
        breathe()
    return whole


def _bytes(words: Ints) -> Part:
    return np.ascontiguousarray(words).reshape(-1).view(np.uint8)


def _words(part: Part, width: int = 0) -> Ints:
    words: Ints = part.view(np.int64)
    return (words.reshape(-1, width) if width else words).copy()
