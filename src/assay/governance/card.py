"""What must anybody know before they rely on this model? The model card, rendered from evidence."""

from collections.abc import Iterable, Mapping

import msgspec

from assay.core.evidence import Evidence
from assay.governance import parts
from assay.governance.assembly import assembled
from assay.governance.document import (
    Block,
    Bullets,
    Cited,
    Document,
    Fact,
    KeyFigures,
    Paragraph,
    Section,
    Span,
    Table,
    Text,
)
from assay.governance.facts import Facts
from assay.governance.inventory import ModelRecord
from assay.governance.regime import US_SR_26_2, Regime
from assay.governance.wording import Sheet, listed, parameter, say, table_of

_TERMS = (
    ("AUC", ("the chance that a fraud, picked at random, gets a higher score than a good request; "
     "one half is guessing, one is perfect")),
    ("calibrated", ("of all requests given a certain probability, that share does turn out to be "
     "fraud")),
    ("review capacity", "the number of requests that people can look at in a day"),
    ("interval", ("the range in which the true value lies with the stated confidence, given how "
     "much was tested")),
    ("digest", "a fingerprint of bytes: any change gives another one"),
)  # fmt: skip


def model_card(
    facts: Facts,
    evidence: Iterable[Evidence],
    *,
    at: int,
    currency: str = "",
    plain: Mapping[str, str] | None = None,
    regime: Regime = US_SR_26_2,
) -> Document:
    """The model card of a version.

    Args:
        facts: the version and what is on file about it.
        evidence: results to render; the newest of each test is used.
        at: the date of the document (microseconds UTC).
        currency: of amounts in the evidence.
        plain: names of inputs in plain words, where there are any.
        regime: the guidance it is laid out for.

    Raises:
        NotFound: a result that every card needs is not among the evidence.
        EmptySection: the inventory leaves a section without content.
    """
    sheet = Sheet(evidence)
    sections = (
        _summary(facts, sheet, regime),
        _use(facts.record),
        _data(sheet, currency),
        _performance(sheet),
        _trust(sheet),
        _decisions(sheet, currency),
        _inputs(sheet, plain or {}),
        _people_affected(sheet),
        _limits(facts),
        Section("Who answers for it", (parts.people(facts),)),
        Section("Terms", (parts.glossary(_TERMS),)),
    )
    return assembled("model_card", facts, sheet, sections, at=at, regime=regime)


def _summary(facts: Facts, sheet: Sheet, regime: Regime) -> Section:
    record = facts.record
    auc, recall = sheet.need("performance.auc"), sheet.need("performance.recall_at_capacity")
    saving, ece = sheet.need("decision.saving"), sheet.need("calibration.ece")
    alone = "It decides without a person except where it sends a request to review."
    figures = (
        parts.key_figure("Tells fraud from good", auc, "AUC; one half is guessing"),
        parts.key_figure("Frauds found", recall, "when people review what they can"),
        parts.key_figure("Cost saved", saving, "against approving everything"),
        parts.key_figure("Forecast error", ece, "average gap to what happened"),
    )
    blocks: tuple[Block, ...] = (
        Paragraph((Text("What it is for. ", strong=True), Fact(record.purpose, "inventory"))),
        Paragraph(
            (
                Text("What it decides. ", strong=True),
                Text("Each request gets a probability of fraud. Requests with a low one are "
                     "approved, with a high one blocked; those in between go to people, as many "
                     "as there is time for. "),
                Text(alone if record.automated else "A person takes every decision."),
            )
        ),
        KeyFigures(figures),
        parts.failures(sheet),
        Paragraph(
            (
                Text("Who it may hurt. ", strong=True),
                Text("A good customer who is delayed or blocked; and somebody whose fraud it "
                     "misses. Both are counted below, also by group of customers."),
            )
        ),
        Paragraph(
            (
                Text("What to keep in mind. ", strong=True),
                Fact(record.limitations[0].what, "inventory")
                if record.limitations
                else Text("No limitation was written down."),
            )
        ),
        Paragraph(regime.line()),
    )  # fmt: skip
    return Section("In one page", blocks)


