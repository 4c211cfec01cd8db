"""Money is whole minor units of one currency; nothing is ever rounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.core.errors import Invalid
from assay.core.money import MINOR_MAX, Money

amounts = st.integers(-(2**40), 2**40)


@given(amounts, amounts)
def test_addition_is_exact(a: int, b: int) -> None:
    assert (Money(a, "EUR") + Money(b, "EUR")) - Money(b, "EUR") == Money(a, "EUR")


def test_two_currencies_do_not_mix() -> None:
    with pytest.raises(Invalid, match="EUR and USD"):
        Money(1, "EUR") + Money(1, "USD")


@pytest.mark.parametrize("currency", ["eur", "EURO", "", "E R", "\u0395UR"])
def test_a_currency_is_three_capital_letters(currency: str) -> None:
    with pytest.raises(Invalid, match="ISO 4217"):
        Money(1, currency)


def test_an_amount_beyond_the_bound_is_refused() -> None:
    assert Money(MINOR_MAX, "EUR").minor == MINOR_MAX
    with pytest.raises(Invalid, match="at most"):
        Money(MINOR_MAX + 1, "EUR")


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (1250, "EUR", "12.50 EUR"),
        (5, "JPY", "5 JPY"),
        (-1, "KWD", "-0.001 KWD"),
        (0, "USD", "0.00 USD"),
    ],
)
def test_text_shows_the_digits_of_the_currency(minor: int, currency: str, text: str) -> None:
    assert str(Money(minor, currency)) == text


def test_amounts_compare_within_a_currency() -> None:
    assert Money(1, "EUR") < Money(2, "EUR")
    with pytest.raises(Invalid):
        assert Money(1, "EUR") < Money(2, "USD")
