from collections.abc import Callable

import msgspec
import pytest

from assay.governance.audit import AuditEntry, Checkpoint, next_entry, verify, verify_rows


def log(size: int = 6) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    for number in range(size):
        before = entries[-1] if entries else None
        entries.append(
            next_entry(
                before,
                at=1_000 + number,
                actor="ana",
                action="filed",
                entity=f"evidence/e{number}",
                details={"row": f"sha256:{number}", "n": number},
            )
        )
    return entries


def checkpoint(entries: list[AuditEntry]) -> Checkpoint:
    return Checkpoint(len(entries), entries[-1].hash)


def test_an_untouched_log_verifies() -> None:
    report = verify(log(), checkpoint(log()))
    assert (report.ok, report.entries, report.head) == (True, 6, log()[-1].hash)
    assert verify([]).ok


def test_entries_after_the_checkpoint_are_fine() -> None:
    assert verify(log(6), checkpoint(log(4))).ok


@pytest.mark.parametrize("field", ["at", "actor", "action", "entity", "details", "previous"])
def test_an_edit_of_any_field_is_found_at_its_row(field: str) -> None:
    entries = log()
    forged = {"at": 1_002 + 0, "details": {"row": "sha256:x"}}.get(field, "someone else")
    if field == "at":
        forged = 1_003
    entries[2] = msgspec.structs.replace(entries[2], **{field: forged})
    report = verify(entries)
    assert (report.ok, report.first_bad) == (False, 3)


def test_an_edit_with_a_recomputed_hash_is_found_at_the_next_row() -> None:
    entries = log()
    edited = msgspec.structs.replace(entries[2], actor="eve")
    entries[2] = msgspec.structs.replace(edited, hash=edited.computed)
    report = verify(entries)
    assert (report.first_bad, "the entry before it is" in report.why) == (4, True)


def deleted(entries: list[AuditEntry]) -> list[AuditEntry]:
    return entries[:2] + entries[3:]


def swapped(entries: list[AuditEntry]) -> list[AuditEntry]:
    return [*entries[:2], entries[3], entries[2], *entries[4:]]


def inserted(entries: list[AuditEntry]) -> list[AuditEntry]:
    extra = next_entry(entries[1], at=1_001, actor="eve", action="x", entity="y", details={})
    return [*entries[:2], extra, *entries[2:]]


@pytest.mark.parametrize("attack", [deleted, swapped, inserted])
def test_a_changed_sequence_is_found_near_its_place(
    attack: Callable[[list[AuditEntry]], list[AuditEntry]],
) -> None:
    report = verify(attack(log()))
    assert not report.ok
    assert report.first_bad in (3, 4)


def test_a_log_cut_off_is_found_by_the_checkpoint_only() -> None:
    entries = log()
    assert verify(entries[:4]).ok
    report = verify(entries[:4], checkpoint(entries))
    assert (report.ok, report.first_bad) == (False, 5)
    assert "entries 5 to 6 were cut off" in report.why
    assert not verify([], checkpoint(entries)).ok


def test_a_log_rewritten_from_some_row_on_is_found_by_the_checkpoint() -> None:
    entries = log()
    rewritten = entries[:3]
    for number in range(3):
        rewritten.append(
            next_entry(
                rewritten[-1], at=2_000, actor="eve", action="x", entity=str(number), details={}
            )
        )
    assert verify(rewritten).ok
    report = verify(rewritten, checkpoint(entries))
    assert (report.first_bad, "was rewritten" in report.why) == (6, True)


def test_a_clock_set_back_does_not_bring_the_log_out_of_order() -> None:
    first = next_entry(None, at=5_000, actor="a", action="b", entity="c", details={})
    second = next_entry(first, at=1, actor="a", action="b", entity="c", details={})
    assert second.at == 5_000
    assert verify([first, second]).ok


def test_rows_that_differ_from_what_the_log_says_are_named() -> None:
    entries = log(3)
    rows = {entry.entity: entry.details["row"] for entry in entries}
    assert verify_rows(entries, rows) == (None, "")
    seq, why = verify_rows(entries, rows | {"evidence/e1": "sha256:other"})
    assert (seq, "evidence/e1 is not what entry 2 wrote" in why) == (2, True)
    seq, why = verify_rows(entries, {k: v for k, v in rows.items() if k != "evidence/e2"})
    assert (seq, "is gone" in why) == (3, True)
    seq, why = verify_rows(entries, rows | {"approval/forged": "sha256:f"})
    assert (seq, "no entry of the audit log speaks of it" in why) == (None, True)
