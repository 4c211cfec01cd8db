"""Which refused bodies are about a subject: however it is written, and nobody else's."""

import pytest

from assay.contracts.quarantine import refusal
from assay.contracts.violation import ContractViolation
from assay.runtime.memory import MemoryLog
from assay.runtime.subject import Subject, refusals_about

_BROKEN = ContractViolation("$.data.amount", "money", "text")


def about(raw: bytes, subject: str) -> bool:
    log = MemoryLog()
    log.put([refusal(raw, _BROKEN, 5)])
    return bool(refusals_about(log, Subject.parse(subject)))


@pytest.mark.parametrize(
    ("raw", "subject"),
    [
        (b'{"data": {"user_id": 7}}', "user_id=7"),
        (b'{"data": {"\\u0075ser_id": "A\\u006ea"}}', "user_id=Ana"),
        (b'{"data": [{"user_id": "A\\u006ea"}]}', "user_id=Ana"),
        (b'{"data": {"x": {"who": "A\\u006ea"}}}', "user_id=Ana"),
        (b'{"data": {"user_id": "u1", "user_id": "u2"}}', "user_id=u1"),
        (b'{"data": {"user_id": "u1 "}}', "user_id=u1"),
        (b'{"id": "u1-first", "data": {}}', "user_id=u1"),
        (b'{"data": {"A\\u006ea": 1}}', "user_id=Ana"),
        (b'{"data": {"user_id": "J\\u00F6rg"}', "user_id=J\u00f6rg"),
        ('{"data": {"user_id": "J\u00f6rg"}'.encode("latin-1"), "user_id=J\u00f6rg"),
        ('{"data": {"user_id": "J\u00f6rg"}'.encode("utf-16"), "user_id=J\u00f6rg"),
        (b'{"data": {"user_id": "a\\/b"}', "user_id=a/b"),
    ],
)
def test_a_refused_body_is_found_however_it_names_the_subject(raw: bytes, subject: str) -> None:
    assert about(raw, subject)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"id": "p7", "ts": 1767225600000000, "data": {"user_id": 8, "amount": "x"}}',
        b'{"id": "p1", "ts": "2026-01-07T07:07:07Z", "data": {"user_id": 77, "amount": 17}}',
    ],
)
def test_a_readable_body_of_somebody_else_stays(raw: bytes) -> None:
    assert not about(raw, "user_id=7")