def _use(record: ModelRecord) -> Section:
    return Section(
        "What it may and may not be used for",
        (
            Paragraph((Text("Population: "), Fact(record.population, "inventory"))),
            Paragraph((Text("What it predicts: "), Fact(record.target, "inventory"))),
            Paragraph((Text("Approved uses", strong=True),)),
            Bullets(tuple((Fact(use, "inventory"),) for use in record.approved_uses)),
            Paragraph((Text("Not to be used for", strong=True),)),
            Bullets(tuple((Fact(use, "inventory"),) for use in record.prohibited_uses)),
        ),
    )


def _late(sheet: Sheet) -> list[Block]:
    """How many values late facts changed, where the history says so."""
    lift = sheet.get("data.late_lift")
    if lift is None or lift.value is None:
        return []
    mode = str(lift.parameters.get("mode", "")).replace("_", " ")
    return [
        Paragraph(
            parts.sentence(
                f"It learned from values {mode}. Facts that came late or were taken back since "
                "make this many values other now than they were known at the request: ",
                lift,
                ".",
            )
        )
    ]


def _data(sheet: Sheet, currency: str) -> Section:
    populations, maturity = sheet.need("data.populations"), sheet.need("data.label_maturity")
    as_of = sheet.need("data.as_of")
    columns = {
        "slice": "Part", "from": "From", "to": "To", "requests": "Requests", "frauds": "Frauds",
        "fraud rate": "Fraud rate", "value at stake": "Fraud amount",
    }  # fmt: skip
    caption = (
        Text("What the model learned from, in order of time. It was judged on the last part, "
             "which it had never seen."),
    )  # fmt: skip
    return Section(
        "What it learned from",
        (
            _dated(table_of(populations, columns, caption, currency=currency)),
            Paragraph(
                parts.sentence(
                    "Whether a request was fraud is often known only weeks later. Of the frauds "
                    "that ever became known, ", maturity,
                    " were known by the time the model was allowed to count on it.",
                )
            ),
            Paragraph(
                (
                    Text("No value that the model learned from may look into the future. Values "
                         "that changed when the future was taken away: "),
                    say(as_of),
                    Text("."),
                )
            ),
            *_late(sheet),
        ),
    )  # fmt: skip


def _dated(table: Table) -> Table:
    """The table with days in place of instants."""

    def day(span: Span) -> Span:
        if isinstance(span, Cited) and len(span.text) >= 20 and span.text.endswith("Z"):
            return Cited(span.text[:10], span.evidence)
        return span

    rows = tuple(tuple(tuple(map(day, line)) for line in row) for row in table.rows)
    return msgspec.structs.replace(table, rows=rows)


def _performance(sheet: Sheet) -> Section:
    auc, precision = sheet.need("performance.auc"), sheet.need("performance.average_precision")
    recall, overfit = sheet.need("performance.recall_at_capacity"), sheet.get("performance.overfit")
    blocks: list[Block] = [
        Paragraph(
            parts.sentence("On later requests that it had never seen, the AUC is ", auc, ". ")
            + parts.judged(auc)
        ),
        Paragraph(
            parts.sentence(
                "When people review each day the riskiest requests, as many as they can, they "
                "look at ", recall, " of all frauds. ",
            )
            + parts.judged(recall)
        ),
        Paragraph(
            parts.sentence("The average precision is ", precision, ". ") + parts.judged(precision)
        ),
    ]  # fmt: skip
    if overfit is not None:
        blocks.append(
            Paragraph(
                parts.sentence(
                    "A model that learned by heart is much better on what it learned from. "
                    "Here the AUC there is higher by ", overfit, ". ",
                )
                + parts.judged(overfit)
            )
        )  # fmt: skip
    blocks += parts.curves(sheet)
    segments = sheet.get("performance.by_segment")
    if segments is not None and segments.table:
        columns = {
            "segment": "Division", "group": "Group", "requests": "Requests", "frauds": "Frauds",
            "auc": "AUC", "judged": "Enough to judge",
        }  # fmt: skip
        caption = (Text("How well it works in each group of requests."),)
        blocks.append(table_of(segments, columns, caption, rows_max=24))
    return Section("How well it finds fraud", tuple(blocks))


