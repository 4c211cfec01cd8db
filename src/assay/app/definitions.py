"""With which definitions did a policy decide? The workload's, with the catalog the policy names.

A workload's code says which derived functions there are. Which features stand beside them is data:
as the code has it, or as a stored catalog or a file of changes says.
"""

from dataclasses import replace
from pathlib import Path

from assay.app.own import read_table
from assay.app.workloads import compiled, workload_named
from assay.core.errors import NotFound
from assay.decisions.compiled import CompiledPolicy
from assay.decisions.policy import Policy
from assay.features.catalog import Catalog
from assay.features.document import (
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
    return parse_change(read_table(path))
