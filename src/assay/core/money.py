"""How much, of what? Amounts are whole minor units (cents); arithmetic never rounds."""

import re
from dataclasses import dataclass
from decimal import Decimal

from assay.core.errors import Invalid, shown

#: Minor-unit digits (ISO 4217) of currencies that do not have two.
_DIGITS = {"JPY": 0, "KRW": 0, "CLP": 0, "ISK": 0, "VND": 0, "BHD": 3, "KWD": 3, "TND": 3}
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
#: Contract bound: below 2**43 minor units a sum of squares of a million amounts stays exact.
MINOR_MAX = 2**43 - 1


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """``minor`` whole minor units of ``currency``.

    Raises:
        Invalid: an unknown currency form, or more than 2**43 - 1 minor units either way.

    Example:
        >>> Money(1250, "EUR") + Money(5, "EUR")
        Money(minor=1255, currency='EUR')
        >>> str(Money(-5, "EUR"))
        '-0.05 EUR'
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if not _CURRENCY.fullmatch(self.currency):
            raise Invalid(f"expected an ISO 4217 code such as EUR, got {shown(self.currency)}")
        if abs(self.minor) > MINOR_MAX:
            raise Invalid(f"expected at most {MINOR_MAX} minor units, got {self.minor}")

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other).minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other).minor

    def __str__(self) -> str:
        digits = minor_digits(self.currency)
        return f"{Decimal(self.minor).scaleb(-digits):.{digits}f} {self.currency}"

    def _same(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise Invalid(
                f"expected two amounts of one currency, got {self.currency} and {other.currency}"
            )
        return other


def minor_digits(currency: str) -> int:
    """Decimal digits of a currency's minor unit.

    Example:
        >>> minor_digits("EUR"), minor_digits("JPY")
        (2, 0)
    """
    return _DIGITS.get(currency, 2)
