"""What must be known of the checkout model before anyone trusts it: uses, limits, who answers."""

import msgspec

from assay.governance.inventory import Determination, Limitation, ModelRecord, TierInputs
from assay.workloads.inventory import Made

_LIMITATIONS = (
    Limitation(
        what="Friendly fraud (a genuine guest who disputes a genuine stay) looks like any other "
        "booking when it is made; the model finds next to none of it.",
        control="None at the time of the request; its losses are counted when chargebacks arrive.",
    ),
    Limitation(
        what="Chargebacks arrive weeks late, so the newest month is never learned from.",
        control="Only requests older than the maturity are used; verdicts of reviewers are labels "
        "at once.",
    ),
    Limitation(
        what="A blocked booking never gets a chargeback: its label stays unknown.",
        control="None yet: blocks are few, but nothing samples them; recall is an upper estimate.",
    ),
    Limitation(
        what="Fraudsters read what happens to them and adapt.",
        control="Suspension takes one person and one command, and a running server follows it; "
        "retraining uses the same pipeline.",
    ),
)

_NOT_TESTED = (
    "Robustness against an adversary who knows the model.",
    "Performance in countries that are not in the training data.",
    "Drift after release: there is no monitoring plan yet.",
)


def checkout_record(made: Made) -> ModelRecord:
    """The inventory record of one trained version."""
    return ModelRecord(
        id="checkout-risk",
        name="Checkout risk",
        purpose="Estimate the probability that a booking request is fraudulent, so that it can be "
        "approved, reviewed by a person, or blocked at minimal expected cost.",
        approved_uses=("Booking requests of the marketplace, at the moment of checkout.",),
        prohibited_uses=(
            "Decisions about credit, employment, insurance or housing eligibility.",
            "Closing an account, or any act against a person beyond the request itself.",
        ),
        automated=True,
        target="A booking that ends in a fraud chargeback or is confirmed as fraud by a reviewer "
        "before its label matures.",
        population="All booking requests of the marketplace; guests of any country and age.",
        tier_inputs=TierInputs(
            complexity="medium",
            uncertainty="medium",
            exposure="high",
            purpose="medium",
            rationale="A boosted forest with late and censored labels decides every booking; a "
            "wrong block costs a customer, but no legal right depends on it.",
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
