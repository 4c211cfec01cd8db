"""How is a result said to somebody who did not run the test?"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from assay.core.errors import NotFound, Unknown
from assay.core.evidence import Evidence
from assay.core.money import Money
from assay.governance.document import Cited, Line, Span, Table, Text

Cell = str | int | float | bool | None

#: Units and columns whose numbers are shares and read best as percentages.
_SHARES = frozenset(
    {
        "share", "fraud rate", "forecast", "realised", "not known", "let through", "fit", "test",
        "good customers stopped", "frauds stopped", "mean forecast", "share of bands changed",
        "value detected", "precision", "share of labels", "mean change of probability",
    }
)  # fmt: skip
#: Results that are shares and read best as percentages.
SHARE_TESTS = frozenset(
    {
        "performance.recall_at_capacity", "performance.roc", "performance.precision_recall",
        "decision.saving", "data.label_maturity", "data.missing",
        "explanation.importance", "explanation.sensitivity", "fairness.false_positive_rate",
        "fairness.equal_opportunity",
    }
)  # fmt: skip
#: Columns that compare or bound, and the results where they are shares and not ratios.
_COMPARED = frozenset({"low", "high", "against reference"})
_SHARE_COMPARED = frozenset(
    {"calibration.ece", "calibration.by_segment", "fairness.calibration",
     "fairness.false_positive_rate", "fairness.equal_opportunity"}
)  # fmt: skip
#: Results in minor units of a currency.
_MONEY_COLUMNS = frozenset({"value at stake", "realised cost", "expected cost"})


class Sheet:
    """The evidence of one document, by test id: what is not there cannot be cited."""

    def __init__(self, evidence: Iterable[Evidence]) -> None:
        self._by_test: dict[str, Evidence] = {}
        for item in evidence:
            held = self._by_test.get(item.test)
            if held is None or (item.at, item.id) > (held.at, held.id):
                self._by_test[item.test] = item

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Everything on the sheet, by test id."""
        return tuple(self._by_test[test] for test in sorted(self._by_test))

    def get(self, test: str) -> Evidence | None:
        """The newest result of a test, None when there is none."""
        return self._by_test.get(test)

    def need(self, test: str) -> Evidence:
        """The newest result of a test.

        Raises:
            NotFound: there is none; the document cannot be written without it.
        """
        found = self._by_test.get(test)
        if found is None:
            raise NotFound(
                f"the document needs a result of {test!r}; on file are "
                f"{', '.join(sorted(self._by_test)) or 'none'}"
            )
        return found


def say(evidence: Evidence, *, interval: bool = False) -> Cited:
    """The value as a cited number, with its interval when wanted and known."""
    share = evidence.test in SHARE_TESTS
    text = number(evidence.value, share=share)
    if evidence.unit and not share:
        text += f"\xa0{evidence.unit}"
    if interval and evidence.low is not None and evidence.high is not None:
        low, high = (number(end, share=share) for end in (evidence.low, evidence.high))
        text += f" ({low} to {high})"
    return Cited(text, evidence.id)


def parameter(evidence: Evidence, name: str, *, share: bool = False) -> Cited:
    """One of the evidence's parameters as a cited value.

    Raises:
        Unknown: the evidence has no parameter of that name.
    """
    if name not in evidence.parameters:
        raise Unknown(f"parameter of {evidence.test!r}", name, known=evidence.parameters)
    return Cited(number(evidence.parameters[name], share=share), evidence.id)


def cell(evidence: Evidence, column: str, value: Cell, currency: str = "") -> Cited:
    """One cell of the evidence's table as a cited value."""
    if column in _MONEY_COLUMNS and isinstance(value, int | float):
        return Cited(money(value, currency), evidence.id)
    compared = column in _COMPARED and evidence.test in _SHARE_COMPARED
    return Cited(number(value, share=compared or column in _SHARES), evidence.id)


def number(value: Cell, *, share: bool = False) -> str:
    r"""A value as people read it: percentages for shares, three digits where more mislead.

    Example:
        >>> number(0.91234), number(0.0213, share=True), number(12345), number(None)
        ('0.912', '2.1\xa0%', '12,345', 'not known')
    """
    match value:
        case None:
            return "not known"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float() if share:
            return _percent(value)
        case float():
            return _plain(value).replace("-", "−", 1) if value < 0 else _plain(value)
        case _:
            return str(value)


def limit_text(limit: str) -> str:
    """A limit as it is printed: the signs of mathematics in place of those of programs."""
    return limit.replace(">=", "≥").replace("<=", "≤").replace("+/-", "±")


def major(minor: float, currency: str) -> float:
    """Minor units in whole units of the currency, for drawing."""
    if not currency:
        return minor
    return float(str(Money(round(minor), currency)).split(" ")[0])


def money(minor: float, currency: str) -> str:
    """An amount in whole units of its currency; minor units when the currency is not known.

    Example:
        >>> money(1234567.0, "EUR"), money(1234567.0, "JPY")
        ('12,346 EUR', '1,234,567 JPY')
    """
    if not currency:
        return f"{minor:,.0f} minor units"
    amount, name = str(Money(round(minor), currency)).split(" ")
    return f"{Decimal(amount):,.0f} {name}"


def table_of(
    evidence: Evidence,
    columns: Mapping[str, str],
    caption: Sequence[Span],
    *,
    currency: str = "",
    rows_max: int = 20,
) -> Table:
    """The evidence's own table: ``columns`` maps its column names to headings.

    Columns that the evidence does not have are left out; at most ``rows_max`` rows are printed,
    and the caption says when there were more.
    """
    present = {name for row in evidence.table for name in row}
    names = [name for name in columns if name in present]
    numeric = {
        name
        for name in names
        if any(isinstance(row.get(name), int | float) for row in evidence.table)
    }
    rows: tuple[tuple[Line, ...], ...] = tuple(
        tuple((_entry(evidence, name, row, currency),) for name in names)
        for row in evidence.table[:rows_max]
    )
    cut = (Text(" The first rows; all are on file."),) if len(evidence.table) > rows_max else ()
    return Table(
        caption=(*caption, *cut, Text(" Source"), Cited("", evidence.id)),
        columns=tuple(columns[name] for name in names),
        align="".join("r" if name in numeric else "l" for name in names),
        rows=rows,
        source=evidence.id,
    )


def _entry(evidence: Evidence, name: str, row: Mapping[str, Cell], currency: str) -> Span:
    value = row.get(name)
    return Text("–") if value is None else cell(evidence, name, value, currency)


def _percent(value: float) -> str:
    if 0 < abs(value) < 0.0001:
        return "below 0.01\xa0%"
    digits = 2 if 0 < abs(value) < 0.01 else 1
    return f"{100 * value:.{digits}f}\xa0%".replace("-", "−")


def _plain(value: float) -> str:
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 0.001:
        return f"{value:.3f}".rstrip("0").rstrip(".")
    return f"{value:.1e}"


def verdict_word(evidence: Evidence) -> str:
    """Passed, failed, or reported."""
    return {"pass": "passed", "fail": "FAILED", "info": "reported"}[evidence.verdict]


def listed(names: Sequence[str]) -> str:
    """Names joined the way a sentence joins them.

    Example:
        >>> listed(["a", "b", "c"])
        'a, b and c'
    """
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
