"""Where do contracts come from that are compared or exported? From a file, or from a workload."""

from pathlib import Path

from assay.app.own import CONTRACTS, read_contracts
from assay.app.workloads import WORKLOADS, contracts_of
from assay.contracts.contract import ContractSet
from assay.core.errors import NotFound, shown


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
