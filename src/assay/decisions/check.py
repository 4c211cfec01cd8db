"""Do the parts of a policy make sense, each alone and with what it will decide on?"""

import math

from assay.contracts.contract import ContractSet, EventContract
from assay.core.errors import Conflict, Invalid, Unknown
from assay.decisions.outcome import Outcome
from assay.decisions.policy import Policy
from assay.decisions.reason import ReasonCatalogue
from assay.features.catalog import Catalog
from assay.rules.rule import Rule


class PolicyMismatch(Conflict):
    """A policy names other contracts, another catalog or another request than it was given."""

    code = "policy_mismatch"


def check_digests(policy: Policy, catalog: Catalog, contracts: ContractSet) -> None:
    """A policy is bound to the exact contracts, catalog and request type it was written for.

    Raises:
        PolicyMismatch: one of them differs.
    """
    pairs = (
        ("contracts", policy.contracts, contracts.digest),
        ("catalog", policy.catalog, catalog.digest),
        ("request type", policy.request, catalog.request.type),
    )
    for what, expected, got in pairs:
        if expected != got:
            raise PolicyMismatch(
                f"policy {policy.name!r} version {policy.version} was written for the {what} "
                f"{expected}, got {got}: make a new version of the policy"
            )


def check_parts(policy: Policy, request: EventContract) -> None:
    """Bands, capacity, costs and the fields a policy names.

    Raises:
        Unknown: a field that the request does not have.
        Invalid: a part that contradicts another or has no meaning.
    """
    bands = policy.bands
    edges = (bands.review_at, bands.block_at)
    if not all(math.isfinite(edge) and edge >= 0 for edge in edges) or edges[0] > edges[1]:
        raise Invalid(f"expected bands with 0 <= review_at <= block_at, got {edges}")
    if bands.overflow is Outcome.REVIEW:
        raise Invalid("the overflow of the review band cannot be review: capacity is used up")
    if policy.capacity_per_day < 0 or policy.deadline <= 0:
        raise Invalid(
            f"expected a capacity of at least 0 and a positive deadline, got "
            f"{policy.capacity_per_day} and {policy.deadline}"
        )
    amount = policy.amount_field
    if amount and request.field(amount).kind not in {"money", "int"}:
        raise Invalid(f"amount field {amount!r} must be money in minor units")
    if request.field(policy.entity_field).kind != "text":
        raise Invalid(f"entity field {policy.entity_field!r} must be a text field")
    for use in policy.lists:
        if request.field(use.field).kind != "text":
            raise Invalid(f"list {use.name!r} needs a text field, {use.field!r} is none")
        if use.age_max <= 0:
            raise Invalid(f"list {use.name!r}: expected a positive age_max, got {use.age_max}")
    _check_costs(policy)


def _check_costs(policy: Policy) -> None:
    costs = policy.costs
    shares = (costs.fraud_share, costs.block_share)
    fixed = (costs.fraud_fixed, costs.block_fixed, costs.review_fixed)
    if not all(math.isfinite(share) and share >= 0 for share in shares) or min(fixed) < 0:
        raise Invalid(f"expected costs of at least 0, got shares {shares} and amounts {fixed}")
    if not 0 <= costs.reviewer_error <= 1:
        raise Invalid(f"expected a reviewer error between 0 and 1, got {costs.reviewer_error}")


def check_rule_use(rule: Rule, reasons: ReasonCatalogue) -> None:
    """Strength, outcome and reason code of a rule.

    Raises:
        Unknown: a code that is not in the catalogue, with the nearest.
        Invalid: a hard rule that approves, or an allow rule that does not.
    """
    if rule.code and rule.code not in reasons:
        raise Unknown(
            f"rule {rule.name!r}: reason code", rule.code, known=[r.code for r in reasons]
        )
    if rule.strength == "allow" and rule.then != "approve":
        raise Invalid(f"rule {rule.name!r}: an allow rule asks for approve, got {rule.then!r}")
    if rule.strength == "hard" and rule.then == "approve":
        raise Invalid(f"rule {rule.name!r}: a hard rule cannot approve; use strength 'allow'")
