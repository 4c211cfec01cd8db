"""Did somebody independent test the model, and what do they say? The validation report.

The numbers come from evidence, the opinion from a named validator: the platform gives none.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from assay.core.errors import Forbidden
from assay.core.evidence import Evidence
from assay.governance import chapters, parts
from assay.governance.assembly import assembled
from assay.governance.document import (
    Block,
    Bullets,
    Callout,
    Cited,
    Document,
    Fact,
    KeyFigures,
    Line,
    Paragraph,
    Section,
    Table,
    Text,
)
from assay.governance.facts import Facts, GatePolicy, person
from assay.governance.gate import GATE_POLICY
from assay.governance.regime import US_SR_26_2, Regime
from assay.governance.wording import Sheet, listed, verdict_word

_TERMS = (
    ("AUC", "the chance that a fraud, picked at random, gets a higher score than a good request"),
    ("replication", "doing it again with other code and comparing every number"),
    ("challenger", ("a simpler model on the same data; a model that does not beat it is not worth "
     "its complexity")),
    ("finding", "something wrong that has an owner; a critical or high one stops the model"),
    ("digest", "a fingerprint of bytes: any change gives another one, and voids an approval"),
)  # fmt: skip


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """What the validator concludes, in their own words, and under which conditions."""

    verdict: Literal["approve", "approve with conditions", "reject"]
    by: str
    text: str
    conditions: tuple[str, ...] = ()


def validation_report(
    facts: Facts,
    evidence: Iterable[Evidence],
    opinion: Opinion,
    *,
    at: int,
    currency: str = "",
    policy: GatePolicy = GATE_POLICY,
    regime: Regime = US_SR_26_2,
) -> Document:
    """The validation report of a version.

    Args:
        facts: the version and what is on file about it.
        evidence: results of developers and validators.
        opinion: what the validator concludes.
        at: the date of the document (microseconds UTC).
        currency: of amounts in the evidence.
        policy: what the gate asks for; the report shows each required test.
        regime: the guidance it is laid out for.

    Raises:
        Forbidden: the validator contributed to the version.
        NotFound: a result that every report needs is not among the evidence.
    """
    if person(opinion.by) in facts.contributors:
        raise Forbidden(
            f"{opinion.by} contributed to {facts.record.key} and cannot give an independent opinion"
        )
    sheet = Sheet(evidence)
    sections = (
        _summary(facts, sheet, opinion, regime),
        _independence(facts, opinion),
        chapters.soundness(facts, sheet),
        chapters.replication(sheet),
        chapters.outcomes(sheet),
        chapters.challenger(sheet),
        chapters.calibration(sheet),
        chapters.stability(sheet),
        chapters.use(sheet, currency),
        chapters.customers(sheet),
        _required(sheet, policy),
        _findings(facts),
        _limits(facts, opinion),
        Section("Terms", (parts.glossary(_TERMS),)),
    )
    opined = (
        ("Validator", Fact(opinion.by, "opinion")),
        ("Opinion", Fact(opinion.verdict, "opinion")),
    )
    return assembled(
        "validation_report", facts, sheet, sections, at=at, regime=regime, front=opined
    )


def _summary(facts: Facts, sheet: Sheet, opinion: Opinion, regime: Regime) -> Section:
    tone: Literal["good", "bad", "note"] = (
        "bad" if opinion.verdict == "reject" else "good" if opinion.verdict == "approve" else "note"
    )
    figures = (
        parts.key_figure(
            "AUC, replicated", sheet.need("validation.replicated_auc"), "one half is guessing"
        ),
        parts.key_figure(
            "Fraud, real to forecast", sheet.need("validation.fraud_ratio"), "one is perfect"
        ),
        parts.key_figure(
            "Better than a simple model", sheet.need("validation.challenger"), "in AUC"
        ),
        parts.key_figure(
            "Scores that differ", sheet.need("validation.replicated_scores"), "when replayed"
        ),
    )
    blocks: list[Block] = [
        Callout(
            tone,
            (
                Text("Opinion: ", strong=True),
                Fact(opinion.verdict, "opinion"),
                Text(". "),
                Fact(opinion.text, "opinion"),
                Text(" – "),
                Fact(opinion.by, "opinion"),
            ),
        ),
    ]
    if opinion.conditions:
        blocks.append(Paragraph((Text("Conditions of use", strong=True),)))
        blocks.append(Bullets(tuple((Fact(item, "opinion"),) for item in opinion.conditions)))
    blocks += [
        KeyFigures(figures),
        parts.failures(sheet),
        Paragraph((Text("What it is for. ", strong=True), Fact(facts.record.purpose, "inventory"))),
        Paragraph(regime.line()),
    ]
    return Section("Opinion", tuple(blocks))


def _independence(facts: Facts, opinion: Opinion) -> Section:
    filers = sorted({f.by for f in facts.filed if person(f.by) not in facts.contributors})
    lines: list[Line] = [
        (Text("The validator, "), Fact(opinion.by, "opinion"),
         Text(", appears nowhere in the contribution record of this version.")),
        (Text("Contributors, who may not validate or approve: "),
         Fact(listed(sorted(facts.contributors)), "contribution record")),
    ]  # fmt: skip
    if filers:
        lines.append(
            (Text("Independent results were filed by: "), Fact(listed(filers), "evidence"))
        )
    lines.append(
        (Text("The platform checks this from what people did, not from a list of names; the "
              "database and the gate refuse an approval by a contributor, each by itself."),)
    )  # fmt: skip
    return Section("Scope and independence", (Bullets(tuple(lines)),))


def _required(sheet: Sheet, policy: GatePolicy) -> Section:
    rows: list[tuple[Line, ...]] = []
    tones: list[str] = []
    for stage, tests in (("development", policy.development), ("validation", policy.validation)):
        for test in tests:
            found = sheet.get(test)
            here: Line = (Text("missing", strong=True),)
            if found is not None:
                here = (Text(verdict_word(found) + " "), Cited("", found.id))
            tones.append("bad" if found is None or found.verdict == "fail" else "")
            rows.append(((Text(stage),), (Fact(test, "gate policy"),), here))
    return Section(
        "Required tests",
        (
            Table(
                caption=(
                    Text("What the gate asks for before this version may run; gate policy "),
                    Fact(policy.name, "gate policy"),
                    Text("."),
                ),
                columns=("Stage", "Test", "On file"),
                align="lll",
                rows=tuple(rows),
                tones=tuple(tones),
            ),
        ),
    )


def _findings(facts: Facts) -> Section:
    still_open = {finding.id for finding in facts.open_findings}
    if not facts.findings:
        return Section(
            "Findings", (parts.prose("No finding was raised against this version so far."),)
        )
    rows = tuple(
        (
            (Text(finding.severity),),
            (Fact(finding.title, "finding"),),
            (Fact(finding.by, "finding"),),
            (Text("open" if finding.id in still_open else "closed"),),
        )
        for finding in facts.findings
    )
    tones = tuple("bad" if finding.id in still_open else "" for finding in facts.findings)
    return Section(
        "Findings",
        (
            Table(
                caption=(Text("What was found wrong, and whether it still stands."),),
                columns=("Severity", "Finding", "Raised by", "Status"),
                align="llll",
                rows=rows,
                tones=tones,
            ),
        ),
    )


def _limits(facts: Facts, opinion: Opinion) -> Section:
    blocks: list[Block] = [
        parts.limitations(facts),
        Paragraph((Text("Tests that were not done", strong=True),)),
        Bullets(tuple((Fact(item, "inventory"),) for item in facts.record.not_tested)),
        Paragraph(
            (
                Text("To be validated again when its bytes, its inputs, its use or the world it "
                     "was fitted to change, and before its approval expires. Opinion given by "),
                Fact(opinion.by, "opinion"),
                Text("."),
            )
        ),
    ]  # fmt: skip
    return Section("Limitations, tests not done, next review", tuple(blocks))
