"""Was this id surely never seen? Answered from memory, so that new events need no look-up."""

from zlib import crc32

import numpy as np
from numpy.typing import NDArray

SEEN_BITS = 27  #: 16 MiB; 2 in 10,000 new ids are looked up in vain after 1 million, 2 % after 10


_MIX = 0x9E3779B1  #: odd, so that two codes that share the first bit differ in the second


class Seen:
    """A Bloom filter with two bits an id: "no" is certain, "yes" means "ask the log".

    Example:
        >>> seen = Seen()
        >>> seen.add("bk-1")
        >>> "bk-1" in seen, "bk-2" in seen
        (True, False)
    """

    __slots__ = ("_bytes", "_mask")

    def __init__(self, bits: int = SEEN_BITS) -> None:
        self._bytes = bytearray(1 << (bits - 3))
        self._mask = (1 << bits) - 1

    def add(self, name: str) -> None:
        """Remember a name for good."""
        # Not `hash`, which differs from process to process: a snapshot keeps what was seen.
        code = crc32(name.encode("utf-8", "surrogatepass"))
        first, second = code & self._mask, (code * _MIX >> 5) & self._mask
        self._bytes[first >> 3] |= 1 << (first & 7)
        self._bytes[second >> 3] |= 1 << (second & 7)

    def __contains__(self, name: str) -> bool:
        code = crc32(name.encode("utf-8", "surrogatepass"))
        first = code & self._mask
        if not self._bytes[first >> 3] & (1 << (first & 7)):
            return False
        second = (code * _MIX >> 5) & self._mask
        return bool(self._bytes[second >> 3] & (1 << (second & 7)))

    @property
    def words(self) -> NDArray[np.int64]:
        """The filter itself, not copied."""
        return np.frombuffer(self._bytes, np.int64)

    def restore(self, places: NDArray[np.uint8], words: NDArray[np.uint8]) -> None:
        """Remember what a filter of the same size did; see `packed_words`.

        Raises:
            ValueError, IndexError: it was of another size.
        """
        self.words[places.view(np.int64)] = words.view(np.int64)


def packed_words(words: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Which words of a filter have a bit set, and those words: what `Seen.restore` takes."""
    places = np.flatnonzero(words)
    return places.view(np.uint8), words[places].view(np.uint8)
