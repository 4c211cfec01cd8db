"""What must be known of the card model before anyone trusts it: uses, limits, who answers."""

import msgspec

from assay.governance.inventory import Determination, Limitation, ModelRecord, TierInputs
from assay.workloads.inventory import Made

_LIMITATIONS = (
    Limitation(
        what="The stream is simulated by the authors of a public handbook: three fraud scenarios, "
        "no merchants' categories, no devices.",
        control="Figures are stated for this stream only and compared on the same rows.",
    ),
    Limitation(
        what="Every outcome is known after exactly seven days, which no real portfolio offers.",
        control="Features over outcomes see them as events at that time and never earlier.",
    ),
)
_NOT_TESTED = (
    "Fairness: the stream holds nothing about the people behind the cards.",
    "Robustness against an adversary who knows the model.",
    "Drift after release: there is no monitoring plan yet.",
)


def cards_record(made: Made) -> ModelRecord:
    """The inventory record of one trained version."""
    return ModelRecord(
        id="card-risk",
        name="Card payment risk",
        purpose="Estimate the probability that a card payment is fraudulent at authorisation.",
        approved_uses=("Card payments of the public stream, replayed in order.",),
        prohibited_uses=("Any decision about a real payment or a real person.",),
        automated=True,
        target="A payment that is reported as fraud seven days later.",
        population="All payments of the public stream's cards and terminals.",
        tier_inputs=TierInputs(
            complexity="medium",
            uncertainty="low",
            exposure="low",
            purpose="low",
            rationale="A demonstration on public data: nothing depends on its decisions.",
        ),
        determination=Determination(
            kind="model",
            rationale="A statistical method estimates an uncertain quantity from past data.",
            by=made.owner,
        ),
        limitations=_LIMITATIONS,
        not_tested=_NOT_TESTED,
        registered_at=0,
        **msgspec.structs.asdict(made),
    )
