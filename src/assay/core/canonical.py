"""One value, one byte string, one hash: how every definition and record is identified.

The canonical form is JSON with these choices, each of which a test pins:

* object keys are strings, unique, sorted by Unicode code point; no white space;
* text is UTF-8 as given (no Unicode normalisation: two spellings are two values), escaped only
  where JSON demands it; lone surrogates are refused;
* integers are written in full, of any size; ``true``/``false`` are not integers;
* floats are written by their shortest round-trip form and always show a point or an exponent,
  so ``1`` and ``1.0`` differ; NaN and infinities are refused; ``-0.0`` stays ``-0.0``;
* tuples and lists are the same; everything else (bytes, sets, dates) is refused.

It follows RFC 8785 (JCS) in spirit and departs from it in numbers: JCS maps every number to a
double, which would make two different amounts of money one value.
"""

import hashlib
import math
from json.encoder import encode_basestring
from typing import Any

import msgspec

from assay.core.errors import Invalid, shown

_DEPTH_MAX = 64


def canonical(value: Any) -> bytes:
    """The canonical bytes of a value made of None, bool, int, float, str, list, tuple, dict.

    msgspec structs and dataclasses are first turned into those.

    Raises:
        Invalid: a NaN or infinity, a key that is not text, a lone surrogate, a type outside the
            form, or nesting deeper than 64.

    Example:
        >>> canonical({"b": 1.0, "a": [1, True, None, "é"]}).decode()
        '{"a":[1,true,null,"é"],"b":1.0}'
    """
    parts: list[str] = []
    _write(value, parts, 0)
    try:
        return "".join(parts).encode("utf-8")
    except UnicodeEncodeError as error:
        raise Invalid(f"text holds a lone surrogate at position {error.start}") from error


def digest(value: Any) -> str:
    """``sha256:`` and the hexadecimal SHA-256 of the canonical bytes of ``value``."""
    return digest_bytes(canonical(value))


def digest_bytes(data: bytes | memoryview) -> str:
    """``sha256:`` and the hexadecimal SHA-256 of the bytes themselves.

    Example:
        >>> digest_bytes(b"")[:23]
        'sha256:e3b0c44298fc1c14'
    """
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _write(value: Any, parts: list[str], depth: int) -> None:
    if depth > _DEPTH_MAX:
        raise Invalid(f"nesting deeper than {_DEPTH_MAX} has no canonical form")
    match value:
        case None | True | False:
            parts.append({None: "null", True: "true", False: "false"}[value])
        case str():
            parts.append(encode_basestring(value))
        case int():
            parts.append(int.__repr__(value))
        case float():
            parts.append(_float(value))
        case list() | tuple():
            _write_array(value, parts, depth)
        case dict():
            _write_object(value, parts, depth)
        case _:
            _write(_plain(value), parts, depth + 1)


def _write_array(value: list[Any] | tuple[Any, ...], parts: list[str], depth: int) -> None:
    parts.append("[")
    for position, item in enumerate(value):
        if position:
            parts.append(",")
        _write(item, parts, depth + 1)
    parts.append("]")


def _write_object(value: dict[Any, Any], parts: list[str], depth: int) -> None:
    for key in value:
        if not isinstance(key, str):
            raise Invalid(f"expected object keys to be text, got {shown(key)}")
    parts.append("{")
    for position, key in enumerate(sorted(value)):
        parts.append("," if position else "")
        parts.append(encode_basestring(key) + ":")
        _write(value[key], parts, depth + 1)
    parts.append("}")


def _float(value: float) -> str:
    if not math.isfinite(value):
        raise Invalid(f"expected a finite number, got {value!r}")
    return float.__repr__(value)


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.asdict(value)
    if hasattr(value, "__dataclass_fields__"):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    raise Invalid(f"expected a plain value, got {type(value).__name__} {shown(value)}")
