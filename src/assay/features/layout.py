"""Which word of a gathered slot, of a summary and of a program means what? The kernel's numbers.

A *slot* is what a read gathers over one window of one lane: whole-number limbs that are added up,
so that no order of evaluation changes a bit. Its first ``SUMMARY`` words are also the summary of a
block of events. Sums and squares are in limbs of 32 bits that carry only when finalised.
"""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
#: Python sees either kind of integer, the compiled code only the second.
Word = int | np.int64
#: Where a lane lies: times, masks, bit, values (-1: none), first summary, summary stride.
LaneAt = tuple[Word, Word, Word, Word, Word, Word]

COUNT, SUM_0, SUM_1, SQ_0, SQ_1, SQ_2, SQ_3, LOW, HIGH, LAST_AT, LAST_VALUE = range(11)
DIFFERENT, MISSING, CURRENT = 11, 12, 13
GATHERED_WORDS = 14
#: Words of a block summary, and events in a block.
SUMMARY, BLOCK = 11, 64

CLASSES = 64  #: size classes a table can use
#: A row: start of its slab (0: none), size class, events, and the ts of the oldest.
START, CLASS, EVENTS, OLDEST = range(4)
ROW_WORDS = 4
#: A shape says of a table: columns, whether it has masks, lanes, and how far back a read reaches.
SHAPE_WORDS, REACH = 4, 3
CHUNK_BITS = 20  #: an identity is a buffer's number and a place in it below 2**20
NOT_SEEN, NO_KEY = -1, -2  #: rows that are not there: a key without events; no key at all
MOST = 2**63 - 1  #: the least value of no values
NULL = -(2**63)  #: the integer that stands for "not known"
LIMB = 0xFFFFFFFF  #: the lowest 32 bits

#: What a lane must gather, as bits.
SUM, SQUARES, LOWEST, HIGHEST, LAST, DISTINCT = 1, 2, 4, 32, 8, 16
