"""What is a model, as bytes? Files under their digests and a manifest whose digest is the model's.

The manifest names every file by SHA-256 and says what the model was made from. It holds no clock
reading and no path, so training again from the same frame on the same versions gives the same
digest.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from assay.core.canonical import canonical, digest_bytes
from assay.core.errors import Corrupt, Invalid

MANIFEST = "manifest.json"
MODEL = "model.txt"
CALIBRATOR = "calibrator.json"
TEXT_MODEL = "text_model.bin"
FORMAT = 1


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What the model is and what it was made from.

    ``features`` are the inputs in order; ``catalog`` and ``frame`` are digests; ``files`` maps
    file names to digests; times are microseconds UTC; ``environment`` names interpreter,
    libraries and platform; ``split`` are the slice edges; ``rows`` counts rows per slice.
    """

    format: int
    kind: str
    features: tuple[str, ...]
    catalog: str
    frame: str
    files: dict[str, str]
    parameters: dict[str, int | float | str | bool]
    environment: dict[str, str]
    trained_from: int
    trained_to: int
    known_by: int
    maturity: int
    seed: int
    rows: dict[str, int]
    rounds: int
    base_rate: float
    text_model: str | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    """The files of one model, the manifest among them, and the digest that names it."""

    files: dict[str, bytes]
    digest: str
    manifest: Manifest


def build_bundle(
    manifest: Manifest, *, model: str, calibrator: bytes, text_model: bytes | None = None
) -> Bundle:
    """The bundle of these files; ``manifest.files`` is filled in here.

    Raises:
        Invalid: the manifest already names files.
    """
    if manifest.files:
        raise Invalid("expected a manifest without files: their digests are computed here")
    files = {MODEL: model.encode(), CALIBRATOR: calibrator}
    if text_model is not None:
        files[TEXT_MODEL] = text_model
    complete = msgspec.structs.replace(
        manifest, files={name: digest_bytes(data) for name, data in sorted(files.items())}
    )
    files[MANIFEST] = canonical(complete)
    return Bundle(files, digest_bytes(files[MANIFEST]), complete)


def verify_bundle(files: Mapping[str, bytes], expected: str | None = None) -> Manifest:
    """The manifest, after every byte of every file was checked against it.

    Args:
        files: file name to bytes, the manifest among them.
        expected: digest of the approved model; the manifest must have it.

    Raises:
        Corrupt: a file is missing, unexpected or changed; the message names it.
    """
    data = files.get(MANIFEST)
    if data is None:
        raise Corrupt(f"the model bundle has no {MANIFEST}")
    if expected is not None and digest_bytes(data) != expected:
        raise Corrupt(f"{MANIFEST} is {digest_bytes(data)}, expected the approved {expected}")
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Corrupt(f"{MANIFEST} cannot be read: {error}") from error
    if canonical(manifest) != data or manifest.format != FORMAT:
        raise Corrupt(f"{MANIFEST} is not in the canonical form of format {FORMAT}")
    if odd := (set(files) - {MANIFEST}) ^ set(manifest.files):
        raise Corrupt(f"the bundle and its {MANIFEST} disagree on the files {sorted(odd)}")
    for name, wanted in manifest.files.items():
        if (found := digest_bytes(files[name])) != wanted:
            raise Corrupt(f"{name} of the model bundle is {found}, expected {wanted}")
    return manifest


def read_bundle(get: Callable[[str], bytes], model: str) -> dict[str, bytes]:
    """The files of the model ``model`` from a content-addressed store.

    Raises:
        Corrupt: the manifest or a file does not match its digest.
    """
    data = get(model)
    if digest_bytes(data) != model:
        raise Corrupt(f"{MANIFEST} is {digest_bytes(data)}, expected {model}")
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Corrupt(f"{MANIFEST} cannot be read: {error}") from error
    files = {name: get(stored) for name, stored in manifest.files.items()}
    files[MANIFEST] = data
    verify_bundle(files, expected=model)
    return files
