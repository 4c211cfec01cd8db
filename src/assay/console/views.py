"""What does each page show? Plain values made from the platform's own, for templates to lay out."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np

from assay.app.platform import Platform
from assay.core.canonical import digest
from assay.core.errors import AssayError, Invalid, NotFound
from assay.core.money import Money
from assay.core.time import DAY, HOUR, MINUTE, SECOND, format_time, parse_time
from assay.decisions.outcome import Outcome, Reason
from assay.decisions.policy import Policy
from assay.decisions.record import DecisionRecord
from assay.features.values import as_values
from assay.features.vector import Vector
from assay.review.case import Case, case_id
from assay.runtime.activity import Activity, Wanted
from assay.runtime.ports import Entry

PAGE = 50
_ALL_CASES = 1_000_000
_SPANS = ((DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes"), (SECOND, "seconds"))


@dataclass(frozen=True, slots=True)
class Row:
    """One decision in a list."""

    record: DecisionRecord
    amount: str
    entity: str
    first: str


@dataclass(frozen=True, slots=True)
class Value:
    """One value the decision saw, with its unit and meaning; ``text`` is empty when not known."""

    name: str
    text: str
    unit: str
    about: str
    in_model: bool


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule of the policy and what it said."""

    name: str
    when: str
    strength: str
    then: str
    said: str


class Views:
    """The console's view of one platform; its methods run on the thread aside."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._activity = Activity(platform.log)

    def activity(self) -> Activity:
        """The decisions, up to the newest that is durable."""
        self._activity.follow()
        return self._activity

    def rows(self, places: Sequence[int]) -> list[Row]:
        """The decisions at those places of the log."""
        return [self._row(entry) for seq in places for entry in self._entries_at(seq)]

    def decision(self, decision_id: str) -> tuple[DecisionRecord, Entry, Case | None]:
        """A decision, its request, and the case it opened.

        Raises:
            NotFound: there is none of that id.
        """
        record = self._platform.log.decision(decision_id)
        if record is None:
            raise NotFound(f"there is no decision {decision_id!r}")
        entry = next(iter(self._entries_at(record.seq)))
        return record, entry, self._case_of(record)

    def values(self, record: DecisionRecord) -> list[Value]:
        """The values a decision saw, by name; empty when its catalog is no longer this one."""
        catalog = self._platform.catalog
        if record.receipt.catalog != catalog.digest:
            return []
        vector = Vector(np.frombuffer(record.bits, "<i8"), np.frombuffer(record.known, np.uint8))
        meaning = {item.name: (item.unit, item.about) for item in catalog.features}
        meaning |= {item.name: (item.unit, item.about) for item in catalog.combined}
        meaning |= {item.name: (item.unit, item.about) for item in catalog.derived}
        weighed = {name for name, _ in record.contributions}
        return [
            Value(name, *_with_unit(value, *meaning.get(name, ("", ""))), name in weighed)
            for name, value in as_values(vector, catalog).items()
        ]

    def rules(self, record: DecisionRecord) -> list[RuleLine]:
        """What every rule and condition of the policy said."""
        policy = self.policy(record.policy)
        said = {1: "holds", 0: "does not hold", -1: "cannot tell"}
        lines = []
        for place, result in enumerate(record.rules):
            rule = policy.rules[place] if policy and place < len(policy.rules) else None
            extra = place - len(policy.rules) if policy else -1
            if rule is not None:
                line = RuleLine(rule.name, rule.when, rule.strength, rule.then, said[result])
            elif policy is not None and extra < len(policy.conditions):
                text = policy.conditions[extra]
                line = RuleLine(f"condition {extra + 1}", text, "hard", "review", said[result])
            else:
                line = RuleLine(f"rule {place + 1}", "", "", "", said[result])
            lines.append(line)
        return lines

    def policy(self, policy_digest: str) -> Policy | None:
        """The policy of that digest: the live one, or one kept among the objects."""
        live = self._platform.policy
        if live is not None and live.policy.digest == policy_digest:
            return live.policy
        try:
            return msgspec.json.decode(self._platform.objects.get(policy_digest), type=Policy)
        except (AssayError, msgspec.DecodeError):
            return None  # the page then numbers the rules: a decision is shown whatever is missing

    def queue(self) -> list[Case]:
        """The cases that wait, most worth looking at first."""
        return self._platform.desk.waiting(_ALL_CASES)

    def case(self, case: str) -> tuple[Case, Entry]:
        """A case and the request it is about.

        Raises:
            NotFound: there is none of that id.
        """
        found = self._platform.desk.get(case)
        entry = self._platform.log.entry(found.event_id)
        if entry is None:
            raise NotFound(f"the request of case {case} is not in the log")
        return found, entry

    def money(self, amount: object) -> str:
        """An amount of the workload's currency for people."""
        policy = self._platform.policy
        if not isinstance(amount, int) or isinstance(amount, bool):
            return ""
        if policy is None:
            return f"{amount} minor units"
        return str(Money(amount, policy.policy.costs.currency))

    def payload(self, entry: Entry) -> list[tuple[str, str, str]]:
        """The request's fields: name, value, meaning; money as money, secrets hidden."""
        contract = self._platform.contracts.get(entry.event.type)
        lines = []
        for field in contract.fields:
            value = entry.event.payload.get(field.name)
            if value is None:
                text = ""
            elif field.sensitivity == "secret":
                text = "hidden"
            elif field.kind == "money":
                text = _as_money(value, field.unit)
            elif field.kind == "decimal":
                text = f"{Decimal(value).scaleb(-field.scale):f} {field.unit}".rstrip()
            elif field.kind == "time":
                text = format_time(value)
            else:
                text = written(value)
            lines.append((field.name, text, field.about))
        return lines

    def _row(self, entry: Entry) -> Row:
        assert entry.record is not None
        policy, payload = self._platform.policy, entry.event.payload
        amount = payload.get(policy.policy.amount_field) if policy else None
        entity = payload.get(policy.policy.entity_field, "") if policy else ""
        first = leading(entry.record.reasons, entry.record.outcome)
        text = self._platform.explain(first.code).analyst if first else ""
        return Row(entry.record, self.money(amount), str(entity), text)

    def _entries_at(self, seq: int) -> list[Entry]:
        return list(self._platform.log.entries(after=seq - 1, until=seq))

    def _case_of(self, record: DecisionRecord) -> Case | None:
        try:
            return self._platform.desk.get(case_id(record.id))
        except NotFound:
            return None


