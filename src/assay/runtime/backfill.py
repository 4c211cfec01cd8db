"""How is a history of any size filled with values? In steps, each of which is done once.

1. *read* every part of the input: check it, and put each event into its range of time;
2. *same*: find events that were given twice;
3. *order* every range: number its events, and deal them out by key, one bucket a share of the keys;
4. *fill* every bucket of every look-up: here, and only here, values are computed from events;
5. *join* every range: bring the look-ups together, derive what is derived, write one output file.

A step writes its files aside and renames them; then the journal says that it is done. A run that
was killed is started again with the same words and takes up where the journal ends.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, Protocol

import msgspec

from assay.core.errors import Conflict, Corrupt
from assay.features.catalog import Catalog
from assay.runtime.backfill_job import Filled, Lookup, Rows, Shape, Source, fill, lookups_of

Facts = dict[str, Any]
Progress = Callable[[str, int, int], None]


class Stages(Protocol):
    """The input, the files between the steps, and the output."""

    def sources(self) -> tuple[Source, ...]:
        """The files of the input, their bytes digested."""

    def shape(self) -> Shape:
        """How this input is best cut; a look at its times, not at its events."""

    def begin(self, shape: Shape, done: Mapping[str, Facts]) -> int:
        """Be ready for steps, after those that are done; the number of units to read."""

    def read(self, unit: int) -> Facts:
        """Check a part of the input and put its events into their ranges."""

    def same(self) -> Facts:
        """Find what was given twice, so that ``order`` leaves it out."""

    def order(self, at: int) -> Facts:
        """Number the events of a range and deal them out to buckets."""

    def rows(self, lookup: Lookup, bucket: int) -> Rows:
        """One bucket of a look-up."""

    def keep(self, lookup: Lookup, bucket: int, filled: Filled) -> None:
        """Store the values of a bucket, by range."""

    def spend(self, what: str) -> None:
        """Remove the files of a stage that no later step reads."""

    def join(self, at: int) -> Facts:
        """Write the output of a range."""

    def finished(self) -> Facts | None:
        """The manifest, if the output is already whole."""

    def finish(self, manifest: Facts) -> None:
        """Write the manifest, and remove everything that is not output."""


class Journal(Protocol):
    """Which steps of which job are done."""

    def begin(self, header: Facts) -> tuple[Facts, dict[str, Facts]]:
        """The header first written (this one where none was), and the steps done since."""

    def done(self, step: str, facts: Facts) -> None:
        """A step is done, durably."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a backfill did, and what it left out."""

    catalog: str
    events: int
    requests: int
    refused: int
    duplicates: int
    unused: int
    retracted: int
    overflows: int
    derived_failures: int
    files: int
    resumed_steps: int


def run_backfill(
    catalog: Catalog,
    stages: Stages,
    journal: Journal,
    job: Callable[[tuple[Source, ...]], str],
    progress: Progress = lambda *_: None,
    *,
    workers: int = 1,
) -> Report:
    """Fill the values of every request of the input; what was done before is not done again.

    Args:
        catalog: what is computed.
        stages: where it comes from and goes to.
        journal: what was done before.
        job: the digest of this job, by the files of its input.
        progress: told a stage, how many of its steps are done, and how many there are.
        workers: steps done at a time; no bit of the output depends on it.

    Raises:
        Conflict: the folder holds another job: its input, its catalog or its format changed.
        Corrupt: the journal or the manifest in the folder is not what was written there.
        Unavailable: a file cannot be read or written (a full disk): mend it and start again.
    """
    progress("digest", 0, 1)
    sources = stages.sources()
    progress("digest", 1, 1)
    header: Facts = {
        "job": job(sources),
        "inputs": [msgspec.structs.asdict(source) for source in sources],
    }
    finished = stages.finished()
    if finished is not None:
        return _reported(finished, header)
    kept, done = journal.begin(header)
    if kept["job"] != header["job"]:
        raise Conflict(_changed(kept, header))
    if "shape" not in done:
        shape = stages.shape()
        journal.done("shape", msgspec.to_builtins(shape))
    else:
        shape = msgspec.convert(done.pop("shape"), Shape)
    runner = _Runner(stages, journal, done, progress, workers)
    resumed = len(done)
    _steps(catalog, shape, runner, stages.begin(shape, done))
    report = _report(catalog, shape, runner.done, resumed)
    stages.finish(_manifest(catalog, header, shape, runner.done, report))
    return report


