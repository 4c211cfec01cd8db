"""What decides, as one immutable hashed value: rules, lists, model, bands, costs, capacity."""

import msgspec

from assay.core.canonical import digest
from assay.decisions.freshness import ViewTarget
from assay.decisions.outcome import Outcome
from assay.rules.rule import ListUse, Rule


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """What each mistake costs, in minor units of ``currency`` or as a share of the amount.

    A missed fraud costs ``fraud_share`` of the amount plus ``fraud_fixed``; blocking a good
    request costs ``block_share`` of it plus ``block_fixed``; a review costs ``review_fixed``;
    a reviewer errs with probability ``reviewer_error``.
    """

    currency: str
    fraud_share: float
    fraud_fixed: int
    block_share: float
    block_fixed: int
    review_fixed: int
    reviewer_error: float


class Bands(msgspec.Struct, frozen=True, kw_only=True):
    """Cut-offs on the calibrated probability: review from ``review_at``, block from ``block_at``.

    ``overflow`` is asked for when the band says review but the day's capacity is used up.
    """

    review_at: float
    block_at: float
    overflow: Outcome


class Policy(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Everything a decision depends on besides the request and the state of the world.

    ``catalog`` and ``contracts`` are digests; ``model`` is the digest of a bundle or None for
    rules only; ``capacity_per_day`` counts reviews per UTC day of the request's ``ts``;
    ``deadline`` (microseconds) bounds the stages before the model; ``if_no_score`` is asked when
    the model cannot answer; ``conditions`` are the compiled conditions of approval;
    ``amount_field`` is empty where a request is about no amount; ``freshness`` says how recent
    what is known must be.
    """

    name: str
    version: int
    request: str
    contracts: str
    catalog: str
    model: str | None
    rules: tuple[Rule, ...]
    lists: tuple[ListUse, ...]
    bands: Bands
    costs: Costs
    capacity_per_day: int
    deadline: int
    if_no_score: Outcome
    amount_field: str
    entity_field: str
    conditions: tuple[str, ...] = ()
    freshness: tuple[ViewTarget, ...] = ()

    @property
    def digest(self) -> str:
        """The content hash that stands on every decision."""
        cached = self.__dict__.get("_digest")
        if cached is None:
            cached = self.__dict__["_digest"] = digest(self)
        return str(cached)
