"""One backfill in a process of its own, so that its peak of memory is its own.

Run as ``python -m assay.bench.scale_job JOB.json``; the answer is one JSON object. A job that was
killed continues, and so does the count of its seconds.
"""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from assay.adapters.files.atomic import write_atomically
from assay.adapters.parquet.arrow import columns_of_table
from assay.adapters.parquet.folder import JournalFile
from assay.adapters.parquet.output import output_table, write_part
from assay.adapters.parquet.stages import ParquetStages
from assay.bench.scale_world import CONTRACTS, catalog
from assay.features.backfill import backfill_columns
from assay.features.warm import warm_backfill
from assay.runtime.backfill import run_backfill
from assay.runtime.backfill_job import job_digest

_GIGA = 1e9


def main(job_file: Path) -> None:
    """Do the job and print what it took."""
    job = json.loads(job_file.read_text(encoding="utf-8"))
    given, out = Path(job["given"]), Path(job["out"])
    spent = job_file.with_suffix(".seconds")
    before = float(spent.read_text()) if spent.exists() else 0.0
    warm_backfill()  # compiling is not part of any size
    start = time.perf_counter()
    stages: dict[str, float] = {}

    def seconds() -> float:
        return before + time.perf_counter() - start

    def progress(stage: str, _done: int, _count: int) -> None:
        stages[stage] = round(seconds(), 3)
        write_atomically(spent, str(seconds()).encode())

    if job["in_memory"]:
        requests = _in_memory(given, out)
    else:
        made = catalog()
        parts = ParquetStages(
            given, out, made, CONTRACTS, memory=job["memory"], workers=job["workers"]
        )
        journal = JournalFile(out / ".work" / "journal.jsonl")
        requests = run_backfill(
            made,
            parts,
            journal,
            lambda files: job_digest(made, "", files),
            progress,
            workers=job["workers"],
        ).requests
    answer: dict[str, Any] = {
        "requests": requests,
        "seconds": seconds(),
        "processor_seconds": sum(resource.getrusage(resource.RUSAGE_SELF)[:2]),
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _GIGA,
        "stages": stages,
        "out_gb": sum(path.stat().st_size for path in out.glob("*.parquet")) / _GIGA,
    }
    sys.stdout.write(json.dumps(answer) + "\n")


def _in_memory(given: Path, out: Path) -> int:
    """Everything at once: read, compute, write one file."""
    import numpy as np
    import pyarrow as pa

    made = catalog()
    table = pq.read_table(given)
    order = np.argsort(table["ts"].to_numpy(), kind="stable")
    table = table.take(pa.array(order))
    columns = columns_of_table(table, np.arange(len(order)), ("card", "shop", "cents"))
    frame = backfill_columns(made, {"paid": columns})
    out.mkdir(parents=True, exist_ok=True)
    values = output_table(made, table["id"], table["ts"], frame.bits, frame.known)
    write_part(values, out / "part-00000.parquet")
    return len(frame)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
