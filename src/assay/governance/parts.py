"""Which passages do several documents share? Results in words, charts of results, who did what."""

from collections.abc import Mapping, Sequence
from math import ceil

from assay.core.evidence import Evidence
from assay.core.time import format_time
from assay.governance.chart import (
    ACCENT,
    INK,
    WARN,
    Bar,
    Point,
    Series,
    bars,
    intervals,
    pairs,
    plot,
    round_up,
)
from assay.governance.document import (
    Block,
    Bullets,
    Callout,
    Cited,
    Fact,
    Figure,
    KeyFigure,
    Line,
    Paragraph,
    Table,
    Text,
)
from assay.governance.facts import Facts
from assay.governance.wording import (
    Sheet,
    limit_text,
    listed,
    major,
    money,
    number,
    say,
    verdict_word,
)


def prose(text: str) -> Paragraph:
    """One paragraph without numbers."""
    return Paragraph((Text(text),))


def sentence(before: str, evidence: Evidence, after: str, *, interval: bool = True) -> Line:
    """Words around one cited number."""
    return (Text(before), say(evidence, interval=interval), Text(after))


def judged(evidence: Evidence) -> Line:
    """The limit a result was held against, and whether it passed."""
    if evidence.verdict == "info":
        return (Text("Reported without a limit."),)
    tail = Text(" – passed.") if evidence.verdict == "pass" else Text(" – FAILED.", strong=True)
    return (Text("Limit: "), Cited(limit_text(evidence.limit), evidence.id), tail)


def key_figure(label: str, evidence: Evidence, meaning: str) -> KeyFigure:
    """One of the few numbers a hurried reader takes away."""
    return KeyFigure(label, (say(evidence),), meaning, evidence.verdict)


def results(evidence: Sequence[Evidence], caption: str) -> Table:
    """Results beside their limits, one a row."""
    rows = tuple(
        (
            (Text(item.title) if not any(map(str.isdigit, item.title)) else _title(item),),
            (say(item, interval=True),),
            (Cited(limit_text(item.limit), item.id),) if item.limit else (Text("–"),),
            (Text(verdict_word(item)),),
        )
        for item in evidence
    )
    tones = {"pass": "good", "fail": "bad", "info": ""}
    return Table(
        caption=(Text(caption),),
        columns=("What was tested", "Result", "Limit", "Verdict"),
        align="lrll",
        rows=rows,
        tones=tuple(tones[item.verdict] for item in evidence),
        source="",
    )


def _title(evidence: Evidence) -> Cited:
    return Cited(evidence.title, evidence.id)


def reliability(evidence: Evidence) -> Figure:
    """Forecast against what happened, in equally filled groups."""
    rows = [row for row in evidence.table if _floats(row, "forecast", "realised")]
    points = [
        Point(_f(row["forecast"]), _f(row["realised"]), _f(row.get("low")), _f(row.get("high")))
        for row in rows
    ]
    top = round_up(max([0.001, *(max(p.x, p.y) * 1.05 for p in points)]))
    svg = plot(
        [
            Series("perfect", [Point(0, 0), Point(top, top)], INK, dashed=True),
            Series("this model", points, ACCENT, dots=True),
        ],
        x_label="forecast fraud rate",
        y_label="what happened",
        x_max=top,
        y_max=top,
        percent=True,
    )
    return Figure(
        svg,
        (
            Text(
                "Requests sorted by forecast into equally large groups. A dot on the dashed line "
                "means that the forecast of its group came true; the stroke is its interval."
            ),
            Cited("", evidence.id),
        ),
        "Forecast fraud rate of ten groups against the rate that was realised",
    )


def score_distribution(evidence: Evidence) -> Figure:
    """Share of requests in each tenth of the score, then and now."""
    rows = [
        (_ordinal(place), _f(row["fit"]), _f(row["test"]))
        for place, row in enumerate(evidence.table)
        if _floats(row, "fit", "test")
    ]
    return Figure(
        pairs(rows, first="when fitted", second="later"),
        (
            Text(
                "Share of requests in each group of scores, lowest on the left. Bars of equal "
                "height mean that later requests are scored like those the model was made from."
            ),
            Cited("", evidence.id),
        ),
        "Distribution of scores when fitted and later",
    )


def curve(evidence: Evidence, x: str, y: str, labels: tuple[str, str], words: str) -> Figure:
    """A line through the evidence's table."""
    points = [Point(_f(row[x]), _f(row[y])) for row in evidence.table if _floats(row, x, y)]
    diagonal = [Series("chance", [Point(0, 0), Point(1, 1)], INK, dashed=True)]
    svg = plot(
        [*(diagonal if "false" in x else []), Series("this model", points, ACCENT)],
        x_label=labels[0],
        y_label=labels[1],
        percent=True,
    )
    return Figure(svg, (Text(words), Cited("", evidence.id)), evidence.title)


def curves(sheet: Sheet) -> list[Block]:
    """ROC and precision-recall curves, where they were measured."""
    found: list[Block] = []
    roc, pr = sheet.get("performance.roc"), sheet.get("performance.precision_recall")
    if roc is not None and roc.table:
        labels = ("good requests flagged", "frauds flagged")
        words = "Frauds flagged against good requests flagged, over all cut-offs."
        found.append(curve(roc, "false positive rate", "true positive rate", labels, words))
    if pr is not None and pr.table:
        labels = ("frauds flagged", "flagged that are fraud")
        words = "Of the flagged requests, the share that is fraud, over all cut-offs."
        found.append(curve(pr, "recall", "precision", labels, words))
    return found


