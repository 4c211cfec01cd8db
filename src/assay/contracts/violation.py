"""How is a broken contract said: at which path, what was expected, what came?"""

from assay.core.errors import Invalid


class ContractViolation(Invalid):
    """A body breaks its contract at ``path`` (a JSON path such as ``$.data.amount``).

    Example:
        >>> str(ContractViolation("$.data.amount", "money", '"12,50"'))
        '$.data.amount: expected money, got "12,50"'
    """

    code = "contract_violation"

    def __init__(self, path: str, expected: str, got: str) -> None:
        self.path, self.expected, self.got = path, expected, got
        super().__init__(f"{path}: expected {expected}, got {got}")


def shown_value(value: object, limit: int = 60) -> str:
    """A JSON value as a message may show it: as written in JSON, on one line, cut to ``limit``.

    Example:
        >>> shown_value("a" * 100, limit=4), shown_value(None), shown_value([1])
        ('"aaaa... (100 characters)', 'null', 'an array of 1')
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _shown_text(value, limit)
        case dict():
            return f"an object of {len(value)}"
        case list() | tuple():
            return f"an array of {len(value)}"
        case int() if abs(value) >= 10**limit:
            return f"a whole number of more than {limit} digits"
        case int() | float():
            return repr(value)
        case _:
            return f"a {type(value).__name__}"


def _shown_text(text: str, limit: int) -> str:
    # ``ascii`` also makes lone surrogates and control characters harmless in logs and terminals.
    cut = text[:limit]
    safe = cut if cut.isprintable() and '"' not in cut and "\\" not in cut else ascii(cut)[1:-1]
    return f'"{safe}"' if len(text) <= limit else f'"{safe}... ({len(text)} characters)'
