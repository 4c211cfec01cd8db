"""What a catalog refuses, with which words, and what its digest depends on."""

from typing import Any

import msgspec
import pytest
from tests.unit.features.small import CONTRACTS, LOGIN, catalog, feature

from assay.core.errors import Invalid, Unknown
from assay.features.catalog import Catalog
from assay.features.definition import Combined, Derived, Where


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
        ({"aggregate": "max", "of": "shop"}, "a text is not a number; use distinct"),
        ({"aggregate": "last", "of": "shop"}, "close its choices, use distinct or top_share"),
        ({"aggregate": "top", "of": "shop"}, "close its choices"),
        ({"aggregate": "quantile", "of": "tier", "permille": 500}, "a text is not a number"),
        ({"aggregate": "entropy", "of": None}, "entropy needs the field"),
        ({"aggregate": "quantiel"}, "Did you mean 'quantile'"),
        ({"aggregate": "quantile"}, "permille: expected a rank in thousandths"),
        ({"aggregate": "quantile", "permille": 1001}, "between 1 and 1000, got 1001"),
        ({"aggregate": "sum", "permille": 500}, "only quantile takes one"),
        ({"k": 2}, "k: expected a rank for count .only nth, top, top_count, top_share take k."),
        ({"aggregate": "nth", "k": 0}, "k: expected a rank between 1 and 1024, got 0"),
        ({"aggregate": "nth", "k": True}, "k: expected a rank between 1 and 1024, got True"),
        ({"aggregate": "top", "k": 65}, "between 1 and 64, got 65"),
        ({"aggregate": "sum", "cap": 5}, "exact for any number of events and takes no cap"),
        ({"aggregate": "distinct", "cap": 0}, "cap: expected a number of events"),
        ({"every": -1}, "every: expected a step in microseconds"),
        ({"window": 5, "every": 6}, "would never see some events"),
        ({"window": 5, "every": 5, "ties": "before"}, "use every or ties"),
        ({"ties": "after"}, "expected ties to be exclude or before, got 'after'"),
        ({"ttl": 2.0}, "ttl: expected an age in microseconds"),
        ({"aggregate": "sum", "of": "risk"}, "depends on the order of arrival"),
        ({"aggregate": "std", "of": "risk"}, "depends on the order of arrival"),
        ({"aggregate": "mean", "of": "shipped"}, "a sum of instants has no meaning"),
        ({"aggregate": "sum", "of": None}, "sum needs the field"),
        ({"aggregate": "median"}, "aggregate: expected one of count, .* got 'median'"),
        ({"key": "card"}, "key: expected a tuple such as"),
        ({"request_key": "card"}, "request_key: expected a tuple such as"),
        ({"where": Where("shop", "known")}, "where: expected a tuple such as"),
        ({"where": ("shop", "known")}, "where: expected a tuple such as"),
        ({"where": "shop is known"}, "where: expected a tuple such as"),
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


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"how": "product"}, "there are ratio, difference, rate, over"),
        ({"of": ("card_sum",)}, "ratio is made of 2 values"),
        ({"how": "over", "of": ("card_sum", "card_sum")}, "over is made of 1 values"),
        ({"of": ("card_sum", "card_smu")}, "'both': 'card_smu' .* Did you mean 'card_sum'"),
        ({"of": ("card_sum", "both")}, "'both'"),
        ({"limit": 5}, "only over takes a limit"),
        ({"how": "over", "of": ("card_sum",), "limit": 1.5}, "expected a whole number"),
        ({"how": "over", "of": ("card_sum",), "limit": 2**63}, "does not fit 64 bits"),
        ({"how": "over", "of": ("card_mean",), "limit": float("nan")}, "expected a finite number"),
        ({"how": "rate", "of": ("card_sum",)}, "a lifetime, which has no length to divide by"),
        ({"how": "rate", "of": ("card_mean",)}, "a rate is of a feature that is a whole number"),
        ({"how": "rate", "of": ("card_sum",), "per": 0}, "per: expected microseconds"),
    ],
)
def test_a_combined_value_without_exact_meaning_is_refused(
    changes: dict[str, Any], says: str
) -> None:
    fields = {"how": "ratio", "of": ("card_sum", "card_mean"), **changes}
    with pytest.raises(Invalid, match=says):
        catalog(feature("sum"), feature("mean"), combined=(Combined(name="both", **fields),))


def test_combined_values_stand_between_features_and_derived_ones() -> None:
    made = catalog(
        feature("sum"),
        combined=(Combined(name="rich", how="over", of=("card_sum",), limit=5),),
        derived=(derived("ratio", "rich"),),
    )
    assert made.names == ("card_sum", "rich", "ratio")
    assert made.kinds == ("int", "bool", "int")
    assert "1 features, 1 combined and 1 derived values" in made.describe()


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


def test_the_digest_follows_every_field_of_a_definition() -> None:
    def made(**changes: Any) -> str:
        fields = {"aggregate": "top", "of": "cents", "window": 10, "name": "same", **changes}
        return catalog(feature(**fields)).digest

    changes: list[dict[str, Any]] = [
        {},
        {"k": 2},
        {"cap": 100},
        {"every": 5},
        {"ttl": 5},
        {"ties": "before"},
        {"include_current": True},
        {"aggregate": "quantile", "permille": 1},
        {"aggregate": "quantile", "permille": 2},
        {"of": "tier"},
    ]
    assert len({made(**change) for change in changes}) == len(changes)


def test_the_digest_follows_what_a_combined_value_is() -> None:
    def made(**changes: Any) -> str:
        fields = {"how": "over", "of": ("card_sum",), "limit": 5, **changes}
        return catalog(feature("sum"), combined=(Combined(name="rich", **fields),)).digest

    assert len({made(), made(limit=6), catalog(feature("sum")).digest}) == 3
    assert made() == made(about="words", unit="EUR")


def test_the_digest_follows_the_choices_a_text_is_numbered_by() -> None:
    def made(*choices: str) -> str:
        fields = [
            msgspec.structs.replace(f, choices=choices) if f.name == "tier" else f
            for f in CONTRACTS.get("paid").fields
        ]
        paid = msgspec.structs.replace(CONTRACTS.get("paid"), fields=tuple(fields))
        known = type(CONTRACTS)([paid, LOGIN])
        last = feature("last", of="tier")
        return Catalog(request=paid, contracts=known, features=[last]).digest

    assert made("gold", "base") != made("base", "gold")


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
