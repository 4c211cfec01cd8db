"""How is a kernel function compiled? Once, for int64 and doubles as they are, never with fast-math.

The machine code is kept on disk (folder: ``NUMBA_CACHE_DIR``). numba by itself notices a change of
the file that holds the entry point and of no other; here any change in its room discards it.
"""

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, TypeVar, cast

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile

_F = TypeVar("_F", bound=Callable[..., object])


def compiled(function: _F) -> _F:
    """The same function as machine code, compiled at its first call and kept on disk."""
    return _cached(function)


def unlocked(function: _F) -> _F:
    """``compiled``, and other Python threads run while it does: for long work on arrays."""
    return _cached(function, nogil=True)


def borrowing(function: _F) -> _F:
    """``compiled``, for what makes no array: it does not count references to those it is lent.

    Counting costs some ten nanoseconds an array and call, more than many a call itself.
    """
    return _cached(function, _nrt=False)


def _cached(function: _F, **options: Any) -> _F:
    # error_model numpy: integer division does not test for zero again; the callers have.
    dispatcher: Any = numba.njit(error_model="numpy", **options)(function)
    if hasattr(dispatcher, "_cache"):  # not where compiling is switched off
        dispatcher._cache = _RoomCache(function)  # noqa: SLF001 - numba offers no other way
    return cast("_F", dispatcher)


def inlined(function: _F) -> _F:
    """The same function as machine code inside each compiled function that calls it.

    Passing an array costs seven words; a helper called per value is cheaper without.
    """
    return cast("_F", numba.njit(inline="always", error_model="numpy")(function))


class _RoomCache(FunctionCache):
    """Machine code on disk that any change of any file of its room makes stale."""

    def __init__(self, function: Callable[..., object]) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]  # numba is untyped
        self._cache_file: Any = IndexDataCacheFile(
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=room_stamp(function.__module__.rpartition(".")[0]),
        )


@cache
def room_stamp(room: str) -> bytes:
    """The hash of every source file of a room."""
    found = sha256()
    for file in sorted(files(room).iterdir(), key=lambda item: item.name):
        if file.name.endswith(".py"):
            found.update(file.name.encode() + b"\0" + file.read_bytes())
    return found.digest()
