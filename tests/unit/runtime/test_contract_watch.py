"""A producer's change is told from a single mistake, and forgotten once it is over."""

import pytest
from tests.unit.decisions.small import AT, CONTRACTS
from tests.unit.runtime.engines import body, make_engine

from assay.contracts.violation import ContractViolation
from assay.core.errors import Conflict
from assay.core.time import MINUTE
from assay.runtime.contract_watch import REFUSED_MIN, UNKNOWN, WINDOW, ContractWatch, type_of

_BROKEN = ContractViolation("$.data.amount", "money", '"12"')
_TYPE = next(iter(CONTRACTS)).type
_RAW = b'{"type": "%s", "data": {}}' % _TYPE.encode()


def watch(refused: int, arrived: int) -> ContractWatch:
    made = ContractWatch(CONTRACTS)
    for _ in range(arrived):
        made.arrived(_TYPE, AT)
    for _ in range(refused):
        made.refused(_RAW, _BROKEN, AT)
    return made


def test_an_alarm_names_type_place_share_and_an_example() -> None:
    [alarm] = watch(30, 30).alarms(AT)
    assert (alarm.type, alarm.path, alarm.refused, alarm.arrived) == (
        _TYPE,
        "$.data.amount",
        30,
        60,
    )
    assert str(alarm).startswith(f"30 of 60 (50%) '{_TYPE}' bodies break at $.data.amount")
    assert 'got "12"' in str(alarm)


@pytest.mark.parametrize(
    ("refused", "arrived", "alarms"),
    [
        (REFUSED_MIN, 0, 1),
        (REFUSED_MIN - 1, 0, 0),  # a few broken bodies are mistakes
        (20, 380, 1),  # exactly a twentieth of 400
        (20, 381, 0),
    ],
)
def test_both_the_number_and_the_share_count(refused: int, arrived: int, alarms: int) -> None:
    assert len(watch(refused, arrived).alarms(AT)) == alarms


def test_it_ends_when_the_window_has_passed() -> None:
    made = watch(50, 0)
    assert made.alarms(AT + WINDOW - MINUTE)
    assert made.alarms(AT + WINDOW) == ()
    made.refused(_RAW, _BROKEN, AT + WINDOW)
    assert made.alarms(AT + WINDOW) == ()


def test_what_is_no_broken_contract_raises_no_alarm() -> None:
    made = ContractWatch(CONTRACTS)
    for _ in range(100):
        made.refused(_RAW, Conflict("used before"), AT)
    assert made.alarms(AT) == ()


def test_a_sender_cannot_make_the_places_grow() -> None:
    made = ContractWatch(CONTRACTS)
    for number in range(5_000):
        made.refused(_RAW, ContractViolation(f"$.{number}", "x", "y"), AT)
    assert sum(len(counts) for counts in made._refused.values()) <= 1_000


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{", b'{"type": 7}', b'{"type": "\xff"}', b"[" * 100_000]
)
def test_a_body_without_a_readable_type_is_unknown(raw: bytes) -> None:
    assert type_of(raw) == UNKNOWN


def test_the_engine_raises_it_for_what_it_refuses() -> None:
    engine = make_engine()
    good = [body(f"g{n}", AT) for n in range(40)]
    engine.ingest([*good, *(body(f"b{n}", AT, amount="x") for n in range(25))]).result(5)
    [alarm] = engine.contract_alarms
    assert (alarm.path, alarm.refused, alarm.arrived) == ("$.data.amount", 25, 65)
    engine.close()


def test_places_that_a_sender_makes_up_are_forgotten_with_their_counts() -> None:
    made = ContractWatch(CONTRACTS)
    for minute in range(60):
        for at in range(1_000):
            broken = ContractViolation(f"$.data.f{minute}_{at}", "a field", "1")
            made.refused(_RAW, broken, AT + minute * MINUTE)
    assert len(made._examples) <= 2 * 1_000 * WINDOW // MINUTE
    for _ in range(REFUSED_MIN):
        made.refused(_RAW, broken, AT + 90 * MINUTE)
    assert made.alarms(AT + 90 * MINUTE)[0].example == str(broken)