def importance(evidence: Evidence, plain: Mapping[str, str], rows_max: int = 10) -> Figure:
    """The inputs that move the score most; ``plain`` says their names in plain words."""
    rows = [row for row in evidence.table if _floats(row, "share")][:rows_max]
    chart = [
        Bar(
            _cut(plain.get(str(row["input"]), str(row["input"])), 44),
            _f(row["share"]),
            number(row["share"], share=True),
        )
        for row in rows
    ]
    return Figure(
        bars(chart, label="share of the score's movement"),
        (
            Text("The inputs that move the score most, on a sample of later requests."),
            Cited("", evidence.id),
        ),
        "Inputs by their share of the score's movement",
    )


def costs(evidence: Evidence, currency: str) -> Figure:
    """What each way of deciding cost on later requests."""
    rows = [row for row in evidence.table if _floats(row, "realised cost")]
    chart = [
        Bar(
            _cut(str(row["way"]), 44),
            _f(row["realised cost"]),
            money(_f(row["realised cost"]), currency),
            ACCENT if "bands" in str(row["way"]) else WARN,
        )
        for row in rows
    ]
    return Figure(
        bars(chart, label="cost on the test requests: losses, lost customers and reviews"),
        (
            Text("What each way of deciding would have cost on the same later requests."),
            Cited("", evidence.id),
        ),
        "Cost of each way of deciding",
    )


def cost_curve(evidence: Evidence, currency: str) -> Figure | None:
    """Expected cost against the cut-off from which requests are reviewed."""
    found = sorted(
        (_f(row["review from"]), major(_f(row["expected cost"]), currency))
        for row in evidence.table
        if _floats(row, "review from", "expected cost")
    )
    best: dict[float, float] = {}
    for at, price in found:
        best[at] = min(price, best.get(at, price))
    if len(best) < 3:
        return None
    svg = plot(
        [Series("", [Point(at, price) for at, price in best.items()], ACCENT)],
        x_label="reviewed from this probability on",
        y_label=f"expected cost, {currency}" if currency else "expected cost",
        x_max=round_up(max(best)),
        y_max=round_up(max(best.values())),
    )
    return Figure(
        svg,
        (
            Text("Expected cost of other cut-offs; the lowest was chosen."),
            Cited("", evidence.id),
        ),
        "Expected cost against the review cut-off",
    )


def impact(evidence: Evidence) -> Figure | None:
    """Share let through in each group over its reference, with the four-fifths line."""
    rows = [
        (
            _cut(f"{row['attribute']}: {row['group']}", 30),
            Point(_f(row["against reference"]), 0.0, _end(row, "low"), _end(row, "high")),
        )
        for row in evidence.table
        if row.get("role") == "compared" and _floats(row, "against reference")
    ]
    if not rows:
        return None
    flat = [(name, Point(p.x, p.x, p.low, p.high)) for name, p in rows[:24]]
    top = ceil(4 * max(1.2, *(p.high or p.x for _, p in flat))) / 4
    return Figure(
        intervals(flat, marker=0.8, label="share let through, over the reference group", x_max=top),
        (
            Text(
                "Left of the dashed four-fifths line a group is let through so much less often "
                "that it must be looked at."
            ),
            Cited("", evidence.id),
        ),
        "Ratio of shares let through, by group",
    )


def people(facts: Facts) -> Bullets:
    """Who answers for the version, who made it, who checked it."""
    record = facts.record
    makers = sorted({*record.developers, *(c.user for c in facts.contributions)})
    lines: list[Line] = [
        (Text("Owner: "), Fact(record.owner, "inventory")),
        (Text("Made by: "), Fact(listed(makers), "contribution record")),
    ]
    lines += [
        (
            Text(f"Approved as {approval.role} by "),
            Fact(
                f"{approval.approver} on {format_time(approval.at)[:10]}, until "
                f"{format_time(approval.expires_at)[:10]}: “{approval.comment}”",
                "approval",
            ),
        )
        for approval in facts.approvals
    ]
    if not facts.approvals:
        lines.append((Text("Not approved by anybody when this document was written."),))
    return Bullets(tuple(lines))


def limitations(facts: Facts) -> Table:
    """What it cannot do, and what is done about it."""
    return Table(
        caption=(Text("Known limitations and what is done about them."),),
        columns=("Limitation", "What is done about it"),
        align="ll",
        rows=tuple(
            ((Fact(item.what, "inventory"),), (Fact(item.control, "inventory"),))
            for item in facts.record.limitations
        ),
    )


def failures(sheet: Sheet) -> Block:
    """Everything that failed, or the statement that nothing did."""
    failed = [item for item in sheet.evidence if item.verdict == "fail"]
    if not failed:
        return Callout("good", (Text("No test on file for this version failed."),))
    line: list[Text | Cited] = [Text("Failed: ")]
    for place, item in enumerate(failed):
        line += [Text(", " if place else ""), Cited(f"{item.title}: {number(item.value)}", item.id)]
    return Callout("bad", (*line, Text(".")))


def glossary(words: Sequence[tuple[str, str]]) -> Bullets:
    """Terms in plain words."""
    return Bullets(
        tuple((Text(word, strong=True), Text(f": {meaning}")) for word, meaning in words)
    )


def _ordinal(place: int) -> str:
    return str(place + 1)


def _f(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _end(row: dict[str, str | int | float | bool | None], name: str) -> float | None:
    value = row.get(name)
    return float(value) if isinstance(value, int | float) else None


def _floats(row: dict[str, str | int | float | bool | None], *names: str) -> bool:
    return all(isinstance(row.get(name), int | float) for name in names)


def _cut(text: str, limit: int = 34) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
