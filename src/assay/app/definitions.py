"""With which definitions did a policy decide? The workload's, with the catalog the policy names.

A workload's code says which derived functions there are. Which features stand beside them is data:
as the code has it, or as a stored catalog or a file of changes says.
"""

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import msgspec

from assay.app.workloads import compiled, workload_named
from assay.core.errors import Invalid, NotFound, TooLarge, shown
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.policy import Policy
from assay.features.catalog import Catalog
from assay.features.document import (
    SIZE_MAX,
    Change,
    catalog_from,
    changed,
    document_of,
    parse_change,
)
from assay.models.text import TextModel
from assay.runtime.ports import CatalogStore
from assay.workloads.workload import Workload


def definitions_of(
    policy: Policy, name: str, text_model: TextModel | None, catalogs: CatalogStore
) -> Workload:
    """The workload as a policy decides with it.

    Raises:
        NotFound: the policy's catalog is neither the code's nor stored.
        Corrupt: what is stored is not that catalog.
        Invalid: it needs a derived value that the code no longer has.
    """
    return with_catalog(workload_named(name, text_model), policy.catalog, catalogs)


def with_catalog(workload: Workload, digest: str, catalogs: CatalogStore) -> Workload:
    """The workload with the catalog of that digest; see `definitions_of`."""
    if workload.catalog.digest == digest:
        return workload
    return over(workload, catalog_from(catalogs.get(digest), digest, workload.catalog))


def over(workload: Workload, catalog: Catalog) -> Workload:
    """The workload over another catalog; a new value is one that its model sees too."""
    known = set(workload.catalog.names)
    inputs = (
        *(name for name in workload.inputs if name in catalog.names),
        *(name for name in catalog.names if name not in known),
    )
    return replace(workload, catalog=catalog, inputs=inputs)


def changed_workload(workload: Workload, change: Change) -> Workload:
    """The workload with its catalog changed.

    Raises:
        Invalid: see `changed`; or a rule needs a value that is gone.
    """
    return over(workload, changed(workload.catalog, change))


def compiled_by(
    policy: Policy, name: str, text_model: TextModel | None, catalogs: CatalogStore
) -> tuple[Workload, CompiledPolicy]:
    """A policy ready to decide, and the definitions it decides with.

    Raises:
        PolicyMismatch: it was written for other contracts, or its catalog is not at hand.
    """
    try:
        workload = definitions_of(policy, name, text_model, catalogs)
    except NotFound:
        workload = workload_named(name, text_model)  # the mismatch is then said in full
    return workload, compiled(policy, workload)


def keep(workload: Workload, catalogs: CatalogStore) -> None:
    """Store the catalog of a workload, so that what decides with it can always be made again."""
    catalogs.put(workload.catalog.digest, document_of(workload.catalog))


def read_change(path: Path) -> Change:
    """The change in a TOML or JSON file.

    Raises:
        NotFound: there is no such file.
        TooLarge: it is larger than any catalog.
        Invalid: it is neither TOML nor JSON, names a thing twice, or says something else.
    """
    try:
        with path.open("rb") as file:  # what a file says of its size need not be true: /dev/zero
            raw = file.read(SIZE_MAX + 1)
    except OSError as error:
        raise NotFound(f"{shown(str(path))} cannot be read: {error.strerror}") from error
    if len(raw) > SIZE_MAX:
        raise TooLarge(f"{path}: expected a file of at most {SIZE_MAX:,} bytes, got more")
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
    return parse_change(given)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object of JSON; of two equal keys a reader keeps the last, and nobody would know."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{shown(twice)} is said twice in one object")
    return found
