"""What does a compiled rule consist of? Its syntax tree, read from the engine's own bytes.

The engine serialises a type-checked expression as the protocol-buffer message
``cel.expr.CheckedExpr`` (inside ``google.protobuf.Any``). Reading that message, instead of
tokenising the text a second time, means that strings, comments, macros and shadowed names are
understood exactly as the engine understands them. Only the handful of fields below is read; a
schema is stable by the rules of protocol buffers, and a field we do not know is refused.

Source:
    github.com/google/cel-spec, proto/cel/expr/{checked,syntax}.proto.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from assay.core.errors import Unavailable

#: Field numbers of ``cel.expr.Expr``: constant, ident, select, call, list, map, comprehension.
_KINDS = range(3, 10)


class UnreadableSyntax(Unavailable):
    """The engine wrote a syntax tree that this reader does not know: another engine version."""

    code = "unreadable_syntax"


@dataclass(frozen=True, slots=True)
class Node:
    """One node: ``kind`` is constant, ident, call, list, select, map or comprehension.

    ``name`` is the identifier, function or selected field; of a constant it is ``null`` or a text
    that is equal for equal constants. ``at`` is the position in code points from 0, -1 if the
    engine gave none; ``bound`` are the names that a comprehension gives to its parts but the
    first two (range and start value).
    """

    kind: str
    name: str
    at: int
    parts: tuple["Node", ...] = ()
    bound: tuple[str, ...] = ()

    def walk(self) -> Iterator["Node"]:
        """This node and everything below it."""
        return chain([self], *(part.walk() for part in self.parts))

    @property
    def shape(self) -> tuple[object, ...]:
        """The node without positions: equal for two texts that differ in layout only."""
        return (self.kind, self.name, *(part.shape for part in self.parts))

    def free(self, bound: frozenset[str] = frozenset()) -> Iterator["Node"]:
        """The identifiers that no comprehension around them binds."""
        if self.kind == "ident" and self.name not in bound:
            yield self
        inner = bound.union(self.bound)
        for position, part in enumerate(self.parts):
            yield from part.free(inner if position >= 2 else bound)


def read_syntax(serialized: bytes) -> Node:
    """The tree of a serialised expression.

    Raises:
        UnreadableSyntax: the bytes are not the message this reader knows.
    """
    try:
        checked = _fields(_last(_fields(serialized), 2))
        positions = {
            _int(_fields(entry), 1): _int(_fields(entry), 2)
            for entry in _fields(_last(checked, 5)).get(4, [])
            if isinstance(entry, bytes)
        }
        return _node(_last(checked, 4), positions)
    except (LookupError, TypeError, UnicodeDecodeError) as error:
        raise UnreadableSyntax(
            "the CEL engine wrote a syntax tree this version of Assay cannot read; "
            "install the locked version of cel-expr-python"
        ) from error


Fields = dict[int, list[int | bytes]]


def _node(data: bytes, positions: dict[int, int]) -> Node:
    fields = _fields(data)
    at = positions.get(_int(fields, 2), -1)
    kind = next((number for number in _KINDS if number in fields), 0)
    body = _fields(_last(fields, kind))

    def children(*numbers: int) -> tuple[Node, ...]:
        return tuple(_node(_bytes(part), positions) for n in numbers for part in body.get(n, []))

    match kind:
        case 3:
            return Node("constant", "null" if 1 in body else f"{body}", at)
        case 4:
            return Node("ident", _text(body, 1), at)
        case 5:
            return Node("select", _text(body, 2), at, children(1))
        case 6:
            return Node("call", _text(body, 2), at, children(1, 3))
        case 7:
            return Node("list", "", at, children(1))
        case 8:
            entries = [_fields(_bytes(entry)) for entry in body.get(2, [])]
            parts = [_node(_bytes(e[n][-1]), positions) for e in entries for n in (3, 4)]
            return Node("map", _text(body, 1), at, tuple(parts))
        case 9:
            names = (_text(body, 1), _text(body, 3), _text(body, 8))
            bound = tuple(name for name in names if name)
            return Node("comprehension", names[0], at, children(2, 4, 5, 6, 7), bound)
        case _:
            raise KeyError("an expression of no known kind")


def _fields(data: bytes) -> Fields:
    """The fields of one message by number, in order of appearance."""
    found: Fields = {}
    offset = 0
    while offset < len(data):
        key, offset = _varint(data, offset)
        match key & 7:
            case 0:
                value, offset = _varint(data, offset)
                found.setdefault(key >> 3, []).append(value)
                continue
            case 1:
                size = 8
            case 2:
                size, offset = _varint(data, offset)
            case 5:
                size = 4
            case wire:
                raise TypeError(f"wire type {wire}")
        if offset + size > len(data):
            raise IndexError("a field runs past the end")
        found.setdefault(key >> 3, []).append(data[offset : offset + size])
        offset += size
    return found


def _varint(data: bytes, offset: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[offset]
        offset += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, offset
        shift += 7


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise TypeError("expected a length-delimited field")
    return value


def _last(fields: Fields, number: int) -> bytes:
    return _bytes(fields[number][-1])


def _int(fields: Fields, number: int) -> int:
    value = fields.get(number, [0])[-1]
    if not isinstance(value, int):
        raise TypeError("expected a varint")
    return value


def _text(fields: Fields, number: int) -> str:
    return _last(fields, number).decode() if number in fields else ""
