"""Does this policy fit this catalog and these contracts? If so, ready to decide with."""

from collections.abc import Iterator, Mapping

from assay.contracts.contract import ContractSet, EventContract
from assay.contracts.event import Scalar
from assay.core.errors import Invalid, Unknown
from assay.decisions.check import check_digests, check_parts, check_rule_use
from assay.decisions.freshness import check_targets
from assay.decisions.outcome import Outcome, Reason, Voice
from assay.decisions.policy import Policy
from assay.decisions.reason import (
    NOTHING,
    OUTSIDE_APPROVED_USE,
    STANDARD,
    ReasonCatalogue,
    ReasonText,
)
from assay.features.catalog import Catalog
from assay.features.view import view_names
from assay.rules.compile import CANNOT_TELL, HOLDS, RuleSet, compile_rules
from assay.rules.kind import OF_FEATURE, OF_FIELD, CelKind
from assay.rules.lists import ListSnapshot, contains
from assay.rules.rule import Rule


class CompiledPolicy:
    """A policy whose every part was checked against what it will decide on.

    ``variables`` maps every name a rule may mention to its type: the fields of the request, the
    values of the catalog, the lists. ``rules`` holds the policy's rules and after them its
    conditions of approval.

    Args:
        policy: what to compile.
        catalog: the features it decides on; its digest must be ``policy.catalog``.
        contracts: the event types; their digest must be ``policy.contracts``.
        reasons: the codes that may be used.

    Raises:
        PolicyMismatch: a digest or the request type differs.
        RuleError: a rule or a condition does not compile.
        Unknown: a code, list field, amount or entity field that does not exist.
        Invalid: two variables of one name, or a part that contradicts another.
    """

    def __init__(
        self,
        policy: Policy,
        catalog: Catalog,
        contracts: ContractSet,
        reasons: ReasonCatalogue = STANDARD,
    ) -> None:
        self.policy, self.catalog, self.reasons = policy, catalog, reasons
        self.request = contracts.get(policy.request)
        check_digests(policy, catalog, contracts)
        check_parts(policy, self.request)
        check_targets(policy.freshness, view_names(catalog.plan))
        for rule in policy.rules:
            check_rule_use(rule, reasons)
        self.variables: Mapping[str, CelKind] = _variables(policy, self.request, catalog)
        conditions = [
            Rule(name=f"condition_{number}", when=text, then="review", strength="hard")
            for number, text in enumerate(policy.conditions, start=1)
        ]
        self.rules: RuleSet = compile_rules((*policy.rules, *conditions), self.variables)
        self._check_screens()
        self._spoken = [_spoken(rule) for rule in policy.rules]
        self._texts = _texts(policy, catalog, reasons)
        self._order = sorted(
            range(len(policy.rules)), key=lambda at: _VOICES.index(policy.rules[at].strength)
        )

    def evaluate(
        self,
        payload: Mapping[str, Scalar],
        values: Mapping[str, int | float | bool | None],
        memberships: Mapping[str, bool | None],
    ) -> tuple[int, ...]:
        """The result of every rule, then of every condition: 1, 0, or -1 for "cannot tell"."""
        return self.rules.evaluate({**payload, **values, **memberships})

    def spoken(self, results: tuple[int, ...]) -> Iterator[Reason]:
        """What the rules and conditions say, hard ones first; a rule that does not hold is silent.

        A condition of approval speaks unless it is known to hold.
        """
        for at in self._order:
            if results[at] == HOLDS:
                yield self._spoken[at][0]
            elif results[at] == CANNOT_TELL:
                yield self._spoken[at][1]
        for result in results[len(self._spoken) :]:
            if result != HOLDS:
                yield _OUTSIDE_UNKNOWN if result == CANNOT_TELL else _OUTSIDE

    def memberships(
        self,
        payload: Mapping[str, Scalar],
        snapshots: Mapping[str, ListSnapshot | None],
        at: int,
    ) -> dict[str, bool | None]:
        """Whether the request is on each list as of ``at``; None where that cannot be told."""
        found: dict[str, bool | None] = {}
        for use in self.policy.lists:
            value = payload.get(use.field)
            text = value if isinstance(value, str) else None
            found[use.name] = contains(snapshots.get(use.name), text, use, at)
        return found

    def explain(self, code: str) -> ReasonText:
        """The texts of a code: from the catalogue, else from the rule or value so named.

        Raises:
            Unknown: nothing has that code; the message names the nearest.
        """
        found = self._texts.get(code)
        if found is None:
            raise Unknown("reason code", code, known=self._texts)
        return found

    def _check_screens(self) -> None:
        """A hard hold over a list is a screen: it must hold too when the list cannot be used."""
        lists = {use.name for use in self.policy.lists}
        for rule, checked in zip(self.policy.rules, self.rules.checked, strict=False):
            screens = rule.strength == "hard" and rule.then == "hold"
            if screens and lists & set(checked.variables) and not _fails_closed(rule):
                raise Invalid(
                    f"rule {rule.name!r} holds on a list, so a list that is missing or too old "
                    f"must hold as well: expected if_unknown='hold', got {rule.if_unknown!r}"
                )


_VOICES: tuple[Voice, ...] = ("hard", "allow", "soft")
_OUTSIDE = Reason(OUTSIDE_APPROVED_USE, "hard", True, Outcome.REVIEW)
_OUTSIDE_UNKNOWN = Reason(OUTSIDE_APPROVED_USE, "hard", None, Outcome.REVIEW)


def _fails_closed(rule: Rule) -> bool:
    return Outcome(rule.if_unknown).severity >= Outcome.HOLD.severity


def _spoken(rule: Rule) -> tuple[Reason, Reason]:
    """What a rule says when it holds and when it cannot tell."""
    code = rule.code or rule.name
    return (
        Reason(code, rule.strength, True, Outcome(rule.then)),
        Reason(code, rule.strength, None, Outcome(rule.if_unknown)),
    )


def _texts(policy: Policy, catalog: Catalog, reasons: ReasonCatalogue) -> dict[str, ReasonText]:
    values = [(item.name, item.about) for item in catalog.features]
    values += [(item.name, item.about) for item in catalog.combined]
    values += [(item.name, item.about) for item in catalog.derived]
    return {
        **{name: ReasonText(name, about or f"Value of {name}.", NOTHING) for name, about in values},
        **{r.name: ReasonText(r.name, r.about or f"{r.name}: {r.when}") for r in policy.rules},
        **{text.code: text for text in reasons},
    }


def _variables(policy: Policy, request: EventContract, catalog: Catalog) -> dict[str, CelKind]:
    found: dict[str, CelKind] = {field.name: OF_FIELD[field.kind] for field in request.fields}
    for name, kind in zip(catalog.names, catalog.kinds, strict=True):
        if name in found:
            raise Invalid(f"{name!r} names both a field of {request.type!r} and a feature")
        found[name] = OF_FEATURE[kind]
    for use in policy.lists:
        if use.name in found:
            raise Invalid(f"list {use.name!r} has the name of a field, a feature or another list")
        found[use.name] = CelKind.BOOL
    return found
