"""What is the raw score of one row? LightGBM's own C entry for single rows, without Python between.

``LGBM_BoosterPredictForMatSingleRowFast`` keeps the parsed configuration in a handle, so a call
costs a fraction of ``Booster.predict`` and gives the same bits. There is no other path: where the
library is missing, loading fails.
"""

import ctypes
import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.core.errors import Corrupt, Invalid, Unavailable

_RAW_SCORE, _CONTRIBUTIONS = 1, 3  # C_API_PREDICT_RAW_SCORE, C_API_PREDICT_CONTRIB
_FLOAT64 = 1  # C_API_DTYPE_FLOAT64
#: One thread (a single row has nothing to share out) and exact sums over all trees.
_PARAMETERS = b"num_threads=1 pred_early_stop=false verbosity=-1"


class ForestUnavailable(Unavailable):
    """LightGBM, or the C entry for single rows, cannot be used in this process."""

    code = "forest_unavailable"


class Forest:
    """Trees loaded from LightGBM's model text.

    Calls from several threads are correct (LightGBM locks the handle) but wait for each other;
    give each thread its own ``Forest``.

    Raises:
        Corrupt: LightGBM cannot read the text, or it is not one raw score per row.
        ForestUnavailable: LightGBM is not installed or too old.
    """

    def __init__(self, text: str) -> None:
        self._library = _library()
        self._handle = ctypes.c_void_p()
        rounds = ctypes.c_int()
        self._check(
            self._library.LGBM_BoosterLoadModelFromString(
                ctypes.c_char_p(text.encode()), ctypes.byref(rounds), ctypes.byref(self._handle)
            ),
            "load the model text",
        )
        weakref.finalize(self, self._library.LGBM_BoosterFree, self._handle)
        self.width = self._count("LGBM_BoosterGetNumFeature")
        if self._count("LGBM_BoosterGetNumClasses") != 1:
            raise Corrupt("expected a model with one raw score per row, got a multi-class model")
        self._score = self._fast(_RAW_SCORE)
        self._explain = self._fast(_CONTRIBUTIONS)

    def raw(self, row: NDArray[np.float64]) -> float:
        """Log-odds of one row of shape ``(width,)``; NaN stands for "not known".

        Raises:
            Invalid: the row has another shape or type, or is not contiguous.
        """
        self._check_row(row)
        result, length = ctypes.c_double(), ctypes.c_int64()
        if self._library.LGBM_BoosterPredictForMatSingleRowFast(
            self._score.value, row.ctypes.data, ctypes.byref(length), ctypes.byref(result)
        ):
            self._check(-1, "score a row")
        return result.value

    def contributions(self, row: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shapley contributions of each input and, last, the base: shape ``(width + 1,)``.

        They add up to the raw score (log-odds).

        Source:
            Lundberg, Erion and Lee (2018), Consistent individualized feature attribution for
            tree ensembles; computed by LightGBM, path-dependent.
        """
        self._check_row(row)
        result = np.empty(self.width + 1, dtype=np.float64)
        length = ctypes.c_int64()
        self._check(
            self._library.LGBM_BoosterPredictForMatSingleRowFast(
                self._explain.value, row.ctypes.data, ctypes.byref(length), result.ctypes.data
            ),
            "explain a row",
        )
        return result

    def raw_rows(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log-odds of many rows of shape ``(n, width)``, bit for bit as ``raw`` gives them."""
        result = np.empty(rows.shape[0], dtype=np.float64)
        self._predict(rows, _RAW_SCORE, result)
        return result

    def contribution_rows(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """``contributions`` of many rows: shape ``(n, width + 1)``, the base last."""
        result = np.empty((rows.shape[0], self.width + 1), dtype=np.float64)
        self._predict(rows, _CONTRIBUTIONS, result)
        return result

    def _predict(self, rows: NDArray[np.float64], kind: int, result: NDArray[np.float64]) -> None:
        if rows.ndim != 2 or rows.shape[1] != self.width:
            raise Invalid(f"expected rows of {self.width} inputs, got shape {rows.shape}")
        data = np.ascontiguousarray(rows, dtype=np.float64)
        if not data.shape[0]:
            return
        length = ctypes.c_int64()
        self._check(
            self._library.LGBM_BoosterPredictForMat(
                self._handle,
                ctypes.c_void_p(data.ctypes.data),
                ctypes.c_int(_FLOAT64),
                ctypes.c_int32(data.shape[0]),
                ctypes.c_int32(self.width),
                ctypes.c_int(1),  # row major
                ctypes.c_int(kind),
                ctypes.c_int(0),
                ctypes.c_int(-1),
                ctypes.c_char_p(_PARAMETERS),
                ctypes.byref(length),
                ctypes.c_void_p(result.ctypes.data),
            ),
            "score rows",
        )

    def _check_row(self, row: NDArray[np.float64]) -> None:
        if row.shape != (self.width,) or row.dtype != np.float64 or not row.flags.c_contiguous:
            raise Invalid(
                f"expected one contiguous row of {self.width} doubles, got {row.dtype} of shape "
                f"{row.shape}"
            )

    def _fast(self, kind: int) -> ctypes.c_void_p:
        handle = ctypes.c_void_p()
        self._check(
            self._library.LGBM_BoosterPredictForMatSingleRowFastInit(
                self._handle,
                ctypes.c_int(kind),
                ctypes.c_int(0),
                ctypes.c_int(-1),
                ctypes.c_int(_FLOAT64),
                ctypes.c_int32(self.width),
                ctypes.c_char_p(_PARAMETERS),
                ctypes.byref(handle),
            ),
            "prepare single-row scoring",
        )
        weakref.finalize(self, self._library.LGBM_FastConfigFree, handle)
        return handle

    def _count(self, name: str) -> int:
        count = ctypes.c_int()
        self._check(getattr(self._library, name)(self._handle, ctypes.byref(count)), name)
        return count.value

    def _check(self, status: int, doing: str) -> None:
        if status:
            why = ctypes.cast(self._library.LGBM_GetLastError(), ctypes.c_char_p).value or b""
            raise Corrupt(f"LightGBM could not {doing}: {why.decode(errors='replace')}")


def _library() -> Any:
    """LightGBM's shared library, already loaded by its Python package."""
    try:
        # The package names the handle privately but offers no public way to the C interface.
        from lightgbm.basic import _LIB  # type: ignore[attr-defined]  # no public name exists
    except (ImportError, OSError) as error:
        raise ForestUnavailable(
            f"LightGBM cannot be loaded: {error}; install lightgbm (on Debian also libgomp1)"
        ) from error
    if not hasattr(_LIB, "LGBM_BoosterPredictForMatSingleRowFast"):
        raise ForestUnavailable("this LightGBM has no single-row entry; install 4.6 or newer")
    _LIB.LGBM_GetLastError.restype = ctypes.c_void_p
    # Only this module calls it, so declaring its types cannot disturb the Python package.
    _LIB.LGBM_BoosterPredictForMatSingleRowFast.argtypes = [ctypes.c_void_p] * 4
    return _LIB
