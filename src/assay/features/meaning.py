"""Do two catalogs mean the same by a value? Then what one of them served, the other may learn."""

from assay.core.canonical import digest
from assay.features.catalog import Catalog


def meanings(catalog: Catalog) -> dict[str, str]:
    """The hash of what each value means, its inputs and the contracts they are of included.

    Equal hashes are equal values for the same events; catalogs may differ in all else.
    """
    request = catalog.request.digest
    own: dict[str, tuple[list[str], tuple[str, ...]]] = {}
    for feature in catalog.features:
        source = catalog.contracts.get(feature.source).digest
        own[feature.name] = ([feature.digest, source, request], ())
    for combined in catalog.combined:
        own[combined.name] = ([combined.digest], combined.of)
    for derived in catalog.derived:
        own[derived.name] = ([derived.digest, request], derived.inputs)
    found: dict[str, str] = {}

    def of(name: str) -> str:
        if name not in own:
            return name  # a field of the request, whose contract is in the hash
        if name not in found:
            said, inputs = own[name]
            found[name] = digest([name, *said, *(of(needed) for needed in inputs)])
        return found[name]

    return {name: of(name) for name in catalog.names}


def shared(served: Catalog, wanted: Catalog) -> dict[int, int]:
    """The places of ``wanted`` whose value ``served`` has too, with its place there."""
    theirs = meanings(served)
    return {
        place: served.index(name)
        for place, (name, meaning) in enumerate(meanings(wanted).items())
        if theirs.get(name) == meaning
    }
