"""Whom do the decisions treat differently, how sure is that, and what could not be looked at?"""

from collections.abc import Iterable

import msgspec

from assay.core.evidence import Evidence
from assay.governance import parts
from assay.governance.assembly import assembled
from assay.governance.document import (
    Block,
    Bullets,
    Callout,
    Cited,
    Document,
    Fact,
    KeyFigures,
    Paragraph,
    Section,
    Table,
    Text,
)
from assay.governance.facts import Facts
from assay.governance.regime import US_SR_26_2, Regime
from assay.governance.wording import Sheet, parameter, table_of

_TERMS = (
    ("reference group", "the largest group of a division; the others are compared with it"),
    ("let through", ("approved without a delay; a request that is challenged, reviewed, held or "
     "blocked was not")),
    ("ratio of shares let through", ("the share let through in a group over that in the reference "
     "group; four fifths is a customary line below which it must be explained")),
    ("exact test", ("the chance of seeing such a difference, or a larger one, if both groups were "
     "in truth treated alike (Fisher)")),
    ("too small", ("a group with so few requests that a comparison would be guesswork; very small "
     "groups do not show their size, so that nobody can be recognised")),
)  # fmt: skip

_VIEWS = (
    "Equal treatment by groups is one view of fairness, and the views conflict: when groups "
    "differ in how much fraud they meet, no score can satisfy all of them at once. This audit "
    "measures; it does not decide which view applies."
)


class LegalBasis(msgspec.Struct, frozen=True, kw_only=True):
    """Which law the audit was scoped by, and who chose it: counsel's words, not the platform's."""

    jurisdiction: str
    basis: str
    chosen_by: str


UNSCOPED = LegalBasis(
    jurisdiction="not stated",
    basis="no legal basis was recorded: the audit is a measurement, not a legal test",
    chosen_by="nobody",
)


def fairness_audit(
    facts: Facts,
    evidence: Iterable[Evidence],
    *,
    at: int,
    legal: LegalBasis = UNSCOPED,
    regime: Regime = US_SR_26_2,
) -> Document:
    """The fairness audit of a version.

    Args:
        facts: the version and what is on file about it.
        evidence: results to render, among them every ``fairness.*`` test.
        at: the date of the document (microseconds UTC).
        legal: the law it was scoped by.
        regime: the guidance it is laid out for.

    Raises:
        NotFound: a fairness result is missing.
    """
    sheet = Sheet(item for item in evidence if item.test.startswith("fairness."))
    sections = (
        _summary(facts, sheet, legal, regime),
        _scope(sheet),
        _let_through(sheet),
        _good_customers(sheet),
        _protected(sheet),
        _forecasts(sheet),
        _not_said(facts, sheet),
        Section("Terms", (parts.glossary(_TERMS),)),
    )
    law = (
        ("Jurisdiction", Fact(legal.jurisdiction, "legal basis")),
        ("Legal basis", Fact(f"{legal.basis} (chosen by {legal.chosen_by})", "legal basis")),
    )
    return assembled("fairness_audit", facts, sheet, sections, at=at, regime=regime, front=law)


def _summary(facts: Facts, sheet: Sheet, legal: LegalBasis, regime: Regime) -> Section:
    impact = sheet.need("fairness.adverse_impact")
    stopped = sheet.need("fairness.false_positive_rate")
    calibration = sheet.need("fairness.calibration")
    figures = (
        parts.key_figure("Lowest ratio let through", impact, "against the reference group"),
        parts.key_figure("Widest gap", stopped, "in good customers delayed or blocked"),
        parts.key_figure("Widest forecast error", calibration, "of any group"),
    )
    blocks: tuple[Block, ...] = (
        Paragraph(
            (
                Text("This audit asks whether some groups of customers are delayed or blocked more "
                     "often than others by "),
                Fact(facts.record.name, "inventory"),
                Text(", and whether chance alone could explain it."),
            )
        ),
        KeyFigures(figures),
        parts.failures(sheet),
        Callout("note", (Text(_VIEWS),)),
        Paragraph((Text("Legal basis: "), Fact(legal.basis, "legal basis"), Text("."))),
        Paragraph(regime.line()),
    )  # fmt: skip
    return Section("In one page", blocks)


