"""How are servers started and loaded for a benchmark? Each in a process of its own."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from assay.bench import load
from assay.bench.load import Job, Result
from assay.core.errors import Unavailable

HOST = "127.0.0.1"
_READY_S, _STOP_S = 120.0, 20.0


@contextmanager
def running(
    command: list[str],
    port: int,
    ready: str,
    log: Path,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Iterator[int]:
    """Run a server until the block ends; yields its process id once ``GET ready`` answers 200.

    Raises:
        Unavailable: it ended or was not ready in time; the message holds its last words.
    """
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - our own command line, no shell
            command,
            stdout=out,
            stderr=out,
            env={**os.environ, **(environment or {})},
            cwd=folder,
            start_new_session=True,
        )
    try:
        _wait_ready(process, port, ready, log)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def loaded(job: Job, folder: Path) -> Result:
    """Run the load process on a job.

    Raises:
        Unavailable: it failed; the message holds its last words.
    """
    path = folder / "job.json"
    path.write_text(json.dumps(asdict(job)), encoding="utf-8")
    try:
        done = subprocess.run(  # noqa: S603 - our own script
            [sys.executable, load.__file__, str(path)],
            check=True,
            capture_output=True,
            text=True,
            timeout=job.warm_s + job.seconds + 60,
        )
    except subprocess.SubprocessError as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise Unavailable(f"the load process failed: {said[-1]}") from error
    return Result(**json.loads(done.stdout))


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def get(port: int, path: str, token: str = "") -> tuple[int, bytes]:
    """Status and body of one GET.

    Raises:
        OSError, http.client.HTTPException: nothing answers.
    """
    line = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        line.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = line.getresponse()
        return answer.status, answer.read()
    finally:
        line.close()


def resident_bytes(process: int) -> int | None:
    """Physical memory of a process, None where the system does not say."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return int(found[0]) * 1024 if found else None


def processor_seconds(process: int) -> float:
    """Processor time a process has used, all threads; NaN where the system does not say."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:
        return float("nan")
    user, system = text.rpartition(")")[2].split()[11:13]  # fields 14 and 15 of proc(5)
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _wait_ready(process: "subprocess.Popen[bytes]", port: int, ready: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Unavailable(f"the server ended with code {process.returncode}: {_tail(log)}")
        try:
            if get(port, ready)[0] == 200:
                return
        except (OSError, http.client.HTTPException):
            pass  # not listening yet: asked again until the deadline
        time.sleep(0.1)
    raise Unavailable(f"the server was not ready in {_READY_S:.0f} s: {_tail(log)}")


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-1_000:].strip()
