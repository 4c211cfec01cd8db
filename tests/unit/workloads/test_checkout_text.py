"""What a message says is counted the same way for everybody."""

import pytest

from assay.workloads.checkout.text import (
    OFF_PLATFORM,
    digit_share,
    links,
    message_digest,
    off_platform_phrases,
    phone_numbers,
)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("no link here. None.", 0),
        ("see HTTPS://A.example/x", 1),
        ("www.a.example and http://b.example", 2),
        ("my-flat.shop", 1),
        ("version 1.2 of 3.4", 0),
        ("", 0),
    ],
)
def test_links_are_counted(text: str, count: int) -> None:
    assert links(text) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("+49 170 1234567", 1),
        ("0170/1234567 or 0033 6 12 34 56 78", 2),
        ("room 12, 14:30, 2025", 0),
        ("1234567", 0),
        ("12345678", 1),
    ],
)
def test_telephone_numbers_have_eight_digits(text: str, count: int) -> None:
    assert phone_numbers(text) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Is there parking?", 0),
        ("We can pay OUTSIDE  the platform", 1),
        ("pay me directly by bank transfer, avoid the service fee", 3),
        ("bezahle per Überweisung", 1),
        ("par virement, hors plateforme", 1),
        ("una transferencia fuera de la plataforma", 1),
        ("whatsapp me, crypto is fine, or a gift card", 3),
    ],
)
def test_each_way_of_asking_counts_once(text: str, count: int) -> None:
    assert off_platform_phrases(text) == count


def test_a_pattern_never_matches_without_one_of_its_literals() -> None:
    """Else looking for the literals first would change the count."""
    for literals, pattern in OFF_PLATFORM:
        for other, _ in OFF_PLATFORM:
            text = f" {' '.join(other)} if you by to me the fees "
            if pattern.search(text):
                assert any(literal in text for literal in literals)


def test_the_digest_ignores_case_space_and_numbers_but_not_words() -> None:
    assert message_digest("Room 12  at 5") == message_digest("room 7 AT 100")
    assert message_digest("room a") != message_digest("room b")
    assert len(message_digest("Ümlaut")) == 16


def test_the_digit_share_ignores_spaces() -> None:
    assert digit_share("12 ab") == 0.5
    assert digit_share("   ") == 0.0
