import pytest
from tests.unit.review.decided import CONTRACTS, START, decided, request

from assay.contracts.contract import ContractSet
from assay.contracts.decode import decode_event, encode_event
from assay.core.errors import Invalid, Unknown
from assay.core.time import HOUR
from assay.review.case import Case, Service, case_of
from assay.review.verdict import verdict_label


def made() -> Case:
    case = case_of(decided(1), amount=10_000, entity="u1", service=Service())
    assert case is not None
    return case


def test_the_label_carries_the_verdict_and_the_keys_of_the_request() -> None:
    label = verdict_label(made(), request(1), True, "rita", START + HOUR, CONTRACTS)
    assert label.type == "label"
    assert label.payload == {
        "user_id": "u1",
        "amount": 10_000,
        "request_id": "bk-1",
        "fraud": True,
        "source": "review",
        "reviewer": "rita",
    }


def test_the_label_passes_the_contract_it_was_made_for() -> None:
    label = verdict_label(made(), request(1), True, "rita", START + HOUR, CONTRACTS)
    assert decode_event(encode_event(label), CONTRACTS, now=START + HOUR) == label


def test_a_repeated_verdict_is_the_same_event_and_another_one_has_the_same_id() -> None:
    first = verdict_label(made(), request(1), True, "rita", START + HOUR, CONTRACTS)
    again = verdict_label(made(), request(1), True, "rita", START + HOUR, CONTRACTS)
    other = verdict_label(made(), request(1), False, "rita", START + HOUR, CONTRACTS)
    assert first.digest == again.digest
    assert (other.id == first.id, other.digest == first.digest) == (True, False)


def test_a_verdict_about_another_request_or_before_it_is_refused() -> None:
    with pytest.raises(Invalid, match="is about event 'bk-1', got 'bk-2'"):
        verdict_label(made(), request(2), True, "rita", START, CONTRACTS)
    with pytest.raises(Invalid, match="cannot precede its request"):
        verdict_label(made(), request(1), True, "rita", START - 1, CONTRACTS)


def test_a_workload_without_labels_is_told_so() -> None:
    with pytest.raises(Unknown, match="event type 'label'"):
        verdict_label(made(), request(1), True, "rita", START, ContractSet([]))
