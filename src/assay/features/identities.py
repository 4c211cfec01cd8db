"""What was the id of an event? Kept to order ties and to find what is retracted."""


class Identities:
    """Event ids one after the other, each known by where it starts.

    One buffer, because a Python text costs 60 bytes more than its characters.

    Example:
        >>> ids = Identities()
        >>> reference = ids.add("booking-17")
        >>> ids.at(reference)
        b'booking-17'
    """

    def __init__(self) -> None:
        self._bytes = bytearray()

    def __len__(self) -> int:
        return len(self._bytes)

    def add(self, event_id: str) -> int:
        """Keep an id; the answer is what ``len`` was before."""
        reference, body = len(self._bytes), event_id.encode()
        self._bytes += len(body).to_bytes(2, "little") + body
        return reference

    def at(self, reference: int) -> bytes:
        """The id as UTF-8, whose order is that of the texts."""
        size = int.from_bytes(self._bytes[reference : reference + 2], "little")
        return bytes(self._bytes[reference + 2 : reference + 2 + size])

    @property
    def bytes_used(self) -> int:
        """Memory of the buffer."""
        return self._bytes.__sizeof__()