def _scope(sheet: Sheet) -> Section:
    coverage, impact = sheet.need("fairness.coverage"), sheet.need("fairness.adverse_impact")
    columns = {
        "attribute": "Division", "basis": "Basis", "why": "Why it was looked at",
        "groups": "Groups", "judged": "Large enough", "not known": "Not known",
    }  # fmt: skip
    blocks: list[Block] = [
        table_of(coverage, columns, (Text("How customers were divided."),)),
        Paragraph(
            (
                Text("A group is judged with "),
                parameter(impact, "group judged from"),
                Text(" requests or more, and rates among frauds or good customers with "),
                parameter(impact, "cases needed"),
                Text(" cases or more. A difference counts when it is beyond its limit and the "
                     "exact test gives chance less than "),
                parameter(impact, "significance", share=True),
                Text("."),
            )
        ),
    ]  # fmt: skip
    if coverage.note:
        blocks.append(Callout("note", (Cited(coverage.note, coverage.id),)))
    return Section("What was looked at", tuple(blocks))


def _let_through(sheet: Sheet) -> Section:
    impact = sheet.need("fairness.adverse_impact")
    blocks: list[Block] = [
        Paragraph(
            parts.sentence("The lowest ratio of shares let through is ", impact, ". ")
            + parts.judged(impact)
        ),
    ]
    figure = parts.impact(impact)
    if figure is not None:
        blocks.append(figure)
    blocks.append(_groups(impact, "let through", "Let through", "Ratio"))
    return Section("Who is let through", tuple(blocks))


def _good_customers(sheet: Sheet) -> Section:
    stopped = sheet.need("fairness.false_positive_rate")
    return Section(
        "Good customers who were stopped",
        (
            parts.prose(
                "The harm to look at first: somebody who did nothing wrong and was delayed or "
                "blocked."
            ),
            Paragraph(
                parts.sentence("The widest gap to a reference group is ", stopped, ". ")
                + parts.judged(stopped)
            ),
            _groups(stopped, "good customers stopped", "Good customers stopped", "Gap"),
        ),
    )


def _protected(sheet: Sheet) -> Section:
    caught = sheet.need("fairness.equal_opportunity")
    return Section(
        "Whether all groups are protected alike",
        (
            parts.prose(
                "A model that finds less fraud in one group leaves its members less protected."
            ),
            Paragraph(
                parts.sentence("The widest gap in frauds stopped is ", caught, ". ")
                + parts.judged(caught)
            ),
            _groups(caught, "frauds stopped", "Frauds stopped", "Gap"),
        ),
    )


def _forecasts(sheet: Sheet) -> Section:
    calibration = sheet.need("fairness.calibration")
    difference = sheet.need("fairness.score_difference")
    columns = {
        "attribute": "Division", "group": "Group", "requests": "Requests", "forecast": "Forecast",
        "realised": "Happened", "low": "from", "high": "to", "role": "",
    }  # fmt: skip
    return Section(
        "Whether forecasts mean the same for every group",
        (
            Paragraph(
                parts.sentence("The widest gap between forecast and outcome is ", calibration, ". ")
                + parts.judged(calibration)
            ),
            table_of(calibration, columns, (Text("Forecast and outcome by group."),), rows_max=40),
            Paragraph(
                parts.sentence(
                    "Mean forecasts differ by at most ", difference,
                    " standard deviations. This is reported without a limit: groups may differ in "
                    "how much fraud they meet.",
                )
            ),
        ),
    )  # fmt: skip


def _not_said(facts: Facts, sheet: Sheet) -> Section:
    coverage = sheet.need("fairness.coverage")
    said: list[tuple[Text | Cited | Fact, ...]] = [
        (Text("It compares outcomes; it does not prove a cause, and it does not prove intent."),),
        (Text("Requests that were blocked have no outcome of their own: whether they were fraud is "
              "known only where somebody looked."),),
        (Text("Customers who belong to several groups at once were not looked at as such."),),
        (Text("Groups too small to judge may be treated differently without being seen."),),
    ]  # fmt: skip
    if coverage.note:
        said.insert(0, (Cited(coverage.note, coverage.id),))
    said += [(Fact(item, "inventory"),) for item in facts.record.not_tested]
    return Section("What this audit cannot say", (Bullets(tuple(said)),))


def _groups(evidence: Evidence, column: str, heading: str, compared: str) -> Table:
    columns = {
        "attribute": "Division", "group": "Group", "requests": "Requests", column: heading,
        "against reference": compared, "low": "from", "high": "to", "p (exact)": "p",
        "role": "",
    }  # fmt: skip
    caption = (Text(f"{heading} by group; {compared.lower()} against the reference group."),)
    return table_of(evidence, columns, caption, rows_max=40)
