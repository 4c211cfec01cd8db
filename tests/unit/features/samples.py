"""A short way to ask the kernel about one column of values, without events around it."""

import numpy as np
from numpy.typing import NDArray

from assay.features.layout import COUNT, GATHERED_WORDS, NULL
from assay.features.plan import AGGREGATES, Sample
from assay.features.sample import sample, work_words


def of_values(
    values: NDArray[np.int64],
    aggregate: str,
    *,
    cap: int,
    k: int = 1,
    permille: int = 0,
    is_real: bool = False,
) -> int:
    """The word that the kernel computes from a window with these values, oldest first."""
    asked = Sample(
        own=False,
        aggregate=[*AGGREGATES].index(aggregate),  # type: ignore[arg-type]  # a name of them
        k=k,
        permille=permille,
        cap=cap,
        is_real=is_real,
    )
    out = np.zeros(GATHERED_WORDS + 1, np.int64)
    out[COUNT] = len(values)
    zero, none = np.int64(0), np.int64(NULL)
    lane = zero, zero, np.int64(-1), zero, zero, zero
    plan = np.array(asked.words(GATHERED_WORDS), np.int64)
    work = np.zeros(work_words(cap), np.int64)
    span = zero, np.int64(len(values))
    sample(values, lane, span, plan, (zero, np.int64(1)), (out, zero, none), work)
    return int(out[GATHERED_WORDS])


def as_real(word: int) -> float:
    """The double that a word holds."""
    return float(np.int64(word).view(np.float64))
