"""What does a message say that matters to risk? Counts over its text, and its digest.

All functions are pure, need no model and treat a missing message as "not known". Patterns are
linear-time on purpose (no nested repetition): a message is hostile input.
"""

import hashlib
import re

#: What people write when they want to be paid outside the marketplace, in the languages its
#: guests use: the literals without which a pattern cannot match (looked for first, they cost a
#: hundredth), and the pattern. Each is one phrase of evidence; honest messages hold one at times.
OFF_PLATFORM: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (tuple(literals.split()), re.compile(pattern))
    for literals, pattern in (
        (
            "platform site app",
            r"\b(?:outside|off|around|without) (?:(?:of )?(?:the|this) )?(?:platform|site|app)\b",
        ),
        ("transfer", r"\b(?:bank|wire|money|sepa) ?transfer\b"),
        ("western moneygram", r"\bwestern union\b|\bmoneygram\b"),
        ("gift", r"\bgift ?cards?\b"),
        ("bitcoin crypto usdt", r"\b(?:bitcoin|crypto|usdt)\b"),
        ("pay", r"\bpay (?:me |us )?(?:directly|direct|privately)\b"),
        ("paypal revolut zelle", r"\b(?:paypal|revolut|zelle) (?:friends|me)\b"),
        ("iban", r"\biban\b"),
        ("whatsapp telegram signal", r"\b(?:whatsapp|telegram|signal)\b"),
        ("fee", r"\b(?:avoid|save|skip) (?:the )?(?:service )?fees?\b"),
        ("discount cheaper off", r"(?:\bdiscount|\bcheaper|% off) if you\b"),
        ("deposit", r"\bdeposit (?:by|via|to)\b"),
        ("überweisung direkt ohne", r"\b(?:überweisung|direkt zahlen|ohne gebühren)\b"),
        ("virement hors sans", r"\b(?:virement|hors plateforme|sans frais)\b"),
        (
            "transferencia fuera sin",
            r"\b(?:transferencia|fuera de la plataforma|sin comisiones)\b",
        ),
    )
)
_DOMAINS = ("com", "net", "org", "info", "site", "shop", "eu")
_LINK = re.compile(rf"(?:https?://|www\.)\S+|\b[a-z0-9-]{{2,63}}\.(?:{'|'.join(_DOMAINS)})\b")
_LINK_LITERALS = ("http", "www.", *(f".{domain}" for domain in _DOMAINS))
_PHONE = re.compile(r"\d[\d ./-]{6,17}\d", re.ASCII)
_PHONE_DIGITS = 8
_DIGITS = re.compile(r"[0-9]+")


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
    folded = text.casefold()
    if not any(literal in folded for literal in _LINK_LITERALS):
        return 0
    return len(_LINK.findall(folded))


def phone_numbers(text: str) -> int:
    """How many runs of digits look like a telephone or account number (eight digits or more).

    Example:
        >>> phone_numbers("call +49 170 1234567, room 12")
        1
    """
    if _digits(text) < _PHONE_DIGITS:
        return 0
    return sum(_digits(run) >= _PHONE_DIGITS for run in _PHONE.findall(text))


def off_platform_phrases(text: str) -> int:
    """How many different ways of asking for money or contact elsewhere the text holds.

    Example:
        >>> off_platform_phrases("Avoid the fees: pay me directly by bank transfer")
        3
    """
    folded = " ".join(text.casefold().split())
    found = 0
    for literals, pattern in OFF_PLATFORM:
        for literal in literals:
            if literal in folded:
                found += pattern.search(folded) is not None
                break
    return found


def digit_share(text: str) -> float:
    """Digits 0 to 9 as a share of the characters that are not spaces; 0 for an empty text.

    Example:
        >>> digit_share("a1 b2")
        0.5
    """
    marks = sum(map(len, text.split()))
    return _digits(text) / marks if marks else 0.0


def _digits(text: str) -> int:
    return sum(map(text.count, "0123456789"))
