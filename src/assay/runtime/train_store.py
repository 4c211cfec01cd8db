"""Where do a model's bytes go, and which interpreter and code made them?"""

import platform
from importlib.metadata import version
from importlib.resources import files

from assay.core.canonical import digest
from assay.core.errors import Corrupt
from assay.models.bundle import Bundle
from assay.runtime.ports import ObjectStore


def store_bundle(objects: ObjectStore, bundle: Bundle) -> None:
    """Store every file under its digest; the manifest's digest then names the model.

    Raises:
        Corrupt: the store named a file otherwise than by its SHA-256.
    """
    for name, data in sorted(bundle.files.items()):
        wanted = bundle.manifest.files.get(name, bundle.digest)
        put_as(objects, data, wanted)


def put_as(objects: ObjectStore, data: bytes, wanted: str) -> None:
    """Store bytes that are known by the digest ``wanted``.

    Raises:
        Corrupt: the store named them otherwise.
    """
    if (stored := objects.put(data)) != wanted:
        raise Corrupt(f"the object store named our bytes {stored}, expected {wanted}")


def environment() -> dict[str, str]:
    """Interpreter, libraries and platform that a model's bytes depend on."""
    libraries = ("lightgbm", "numpy", "scipy", "numba", "msgspec")
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": f"{platform.system()} {platform.machine()}",
        **{name: version(name) for name in libraries},
    }


def code_digest() -> str:
    """The hash of the source files that train, score and test models."""
    package = files("assay.models")
    sources: dict[str, str] = {}
    for folder in (package, package.joinpath("checks")):
        for item in folder.iterdir():
            if item.name.endswith(".py"):
                sources[f"{folder.name}/{item.name}"] = item.read_text(encoding="utf-8")
    return digest(sources)
