"""Was this id surely never seen? Answered from memory, so that new events need no look-up."""

SEEN_BITS = 27  #: 16 MiB; 2 in 10,000 new ids are looked up in vain after 1 million, 2 % after 10


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
        code = hash(name)
        first, second = code & self._mask, (code >> 32) & self._mask
        self._bytes[first >> 3] |= 1 << (first & 7)
        self._bytes[second >> 3] |= 1 << (second & 7)

    def __contains__(self, name: str) -> bool:
        code = hash(name)
        first = code & self._mask
        if not self._bytes[first >> 3] & (1 << (first & 7)):
            return False
        second = (code >> 32) & self._mask
        return bool(self._bytes[second >> 3] & (1 << (second & 7)))
