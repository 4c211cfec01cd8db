"""Which version decides after this one? Watched while serving, prepared beside it, then switched.

Governance says which version is live; of several it is the one that went live last. `ask` reads
that and may wait for a disk; `apply` and `advance` belong to the engine's thread. A version before
stays warm while governance still has it live, so that suspending its successor goes back at once.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from assay.app.admission import Admission
from assay.core.errors import AssayError
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.reason import ReasonText
from assay.features.catalog import Catalog
from assay.governance.facts import Facts, State
from assay.models.scorer import Scorer
from assay.runtime.governance import Governance
from assay.runtime.versions import Versions, VersionStatus
from assay.workloads.workload import Workload

#: After a version could not be prepared it is tried again after so many seconds.
RETRY_S = 60.0

_log = logging.getLogger("assay.succession")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a home decides with: the admitted version, or the rules alone when it has no model."""

    workload: Workload
    policy: CompiledPolicy
    scorer: Scorer | None
    key: str | None


@dataclass(frozen=True, slots=True)
class Deciding:
    """What edges show of the version that decides; replaced as one when another takes over.

    ``live`` is its key in the inventory, ``explain`` gives the texts of a reason code, and
    ``admission`` keeps asking whether it may decide, None when there is no such version.
    """

    catalog: Catalog
    policy: CompiledPolicy | None
    live: str | None
    explain: Callable[[str], ReasonText]
    admission: Admission | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What governance says now: why the version that decides may not, and who is to follow.

    ``live`` holds the keys of all live versions; ``trouble`` says why a successor cannot be loaded.
    """

    why: str = ""
    successor: Chosen | None = None
    live: frozenset[str] = frozenset()
    trouble: str = ""


def newest_live(versions: Iterable[Facts]) -> Facts | None:
    """Of the versions that are live, the one that went live last; None when none is.

    Raises:
        IndexError: never for a live version: it went live by a transition.
    """
    live = [facts for facts in versions if facts.state is State.LIVE]
    return max(live, key=lambda facts: (facts.transitions[-1].at, facts.record.key), default=None)


class Succession:
    """What decides now, and how the next version takes over.

    Args:
        first: what decides at the start.
        governance: whose gate and inventory are asked.
        versions: of the engine.
        load: reads the bytes of a version, if they are admitted.
        deciding: makes of a version what edges show of it.
    """

    def __init__(
        self,
        first: Chosen,
        governance: Governance,
        versions: Versions,
        load: Callable[[Facts], Chosen],
        deciding: Callable[[Chosen], Deciding],
    ) -> None:
        self._governance, self._versions = governance, versions
        self._load, self._made = load, deciding
        self._now, self._next = first, first
        self._former: Chosen | None = None
        self._loaded: dict[str, Chosen] = {}
        self._failed_at: float | None = None
        self._trouble = ""
        self.deciding = deciding(first)

    @property
    def status(self) -> str:
        """How far the next version is, and what went wrong; empty when nothing is to change."""
        if self._trouble:
            return f"the next version cannot take over: {self._trouble}"
        if self._next is self._now:
            return ""
        coming = self._coming()
        if coming is None:
            return f"{self._next.key} is about to decide"
        return f"{self._next.key} is {coming.phase}, at entry {coming.seq:,}{_because(coming.why)}"

    def ask(self, seconds: float) -> Answer:
        """What governance says; may read and wait.

        Args:
            seconds: a time that never goes back.
        """
        admission = self.deciding.admission
        why = "" if admission is None else admission.ask(seconds)
        try:
            versions = self._governance.inventory()
            target = newest_live(versions)
            live = frozenset(f.record.key for f in versions if f.state is State.LIVE)
        except Exception as error:  # noqa: BLE001 - what cannot be read changes nothing
            return Answer(why, trouble=f"the inventory cannot be read: {error}")
        if target is None or target.record.key == self._now.key:
            return Answer(why, live=live)
        try:
            return Answer(why, self._read(target, seconds), live)
        except AssayError as error:
            self._failed_at = seconds
            return Answer(why, live=live, trouble=str(error))

    def apply(self, answer: Answer) -> None:
        """Take the model away or give it back; prepare who follows, and let it take over."""
        if answer.trouble != self._trouble:
            self._trouble = answer.trouble
            if answer.trouble:
                _log.error("the next version cannot take over: %s", answer.trouble)
        if answer.successor is not None:
            self._prepare(answer.successor)
        elif self._next is not self._now and not answer.trouble:
            self._next = self._now  # governance took it back before it was ready
        asked = self.deciding.admission
        self.advance()
        if asked is not None and asked is self.deciding.admission:
            asked.apply(answer.why)  # also while its successor is prepared: suspended is suspended
        self._retire(answer.live)

    def advance(self) -> bool:
        """Take a step; whether another one soon would bring the next version closer."""
        if self._next is self._now:
            return False
        self._versions.advance()
        if self._versions.ready(self._next.policy.catalog.digest):
            self._switch()
            return False
        coming = self._coming()
        return coming is not None and coming.phase == "catching up"

    def _read(self, facts: Facts, seconds: float) -> Chosen | None:
        key = facts.record.key
        if self._failed_at is not None and seconds - self._failed_at < RETRY_S:
            raise AssayError(self._trouble or "it failed before")
        self._failed_at = None
        if key not in self._loaded:
            self._loaded = {key: self._load(facts)}
        return self._loaded[key]

    def _prepare(self, successor: Chosen) -> None:
        if self._next.key != successor.key:
            _log.warning("%s is live: preparing it beside %s", successor.key, self._now.key)
        self._next = successor
        coming = self._coming()
        if coming is not None and coming.phase == "failed":
            self._trouble = coming.why
            _log.error("%s cannot be prepared, %s goes on: %s", successor.key, self._now.key,
                       coming.why)  # fmt: skip
        self._versions.prepare(successor.policy.catalog)

    def _switch(self) -> None:
        self._versions.use(self._next.policy, self._next.scorer)
        self._former, self._now = self._now, self._next
        self.deciding = self._made(self._now)
        _log.warning("%s decides now, after %s", self._now.key, self._former.key)

    def _retire(self, live: frozenset[str]) -> None:
        former = self._former
        if former is None or former.key in live or self._next is not self._now:
            return
        self._former = None
        digest = former.policy.catalog.digest
        if digest != self._now.policy.catalog.digest and self._versions.ready(digest):
            self._versions.retire(digest)
            _log.info("%s is retired: its state is gone", former.key)

    def _coming(self) -> VersionStatus | None:
        wanted = self._next.policy.catalog.digest
        found = [one for one in self._versions.status() if one.catalog == wanted]
        return next((one for one in found if one.phase != "kept"), None)


def _because(why: str) -> str:
    return f": {why}" if why else ""
