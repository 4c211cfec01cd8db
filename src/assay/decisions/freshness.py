"""Was what a decision saw recent enough, and what follows when it was not?

A view is a source about one entity (``paid.card``). Its age at a decision is T minus the newest
accepted event of its source within the cut: how far what is known about *anybody* lies behind, not
how long this entity has been quiet. Both numbers stand in the receipt, so a decision made again
years later finds the same views stale, whatever its clock says.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from assay.core.errors import Invalid, Unknown
from assay.core.time import HOUR

FEATURES_STALE = "features_stale"
#: ``serve``: only said. ``not_known``: the view's values are not known. ``no_score``: the model is
#: not asked either, so the policy's ``if_no_score`` speaks.
Missed = Literal["serve", "not_known", "no_score"]


class ViewTarget(msgspec.Struct, frozen=True, kw_only=True):
    """How fresh a view shall be.

    Args:
        view: source and key fields, as in ``paid.card`` or ``paid.card+shop``.
        age_max: microseconds; older is a miss, and so is a source that never said anything.
        missed: what a miss leads to.
        share: of the decisions of a ``window`` that shall find it fresh.
        window: microseconds over which that share is counted.
    """

    view: str
    age_max: int
    missed: Missed = "serve"
    share: float = 0.999
    window: int = HOUR


def missed_targets(
    targets: Iterable[ViewTarget], seen: Mapping[str, int | None], at: int
) -> tuple[ViewTarget, ...]:
    """The targets that a decision at T missed.

    Args:
        targets: of the policy.
        seen: the newest accepted ts of each consulted view's source, None if there is none.
        at: T, microseconds.

    Example:
        >>> target = ViewTarget(view="paid.card", age_max=10)
        >>> missed_targets([target], {"paid.card": 90}, 100)
        ()
        >>> len(missed_targets([target], {"paid.card": 89}, 100))
        1
        >>> missed_targets([target], {}, 100)  # the request named no card
        ()
    """
    return tuple(
        target
        for target in targets
        if target.view in seen and _late(seen[target.view], at, target.age_max)
    )


def _late(newest: int | None, at: int, age_max: int) -> bool:
    return newest is None or at - newest > age_max


def withheld(missed: Iterable[ViewTarget]) -> dict[str, str]:
    """The views whose values are not known because of a miss, with the reason code."""
    return {target.view: FEATURES_STALE for target in missed if target.missed != "serve"}


def check_targets(targets: Iterable[ViewTarget], views: Iterable[str]) -> None:
    """Return when every target is about a view there is, once, and can be met.

    Raises:
        Unknown: there is no such view; names the nearest.
        Invalid: two targets for one view, or a number without a meaning.
    """
    known, named = tuple(views), set[str]()
    for target in targets:
        if target.view not in known:
            raise Unknown("view", target.view, known=known)
        if target.view in named:
            raise Invalid(f"view {target.view!r} has two targets: give it one")
        named.add(target.view)
        if target.age_max <= 0 or target.window <= 0 or not 0 < target.share <= 1:
            raise Invalid(
                f"target of view {target.view!r}: expected a positive age_max and window and a "
                f"share above 0 up to 1, got {target.age_max}, {target.window}, {target.share}"
            )
