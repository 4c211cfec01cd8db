"""Which word of a gathered slot, of a summary and of a program means what? The kernel's numbers.

A *slot* is what a read gathers over one window of one lane: whole-number limbs that are added up,
so that no order of evaluation changes a bit. Its first ``SUMMARY`` words are also the summary of a
block of events; after its ``GATHERED_WORDS`` stands one word for each value that is computed from
the window's values themselves (``assay.features.sample``). Sums and squares are in limbs of 32
bits that carry only when finalised.
"""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
#: Python sees either kind of integer, the compiled code only the second.
Word = int | np.int64
#: Where a lane lies: times, masks, bit, values (-1: none), first summary, summary stride.
LaneAt = tuple[Word, Word, Word, Word, Word, Word]

COUNT, SUM_0, SUM_1, SQ_0, SQ_1, SQ_2, SQ_3, LOW, HIGH, LAST_AT, LAST_VALUE = range(11)
DIFFERENT, MISSING, CURRENT, FIRST_AT, FIRST_VALUE = 11, 12, 13, 14, 15
GATHERED_WORDS = 16
#: Words of a block summary, and events in a block.
SUMMARY, BLOCK = 11, 64

CLASSES = 64  #: size classes a table can use
#: A row: start of its slab (0: none), size class, events, and the ts of the oldest.
START, CLASS, EVENTS, OLDEST = range(4)
ROW_WORDS = 4
#: A shape says of a table: columns, whether it has masks, lanes, and how far back a read reaches.
SHAPE_WORDS, REACH = 4, 3
CHUNK_BITS = 20  #: an identity is a buffer's number and a place in it below 2**20
ID_BYTES = (1 << 16) - 1  #: the longest id
IDS_FULL = (1 << CHUNK_BITS) - ID_BYTES - 3  #: the longest id fits in what is left of a buffer
NOT_SEEN, NO_KEY = -1, -2  #: rows that are not there: a key without events; no key at all
MOST = 2**63 - 1  #: the least value of no values
NULL = -(2**63)  #: the integer that stands for "not known"
LIMB = 0xFFFFFFFF  #: the lowest 32 bits

#: What a lane must gather, as bits.
SUM, SQUARES, LOWEST, HIGHEST, LAST, DISTINCT, FIRST, SAMPLE = 1, 2, 4, 32, 8, 16, 64, 128

# A program of a read: ``HEADER`` words (groups, slots, words of a slot, where the request's inputs
# stand in the io), then three words a group, then ``SLOT`` words a slot.
HEADER, SLOT = 4, 16
(
    GROUP, LANE, COLUMN, FILTER, WINDOW, NEED, FRESH, ADDED, CONDITIONS, CONDITION_COUNT, EVERY,
    TIED, SAMPLES, SAMPLE_COUNT, SAMPLE_FROM, DIFFERENT_TO,
) = range(16)  # fmt: skip
NOT_ADDED = -2  #: instead of the column that the request's own payload adds
#: Words of one value computed from a window's values: what, and where in the slot it goes.
SAMPLE_WORDS = 7
AGGREGATE, K, PERMILLE, CAP, OWN, IS_REAL, WORD_AT = range(7)

# The aggregates by number, in the order of ``assay.features.plan.AGGREGATES``.
(
    COUNTS, SUMS, MEANS, MINS, MAXS, STDS, LASTS, SINCES, DISTINCTS, VARIANCES, FIRSTS,
    SINCE_FIRSTS, NTHS, QUANTILES, TOPS, TOP_COUNTS, TOP_SHARES, ENTROPIES,
) = range(18)  # fmt: skip
