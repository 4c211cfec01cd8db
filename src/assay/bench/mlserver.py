"""How is the peer of the decision run? MLServer with the same trees and nothing else to do."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.bench.peers import FOLDER, Peer
from assay.bench.processes import free_port, running

MLSERVER = Peer("mlserver", ("mlserver==1.7.1", "mlserver-lightgbm==1.7.1"))
PATH = "/v2/models/risk/infer"


@contextmanager
def serving(model: str, folder: Path) -> Iterator[tuple[int, int]]:
    """MLServer on a port of its own; yields the port and the process id.

    It gets its best case: in-process inference (its own workers are slower for one small model,
    measured) and one OpenMP thread, because a single row has nothing to share out.

    Raises:
        Unavailable: it did not start.
    """
    folder.mkdir()
    (folder / "model.bst").write_text(model, encoding="utf-8")
    port = free_port()
    settings = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": free_port(),
        "metrics_port": free_port(),
        "parallel_workers": 0,
        "debug": False,
        "logging_settings": None,
    }
    described = {
        "name": "risk",
        "implementation": "mlserver_lightgbm.LightGBMModel",
        "parameters": {"uri": "./model.bst"},
    }
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "model-settings.json").write_text(json.dumps(described), encoding="utf-8")
    command = [str((FOLDER / MLSERVER.name / "bin" / "mlserver").absolute()), "start", "."]
    with running(
        command,
        port,
        "/v2/models/risk/ready",
        folder / "server.log",
        {"OMP_NUM_THREADS": "1"},
        folder,
    ) as process:
        yield port, process


def bodies(rows: NDArray[np.float64]) -> bytes:
    """One inference request a line in the V2 protocol; unknown values as 0, JSON has no NaN."""
    lines = []
    for row in np.nan_to_num(rows).tolist():
        tensor = {"name": "x", "shape": [1, len(row)], "datatype": "FP64", "data": row}
        lines.append(json.dumps({"inputs": [tensor]}, separators=(",", ":")).encode())
    return b"\n".join(lines)
