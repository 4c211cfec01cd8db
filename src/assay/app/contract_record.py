"""Do the contracts of a folder of one's own still read what a home took in under them?

Beside the folder's path the record of a home has the digest of the contracts, and the contracts
themselves lie among its objects, so that a change can be judged by what it changed.
"""

from pathlib import Path

import msgspec

from assay.adapters.files.objects import ObjectFiles
from assay.adapters.files.regular import read_regular
from assay.app.own import CONTRACTS, read_contracts
from assay.app.settings import RECORD_MAX, RECORDED
from assay.contracts.compatibility import incompatible
from assay.contracts.contract import ContractSet, EventContract
from assay.core.canonical import canonical
from assay.core.errors import Conflict, Corrupt, Invalid

_SHOWN = 3


def check_contracts(home: Path, folder: str) -> None:
    """Return when what a home holds can be read under the contracts that its folder has now.

    A folder that cannot be read is left to the commands that need it, which say so.

    Raises:
        Conflict: it cannot; the message says what changed.
    """
    try:
        now = read_contracts(Path(folder) / CONTRACTS)
    except Invalid:
        return
    _check(home, folder, now)


def keep_contracts(home: Path, folder: str) -> str:
    """Store the contracts under which a home takes in events from now on; their digest.

    Raises:
        NotFound, Invalid: there are none, or they mean nothing.
        Conflict: they cannot read what the home holds; the message says what changed.
        Unavailable: they could not be stored.
    """
    now = read_contracts(Path(folder) / CONTRACTS)
    _check(home, folder, now)
    return _objects(home).put(canonical({contract.type: contract for contract in now}))


def _check(home: Path, folder: str, now: ContractSet) -> None:
    recorded = _recorded(home)
    if recorded in ("", now.digest):  # a home filled before there was this digest has none
        return
    found = incompatible([_stored(home, recorded), now], "backward")
    if found:
        first = "; ".join(f"{item.path}: {item.what}" for item in found[:_SHOWN])
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise Conflict(
            f"{Path(folder) / CONTRACTS} changed, and the events in {str(home)!r} cannot be read "
            f"under it: {first}{more}. Take the change back, or bring the events into a new home"
        )


def _recorded(home: Path) -> str:
    """The digest in the record, empty where there is none."""
    try:
        lines = read_regular(home / RECORDED, RECORD_MAX).decode().splitlines()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise Corrupt(f"{home / RECORDED} cannot be read: {error}") from error
    return lines[1].strip() if len(lines) > 1 else ""


def _stored(home: Path, digest: str) -> ContractSet:
    raw = _objects(home).get(digest)
    try:
        return ContractSet(msgspec.json.decode(raw, type=dict[str, EventContract]).values())
    except (msgspec.MsgspecError, ValueError) as error:
        raise Corrupt(f"the object {digest} holds no contracts: {error}") from error


def _objects(home: Path) -> ObjectFiles:
    return ObjectFiles(home / "objects")
