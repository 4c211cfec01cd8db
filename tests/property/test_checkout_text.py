"""Hostile messages are counted, never refused."""

from hypothesis import given
from hypothesis import strategies as st

from assay.workloads.checkout import text
from assay.workloads.checkout.contracts import MESSAGE_LENGTH_MAX

messages = st.text(max_size=MESSAGE_LENGTH_MAX) | st.text(
    alphabet="0123456789 .-+/www.httpspay me by transfer", max_size=MESSAGE_LENGTH_MAX
)


@given(message=messages)
def test_counts_are_never_negative_and_shares_are_shares(message: str) -> None:
    assert text.links(message) >= 0
    assert 0 <= text.off_platform_phrases(message) <= len(text.OFF_PLATFORM)
    assert 0 <= text.phone_numbers(message) <= len(message) // 8
    assert 0.0 <= text.digit_share(message) <= 1.0


@given(message=messages)
def test_looking_for_literals_first_changes_no_count(message: str) -> None:
    """The oracle tries every pattern on every message."""
    folded = " ".join(message.casefold().split())
    expected = sum(pattern.search(folded) is not None for _, pattern in text.OFF_PLATFORM)
    assert text.off_platform_phrases(message) == expected


@given(message=messages)
def test_more_space_is_the_same_message(message: str) -> None:
    spaced = message.replace(" ", "  ")
    assert text.message_digest(spaced) == text.message_digest(message)
    assert text.off_platform_phrases(spaced) == text.off_platform_phrases(message)
