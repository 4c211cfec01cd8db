"""Derived values: computed after their inputs, and never at the price of the decision."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from tests.unit.features.small import catalog, feature, paid

from assay.features.backfill import backfill
from assay.features.definition import Derived
from assay.features.derive import DerivedFailed, check_derived
from assay.features.state import FeatureState
from assay.features.values import as_values
from assay.features.vector import Vector


def ratio(inputs: Mapping[str, Any]) -> float:
    return float(inputs["cents"] / inputs["card_mean"])


RATIO = Derived(
    name="ratio", inputs=("cents", "card_mean"), function=ratio, kind="real", version="1"
)


def made_of(answer: object, kind: Any = "real") -> dict[str, Any]:
    """What a derived value becomes whose function gives that answer, and the failures counted."""
    item = Derived(name="d", inputs=(), function=lambda _: answer, kind=kind, version="1")  # type: ignore[arg-type, return-value]  # wrong answers are the point
    state = FeatureState(catalog(derived=(item,)))
    vector, _ = state.read(paid(0))
    return {**as_values(vector, state.catalog), "failures": state.derived_failures}


def test_a_derived_value_sees_payload_and_features_in_both_paths() -> None:
    made = catalog(feature("mean"), derived=(RATIO,))
    state = FeatureState(made)
    state.apply(paid(-1, 50))
    vector, _ = state.read(paid(0, 100))
    assert as_values(vector, made) == {"card_mean": 50.0, "ratio": 2.0}
    assert backfill(made, [paid(-1, 50), paid(0, 100)]).vector(1).digest == vector.digest


def test_derived_values_may_use_each_other_in_any_order_of_definition() -> None:
    twice = Derived(
        name="twice",
        inputs=("once",),
        function=lambda values: 2 * values["once"],
        kind="int",
        version="1",
    )
    once = Derived(name="once", inputs=(), function=lambda _: 21, kind="int", version="1")
    made = catalog(derived=(twice, once))
    vector, _ = FeatureState(made).read(paid(0))
    assert as_values(vector, made) == {"twice": 42, "once": 21}


def test_a_failing_function_costs_its_value_and_is_counted() -> None:
    made = catalog(feature("mean"), derived=(RATIO,))
    state = FeatureState(made)
    vector, _ = state.read(paid(0))  # no mean yet: None does not divide
    assert as_values(vector, made) == {"card_mean": None, "ratio": None}
    assert state.derived_failures == 1
    assert backfill(made, [paid(0)]).derived_failures == 1


def test_trying_a_catalog_raises_with_the_name_of_what_failed() -> None:
    made = catalog(feature("mean"), derived=(RATIO,))
    empty = Vector(np.zeros(2, np.int64), np.zeros(2, np.uint8))
    with pytest.raises(DerivedFailed, match="'ratio' failed: TypeError"):
        check_derived(made, empty, [paid(0)])


@pytest.mark.parametrize(
    ("answer", "kind", "becomes", "failures"),
    [
        (None, "real", None, 0),
        (math.nan, "real", None, 0),
        (math.inf, "real", None, 0),
        (3, "real", 3.0, 0),
        (True, "bool", True, 0),
        (-5, "int", -5, 0),
        (1, "bool", None, 1),
        (2.0, "int", None, 1),
        (2**63, "int", None, 1),
        ("a", "real", None, 1),
    ],
)
def test_an_answer_is_held_only_if_it_is_of_its_kind(
    answer: object, kind: str, becomes: object, failures: int
) -> None:
    assert made_of(answer, kind) == {"d": becomes, "failures": failures}