class _Runner:
    """Does the steps of a stage that are not done, and writes down that they are."""

    def __init__(
        self,
        stages: Stages,
        journal: Journal,
        done: dict[str, Facts],
        progress: Progress,
        workers: int,
    ) -> None:
        self.stages, self.done = stages, done
        self._journal, self._progress, self._workers = journal, progress, workers

    def each(
        self, stage: str, count: int, step: Callable[[int], Facts], *, in_turn: bool = False
    ) -> None:
        """Do what is missing of a stage; ``in_turn`` where a step needs the one before it."""
        missing = [at for at in range(count) if f"{stage}-{at}" not in self.done]
        done = count - len(missing)
        self._progress(stage, done, count)
        for at, facts in self._in_turn(missing, step) if in_turn else self._at_once(missing, step):
            self._journal.done(f"{stage}-{at}", facts)
            self.done[f"{stage}-{at}"] = facts
            done += 1
            self._progress(stage, done, count)

    def _in_turn(
        self, missing: list[int], step: Callable[[int], Facts]
    ) -> Iterator[tuple[int, Facts]]:
        return ((at, step(at)) for at in missing)

    def _at_once(
        self, missing: list[int], step: Callable[[int], Facts]
    ) -> Iterator[tuple[int, Facts]]:
        """In the order in which they end; when one fails, those that run end and none begins."""
        pool = ThreadPoolExecutor(self._workers)
        try:
            steps = {pool.submit(step, at): at for at in missing}
            for future in as_completed(steps):
                yield steps.pop(future), future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _steps(catalog: Catalog, shape: Shape, runner: _Runner, units: int) -> None:
    stages, lookups = runner.stages, lookups_of(catalog)
    runner.each("read", units, stages.read)
    runner.each("same", 1, lambda _: stages.same())
    stages.spend("ids")
    runner.each("order", shape.ranges, stages.order, in_turn=True)
    stages.spend("staged")
    for lookup in lookups:

        def one(bucket: int, lookup: Lookup = lookup) -> Facts:
            filled = fill(lookup, stages.rows(lookup, bucket))
            stages.keep(lookup, bucket, filled)
            return {"rows": len(filled.ordinals), "overflows": filled.overflows}

        runner.each(f"fill-{lookup.number}", shape.buckets, one)
        stages.spend(f"rows-{lookup.number}")
    runner.each("join", shape.ranges, stages.join)


def _of(done: Mapping[str, Facts], stage: str) -> Iterator[Facts]:
    return (facts for step, facts in done.items() if step.startswith(stage + "-"))


def _report(catalog: Catalog, shape: Shape, done: Mapping[str, Facts], resumed: int) -> Report:
    joined = [done[f"join-{at}"] for at in range(shape.ranges)]
    same = done["same-0"]
    return Report(
        catalog=catalog.digest,
        events=sum(facts["events"] for facts in _of(done, "order")),
        requests=sum(facts["rows"] for facts in joined),
        refused=sum(facts["refused"] for facts in _of(done, "read")) + same["conflicts"],
        duplicates=same["duplicates"],
        unused=sum(facts["unused"] for facts in _of(done, "read")),
        retracted=sum(facts["retracted"] for facts in _of(done, "read")),
        overflows=sum(facts["overflows"] for facts in (*_of(done, "fill"), *joined)),
        derived_failures=sum(facts["derived_failures"] for facts in joined),
        files=sum(1 for facts in joined if facts["rows"]),
        resumed_steps=resumed,
    )


def _reported(finished: Facts, header: Facts) -> Report:
    """What is said of a job that was done before, if it is this one."""
    if finished.get("job") != header["job"]:
        raise Conflict("this folder holds the output of another backfill: name a new folder")
    names = [name for name in Report.__struct_fields__ if name != "resumed_steps"]
    lost = [name for name in names if name not in finished]
    if lost:
        raise Corrupt(
            f"the manifest of this folder lacks {', '.join(lost)}: name a new folder, or "
            "remove this one to start over"
        )
    return Report(**{name: finished[name] for name in names}, resumed_steps=0)


def _manifest(
    catalog: Catalog, header: Facts, shape: Shape, done: Mapping[str, Facts], report: Report
) -> Facts:
    """What the output is, from what, and the checksum of each of its files."""
    joined = [done[f"join-{at}"] for at in range(shape.ranges)]
    counts = msgspec.to_builtins(report)
    del counts["resumed_steps"]
    values = zip(catalog.names, catalog.kinds, strict=True)
    return {
        "format": "assay-backfill-1",
        "request": catalog.request.type,
        "values": [{"name": name, "kind": kind} for name, kind in values],
        **header,
        **counts,
        "parts": [facts for facts in joined if facts["rows"]],
    }


def _changed(kept: Facts, now: Facts) -> str:
    """Why a folder's job is not this one."""
    before = {item["name"]: item for item in kept.get("inputs", [])}
    after = {item["name"]: item for item in now["inputs"]}
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    what = (
        f"the input changed ({', '.join(sorted(names)[:3])})"
        if names
        else "its catalog, its contracts or the format of its files changed"
    )
    return (
        f"this folder holds a job that is not done, and {what} since it was begun: name another "
        "folder, or remove this one to start over"
    )
