"""Which part of a log suffices to check some requests as thoroughly as the whole would?

Requests are sampled by a hash of their entity, so that whole entities stay complete; then every
event is taken that shares a key with one of them, whichever table it goes to.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from assay.contracts.event import Event
from assay.core.errors import Invalid, shown
from assay.features.catalog import Catalog
from assay.runtime.ports import Entry

_SHARE = re.compile(r"(\d{1,9})/(\d{1,9})", re.ASCII)
_Key = tuple[Any, ...]


class Sample(msgspec.Struct, frozen=True):
    """``keep`` of ``of`` values of a request's ``field``, chosen by their hash.

    Example:
        >>> sample = sample_of("1/2", "user")
        >>> [sample.holds(Event("e", "t", 0, {"user": name})) for name in ("ann", "bob", "cy")]
        [False, True, True]
    """

    field: str
    keep: int
    of: int

    def holds(self, event: Event) -> bool:
        """Whether a request is looked at; one without the field belongs to nobody and is not."""
        value = event.payload.get(self.field)
        if value is None:
            return False
        hashed = hashlib.blake2b(repr(value).encode(), digest_size=8).digest()
        return int.from_bytes(hashed, "big") % self.of < self.keep


def sample_of(text: str, field: str) -> Sample:
    """The sample that ``N/M`` asks for.

    Raises:
        Invalid: it is not two whole numbers with 0 < N <= M.
    """
    match = _SHARE.fullmatch(text)
    keep, of = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 0 < keep <= of:
        raise Invalid(f"expected a share such as 1/64, got {shown(text)}")
    return Sample(field, keep, of)


class Slice:
    """The entries that a sample needs; without one, all.

    ``want`` is called with every entry first, then ``takes``.
    """

    def __init__(self, sample: Sample | None, catalogs: Iterable[Catalog]) -> None:
        self._sample, self._catalogs = sample, tuple(catalogs)
        self._keys: dict[tuple[str, tuple[str, ...]], set[_Key]] = {
            (table.source, table.key): set()
            for catalog in self._catalogs
            for table in catalog.plan.tables
        }
        self._sources = {source for source, _ in self._keys}
        self._asked = self._requests = self._folded = self._events = 0

    @property
    def text(self) -> str:
        """What was looked at; empty for everything."""
        if self._sample is None:
            return ""
        return (
            f"{self._sample.keep} of {self._sample.of} values of {self._sample.field}: "
            f"{self._asked:,} of {self._requests:,} decisions, "
            f"{self._folded:,} of {self._events:,} events"
        )

    def want(self, entry: Entry) -> None:
        """Remember the keys that a sampled request looks up."""
        if self._sample is None or entry.record is None or not self._sample.holds(entry.event):
            return
        for catalog in self._catalogs:
            for group in catalog.plan.groups:
                table = catalog.plan.tables[group.table]
                key = _key(entry.event.payload, group.key)
                if key is not None:
                    self._keys[table.source, table.key].add(key)

    def takes(self, entry: Entry) -> tuple[bool, bool]:
        """Whether the decision of an entry is checked, and whether its event is folded."""
        if self._sample is None:
            return True, True
        asked = entry.record is not None and self._sample.holds(entry.event)
        folded = self._touches(entry.event)
        self._asked += asked
        self._requests += entry.record is not None
        self._folded += folded
        self._events += 1
        return asked, folded

    def _touches(self, event: Event) -> bool:
        if event.type not in self._sources:
            return True  # says something about another event: cheap, and never wrong to fold
        return any(
            _key(event.payload, names) in wanted
            for (source, names), wanted in self._keys.items()
            if source == event.type
        )


def _key(payload: Mapping[str, Any], names: tuple[str, ...]) -> _Key | None:
    key = tuple(payload.get(name) for name in names)
    return None if None in key else key
