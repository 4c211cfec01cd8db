"""What does a JSON text say, if it says one thing only?

JSON leaves equal keys undefined and its readers keep the last one without a word; here they are
found. A body without escapes is read by the fast reader and proven free of doubled keys by
counting its quotation marks; every other body is read by the slower one, which sees each pair.
"""

import json
from typing import Any, NoReturn

import msgspec

from assay.contracts.violation import ContractViolation
from assay.core.errors import TooLarge

BODY_MAX = 64 * 1024  #: bytes; an event is a few hundred
DEPTH_MAX = 8  #: an event needs 2; a label, a case or a list of keys no more than this


class Doubled(dict[str, Any]):
    """An object that named ``name`` twice; it is never accepted, only reported."""

    name = ""


def parse(raw: bytes) -> Any:
    """The value of a JSON text; an object with a doubled key comes back as `Doubled`.

    Raises:
        ContractViolation: not UTF-8, not JSON, a number out of range, or nested deeper than 8.
        TooLarge: longer than 64 KiB.

    Example:
        >>> parse(b'{"a": [1, 2.5, null]}')
        {'a': [1, 2.5, None]}
        >>> parse(b'{"a": 1, "a": 2}').name
        'a'
    """
    if len(raw) > BODY_MAX:
        raise TooLarge(f"expected a body of at most {BODY_MAX} bytes, got {len(raw)}")
    try:
        value = msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        _refuse(str(error).removeprefix("JSON is malformed: "))
    except UnicodeDecodeError as error:
        _refuse(f"a byte that is not UTF-8 at {error.start}")
    except RecursionError:
        _refuse(f"nesting deeper than {DEPTH_MAX}")
    except ValueError:  # the reader's own limit on digits
        _refuse("a whole number of thousands of digits")
    if b"\\" not in raw and raw.count(b'"') == 2 * _texts(value, 0):
        return value
    return _parse_pairs(raw)


def _texts(value: Any, depth: int) -> int:
    """How many strings (keys and values) a parsed value holds."""
    if depth >= DEPTH_MAX:
        _refuse(f"nesting deeper than {DEPTH_MAX}")
    if type(value) is dict:
        count = len(value)
        for item in value.values():
            kind = type(item)
            if kind is str:
                count += 1
            elif kind is dict or kind is list:
                count += _texts(item, depth + 1)
        return count
    if type(value) is list:
        return sum(_texts(item, depth + 1) for item in value)
    return 1 if type(value) is str else 0


def _parse_pairs(raw: bytes) -> Any:
    value = json.loads(raw.decode(), object_pairs_hook=_pairs)
    _texts(value, 0)  # for the depth
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    names = [name for name, _ in pairs]
    doubled = Doubled(found)
    doubled.name = next(name for name in names if names.count(name) > 1)
    return doubled


def _refuse(got: str) -> NoReturn:
    raise ContractViolation("$", "UTF-8 JSON", got)
