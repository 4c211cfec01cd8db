"""What do the files of a user say: contracts, a catalog, a change? Read within bounds, as data."""

import json
import tomllib
from pathlib import Path

import msgspec

from assay.adapters.files.regular import read_regular
from assay.contracts.contract import ContractSet
from assay.contracts.odcs import from_odcs
from assay.contracts.reserved import check_reserved
from assay.contracts.violation import ContractViolation
from assay.contracts.yaml_text import YAML_MAX, parse_yaml
from assay.core.errors import Invalid, NotFound, shown
from assay.features.document import SIZE_MAX
from assay.workloads.own import own_workload
from assay.workloads.workload import Workload

CONTRACTS, CATALOG = "contracts.yaml", "catalog.toml"
_PATH_MAX = 1_000  #: characters of a path in a message


def own_workload_at(folder: Path) -> Workload:
    """The workload of a folder with ``contracts.yaml`` and ``catalog.toml``, named like the folder.

    Raises:
        NotFound: a file is not there.
        Invalid: one of them means nothing; the message begins with its path.
    """
    contracts = read_contracts(folder / CONTRACTS)
    try:
        check_reserved(contracts)
    except Invalid as error:
        raise Invalid(f"{folder / CONTRACTS}: {error}") from error
    catalog = folder / CATALOG
    given = read_table(catalog)
    try:
        return own_workload(folder.resolve().name, contracts, given)
    except Invalid as error:
        raise Invalid(f"{catalog}: {error}") from error


def read_contracts(path: Path) -> ContractSet:
    """The event types of an Open Data Contract Standard file.

    Raises:
        NotFound: it cannot be read.
        TooLarge: it is larger than such a document.
        Invalid: it is none; the message begins with its name.
    """
    raw = _bounded(path, YAML_MAX)
    try:
        return from_odcs(parse_yaml(raw))
    except ContractViolation as error:
        raise ContractViolation(f"{path}: {error.path}", error.expected, error.got) from error
    except Invalid as error:
        raise Invalid(f"{path}: {error}") from error


def read_table(path: Path) -> object:
    """What a TOML file says, or a JSON file named ``.json``.

    Raises:
        NotFound: there is no such file.
        TooLarge: it is larger than any catalog.
        Invalid: it is neither TOML nor JSON, or names a thing twice.
    """
    raw = _bounded(path, SIZE_MAX)
    try:
        if path.suffix == ".json":
            given: object = msgspec.json.decode(raw)
            json.loads(raw, object_pairs_hook=_once)
        else:
            given = tomllib.loads(raw.decode())
    except (msgspec.DecodeError, ValueError) as error:
        raise Invalid(f"{path} is neither TOML nor JSON (named .json): {error}") from error
    except RecursionError as error:
        raise Invalid(f"{path} is nested more deeply than any change is") from error
    return given


def _bounded(path: Path, size_max: int) -> bytes:
    try:
        return read_regular(path, size_max)
    except OSError as error:
        raise NotFound(f"{shown(str(path), _PATH_MAX)} cannot be read: {error.strerror}") from error


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object of JSON; of two equal keys a reader keeps the last, and nobody would know."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{shown(twice)} is said twice in one object")
    return found
