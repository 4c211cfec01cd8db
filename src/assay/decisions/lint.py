"""Is there something in this policy that compiles but cannot be meant?"""

from collections.abc import Iterator
from typing import Literal

import msgspec

from assay.decisions.compiled import CompiledPolicy
from assay.decisions.outcome import Outcome
from assay.rules.compile import CANNOT_TELL, HOLDS
from assay.rules.kind import CelKind

Severity = Literal["warning", "note"]

#: What a condition is tried with to see whether it can tell anything at all.
_PROBES: tuple[dict[CelKind, int | float | str | bool], ...] = (
    {CelKind.INT: 0, CelKind.DOUBLE: 0.0, CelKind.STRING: "", CelKind.BOOL: False},
    {CelKind.INT: 1, CelKind.DOUBLE: 1.0, CelKind.STRING: "a", CelKind.BOOL: True},
    {CelKind.INT: 7, CelKind.DOUBLE: 0.5, CelKind.STRING: "7", CelKind.BOOL: True},
    {CelKind.INT: -3, CelKind.DOUBLE: -2.5, CelKind.STRING: "DE", CelKind.BOOL: False},
)


class Finding(msgspec.Struct, frozen=True):
    """One finding: a stable code, the part it is about, and what to look at."""

    code: str
    severity: Severity
    where: str
    message: str


def lint(policy: CompiledPolicy) -> tuple[Finding, ...]:
    """What a second pair of eyes would ask about; empty when nothing.

    Findings never stop a policy: what must not be is refused when it is compiled.
    """
    return (*_constants(policy), *_twins(policy), *_rules(policy), *_lists(policy), *_bands(policy))


def _constants(policy: CompiledPolicy) -> Iterator[Finding]:
    """Conditions that do not depend on the request, or that never can tell."""
    tried = [
        policy.rules.evaluate({name: probe[kind] for name, kind in policy.variables.items()})
        for probe in _PROBES
    ]
    for position, rule in enumerate(policy.rules.checked):
        results = {results[position] for results in tried}
        if results == {CANNOT_TELL}:
            yield Finding(
                "never_tells", "warning", rule.name, f"fails on every value tried: {rule.when}"
            )
        elif not rule.variables:
            word = "always" if results == {HOLDS} else "never"
            yield Finding(
                f"{word}_true", "warning", rule.name, f"{word} holds, it mentions no variable"
            )


def _twins(policy: CompiledPolicy) -> Iterator[Finding]:
    """Two rules with one condition, whatever their layout."""
    seen: dict[tuple[object, ...], str] = {}
    for rule in policy.rules.checked:
        first = seen.setdefault(rule.tree.shape, rule.name)
        if first != rule.name:
            yield Finding("same_condition", "warning", rule.name, f"the same condition as {first}")


def _rules(policy: CompiledPolicy) -> Iterator[Finding]:
    lists = {use.name for use in policy.policy.lists}
    for rule, checked in zip(policy.policy.rules, policy.rules.checked, strict=False):
        if rule.strength == "soft" and rule.then == "approve":
            yield Finding(
                "asks_for_nothing", "warning", rule.name,
                "a soft rule that approves changes nothing; an allowance has strength 'allow'",
            )  # fmt: skip
        consulted = sorted(lists & set(checked.variables))
        if rule.strength == "hard" and rule.if_unknown == "approve" and consulted:
            yield Finding(
                "opens_when_blind", "warning", rule.name,
                f"does nothing while {', '.join(consulted)} cannot be used: if_unknown is approve",
            )  # fmt: skip
        if not rule.owner:
            yield Finding("no_owner", "note", rule.name, "names no owner who answers for it")
        if not rule.code and not rule.about:
            yield Finding(
                "no_text", "note", rule.name, "has neither a reason code nor a text for reviewers"
            )


def _lists(policy: CompiledPolicy) -> Iterator[Finding]:
    for use in policy.policy.lists:
        if use.name not in policy.rules.variables:
            yield Finding("list_unused", "warning", use.name, "no rule or condition mentions it")


def _bands(policy: CompiledPolicy) -> Iterator[Finding]:
    parts, bands = policy.policy, policy.policy.bands
    if parts.model is None:
        return
    empty = bands.review_at == bands.block_at
    checks = (
        (bands.review_at == 0.0, "reviews_all", "every score asks for review or block"),
        (bands.block_at > 1.0, "blocks_none", "no probability reaches block_at"),
        (empty, "no_review_band", "review_at equals block_at: the score never asks for review"),
        (
            parts.capacity_per_day == 0 and not empty,
            "no_capacity", "the review band always overflows: capacity_per_day is 0",
        ),
        (
            parts.if_no_score is Outcome.REVIEW and bands.overflow is Outcome.APPROVE,
            "outage_approves",
            "without a model all ask for review, and once capacity is used up all are approved",
        ),
    )  # fmt: skip
    for found, code, message in checks:
        if found:
            yield Finding(code, "warning", "bands", message)
