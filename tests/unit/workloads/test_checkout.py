"""The checkout workload fits together, and its message matters by itself."""

from typing import Any

import msgspec
import pytest
from tests.unit.simulate.worlds import days

from assay.contracts.event import Event
from assay.core.errors import Invalid, Unknown
from assay.decisions.reason import STANDARD
from assay.features.definition import LIFETIME
from assay.features.state import FeatureState
from assay.features.values import as_values
from assay.rules.compile import compile_rules
from assay.rules.kind import OF_FEATURE, OF_FIELD, CelKind
from assay.workloads.checkout.contracts import BOOKING
from assay.workloads.checkout.policy import LISTS, RULES
from assay.workloads.checkout.text import message_digest
from assay.workloads.checkout.workload import checkout
from assay.workloads.workload import Workload


class Counting:
    """A text model that counts one word."""

    digest = "sha256:test"

    def score(self, text: str) -> float:
        """How often the text says ``transfer``, at most twice."""
        return min(text.count("transfer"), 2) / 2


CHECKOUT = checkout(Counting())
CATALOG = CHECKOUT.catalog


def after_a_week() -> FeatureState:
    """What is known on the eighth day of a small world."""
    state = FeatureState(CATALOG)
    for batch in days()[:7]:
        for event in batch.events():
            state.apply(event)
    return state


def a_booking(**changes: Any) -> Event:
    """A booking of the eighth day, some fields changed."""
    event = next(e for e in days()[7].tables["booking"].events() if "message_text" in e.payload)
    payload = {**event.payload, **changes}
    if text := changes.get("message_text"):
        payload["message_digest"] = message_digest(text)
    return Event(event.id, event.type, event.ts, payload)


def values(state: FeatureState, event: Event) -> dict[str, int | float | bool | None]:
    """The catalog's values for a request, by name."""
    return as_values(state.read(event)[0], CATALOG)


def test_the_catalog_is_as_large_as_promised() -> None:
    assert len(CATALOG.features) >= 50
    assert len(CATALOG.names) >= 72
    assert len({feature.window for feature in CATALOG.features}) >= 6
    assert LIFETIME in {feature.window for feature in CATALOG.features}


def test_every_entity_has_features() -> None:
    keys = {feature.key for feature in CATALOG.features}
    single = {"user_id", "device_id", "card_id", "listing_id", "host_id", "message_digest"}
    assert {(name,) for name in single} <= keys
    assert ("user_id", "device_id") in keys


def test_known_outcomes_feed_features() -> None:
    assert sum(feature.source == "label" for feature in CATALOG.features) >= 4


def test_every_value_is_explained_to_a_reviewer() -> None:
    assert all(feature.about for feature in CATALOG.features)
    assert all(item.about for item in CATALOG.combined)
    assert all(item.about for item in CATALOG.derived)


def test_another_text_model_is_another_catalog() -> None:
    class Other(Counting):
        digest = "sha256:other"

    assert checkout(Other()).catalog.digest != CATALOG.digest
    assert checkout(Counting()).catalog.digest == CATALOG.digest


def test_changing_only_the_message_changes_what_is_seen() -> None:
    state = after_a_week()
    harmless = values(state, a_booking(message_text="Hello, is there parking close by?"))
    lure = "Pay me directly by bank transfer, see https://pay.example/x or call +44 7400 123456"
    telling = values(state, a_booking(message_text=lure))
    changed = {name for name in CATALOG.names if harmless[name] != telling[name]}
    assert changed >= {
        "message_score",
        "message_links",
        "message_off_platform",
        "message_phones",
        "message_length",
    }
    assert all(name.startswith(("message_", "text_")) for name in changed)


def test_the_same_words_from_others_are_counted() -> None:
    state, text = after_a_week(), "exactly these words"
    first = a_booking(message_text=text)
    assert values(state, first)["message_reused"] == 0
    for number in range(3):
        other = a_booking(message_text=text, user_id=f"us-{number}")
        state.apply(Event(f"other-{number}", "booking", first.ts - 1 - number, other.payload))
    assert values(state, first)["message_reused"] == 3


