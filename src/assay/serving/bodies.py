"""Does this body have the shape a route asks for? Nothing is coerced, nothing is left over."""

from typing import Any, TypeVar

import msgspec

from assay.contracts.parse import Doubled, parse
from assay.contracts.violation import ContractViolation
from assay.core.errors import Invalid

T = TypeVar("T", bound=msgspec.Struct)


def body_as(kind: type[T], body: bytes) -> T:
    """The struct a JSON body describes.

    Raises:
        ContractViolation: not JSON, or a name comes twice.
        Invalid: a field is missing, unknown or of another type; says where.

    Example:
        >>> class Verdict(msgspec.Struct):
        ...     fraud: bool
        >>> body_as(Verdict, b'{"fraud": 1}')
        Traceback (most recent call last):
        ...
        assay.core.errors.Invalid: Expected `bool`, got `int` - at `$.fraud`
    """
    value: Any = parse(body)
    if isinstance(value, Doubled):
        raise ContractViolation(f"$.{value.name}", "each name once", "it twice")
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        raise Invalid(str(error)) from error
