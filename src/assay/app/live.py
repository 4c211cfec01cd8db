"""With which definitions does a home decide now? Those of its live version, or of one it names.

Nothing here is written or admitted: it is what commands show and compute beside a server.
"""

from typing import NamedTuple

from assay.app.definitions import definitions_of, with_catalog
from assay.app.home import Home, control
from assay.app.succession import newest_live
from assay.app.wire import read_policy, read_scorer
from assay.app.workloads import workload_named
from assay.core.errors import NotFound
from assay.governance.facts import Facts
from assay.workloads.workload import Workload

#: The word that asks for a workload's own catalog, whatever is live.
SHIPPED = "shipped"


class Definitions(NamedTuple):
    """What a home decides with, the workload's code it was made from, and which version it is."""

    workload: Workload
    code: Workload
    version: str


def definitions_of_home(home: Home, name: str, version: str | None = None) -> Definitions:
    """The definitions by which a home serves now, or those of one of its versions.

    A home without any version decides by the rules of the workload alone, over its own catalog.

    Args:
        home: the folder.
        name: of its workload.
        version: a key, the digest of a catalog, or `SHIPPED`; None for the live one.

    Raises:
        NotFound: there is no such home or version; or none is named, some are registered and none
            is live: the message says what to do.
        Corrupt: what is stored of the version is damaged.
    """
    home.check()
    versions = _inventory(home)
    if version is not None:
        return _named(home, name, versions, version)
    if not versions:
        return shipped(name)
    live = newest_live(versions)
    if live is None:
        states = ", ".join(f"{one.record.key} is in {one.state.value}" for one in versions)
        raise NotFound(
            f"no version of {str(home.path)!r} is live ({states}), so nobody can tell which "
            f"catalog is meant: name one with --version KEY, the digest of a catalog, or {SHIPPED}"
        )
    return _definitions(home, name, live)


def shipped(name: str) -> Definitions:
    """A workload as its code has it, with no text model."""
    code = workload_named(name)
    return Definitions(code, code, f"{name} as shipped")


def _named(home: Home, name: str, versions: list[Facts], version: str) -> Definitions:
    if version == SHIPPED:
        return shipped(name)
    for facts in versions:
        if version in (facts.record.key, facts.record.catalog):
            return _definitions(home, name, facts)
    if "@" in version:
        known = ", ".join(facts.record.key for facts in versions) or "none"
        raise NotFound(f"{str(home.path)!r} has no version {version!r}; it has {known}")
    code = workload_named(name)
    return Definitions(with_catalog(code, version, home.catalogs()), code, f"catalog {version}")


def _inventory(home: Home) -> list[Facts]:
    if not home.control_path.exists():
        return []
    with control(home) as parts:
        return parts.governance.inventory()


def _definitions(home: Home, name: str, facts: Facts) -> Definitions:
    record, objects = facts.record, home.objects()
    policy = read_policy(objects, record.policy)
    text_model = None if record.model is None else read_scorer(objects, record.model).text_model
    return Definitions(
        definitions_of(policy, name, text_model, home.catalogs()),
        workload_named(name, text_model),
        f"{record.key}, {facts.state.value}",
    )
