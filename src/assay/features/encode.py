"""How does a payload value become the 64-bit integer that the kernel computes with?

Whole numbers, money, times and booleans are themselves. A real becomes an integer of the same
order. A text becomes a 64-bit hash where values are only told apart (``distinct``), its place
among the constants of the catalog where it is only compared with them (``where``), or its place
among the contract's choices where it is a value itself (``last``).
"""

import hashlib
import math
import struct
from array import array
from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

import msgspec
import numpy as np

from assay.contracts.contract import Kind
from assay.core.errors import Invalid, shown
from assay.features.layout import Ints

#: The integer that stands for "not known"; no encoded value equals it.
NULL = -(2**63)
#: Texts whose hash is remembered: enough for the devices or addresses of a busy minute.
_TEXTS_REMEMBERED = 1 << 16
_DOUBLE, _INT64 = struct.Struct("<d"), struct.Struct("<q")
_EXPECTED = "expected a whole number of 64 bits"
_ALL_BUT_SIGN = 0x7FFF_FFFF_FFFF_FFFF


class Input(msgspec.Struct, frozen=True):
    """One field as the kernel sees it.

    ``choices`` holds the texts whose place is the code; empty when a text is hashed.
    """

    field: str
    kind: Kind
    choices: tuple[str, ...] = ()


class Encoder:
    """The inputs of one event type in kernel order, and the way from a payload to them.

    Example:
        >>> encoder = Encoder("booking", [Input("amount", "money"), Input("tier", "text", ("a",))])
        >>> encoder.encode({"amount": 1250, "tier": "a"}), encoder.encode({"tier": "b"})[1]
        ([1250, 0], -1)
    """

    def __init__(self, event_type: str, inputs: list[Input]) -> None:
        self.event_type, self.inputs = event_type, inputs
        self._places = [{text: place for place, text in enumerate(item.choices)} for item in inputs]
        self._steps = [
            (item.field, _STEP[item.kind, bool(item.choices)], places)
            for item, places in zip(inputs, self._places, strict=True)
        ]

    def encode(self, payload: Mapping[str, Any]) -> list[int]:
        """One integer per input; ``NULL`` where the field is absent or None.

        Raises:
            Invalid: a value that its contract should have refused (NaN, beyond 64 bits).
        """
        codes = []
        for field, step, places in self._steps:
            value = payload.get(field)
            if value is None:
                codes.append(NULL)
            elif step == _AS_IS:
                if value == NULL:
                    raise Invalid(f"{self.event_type}.{field}: {NULL} is outside the 64-bit range")
                codes.append(value)
            elif step == _HASH:
                codes.append(text_code(value))
            elif step == _PLACE:
                codes.append(places.get(value, -1))
            else:
                codes.append(real_code(value))
        return codes

    def misfit(self, codes: Sequence[Any]) -> str:
        """Which field is no whole number of 64 bits, of what `encode` gave; else it is the time.

        Example:
            >>> encoder = Encoder("booking", [Input("nights", "int"), Input("amount", "money")])
            >>> encoder.misfit([1, "12,5"])
            "booking.amount: expected a whole number of 64 bits, got '12,5'"
        """
        for (field, _, _), code in zip(self._steps, codes, strict=True):
            if not isinstance(code, int) or not -(2**63) <= code < 2**63:
                return f"{self.event_type}.{field}: {_EXPECTED}, got {shown(code)}"
        return f"{self.event_type}: {_EXPECTED} as its time"

    def encode_all(self, payloads: Sequence[Mapping[str, Any]]) -> list[Ints]:
        """The inputs of many payloads: one column per input.

        Raises:
            Exception: of several kinds, where ``encode`` raises for one of the payloads.
        """
        return [
            _column(step, values_of(payloads, field), places) for field, step, places in self._steps
        ]


def values_of(payloads: Sequence[Mapping[str, Any]], field: str) -> list[Any]:
    """One field of many payloads; None where it is absent."""
    try:
        return [*map(itemgetter(field), payloads)]
    except KeyError:
        return [payload.get(field) for payload in payloads]


def _column(step: int, values: list[Any], places: Mapping[str, int]) -> Ints:
    """One field of many payloads; ``NULL`` for None."""
    unknown = values.count(None)
    if step == _AS_IS:
        codes = whole_numbers([NULL if x is None else x for x in values] if unknown else values)
        if np.count_nonzero(codes == NULL) > unknown:
            raise Invalid(f"{NULL} is outside the 64-bit range")
        return codes
    if step == _PLACE:
        found = [places.get(x, -1) for x in values]
        if unknown:
            found = [NULL if x is None else code for x, code in zip(values, found, strict=True)]
        return whole_numbers(found)
    code_of = text_code if step == _HASH else real_code
    if unknown:
        return whole_numbers([NULL if x is None else code_of(x) for x in values])
    return whole_numbers(list(map(code_of, values)))


def whole_numbers(values: list[int]) -> Ints:
    """Whole numbers of 64 bits, and nothing that is only converted to such.

    Raises:
        OverflowError: one does not fit.
        TypeError: one is something else.
    """
    return np.frombuffer(array("q", values), np.int64)


@lru_cache(maxsize=_TEXTS_REMEMBERED)
def text_code(text: str) -> int:
    """A 64-bit hash of a text: BLAKE2b of its UTF-8 bytes, little-endian, signed.

    Two texts share a code with probability 2**-64; a count of a million different ones is off
    by one with probability below 3e-8.
    """
    body = hashlib.blake2b(text.encode(), digest_size=8).digest()
    code = int.from_bytes(body, "little", signed=True)
    return code if code != NULL else NULL + 1


def real_code(value: float) -> int:
    """The integer whose order among codes is the order of the doubles; -0.0 counts as 0.0.

    Raises:
        Invalid: NaN, which has no place in any order.

    Example:
        >>> real_code(-1.5) < real_code(-0.0) == real_code(0.0) < real_code(1e-300)
        True
    """
    if math.isnan(value):
        raise Invalid("expected a finite number, got NaN")
    bits: int = _INT64.unpack(_DOUBLE.pack(value + 0.0))[0]
    return bits if bits >= 0 else bits ^ _ALL_BUT_SIGN


def constant_code(value: object, kind: Kind, choices: tuple[str, ...]) -> int:
    """The code of a constant in a ``where`` condition on a field of that kind."""
    if kind == "text":
        return choices.index(str(value))
    if not isinstance(value, int | float):
        raise Invalid(f"expected a constant of kind {kind}, got {shown(value)}")
    return real_code(float(value)) if kind == "real" else int(value)


_AS_IS, _HASH, _PLACE, _REAL = range(4)
_STEP: dict[tuple[Kind, bool], int] = {
    ("int", False): _AS_IS,
    ("money", False): _AS_IS,
    ("decimal", False): _AS_IS,
    ("bool", False): _AS_IS,
    ("time", False): _AS_IS,
    ("real", False): _REAL,
    ("text", False): _HASH,
    ("text", True): _PLACE,
}
