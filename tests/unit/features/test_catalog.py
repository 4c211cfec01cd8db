"""What a catalog refuses, with which words, and what its digest depends on."""

from typing import Any

import msgspec
import pytest
from tests.unit.features.small import CONTRACTS, LOGIN, catalog, feature

from assay.core.errors import Invalid, Unknown
from assay.features.catalog import Catalog
from assay.features.definition import Derived, Where


def derived(name: str, *inputs: str, **changes: Any) -> Derived:
    """A derived value that is never computed here."""
    fields = {"function": lambda _: 1, "kind": "int", "version": "1", **changes}
    return Derived(name=name, inputs=inputs, **fields)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"source": "payd"}, "Did you mean 'paid'"),
        ({"key": ("crad",)}, "Did you mean 'card'"),
        ({"aggregate": "sum", "of": "cent"}, "Did you mean 'cents'"),
        ({"where": (Where("shpo", "known"),)}, "Did you mean 'shop'"),
        ({"request_key": ("usr",)}, "Did you mean 'user'"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(changes: Any, says: str) -> None:
    with pytest.raises(Unknown, match=says):
        catalog(feature(**changes))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"aggregate": "last", "of": "shop"}, "a text is not a number; use distinct"),
        ({"aggregate": "sum", "of": "risk"}, "depends on the order of arrival"),
        ({"aggregate": "std", "of": "risk"}, "depends on the order of arrival"),
        ({"aggregate": "mean", "of": "shipped"}, "a sum of instants has no meaning"),
        ({"aggregate": "sum", "of": None}, "sum needs the field"),
        ({"aggregate": "median"}, "unknown aggregate 'median'"),
        ({"window": -1}, "expected a window in microseconds"),
        ({"window": 1.5}, "expected a window in microseconds"),
        ({"key": ()}, "at least one key field"),
        ({"key": ("card", "card")}, "none twice"),
        ({"key": ("cents",)}, "expected key fields of one kind"),
        ({"request_key": ("card", "user")}, "as many request_key fields"),
        ({"include_current": True, "request_key": ("user",)}, "must equal key"),
        ({"where": (Where("cents", "==", "5"),)}, "expected a constant of type int"),
        ({"where": (Where("present", "==", 1),)}, "expected a constant of type bool"),
        ({"where": (Where("shop", "<", "a"),)}, "only == != known"),
        ({"where": (Where("tier", "==", "silver"),)}, "not among its choices"),
        ({"where": (Where("cents", "<", 2**63),)}, "does not fit 64 bits"),
    ],
)
def test_a_definition_without_exact_meaning_is_refused(changes: Any, says: str) -> None:
    with pytest.raises(Invalid, match=says) as caught:
        catalog(feature(**{"name": "culprit", **changes}))
    assert "'culprit'" in str(caught.value)


def test_names_are_unique_among_values_and_payload() -> None:
    with pytest.raises(Invalid, match="defined twice"):
        catalog(feature(), feature())
    with pytest.raises(Invalid, match="defined twice"):
        catalog(feature(), derived=(derived("card_count"),))
    with pytest.raises(Invalid, match="name of a field"):
        catalog(feature(name="cents"))


def test_a_derived_value_needs_inputs_that_exist() -> None:
    with pytest.raises(Unknown, match="Did you mean 'card_count'"):
        catalog(feature(), derived=(derived("ratio", "card_cout"),))


def test_a_cycle_among_derived_values_is_shown() -> None:
    loop = (derived("a", "b"), derived("b", "c"), derived("c", "a"))
    with pytest.raises(Invalid, match="a -> b -> c -> a"):
        catalog(derived=loop)


def test_an_index_is_the_place_in_the_vector_features_first() -> None:
    made = catalog(feature(), feature("sum"), derived=(derived("ratio", "card_sum"),))
    assert [made.index(name) for name in made.names] == [0, 1, 2]
    assert made.names == ("card_count", "card_sum", "ratio")
    with pytest.raises(Unknown, match="Did you mean 'ratio'"):
        made.index("ratoi")


def test_at_most_62_filters_share_a_table() -> None:
    def filtered(count: int) -> Catalog:
        return catalog(
            *(feature(name=f"f{n}", where=(Where("cents", ">", n),)) for n in range(count))
        )

    assert len(filtered(62)) == 62
    with pytest.raises(Invalid, match="at most 62"):
        filtered(63)


def test_the_digest_follows_meaning_and_not_words() -> None:
    made = catalog(feature(), derived=(derived("ratio", "card_count"),))
    same = catalog(feature(about="words"), derived=(derived("ratio", "card_count", about="w"),))
    assert made.digest == same.digest
    others = [
        catalog(feature(window=5), derived=made.derived),
        catalog(feature(name="other"), derived=(derived("ratio", "other"),)),
        catalog(feature(), derived=(derived("ratio", "card_count", version="2"),)),
        catalog(feature(), derived=(derived("ratio", "card_count", parameters="sha256:0"),)),
        catalog(*made.features),
    ]
    assert len({made.digest, *(other.digest for other in others)}) == 6


def test_the_digest_follows_the_unit_of_a_field_it_reads() -> None:
    paid = CONTRACTS.get("paid")
    fields = [
        msgspec.structs.replace(f, unit="USD") if f.name == "cents" else f for f in paid.fields
    ]
    dollars = msgspec.structs.replace(paid, fields=tuple(fields))

    def made(contract: Any) -> Catalog:
        known = type(CONTRACTS)([contract, LOGIN])
        return Catalog(request=contract, contracts=known, features=[feature("sum")])

    assert made(paid).digest != made(dollars).digest


def test_the_description_names_every_table() -> None:
    made = catalog(feature("sum"), feature(name="pair", key=("card", "shop")))
    assert "paid by card: 1 columns, 1 lanes" in made.describe()
    assert "paid by card+shop" in made.describe()
