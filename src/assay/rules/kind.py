"""Which CEL type does a variable of a rule have?"""

from collections.abc import Mapping
from enum import StrEnum

from assay.contracts.contract import Kind
from assay.features.definition import ValueKind


class CelKind(StrEnum):
    """The four types a variable may have; the value is the name CEL gives the type."""

    INT = "int"
    DOUBLE = "double"
    STRING = "string"
    BOOL = "bool"


#: Money stays whole minor units and time stays microseconds, so both are compared exactly.
OF_FIELD: Mapping[Kind, CelKind] = {
    "text": CelKind.STRING,
    "int": CelKind.INT,
    "money": CelKind.INT,
    "decimal": CelKind.INT,
    "time": CelKind.INT,
    "bool": CelKind.BOOL,
    "real": CelKind.DOUBLE,
}

OF_FEATURE: Mapping[ValueKind, CelKind] = {
    "int": CelKind.INT,
    "real": CelKind.DOUBLE,
    "bool": CelKind.BOOL,
}
