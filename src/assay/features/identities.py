"""What was the id of an event? Kept to order ties and to find what is retracted."""

import numpy as np

from assay.features.layout import CHUNK_BITS, IDS_FULL, Ints

_CHUNK = 1 << CHUNK_BITS
_FIRST_CHUNKS = 1 << 4


class Identities:
    """Event ids one after the other, each known by where it starts.

    Buffers of a mebibyte, because a Python text costs 60 bytes more than its characters, and so
    that memory is given back: ``uses`` counts for each buffer how many rows still hold an event
    whose id lies in it.

    Example:
        >>> ids = Identities()
        >>> reference = ids.add("booking-17", uses=2)
        >>> ids.at(reference)
        b'booking-17'
    """

    def __init__(self) -> None:
        self._uses: Ints = np.zeros(_FIRST_CHUNKS, np.int64)
        self._uncounted = 0  # uses of the open buffer: a whole number is added to sooner
        self._chunks: list[bytearray] = [bytearray()]
        self._free: list[int] = []
        self.next: int = 0  #: the reference that ``add`` will give to the next id
        self._use(0)

    @property
    def uses(self) -> Ints:
        """How many rows hold an event whose id lies in each buffer."""
        if self._uncounted:
            self._count_uses()
        return self._uses

    def add(self, event_id: str, uses: int) -> int:
        """Keep an id that so many rows refer to; the answer is its reference."""
        last, body = self._last, event_id.encode()
        reference = self.next
        last += len(body).to_bytes(2, "little") + body
        self.next = reference + 2 + len(body)
        self._uncounted += uses
        if len(last) > IDS_FULL:
            self._open_another()
        return reference

    def extend(self, gathered: bytes) -> None:
        """Keep ids as they lie in a buffer; whoever gathered them has counted their uses."""
        self._last += gathered
        self.next += len(gathered)
        if len(self._last) > IDS_FULL:
            self._open_another()

    def at(self, reference: int) -> bytes:
        """The id as UTF-8, whose order is that of the texts."""
        chunk, start = self._chunks[reference >> CHUNK_BITS], reference & (_CHUNK - 1)
        size = int.from_bytes(chunk[start : start + 2], "little")
        return bytes(chunk[start + 2 : start + 2 + size])

    def collect(self) -> None:
        """Give back the buffers whose ids nobody refers to any more."""
        for chunk in np.flatnonzero(self.uses[: len(self._chunks)] == 0).tolist():
            if self._chunks[chunk] and chunk != self._open:
                self._chunks[chunk] = bytearray()
                self._free.append(chunk)

    @property
    def bytes_used(self) -> int:
        """Memory of the buffers."""
        open_one = len(self._last)
        full = len(self._chunks) - len(self._free) - 1
        return int(self.uses.nbytes) + full * _CHUNK + open_one

    def parts(self) -> tuple[list[bytes | bytearray], int]:
        """The buffers as they stay from now on, and which one is open.

        A full buffer is never written again, only dropped: it is not copied.
        """
        at = self._open
        return [
            bytes(chunk) if place == at or not chunk else chunk
            for place, chunk in enumerate(self._chunks)
        ], at

    @classmethod
    def of(cls, chunks: list[bytes], opened: int, uses: Ints) -> "Identities":
        """Identities as ``parts`` and ``uses`` said."""
        made = cls()
        made._chunks, made._uses = [bytearray(chunk) for chunk in chunks], uses
        made._use(opened)
        made._free = [at for at, chunk in enumerate(chunks) if not chunk and at != opened]
        return made

    def _open_another(self) -> None:
        self._count_uses()
        if self._free:
            self._use(self._free.pop())
            return
        self._chunks.append(bytearray())
        self._use(len(self._chunks) - 1)
        if self._open == len(self._uses):
            self._uses = np.concatenate((self._uses, np.zeros_like(self._uses)))

    def _count_uses(self) -> None:
        self._uses[self._open] += self._uncounted
        self._uncounted = 0

    def _use(self, chunk: int) -> None:
        self._open, self._last = chunk, self._chunks[chunk]
        self.next = (chunk << CHUNK_BITS) + len(self._last)
