"""Which fields of an event does the kernel need, and as which whole numbers?"""

from collections.abc import Iterable
from typing import Literal

from assay.contracts.contract import ContractSet, Field
from assay.features.check import PICKED
from assay.features.definition import COMPARISONS, Feature, Where
from assay.features.encode import Input, constant_code

#: What a text is needed for: to be told apart, to be compared with constants, or as a value.
_Use = Literal["told apart", "compared", "picked"]


class Inputs:
    """The inputs of every event type, and where each field of a feature stands among them."""

    def __init__(self, features: Iterable[Feature], contracts: ContractSet) -> None:
        self._contracts = contracts
        self._constants: dict[tuple[str, str], set[str]] = {}
        self._of: dict[str, dict[tuple[str, _Use], None]] = {}
        for feature in features:
            of = self._of.setdefault(feature.source, {})
            if feature.of is not None:
                of[feature.of, self._use(feature)] = None
            for where in feature.where:
                use = self._compared(feature.source, where)
                of[where.field, use] = None
                if use == "compared":
                    constants = self._constants.setdefault((feature.source, where.field), {""})
                    constants.add(str(where.value or ""))

    def of(self, source: str) -> list[Input]:
        """The inputs of an event type, in kernel order."""
        return [
            Input(name, self._field(source, name).kind, self._choices(source, name, use))
            for name, use in self._of[source]
        ]

    def place_of(self, feature: Feature) -> int:
        """Where the field that a feature aggregates stands."""
        assert feature.of is not None
        return list(self._of[feature.source]).index((feature.of, self._use(feature)))

    def condition(self, source: str, where: Where) -> tuple[int, int, int]:
        """A condition as the kernel tests it: input, comparison, constant."""
        use = self._compared(source, where)
        place = list(self._of[source]).index((where.field, use))
        constant = 0
        if where.is_ != "known":
            kind = self._field(source, where.field).kind
            constant = constant_code(where.value, kind, self._choices(source, where.field, use))
        return place, COMPARISONS.index(where.is_), constant

    def is_real(self, feature: Feature) -> bool:
        """Whether a feature aggregates reals."""
        return feature.of is not None and self._field(feature.source, feature.of).kind == "real"

    def _use(self, feature: Feature) -> _Use:
        assert feature.of is not None
        is_text = self._field(feature.source, feature.of).kind == "text"
        return "picked" if is_text and feature.aggregate in PICKED else "told apart"

    def _compared(self, source: str, where: Where) -> _Use:
        return "compared" if self._field(source, where.field).kind == "text" else "told apart"

    def _choices(self, source: str, name: str, use: _Use) -> tuple[str, ...]:
        if use == "compared":
            return tuple(sorted(self._constants[source, name]))
        return self._field(source, name).choices if use == "picked" else ()

    def _field(self, source: str, name: str) -> Field:
        return self._contracts.get(source).field(name)
