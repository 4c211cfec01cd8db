"""Where do contracts come from that are compared or exported? From a file, or from a workload."""

from pathlib import Path

from assay.app.workloads import WORKLOADS, contracts_of
from assay.contracts.contract import ContractSet
from assay.contracts.odcs import from_odcs
from assay.contracts.violation import ContractViolation
from assay.contracts.yaml_text import YAML_MAX, parse_yaml
from assay.core.errors import Invalid, NotFound, TooLarge, shown


def contracts_at(source: str) -> ContractSet:
    """The contracts of an Open Data Contract Standard file, or of the workload of that name.

    Raises:
        NotFound: there is neither.
        Invalid: the file is no such document; the message begins with its name.
    """
    path = Path(source)
    if not path.exists() and source in WORKLOADS:
        return contracts_of(source)
    try:
        if path.stat().st_size > YAML_MAX:
            raise TooLarge(f"{source}: expected at most {YAML_MAX} bytes")
        raw = path.read_bytes()
    except OSError as error:
        raise NotFound(
            f"{shown(source)} is neither a readable file ({error.strerror}) nor a workload "
            f"({', '.join(WORKLOADS)})"
        ) from error
    try:
        return from_odcs(parse_yaml(raw))
    except ContractViolation as error:
        raise ContractViolation(f"{source}: {error.path}", error.expected, error.got) from error
    except Invalid as error:
        raise Invalid(f"{source}: {error}") from error
