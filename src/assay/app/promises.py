"""Do the three promises hold for a home folder? Everything that ever decided is loaded and asked.

Nothing here writes, so a server may go on meanwhile: what is checked is what is committed.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from assay.app.definitions import compiled_by
from assay.app.erasure import AUDIT_MAX, noted_receipts
from assay.app.home import Home, control
from assay.app.layout import worker_logs
from assay.app.wire import read_policy, read_scorer
from assay.app.workloads import workload_named
from assay.core.errors import Corrupt, Invalid, NotFound
from assay.decisions.compiled import CompiledPolicy
from assay.features.catalog import Catalog
from assay.governance.audit import AuditReport
from assay.models.scorer import Scorer
from assay.review.case import Case
from assay.rules.lists import ListSnapshot, parse_list
from assay.runtime.erasure import Erasures, receipt_digest
from assay.runtime.ports import EventLog, ObjectStore
from assay.runtime.replay import (
    DIFFERENCES_MAX,
    Difference,
    Report,
    verify_decisions,
    verify_features,
)
from assay.runtime.replay_elsewhere import verify_elsewhere
from assay.runtime.replay_spread import verify_spread
from assay.runtime.slices import sample_of

NOWHERE: Mapping[str, Home] = {}
_LISTS_HELD = 8  #: list versions in memory at once
_CASES_MAX = 1_000_000  #: closed cases, newest first, whose decisions are looked for


@dataclass(frozen=True, slots=True)
class Served:
    """Everything that the decisions of a log name, by digest."""

    policies: dict[str, CompiledPolicy]
    scorers: dict[str, Scorer]
    catalogs: dict[str, Catalog]


def check_features(
    home: Home,
    workload: str,
    share: str | None = None,
    partitions: Mapping[str, Home] = NOWHERE,
    workers: Home | None = None,
) -> Report:
    """One definition: every served value against the log, bit for bit.

    Args:
        home: whose log is checked.
        workload: whose requests it holds.
        share: N/M to look only at so many of the entities, whose keys stay complete.
        partitions: the homes whose published features decided here, by partition.
        workers: the home of the workers on Kafka whose published features decided here.

    Raises:
        NotFound: a folder is no home.
        Invalid: the share is none.
        Corrupt: the log or an object is damaged.
    """
    home.check()
    field = workload_named(workload).entity_field
    sample = None if share is None else sample_of(share, field)
    log = home.open_log()
    try:
        catalogs = served(log, home, workload).catalogs
        report = verify_features(log, catalogs, sample)
        if report.elsewhere and workers is not None:
            with worker_logs(workers.path) as (routes, log_of):
                report = verify_spread(report, log, routes, log_of, catalogs)
        elif report.elsewhere:
            report = _elsewhere(report, log, partitions, catalogs)
        return _with(report, list(_unnoted(log, home)))
    finally:
        log.close()


def _elsewhere(
    report: Report, log: EventLog, homes: Mapping[str, Home], catalogs: Mapping[str, Catalog]
) -> Report:
    """The vectors that came from a read model, against the logs of those who published them."""
    with ExitStack() as opened:
        partitions: dict[str, EventLog] = {}
        for name, home in homes.items():
            home.check()
            partition = partitions[name] = home.open_log()
            opened.callback(partition.close)
        return verify_elsewhere(report, log, partitions, catalogs)


def check_decisions(home: Home, workload: str) -> Report:
    """One decision path: every stored decision made again, list memberships too, bit for bit.

    And the log reaches as far as the review cases made from it, with the decision of each: what
    was cut off or erased cannot be made again, and must not pass for never having been.

    Raises:
        NotFound: the folder is no home.
        Corrupt: the log or an object is damaged.
    """
    home.check()
    traces = _traces(home)  # before the log, which only grows while a server runs
    log = home.open_log()
    try:
        found = served(log, home, workload)
        snapshots = StoredLists(log, home.objects())
        report = verify_decisions(log, found.policies, found.scorers, snapshots)
        lost = [*_lost(log, *traces), *_unnoted(log, home)]
    finally:
        log.close()
    return _with(report, lost)


def check_audit(home: Home) -> AuditReport:
    """One evidence trail: the chain, the rows it speaks of, and the checkpoint kept outside.

    Raises:
        NotFound: the folder is no home.
    """
    home.check()
    with control(home) as parts:
        return parts.governance.verify()


def served(log: EventLog, home: Home, workload: str) -> Served:
    """Load every policy and model that the decisions of a log name.

    What cannot be loaded is left out, and the check counts each of its decisions as a mismatch.
    """
    found, objects, catalogs = Served({}, {}, {}), home.objects(), home.catalogs()
    for policy_digest, model in {(r.policy, r.model) for r in log.decisions()}:
        try:
            scorer = None if model is None else read_scorer(objects, model)
            policy = read_policy(objects, policy_digest)
            text_model = None if scorer is None else scorer.text_model
            definitions, ready = compiled_by(policy, workload, text_model, catalogs)
            found.policies[policy_digest] = ready
        except (NotFound, Invalid, Corrupt):
            continue  # not at hand: its decisions become mismatches, with their digests
        found.catalogs[definitions.catalog.digest] = definitions.catalog
        if scorer is not None and model is not None:
            found.scorers[model] = scorer
    return found


class StoredLists(Mapping[str, ListSnapshot]):
    """The list versions that the decisions of a log name, by digest, read when asked for.

    One whose bytes are gone or damaged is not in it: its decisions become mismatches. A few are
    held at a time, since a log names them one after the other and each may have 64 MiB.
    """

    def __init__(self, log: EventLog, objects: ObjectStore) -> None:
        self._names = {
            digest: name
            for record in log.decisions()
            for name, digest in record.snapshots.items()
            if digest is not None
        }
        self._objects = objects
        self._loaded = lru_cache(maxsize=_LISTS_HELD)(self._load)

    def __getitem__(self, digest: str) -> ListSnapshot:
        found = self._loaded(digest)
        if found is None:
            raise KeyError(digest)
        return found

    def __iter__(self) -> Iterator[str]:
        return (digest for digest in self._names if self._loaded(digest) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _load(self, digest: str) -> ListSnapshot | None:
        name = self._names.get(digest)
        try:
            return None if name is None else parse_list(name, self._objects.get(digest))
        except (NotFound, Invalid, Corrupt):
            return None  # not at hand: its decisions become mismatches, with its digest


def _with(report: Report, more: list[Difference]) -> Report:
    return msgspec.structs.replace(
        report,
        mismatches=report.mismatches + len(more),
        differences=(*more, *report.differences)[:DIFFERENCES_MAX],
    )


def _unnoted(log: EventLog, home: Home) -> Iterator[Difference]:
    """Receipts of erasures that the audit log does not speak of, and the other way round."""
    receipts = {receipt_digest(receipt): receipt for receipt in Erasures(log).receipts}
    if not receipts and not home.control_path.exists():
        return
    with control(home) as parts:
        noted = noted_receipts(parts.governance.entries(AUDIT_MAX))
    for digest, receipt in receipts.items():
        if digest not in noted:
            what = (
                f"{receipt.event.id} emptied {len(receipt.event.payload['erased'])} entries and is "
                "not in the audit log as it stands here: finish it with the same `assay erase`"
            )
            yield Difference(seq=receipt.seq, decision="", what=what)
    for digest in noted - receipts.keys():
        what = "the audit log speaks of an erasure whose receipt is not in the log"
        yield Difference(seq=0, decision="", what=what, stored=digest)


def _traces(home: Home) -> tuple[int, list[Case]]:
    """How far review has read the log, and the cases it opened."""
    if not home.control_path.exists():
        return 0, []
    with control(home) as parts:
        cases = [*parts.cases.waiting(), *parts.cases.closed(_CASES_MAX)]
        return parts.cases.cursor(), cases


def _lost(log: EventLog, cursor: int, cases: list[Case]) -> Iterator[Difference]:
    last = log.last_seq()
    if last < cursor:
        yield Difference(
            seq=last,
            decision="",
            what="the end of the log is cut off: review cases were made from it up to a later seq",
            stored=str(cursor),
            again=str(last),
        )
    for case in cases:
        if log.decision(case.decision_id) is None:
            yield Difference(
                seq=0,
                decision=case.decision_id,
                what=f"review case {case.id} was opened for it, but the log has no such decision",
            )