def leading(reasons: tuple[Reason, ...], outcome: Outcome) -> Reason | None:
    """The first reason that asked for what was decided; a plain approval has none."""
    asked = (r for r in reasons if r.asks is outcome)
    if outcome is Outcome.APPROVE:
        asked = (r for r in asked if r.held and r.voice in ("allow", "band"))
    return next(asked, None)


def record_digest(record: DecisionRecord) -> str:
    """The content hash of a record, its bytes written as hexadecimal."""
    fields = msgspec.structs.asdict(record)
    return digest({**fields, "bits": record.bits.hex(), "known": record.known.hex()})


def wanted_of(query: dict[str, str]) -> Wanted:
    """What the filter form asks for.

    Raises:
        Invalid: an outcome, probability or day that is none.
    """
    outcome, low, day = query.get("outcome"), query.get("low"), query.get("day")
    start = parse_time(f"{day}T00:00:00Z") if day else None
    return Wanted(
        outcome=_outcome(outcome) if outcome else None,
        degraded=True if query.get("degraded") else None,
        low=_share(low) if low else None,
        start=start,
        end=None if start is None else start + DAY,
    )


def _outcome(text: str) -> Outcome:
    try:
        return Outcome(text)
    except ValueError as error:
        raise Invalid(f"expected an outcome ({', '.join(Outcome)}), got {text!r}") from error


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError as error:
        raise Invalid(f"expected a probability from 0 to 1, got {text!r}") from error
    if not 0 <= share <= 1:
        raise Invalid(f"expected a probability from 0 to 1, got {text!r}")
    return share


def written(value: Any) -> str:
    """A value for people; empty when it is not known.

    Example:
        >>> written(1234567), written(True), written(None)
        ('1,234,567', 'yes', '')
    """
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.6g}"
        case _:
            return str(value)


def _with_unit(value: Any, unit: str, about: str) -> tuple[str, str, str]:
    """A value, its unit and its meaning; a span of time in the unit people would use."""
    if unit == "us" and isinstance(value, int) and not isinstance(value, bool):
        size, name = next(((s, n) for s, n in _SPANS if abs(value) >= s), (1, "us"))
        return f"{value / size:,.1f}", name, about
    return written(value), unit, about


def _as_money(value: Any, unit: str) -> str:
    try:
        return str(Money(value, unit))
    except AssayError:
        return f"{value:,} {unit}".strip()
