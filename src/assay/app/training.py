"""How is a home's own history turned into a version? By the workload's recipe, and nothing else."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from assay.app.definitions import changed_workload, keep, with_catalog
from assay.app.home import Home
from assay.app.promises import served
from assay.app.workloads import contracts_of, workload_named
from assay.core.canonical import digest
from assay.core.errors import Invalid, shown
from assay.core.evidence import Evidence
from assay.features.document import Change
from assay.governance.fairness import fairness_tests
from assay.governance.inventory import ModelRecord
from assay.governance.treated import Attribute, Treated
from assay.models.frame import NotEnoughData
from assay.models.lift import Mode
from assay.runtime.missing_events import check_complete
from assay.runtime.train import Recipe, TrainResult, code_digest, train_from_log
from assay.runtime.train_history import Progress
from assay.workloads.cards.inventory import cards_record
from assay.workloads.cards.workload import CARDS
from assay.workloads.checkout.inventory import checkout_record
from assay.workloads.checkout.policy import MATURITY
from assay.workloads.checkout.workload import checkout
from assay.workloads.inventory import Made
from assay.workloads.workload import Workload

#: Which characteristics no audit of a workload can look at, because nothing holds them.
ABSENT = ("sex", "ethnic origin", "religion", "disability")

RECIPES: dict[str, Recipe] = {
    "checkout": Recipe(
        workload=checkout,
        request="booking",
        maturity=MATURITY,
        name="checkout",
        text_field="message_text",
    ),
    "cards": Recipe(
        workload=CARDS, request=CARDS.request.type, maturity=CARDS.maturity, name=CARDS.name
    ),
}
_DESCRIBE = {"checkout": checkout_record, "cards": cards_record}


def recipe_of(workload: str) -> Recipe:
    """How the model of a workload is made.

    Raises:
        Unknown: there is no such workload.
        Invalid: it has no recipe.
    """
    workload_named(workload)
    if workload not in RECIPES:
        raise Invalid(
            f"workload {shown(workload)} has no recipe, so no model is trained for it (there are "
            f"recipes for {', '.join(RECIPES)}): `assay serve` decides by its rules alone, "
            "`assay backfill` gives the values to train with elsewhere"
        )
    return RECIPES[workload]


def describe(workload: str, made: Made) -> ModelRecord:
    """The inventory record of a trained version of a workload."""
    return _DESCRIBE[workload](made)


def train_home(
    home: Home,
    workload: str,
    *,
    until: int | None = None,
    mode: Mode | None = None,
    progress: Progress | None = None,
    change: Change | None = None,
    catalog: str | None = None,
    despite_quarantine: bool = False,
) -> TrainResult:
    """Learn from a home's log up to ``until`` and store model, policy and catalog in it.

    Args:
        home: whose log is read.
        workload: whose recipe is followed.
        until: last ``ts`` that is used; None uses all.
        mode: which values of the past: as served, as known at the time, or as corrected since.
        progress: told each step's name and the share of the work done before it.
        change: what is to differ from the workload's catalog.
        catalog: the digest of a stored catalog to learn with, in place of the workload's.
        despite_quarantine: learn although events that matter are in the quarantine.

    Raises:
        NotEnoughData: the history is too short or holds too few frauds.
        HistoryIncomplete: a share of an event type is in the quarantine.
        Invalid: the change makes no catalog, or the stored one cannot be made again.
        Corrupt: the log is damaged.
    """
    log, catalogs = home.open_log(), home.catalogs()

    def defined(code: Workload) -> Workload:
        if change is not None:
            return changed_workload(code, change)
        return code if catalog is None else with_catalog(code, catalog, catalogs)

    try:
        recipe = _with(recipe_of(workload), defined)
        if mode == "as_served" and next(log.decisions(), None) is None:
            raise NotEnoughData(
                "no request of this home was decided, so no values were served: "
                "train with --mode as_known"
            )
        if not despite_quarantine:
            types = frozenset(contract.type for contract in contracts_of(workload))
            check_complete(log, log.refusals(), types)
        result = train_from_log(
            log,
            home.objects(),
            recipe,
            until=until,
            mode=mode,
            served_by=served(log, home, workload).catalogs,
            progress=progress,
        )
    finally:
        log.close()
    keep(result.workload, catalogs)
    return result


def _with(recipe: Recipe, defined: Callable[[Workload], Workload]) -> Recipe:
    made = recipe.workload
    if isinstance(made, Workload):
        return replace(recipe, workload=defined(made))
    return replace(recipe, workload=lambda text_model: defined(made(text_model)))


def percent(advance: Callable[[int], None]) -> Progress:
    """Shows the share of training that is done on a bar of 100."""
    shown = 0

    def progress(_step: str, share: float) -> None:
        nonlocal shown
        advance(round(100 * share) - shown)
        shown = round(100 * share)

    return progress


def fairness_of(
    result: TrainResult,
    attributes: tuple[Attribute, ...] = (),
    absent: tuple[str, ...] = ABSENT,
) -> tuple[Evidence, ...]:
    """The fairness tests on the rows held out, by ``attributes`` and the workload's segments.

    A segment that names a country can stand in for nationality; the time of day is operational.
    """
    held = result.held_out
    proxies = tuple(
        Attribute(
            name.replace("_", " "),
            "proxy",
            groups,
            "A country can stand in for nationality or origin.",
        )
        for name, groups in held.segments.items()
        if "country" in name
    )
    return fairness_tests(
        Treated(
            subject=result.model,
            let_through=held.outcomes == "approve",
            fraud=held.labels == 1,
            probability=held.probability,
            attributes=(*attributes, *proxies, _time_of_day(held.at)),
            absent=absent,
            code=code_digest(),
            data=digest({"frame": result.frame, "rows": held.ids.tolist()}),
            at=int(held.at.max()),
        )
    )


def _time_of_day(at: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> Attribute:
    hours = at // 3_600_000_000 % 24
    return Attribute(
        "time of day",
        "operational",
        np.where(hours < 6, "night", "day"),
        "People who pay at night should not be stopped for that alone.",
    )
