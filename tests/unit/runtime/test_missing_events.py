"""A history with a hole is not learned from in silence."""

import pytest

from assay.contracts.event import Event
from assay.contracts.quarantine import Refusal
from assay.runtime.memory import MemoryLog
from assay.runtime.missing_events import HistoryIncomplete, check_complete
from assay.runtime.ports import Entry

TYPES = frozenset({"paid", "login"})


def log(paid: int) -> MemoryLog:
    made = MemoryLog()
    events = [Event(f"p{n}", "paid", n, {}) for n in range(paid)]
    made.append(
        [Entry(seq=n, event=e, known_at=e.ts, accepted=True) for n, e in enumerate(events, 1)]
    )
    return made


def refused(count: int, event_type: str = "paid") -> list[Refusal]:
    raw = b'{"type": "%s"}' % event_type.encode()
    return [
        Refusal(code="contract_violation", path="$.data.x", message="m", raw=raw, received_at=0)
    ] * count


@pytest.mark.parametrize(("taken", "missing"), [(10, 0), (10, 19), (1_980, 20), (0, 19)], ids=str)
def test_a_few_or_a_small_share_are_no_hole(taken: int, missing: int) -> None:
    check_complete(log(taken), refused(missing), TYPES)


def test_a_hole_is_named_with_its_size_place_and_remedy() -> None:
    with pytest.raises(HistoryIncomplete, match=r"20 of 1999 'paid' events \(1\.0%\).*\$\.data\.x"):
        check_complete(log(1_979), refused(20), TYPES)
    with pytest.raises(HistoryIncomplete, match="quarantine replay"):
        check_complete(log(0), refused(20), TYPES)


def test_other_types_do_not_matter() -> None:
    check_complete(log(10), [*refused(99, "other"), *refused(99, "unknown")], TYPES)
    with pytest.raises(HistoryIncomplete, match="'login'"):
        check_complete(log(10), refused(99, "login"), TYPES)
