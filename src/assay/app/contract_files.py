"""Where do contracts come from that are compared or exported, and how are they written down?"""

from pathlib import Path

from assay.adapters.files.atomic import write_atomically
from assay.app.own import CONTRACTS, read_contracts
from assay.app.workloads import WORKLOADS, contracts_of
from assay.contracts.contract import ContractSet
from assay.core.errors import Conflict, NotFound, Unavailable, shown


def contracts_at(source: str) -> ContractSet:
    """The contracts of an Open Data Contract Standard file, or of the workload of that name.

    Raises:
        NotFound: there is neither.
        Invalid: the file is no such document; the message begins with its name.
    """
    path = Path(source)
    if not path.exists() and source in WORKLOADS:
        return contracts_of(source)
    if path.is_dir():  # a workload of somebody's own, as its producers see it
        return read_contracts(path / CONTRACTS)
    try:
        return read_contracts(path)
    except NotFound as error:
        raise NotFound(
            f"{shown(source)} is neither a readable file nor a workload "
            f"({', '.join(WORKLOADS)}): {error}"
        ) from error


def write_contracts(out: Path, text: str, *, replace: bool) -> None:
    """Write a document as a whole or not at all.

    Args:
        out: the file; a link to one is followed.
        text: of the document.
        replace: whether the file may be there already.

    Raises:
        Conflict: it is there and may not be replaced.
        Unavailable: it cannot be written; what was there before still is.
    """
    if out.exists():
        if not out.is_file():
            raise Conflict(f"{out} is no file that could be replaced: name another")
        if not replace:
            raise Conflict(f"{out} is there already: name another file, or say --replace")
    try:
        write_atomically(out.resolve(), text.encode())
    except OSError as error:
        raise Unavailable(f"{out} cannot be written: {error}") from error
