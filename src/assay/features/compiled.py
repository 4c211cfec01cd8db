"""How is a kernel function compiled? Once, for int64 and doubles as they are, never with fast-math.

Each file of compiled functions calls only functions of its own file: numba's cache (folder:
``NUMBA_CACHE_DIR``) notices a change of the file that holds the entry point and of no other.
"""

from collections.abc import Callable
from typing import TypeVar, cast

import numba

_F = TypeVar("_F", bound=Callable[..., object])


def compiled(function: _F) -> _F:
    """The same function as machine code, compiled at its first call and kept on disk."""
    # error_model numpy: integer division does not test for zero again; the callers have.
    return cast("_F", numba.njit(cache=True, error_model="numpy")(function))


def inlined(function: _F) -> _F:
    """The same function as machine code inside each compiled function that calls it.

    Passing an array costs seven words; a helper called per value is cheaper without.
    """
    return cast("_F", numba.njit(inline="always", error_model="numpy")(function))
