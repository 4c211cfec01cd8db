"""What does a message say that matters to risk? Counts over its text, and its digest.

All functions are pure, need no model and treat a missing message as "not known". Patterns are
linear-time on purpose (no nested repetition): a message is hostile input.
"""

import hashlib
import re

#: What people write when they want to be paid outside the marketplace, in the languages its
#: guests use. Each is one phrase of evidence; honest messages contain one now and then.
OFF_PLATFORM = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(?:outside|off|around|without) (?:of )?(?:the |this )?(?:platform|site|app|website)\b",
        r"\b(?:bank|wire|money|sepa) ?transfer\b",
        r"\bwestern union\b|\bmoneygram\b",
        r"\bgift ?cards?\b",
        r"\b(?:bitcoin|crypto|usdt)\b",
        r"\bpay (?:me |us )?(?:directly|direct|privately)\b",
        r"\b(?:paypal|revolut|zelle) (?:friends|me)\b",
        r"\biban\b",
        r"\b(?:whatsapp|telegram|signal)\b",
        r"\b(?:avoid|save|skip) (?:the )?(?:service )?fees?\b",
        r"\b(?:discount|cheaper|% off) if you\b",
        r"\bdeposit (?:by|via|to)\b",
        r"\b(?:überweisung|direkt zahlen|ohne gebühren)\b",
        r"\b(?:virement|hors plateforme|sans frais)\b",
        r"\b(?:transferencia|fuera de la plataforma|sin comisiones)\b",
    )
)
_LINK = re.compile(r"(?:https?://|www\.)\S+|\b[a-z0-9-]{2,63}\.(?:com|net|org|info|site|shop|eu)\b")
_PHONE = re.compile(r"\+?\d[\d ./-]{6,17}\d")
_DIGITS = re.compile(r"\d+")


def message_digest(text: str) -> str:
    """The digest by which a text is recognised again: case, spacing and numbers do not count.

    Example:
        >>> message_digest("Pay 100 EUR  now") == message_digest("pay 250 eur now")
        True
        >>> len(message_digest(""))
        16
    """
    normal = _DIGITS.sub("#", " ".join(text.casefold().split()))
    return hashlib.sha256(normal.encode()).hexdigest()[:16]


def links(text: str) -> int:
    """How many web addresses the text names.

    Example:
        >>> links("see https://a.example/x or www.b.example")
        2
    """
    return len(_LINK.findall(text.casefold()))


def phone_numbers(text: str) -> int:
    """How many runs of digits look like a telephone or account number (eight digits or more).

    Example:
        >>> phone_numbers("call +49 170 1234567, room 12")
        1
    """
    return sum(sum(c.isdigit() for c in run) >= 8 for run in _PHONE.findall(text))


def off_platform_phrases(text: str) -> int:
    """How many different ways of asking for money or contact elsewhere the text holds.

    Example:
        >>> off_platform_phrases("Avoid the fees: pay me directly by bank transfer")
        3
    """
    folded = " ".join(text.casefold().split())
    return sum(pattern.search(folded) is not None for pattern in OFF_PLATFORM)


def digit_share(text: str) -> float:
    """Digits as a share of the characters that are not spaces; 0 for an empty text."""
    marks = [c for c in text if not c.isspace()]
    return sum(c.isdigit() for c in marks) / len(marks) if marks else 0.0
