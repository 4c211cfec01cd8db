"""Which classes stand behind the ports of a running platform, and may its model be loaded at all?

This folder is the only importer of adapters. Whatever is opened here is closed again, in reverse,
when a later step fails or the platform closes.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import lru_cache

import msgspec

from assay.adapters.files.home import HomeLock
from assay.adapters.sqlite.log import SqliteLog
from assay.app.admission import Admission
from assay.app.definitions import compiled_by, keep
from assay.app.home import Control, Home, control
from assay.app.platform import EngineThread, Platform
from assay.app.settings import Settings
from assay.app.succession import Chosen, Deciding, Succession, newest_live
from assay.app.workloads import compiled, rules_only, workload_named
from assay.core.canonical import canonical
from assay.core.errors import Corrupt, GateRefused, NotFound, Unknown
from assay.core.time import SECOND
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.policy import Policy
from assay.decisions.reason import ReasonText
from assay.features.memory import check_memory
from assay.features.warm import warm
from assay.governance.facts import Facts
from assay.models.bundle import read_bundle
from assay.models.scorer import Scorer
from assay.runtime.clock import LogClock, WallClock, wall_time
from assay.runtime.governance import Governance
from assay.runtime.keeping import SnapshotView
from assay.runtime.online import Engine
from assay.runtime.ports import Clock, EventLog, ObjectStore
from assay.runtime.review import Desk, ReviewDesk
from assay.runtime.telemetry import Telemetry
from assay.runtime.versions import Sources
from assay.workloads.workload import Workload

#: Says what a home decides with; `choose` is the one that asks the gate.
Chooser = Callable[[str, Control, Home], Chosen]


def open_platform(settings: Settings, chooser: Chooser | None = None) -> Platform:
    """Open a home folder for serving.

    Args:
        settings: of the home.
        chooser: says what decides, in place of `choose`. No setting and no command passes one:
            it is for benchmarks of definitions that have no inventory.

    Raises:
        NotFound: the folder is no home.
        HomeLocked: another process serves it.
        GateRefused: versions are registered and none of them may decide; every reason is listed.
        Corrupt: a model, policy or the log does not match its digests.
    """
    home = Home(settings.home)
    home.check()
    home.create()
    with ExitStack() as opened:
        opened.enter_context(HomeLock(home.path))
        opened.enter_context(home.filling(settings.workload))
        parts = opened.enter_context(control(home))
        chosen = (chooser or choose)(settings.workload, parts, home)
        # Before anybody waits: a kernel that is compiled while serving is a pause of seconds.
        warm(chosen.workload.catalog)
        log = home.open_log()
        opened.callback(log.close)
        clock = clock_of(settings)
        engine = _recovered(chosen, home, log, clock, settings, opened)
        aside = ThreadPoolExecutor(1, thread_name_prefix="assay-aside")
        opened.callback(aside.shutdown)
        thread = EngineThread(engine)
        succession = Succession(
            chosen,
            parts.governance,
            engine.versions,
            lambda facts: _fitting(
                admitted(settings.workload, parts.governance, facts, home), settings
            ),
            lambda version: _deciding(parts, version, engine),
        )
        return Platform(
            settings=settings,
            contracts=chosen.workload.contracts,
            request=chosen.workload.request,
            succession=succession,
            deciding=lambda: succession.deciding,
            engine=engine,
            log=log,
            objects=home.objects(),
            desk=ReviewDesk(parts.cases, thread, log, _desk(chosen.workload), clock),
            governance=parts.governance,
            identity=parts.identity,
            clock=clock,
            telemetry=Telemetry(),
            gauge=gauges(engine, log, succession),
            trouble=lambda: engine.why_not_ready,
            freshness=lambda: engine.stats.freshness,
            alarms=lambda: engine.contract_alarms,
            close=opened.pop_all().close,
            engine_thread=thread,
            aside=aside,
        )


def _recovered(
    chosen: Chosen,
    home: Home,
    log: SqliteLog,
    clock: Clock,
    settings: Settings,
    opened: ExitStack,
) -> Engine:
    """An engine that knows what its home knew, closed with whatever else was opened."""
    features = settings.features
    _fitting(chosen, settings)
    engine = Engine.recover(
        contracts=chosen.workload.contracts,
        catalog=chosen.workload.catalog,
        policy=chosen.policy,
        scorer=chosen.scorer,
        lists=home.lists(),
        log=log,
        quarantine=log,
        clock=clock,
        horizon=settings.time.horizon,
        request_age_max=settings.time.request_age,
        sources=_sources(settings, opened),
        snapshots=home.snapshots(),
        keeping=settings.snapshots.keeping,
        memory_max=features.memory_max,
    )
    opened.callback(engine.close)
    return engine


def _fitting(chosen: Chosen, settings: Settings) -> Chosen:
    """A version whose catalog costs no more than a key may.

    Raises:
        Invalid: it costs more; what decides goes on, if anything does.
    """
    features = settings.features
    # That of its policy: the next version's is another one than the workload's own.
    catalog = chosen.policy.catalog
    check_memory(catalog, features.events_per_key, features.bytes_per_key_max)
    return chosen


def _sources(settings: Settings, opened: ExitStack) -> Sources | None:
    """Where vectors come from, if not from the engine's own state."""
    if settings.features.source == "memory":
        return None
    from assay.app.read_model import read_model, shared_features

    model = opened.enter_context(read_model(settings.redis, settings.redis.timeout))
    return shared_features(settings, model, time.monotonic_ns)