def _trust(sheet: Sheet) -> Section:
    ece, slope = sheet.need("calibration.ece"), sheet.get("calibration.slope")
    blocks: list[Block] = [
        Paragraph(
            parts.sentence(
                "Its probabilities are used as amounts of money at risk, so they must be right "
                "and not only in order. On average they are off by ", ece, ". ",
            )
            + parts.judged(ece)
        ),
        parts.reliability(ece),
        table_of(ece, {"requests": "Requests", "forecast": "Forecast", "realised": "Happened",
                       "low": "from", "high": "to"},
                 (Text("The same in numbers, with the interval of what happened."),)),
    ]  # fmt: skip
    if slope is not None:
        blocks.append(
            Paragraph(
                parts.sentence("The slope of outcomes on forecasts is ", slope,
                               "; one is perfect, below one the forecasts are too extreme. ")
                + parts.judged(slope)
            )
        )  # fmt: skip
    psi = sheet.get("stability.score_psi")
    if psi is not None and psi.table:
        blocks.append(parts.score_distribution(psi))
    return Section("Whether its probabilities can be trusted", tuple(blocks))


def _decisions(sheet: Sheet, currency: str) -> Section:
    saving, capacity = sheet.need("decision.saving"), sheet.need("decision.capacity")
    blocks: list[Block] = [
        Paragraph(
            (
                Text("A request is reviewed from a probability of "),
                parameter(saving, "review_at", share=True),
                Text(" on and blocked from "),
                parameter(saving, "block_at", share=True),
                Text(" on. These two were chosen so that the expected cost of missed fraud, lost "
                     "good customers and reviews is lowest with the people there are."),
            )
        ),
        Paragraph(
            parts.sentence("On later requests this saves ", saving,
                           " of what approving everything would have cost. ")
            + parts.judged(saving)
        ),
        parts.costs(saving, currency),
        Paragraph(
            parts.sentence("On the busiest day ", capacity, " were needed. ")
            + parts.judged(capacity)
        ),
    ]  # fmt: skip
    other = sheet.get("decision.alternatives")
    figure = None if other is None else parts.cost_curve(other, currency)
    if figure is not None:
        blocks.append(figure)
    return Section("What it decides, and what that costs", tuple(blocks))


def _inputs(sheet: Sheet, plain: Mapping[str, str]) -> Section:
    importance = sheet.need("explanation.importance")
    nervous = sheet.need("explanation.sensitivity")
    return Section(
        "What moves its score",
        (
            parts.importance(importance, plain),
            Paragraph(
                parts.sentence(
                    "When a single input is a tenth higher or lower, at most ", nervous,
                    " of the requests get another decision. ",
                )
                + parts.judged(nervous)
            ),
        ),
    )  # fmt: skip


def _people_affected(sheet: Sheet) -> Section:
    coverage, impact = sheet.need("fairness.coverage"), sheet.need("fairness.adverse_impact")
    stopped = sheet.need("fairness.false_positive_rate")
    blocks: list[Block] = [
        Paragraph(
            (
                Text("Groups were compared by "),
                Cited(listed([str(row["attribute"]) for row in coverage.table]), coverage.id),
                Text(". "),
                *((Cited(coverage.note, coverage.id),) if coverage.note else ()),
            )
        ),
        parts.results((impact, stopped), "The two results that matter most to customers."),
    ]
    figure = parts.impact(impact)
    if figure is not None:
        blocks.append(figure)
    blocks.append(parts.prose("The fairness audit says how this was found and what it cannot say."))
    return Section("Who may be affected differently", tuple(blocks))


def _limits(facts: Facts) -> Section:
    return Section(
        "What it cannot do, and what was not tested",
        (
            parts.limitations(facts),
            Paragraph((Text("Not tested", strong=True),)),
            Bullets(tuple((Fact(item, "inventory"),) for item in facts.record.not_tested)),
        ),
    )
