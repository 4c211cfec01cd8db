"""How is a catalog written down as data, changed by data, and made again from it?

A document holds the definitions in full and derived values by name, version and digest: their
functions are code of the workload. Its name is the catalog's digest, so reading it checks it.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from assay.core.errors import Corrupt, Invalid, Unknown
from assay.features.catalog import Catalog
from assay.features.definition import Combined, Feature
from assay.features.written import written

FORMAT = 1
SIZE_MAX = 1 << 22  #: bytes of a document or of a file of changes
_ITEMS_MAX = 10_000

_Item = TypeVar("_Item", Feature, Combined)


class Use(msgspec.Struct, frozen=True):
    """A derived value that a catalog uses: which one of the workload's, and that it is the same."""

    name: str
    version: str
    digest: str


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A catalog as data; ``catalog`` is its digest."""

    format: int
    catalog: str
    request: str
    features: tuple[Feature, ...]
    derived: tuple[Use, ...]
    combined: tuple[Combined, ...] = ()


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to differ from a catalog.

    Args:
        about: why, for people.
        add: full definitions of new values; one that says ``how`` is a combined value.
        change: by name, the fields that get another value.
        remove: names that go, those of derived values too.
    """

    about: str = ""
    add: tuple[dict[str, Any], ...] = ()
    change: dict[str, dict[str, Any]] = {}
    remove: tuple[str, ...] = ()


def document_of(catalog: Catalog) -> bytes:
    """A catalog as the bytes of its document, the same for the same catalog and texts."""
    return msgspec.json.encode(
        Document(
            format=FORMAT,
            catalog=catalog.digest,
            request=catalog.request.type,
            features=catalog.features,
            combined=catalog.combined,
            derived=tuple(Use(item.name, item.version, item.digest) for item in catalog.derived),
        ),
        order="deterministic",
    )


def catalog_from(raw: bytes, digest: str, code: Catalog) -> Catalog:
    """The catalog that a document says, with contracts and derived functions of ``code``.

    Args:
        raw: the document.
        digest: what the catalog must hash to.
        code: a catalog of the same workload as its code has it now.

    Raises:
        Corrupt: the bytes are not the document of that catalog.
        Invalid: it uses a derived value in a version that the code no longer has.
    """
    try:
        document = msgspec.json.decode(raw, type=Document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Corrupt(f"the document of catalog {digest} cannot be read: {error}") from error
    if document.format != FORMAT or document.request != code.request.type:
        raise Corrupt(
            f"the document of catalog {digest} has format {document.format} and is about "
            f"{document.request!r}; expected format {FORMAT} about {code.request.type!r}"
        )
    at_hand = {item.name: item for item in code.derived}
    for use in document.derived:
        if use.name not in at_hand or at_hand[use.name].digest != use.digest:
            raise Invalid(
                f"catalog {digest} computes {use.name!r} in version {use.version!r} "
                f"({use.digest}), which the code of the workload no longer has"
            )
    found = Catalog(
        request=code.request,
        contracts=code.contracts,
        features=document.features,
        combined=document.combined,
        derived=[at_hand[use.name] for use in document.derived],
    )
    if found.digest != digest:
        raise Corrupt(f"the document of catalog {digest} makes {found.digest}")
    return found


def changed(catalog: Catalog, change: Change) -> Catalog:
    """A catalog with a change applied; values that stay keep their places, new ones come last.

    Raises:
        Unknown: a name, field, event type or aggregate that does not exist, with the nearest.
        Invalid: a definition without an exact meaning, or one that something else still needs.
    """
    if len(change.add) + len(change.change) + len(change.remove) > _ITEMS_MAX:
        raise Invalid(f"expected at most {_ITEMS_MAX:,} changes in one file")
    derived = [item.name for item in catalog.derived]
    for name in (*change.change, *change.remove):
        if name not in catalog.names:
            raise Unknown("feature", name, known=catalog.names)
    for name in change.change:
        if name in derived:
            raise Invalid(
                f"{name!r} is computed by the workload's code: it can be removed here, and "
                "changed there only"
            )
    both = set(change.remove) & set(change.change)
    if both:
        raise Invalid(f"{', '.join(sorted(both))}: changed and removed at once")
    features = (
        *_kept(catalog.features, change),
        *(written(Feature, given) for given in change.add if "how" not in given),
    )
    combined = (
        *_kept(catalog.combined, change),
        *(written(Combined, given) for given in change.add if "how" in given),
    )
    left = [item for item in catalog.derived if item.name not in change.remove]
    needed = {item.name: item.of for item in combined}
    needed |= {item.name: item.inputs for item in left}
    _check_removed(set(change.remove) - {item.name for item in features} - needed.keys(), needed)
    return Catalog(
        request=catalog.request,
        contracts=catalog.contracts,
        features=features,
        combined=combined,
        derived=left,
    )


def _check_removed(gone: set[str], needed: dict[str, tuple[str, ...]]) -> None:
    """Nothing that stays is computed from what goes."""
    for name in sorted(gone):
        users = [user for user, parts in needed.items() if name in parts]
        if users:
            raise Invalid(
                f"{name!r} cannot be removed: {', '.join(users)} cannot be computed without it; "
                "remove that too"
            )


def parse_change(given: object) -> Change:
    """The change in a decoded TOML or JSON file.

    Raises:
        Invalid: it is something else, or changes nothing; the message names the place.
    """
    try:
        change = msgspec.convert(given, Change)
    except msgspec.ValidationError as error:
        raise Invalid(
            f"expected about, add, change and remove, as docs/howto/change-a-feature.md shows: "
            f"{error}"
        ) from error
    if not (change.add or change.change or change.remove):
        raise Invalid(
            "nothing is added, changed or removed: expected at least one, as "
            "docs/howto/change-a-feature.md shows"
        )
    return change


def _kept(items: Iterable[_Item], change: Change) -> list[_Item]:
    kept = []
    for item in items:
        name = item.name
        if name in change.remove:
            continue
        given = change.change.get(name)
        if given is None:
            kept.append(item)
            continue
        if given.get("name", name) != name:
            raise Invalid(f"{name!r}: to rename is to remove one value and to add another")
        before = msgspec.to_builtins(item)
        kept.append(written(type(item), {**before, **given}))
    return kept
