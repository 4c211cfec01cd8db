"""Who is measured beside us? Peers in environments of their own, never among our dependencies.

A peer script is a file run by the peer's own Python with one argument, a folder of inputs; it
prints one JSON object. ``make bench`` prepares the environments; without them the peers' figures
are null with the reason.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from assay.core.errors import Unavailable

#: Where the environments live, from the folder the benchmark is started in.
FOLDER = Path(".bench")
_MINUTES_MAX = 20


class Peer(msgspec.Struct, frozen=True):
    """A peer and what its environment needs from the package index."""

    name: str
    packages: tuple[str, ...]


DUCKDB = Peer("duckdb", ("duckdb>=1.2", "numpy>=2", "pyarrow>=20"))
RIVER = Peer("river", ("river>=0.22", "numpy>=2"))
SORTED = Peer("sortedcontainers", ("sortedcontainers>=2.4", "numpy>=2"))
#: 0.67 is what the figures in docs/reference/benchmarks.md were measured with.
FEAST = Peer("feast", ("feast[redis]>=0.60", "numpy>=2"))
PEERS = (DUCKDB, RIVER, SORTED, FEAST)


def prepare(peer: Peer, folder: Path = FOLDER) -> Path:
    """Build the peer's environment unless it is there; returns its Python.

    Raises:
        Unavailable: the packages could not be installed; the message ends with pip's last line.
    """
    python = _python(peer, folder)
    if python.exists():
        return python
    try:
        _run([sys.executable, "-m", "venv", str(folder / peer.name)])
        _run([str(python), "-m", "pip", "install", "--quiet", *peer.packages])
    except subprocess.SubprocessError as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise Unavailable(f"peer {peer.name} could not be installed: {said[-1]}") from error
    return python


def missing(peer: Peer, folder: Path = FOLDER) -> str:
    """Why the peer cannot run, empty when it can."""
    if _python(peer, folder).exists():
        return ""
    return f"no environment {folder / peer.name}: run `assay bench --prepare`"


def ask(peer: Peer, script: Path, inputs: Path, folder: Path = FOLDER) -> dict[str, Any]:
    """Run a peer script on a folder of inputs; returns the object it printed.

    Raises:
        Unavailable: it failed, took longer than 20 minutes, or printed something else.
    """
    try:
        printed = _run([str(_python(peer, folder).absolute()), str(script), str(inputs)])
        answer: dict[str, Any] = json.loads(printed)
    except (subprocess.SubprocessError, OSError, json.JSONDecodeError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise Unavailable(f"peer {peer.name} failed: {said[-1]}") from error
    return answer


def _python(peer: Peer, folder: Path) -> Path:
    return folder / peer.name / "bin" / "python"


def _run(command: list[str]) -> str:
    done = subprocess.run(  # noqa: S603 - our own commands, no shell
        command, check=True, capture_output=True, text=True, timeout=60 * _MINUTES_MAX
    )
    return done.stdout
