"""How do sections become a document? With a title page, and an appendix of what they cite."""

from collections.abc import Iterable

import msgspec

from assay.core.time import format_time
from assay.governance.document import Document, Fact, Kind, Section, checked, cited
from assay.governance.facts import Facts
from assay.governance.regime import Regime
from assay.governance.wording import Sheet

_TITLES: dict[Kind, str] = {
    "model_card": "Model card",
    "validation_report": "Validation report",
    "fairness_audit": "Fairness audit",
}


def assembled(
    kind: Kind,
    facts: Facts,
    sheet: Sheet,
    sections: tuple[Section, ...],
    *,
    at: int,
    regime: Regime,
    front: Iterable[tuple[str, Fact]] = (),
) -> Document:
    """The document of a kind about a version, checked.

    Args:
        kind: which.
        facts: the version and what is on file about it.
        sheet: the evidence it cites from.
        sections: what it says.
        at: its date (microseconds UTC).
        regime: the guidance it is laid out for.
        front: further lines of the title page.

    Raises:
        EmptySection: a section says nothing.
    """
    document = Document(
        kind=kind,
        title=_TITLES[kind],
        subtitle=facts.record.name,
        subject=facts.record.model or facts.record.policy,
        at=at,
        regime=regime.label,
        front=(*_front(facts, at), *front),
        sections=sections,
        evidence=sheet.evidence,
    )
    used = cited(document)
    kept = tuple(item for item in document.evidence if item.id in used)
    return checked(msgspec.structs.replace(document, evidence=kept))


def _front(facts: Facts, at: int) -> tuple[tuple[str, Fact], ...]:
    """The lines of a title page."""
    record = facts.record
    return (
        ("Version", Fact(record.key, "inventory")),
        ("Status", Fact(facts.state.value, "inventory")),
        ("Risk tier", Fact(f"{record.tier} (of 3; 1 asks for most)", "inventory")),
        ("Owner", Fact(record.owner, "inventory")),
        ("Model digest", Fact(record.model or "none: rules only", "inventory")),
        ("Policy digest", Fact(record.policy, "inventory")),
        ("Written", Fact(format_time(at)[:10], "clock")),
    )
