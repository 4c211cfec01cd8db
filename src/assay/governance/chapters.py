"""Which results does a validation report show, chapter by chapter?"""

from collections.abc import Sequence

from assay.core.evidence import Evidence
from assay.governance import parts
from assay.governance.document import (
    Block,
    Callout,
    Cited,
    Fact,
    Line,
    Paragraph,
    Section,
    Text,
)
from assay.governance.facts import Facts
from assay.governance.wording import Sheet, parameter, say, table_of


def soundness(facts: Facts, sheet: Sheet) -> Section:
    """Does it rest on sound ideas and on data that was in order?"""
    order, as_of = sheet.need("validation.time_order"), sheet.need("data.as_of")
    leak, importance = sheet.need("leakage.single_input"), sheet.need("explanation.importance")
    tier = facts.record.tier_inputs
    return Section(
        "Conceptual soundness and data",
        (
            Paragraph(
                (
                    Text("Why this tier. ", strong=True),
                    Fact(
                        f"Complexity {tier.complexity}, uncertainty {tier.uncertainty}, exposure "
                        f"{tier.exposure}, purpose {tier.purpose}: tier {facts.record.tier}. "
                        f"{tier.rationale}",
                        "inventory",
                    ),
                )
            ),
            Paragraph(
                (
                    Text("Why it counts as a "),
                    Fact(facts.record.determination.kind, "inventory"),
                    Text(". "),
                    Fact(facts.record.determination.rationale, "inventory"),
                )
            ),
            parts.results(
                (order, as_of, leak),
                "Whether what it learned from was in order: no look into the future, no input "
                "that already knows the outcome.",
            ),
            parts.importance(importance, {}),
        ),
    )


def replication(sheet: Sheet) -> Section:
    """Does somebody else find the same?"""
    again = [
        sheet.need("validation.replicated_scores"),
        sheet.need("validation.replicated_auc"),
        sheet.need("validation.reproduced"),
    ]
    return Section(
        "Replication",
        (
            parts.prose(
                "The validator's tests share no code with the developer's: scores are replayed "
                "from the model's bytes by another reader, and the AUC is counted pair by pair."
            ),
            parts.results(again, "What was done again, and whether it agreed."),
        ),
    )


def outcomes(sheet: Sheet) -> Section:
    """How well did it do on later requests?"""
    shown = [
        sheet.need("performance.auc"),
        sheet.need("performance.average_precision"),
        sheet.need("performance.recall_at_capacity"),
        *_there(sheet, "performance.overfit", "performance.by_segment", "validation.by_day"),
    ]
    return Section(
        "Outcomes on later requests",
        (
            parts.results(shown, "How well it finds fraud it had never seen."),
            *parts.curves(sheet),
        ),
    )


def challenger(sheet: Sheet) -> Section:
    """Is it better than something simpler?"""
    rival = sheet.need("validation.challenger")
    return Section(
        "Against a simpler model",
        (
            Paragraph(
                parts.sentence("The AUC of the model minus that of its challenger is ", rival, ". ")
                + parts.judged(rival)
            ),
            table_of(rival, {"model": "Model", "auc": "AUC"}, (Text("Both on the same rows."),)),
        ),
    )  # fmt: skip


def calibration(sheet: Sheet) -> Section:
    """Do its probabilities come true?"""
    ece, ratio = sheet.need("calibration.ece"), sheet.need("validation.fraud_ratio")
    line: Line = parts.sentence("Realised over forecast frauds: ", ratio, ". ")
    if {"realised", "forecast"} <= set(ratio.parameters):
        line += (
            Text("There were "),
            parameter(ratio, "realised"),
            Text(" frauds where "),
            parameter(ratio, "forecast"),
            Text(" were forecast. "),
        )
    blocks: list[Block] = [
        parts.results(
            [ece, ratio, *_there(sheet, "calibration.slope", "calibration.by_segment")],
            "Whether probabilities mean what they say.",
        ),
        Paragraph(line),
        parts.reliability(ece),
    ]
    return Section("Calibration", tuple(blocks))


def stability(sheet: Sheet) -> Section:
    """How does it behave when things move?"""
    missing = sheet.need("validation.missing_input")
    score = sheet.need("stability.score_psi")
    shown = [
        score,
        sheet.need("stability.input_psi"),
        sheet.need("explanation.sensitivity"),
        missing,
        *_there(sheet, "validation.monotone", "explanation.adds_up"),
    ]
    blocks: list[Block] = [
        parts.results(shown, "How it behaves when things move."),
        parts.score_distribution(score),
    ]
    if missing.table:
        columns = {"missing input": "Missing everywhere", "auc": "AUC"}
        caption = (Text("What is left when one input is not delivered at all."),)
        blocks.append(table_of(missing, columns, caption, rows_max=8))
    return Section("Stability and sensitivity", tuple(blocks))


def use(sheet: Sheet, currency: str) -> Section:
    """What does it decide, and are there people enough?"""
    saving, replay = sheet.need("decision.saving"), sheet.need("validation.capacity_replay")
    blocks: list[Block] = [
        Paragraph(
            (
                Text("Reviewed from a probability of "),
                parameter(saving, "review_at", share=True),
                Text(" on, blocked from "),
                parameter(saving, "block_at", share=True),
                Text(" on. Saved against approving everything: "),
                say(saving, interval=True),
                Text(". "),
                *parts.judged(saving),
            )
        ),
        parts.costs(saving, currency),
        Paragraph(
            parts.sentence("Played request by request, the busiest day needed ", replay, ". ")
            + parts.judged(replay)
        ),
    ]
    return Section("Decision rules and capacity", tuple(blocks))


def customers(sheet: Sheet) -> Section:
    """Whom does it affect differently?"""
    shown = [
        sheet.need("fairness.adverse_impact"),
        sheet.need("fairness.false_positive_rate"),
        *_there(sheet, "fairness.equal_opportunity", "fairness.calibration"),
    ]
    coverage = sheet.need("fairness.coverage")
    blocks: list[Block] = [parts.results(shown, "Treatment of groups of customers.")]
    if coverage.note:
        blocks.append(Callout("note", (Cited(coverage.note, coverage.id),)))
    blocks.append(parts.prose("The fairness audit gives the groups and the method."))
    return Section("Effect on customers", tuple(blocks))


def _there(sheet: Sheet, *tests: str) -> Sequence[Evidence]:
    return [found for found in map(sheet.get, tests) if found is not None]
