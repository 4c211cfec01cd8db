"""How often does a process keep its state while it runs, and what became of that?"""

import msgspec

EVERY = 500_000  #: entries; folding so many again takes seconds
COPY_MAX = 4 << 30  #: bytes; copying so many takes about a third of a second


class Keeping(msgspec.Struct, frozen=True):
    """How often, and up to which size, a running process keeps its state.

    Args:
        every: entries since the last snapshot; 0 for never.
        copy_max: bytes; a state that is larger is not copied, because requests wait meanwhile.
        retry: seconds until one that failed is tried again; they double up to ten minutes.
    """

    every: int = EVERY
    copy_max: int = COPY_MAX
    retry: float = 5.0


KEEPING = Keeping()  #: as often as suits most


class SnapshotView(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the snapshots of one state.

    ``seq``, ``bytes_used`` and ``at`` (microseconds UTC) are of the newest, 0 without one.
    ``taken`` and ``failures`` count since the start, ``why`` says what failed last, empty once one
    was kept again. ``pause_us`` is how long requests waited for the last copy, ``pause_max_us``
    the longest such wait.
    """

    seq: int = 0
    bytes_used: int = 0
    at: int = 0
    taken: int = 0
    failures: int = 0
    why: str = ""
    pause_us: int = 0
    pause_max_us: int = 0

    def age(self, now: int) -> float:
        """Seconds since the newest was written; not a number without one."""
        return max(now - self.at, 0) / 1e6 if self.at else float("nan")