def choose(workload: str, parts: Control, home: Home) -> Chosen:
    """What a home may decide with.

    The version that is live in the inventory (of several the one that went live last), if its
    exact bytes are admitted now. A home whose inventory is empty has no model that could be
    unapproved: the workload's rules decide alone.

    Raises:
        GateRefused: versions are registered and none of them may decide, or the inventory is empty
            and the audit log cannot vouch for that.
        Corrupt: what is stored under an approved digest is not what was approved.
    """
    versions = parts.governance.inventory()
    if not versions:
        _check_never_filled(parts)
        definitions = workload_named(workload)
        policy = rules_only(definitions)
        home.objects().put(canonical(policy))
        keep(definitions, home.catalogs())
        return Chosen(definitions, compiled(policy, definitions), None, None)
    return admitted(workload, parts.governance, _live(versions), home)


def admitted(workload: str, governance: Governance, facts: Facts, home: Home) -> Chosen:
    """What a version decides with, if its exact bytes are admitted now.

    Raises:
        GateRefused: they are not; every reason is listed.
        Corrupt: what is stored under an approved digest is not what was approved.
    """
    record, objects = facts.record, home.objects()
    key = governance.admit(record.model, record.policy)
    try:
        policy = read_policy(objects, record.policy)
        scorer = None if record.model is None else read_scorer(objects, record.model)
    except NotFound as error:
        raise Corrupt(f"{key} is approved, but its bytes are not in this home: {error}") from error
    text_model = None if scorer is None else scorer.text_model
    definitions, ready = compiled_by(policy, workload, text_model, home.catalogs())
    keep(definitions, home.catalogs())
    return Chosen(definitions, ready, scorer, key)


def read_policy(objects: ObjectStore, digest: str) -> Policy:
    """The policy stored under a digest.

    Raises:
        NotFound: nothing is.
        Corrupt: what is stored is not that policy.
    """
    try:
        policy = msgspec.json.decode(objects.get(digest), type=Policy)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Corrupt(f"the object {digest} is not a policy: {error}") from error
    if policy.digest != digest:
        raise Corrupt(f"the policy stored as {digest} has the digest {policy.digest}")
    return policy


def read_scorer(objects: ObjectStore, digest: str) -> Scorer:
    """The scorer of the model stored under a digest, every byte checked.

    Raises:
        NotFound: nothing is stored there.
        Corrupt: a file of the bundle is not what its manifest says.
    """
    return Scorer.load(read_bundle(objects.get, digest), expected=digest)


def clock_of(settings: Settings) -> Clock:
    """The clock the settings name."""
    return LogClock(settings.time.log_jump) if settings.time.clock == "log" else WallClock()


def explaining(policy: CompiledPolicy) -> Callable[[str], ReasonText]:
    """The texts of a reason code, remembered; a code of an older policy explains itself."""

    @lru_cache(maxsize=4096)
    def explain(code: str) -> ReasonText:
        try:
            return policy.explain(code)
        except Unknown:
            return ReasonText(code, f"{code} (not in the policy that decides now)")

    return explain


def gauges(
    engine: Engine, log: EventLog, succession: Succession | None = None
) -> Callable[[str], float]:
    """Reads one measure of a running platform by its name."""
    readers: dict[str, Callable[[], float]] = {
        "log_seq": log.last_seq,
        "state_bytes": lambda: engine.state_bytes,
        "quarantined": lambda: sum(engine.stats.refused.values()),
        "late_accepted": lambda: engine.stats.late_accepted,
        "late_rejected": lambda: engine.stats.late_rejected,
        "retracted": lambda: engine.stats.retracted,
        "contract_alarms": lambda: len(engine.contract_alarms),
        "waiting_for_disk": lambda: engine.stats.waiting,
        "model_admitted": lambda: _may_decide(succession),
        **_of_snapshots(lambda: engine.keeper.view, wall_time),
        "catalogs_kept": lambda: sum(one.phase == "kept" for one in engine.versions.status()),
    }
    return lambda name: float(readers[name]())


def _of_snapshots(
    view: Callable[[], SnapshotView], wall: Callable[[], int]
) -> dict[str, Callable[[], float]]:
    return {
        "snapshot_seq": lambda: view().seq,
        "snapshot_bytes": lambda: view().bytes_used,
        "snapshot_age_seconds": lambda: view().age(wall()),
        "snapshots_taken": lambda: view().taken,
        "snapshot_failures": lambda: view().failures,
        "snapshot_failing": lambda: bool(view().why),
        "snapshot_pause_seconds": lambda: view().pause_us / SECOND,
        "snapshot_pause_max_seconds": lambda: view().pause_max_us / SECOND,
    }


def _deciding(parts: Control, version: Chosen, engine: Engine) -> Deciding:
    use, policy = engine.versions.use, version.policy
    admission = None
    if version.key is not None:
        admission = Admission(parts.governance, version.key, policy, version.scorer, use)
    return Deciding(policy.catalog, policy, version.key, explaining(policy), admission)


def _may_decide(succession: Succession | None) -> bool:
    admission = None if succession is None else succession.deciding.admission
    return admission is None or not admission.why_withdrawn


def _check_never_filled(parts: Control) -> None:
    """An empty inventory is believed only while the audit log verifies: it may have been deleted.

    Whoever deletes the control database and the checkpoint kept outside it leaves a new home.
    """
    report = parts.governance.verify()
    if not report.ok:
        raise GateRefused(
            "serving by rules alone",
            [f"the inventory is empty and the audit log does not verify: {report.why}"],
        )


def _live(versions: list[Facts]) -> Facts:
    found = newest_live(versions)
    if found is not None:
        return found
    states = [f"{facts.record.key} is {facts.state.value}" for facts in versions]
    raise GateRefused("serving", [f"no version is live: {', '.join(states)}"])


def _desk(workload: Workload) -> Desk:
    return Desk(
        contracts=workload.contracts,
        amount_field=workload.amount_field,
        entity_field=workload.entity_field,
        costs=workload.costs,
    )