def test_a_booking_without_a_message_has_no_values_about_it() -> None:
    event = a_booking()
    kept = {k: v for k, v in event.payload.items() if not k.startswith("message_")}
    seen = values(after_a_week(), Event(event.id, event.type, event.ts, kept))
    about = [item.name for item in CATALOG.derived if item.name.startswith("message_")]
    assert len(about) == 8
    assert all(seen[name] is None for name in about)


def test_a_first_booking_has_no_mean_to_compare_with() -> None:
    seen = values(FeatureState(CATALOG), a_booking())
    assert seen["user_bookings_ever"] == 0
    assert seen["amount_to_user_mean"] is None
    assert seen["strange_device"] is False


def test_amounts_are_compared_with_the_users_own() -> None:
    state, event = FeatureState(CATALOG), a_booking(amount=30_000)
    past = a_booking(amount=10_000)
    state.apply(Event("past", "booking", event.ts - 1, past.payload))
    assert values(state, event)["amount_to_user_mean"] == 3.0


def variables() -> dict[str, CelKind]:
    """What a rule of the workload may name."""
    fields = {field.name: OF_FIELD[field.kind] for field in BOOKING.fields}
    known = {
        name: OF_FEATURE[kind] for name, kind in zip(CATALOG.names, CATALOG.kinds, strict=True)
    }
    return {**fields, **known, **{use.name: CelKind.BOOL for use in LISTS}}


def test_the_rules_compile_and_have_owners_and_known_codes() -> None:
    assert len(RULES) >= 8
    compile_rules(RULES, variables())
    assert all(rule.owner and rule.about and rule.code in STANDARD for rule in RULES)


def test_screening_for_sanctions_fails_closed() -> None:
    (screening,) = [rule for rule in RULES if rule.name == "sanctions_screening"]
    assert (screening.strength, screening.then, screening.if_unknown) == ("hard", "hold", "hold")


def test_a_lure_from_a_new_host_is_noticed_by_a_rule() -> None:
    event = a_booking(
        message_text="Avoid the fees and pay me directly by bank transfer",
        message_from="host",
        host_age_days=1,
    )
    seen = {**dict.fromkeys(variables()), **event.payload, **values(after_a_week(), event)}
    held = dict(
        zip(
            [rule.name for rule in RULES],
            compile_rules(RULES, variables()).evaluate(seen),
            strict=True,
        )
    )
    assert held["off_platform_payment"] == 1
    assert held["card_testing_velocity"] == 0
    assert held["stolen_card"] == -1  # no list was given


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"amount_field": "nights"}, Invalid),
        ({"entity_field": "guest_name"}, Invalid),
        ({"inputs": ("user_bookings_2h",)}, Unknown),
        ({"segments": ("continent",)}, Unknown),
        ({"label_type": "outcome"}, Unknown),
    ],
)
def test_a_workload_whose_parts_do_not_fit_is_refused(
    change: dict[str, Any], error: type[Exception]
) -> None:
    parts = {name: getattr(CHECKOUT, name) for name in Workload.__dataclass_fields__}
    with pytest.raises(error):
        Workload(**{**parts, **change})


def test_money_and_lists_have_what_a_policy_needs() -> None:
    assert CHECKOUT.costs.currency == BOOKING.field(CHECKOUT.amount_field).unit
    assert all(use.owner and use.age_max > 0 for use in LISTS)
    assert msgspec.json.encode(CHECKOUT.rules)


def test_the_sentence_of_a_value_says_which_events_count() -> None:
    about = {feature.name: feature.about for feature in CATALOG.features}
    events = "count over login events with the same user_id where"
    assert about["user_failed_logins_24h"] == f"{events} succeeded == false, 24h"
    for feature in CATALOG.features:
        assert all(str(where) in feature.about for where in feature.where), feature.name
