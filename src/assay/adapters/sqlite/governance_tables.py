"""What does the database itself refuse? Tables of governance, and the triggers that guard them.

Every row is one canonical JSON body; the columns are generated from it, so column and body cannot
disagree. The triggers repeat the gate's most important rules in another language: they hold even
for a program that never asked the gate.
"""

# The triggers are built from constants of this file, never from input.
# ruff: noqa: S608

from typing import Any

from sqlalchemy import Column, Computed, Integer, String, Table, Text, UniqueConstraint

from assay.adapters.sqlite.database import append_only, guard, metadata

Kind = type[String] | type[Integer]

_RUNNING = "('approved', 'shadow', 'canary', 'live')"


def _table(name: str, columns: dict[str, Kind], *more: UniqueConstraint) -> Table:
    generated: list[Column[Any]] = [
        Column(column, kind, Computed(f"json_extract(body, '$.{column}')"))
        for column, kind in columns.items()
    ]
    table = Table(
        name,
        metadata,
        Column("id", String, primary_key=True),
        Column("place", Integer, nullable=False),
        Column("body", Text, nullable=False),
        *generated,
        *more,
    )
    append_only(table, "id")
    return table


versions = _table("versions", {"model": String, "policy": String})
contributions = _table("contributions", {"key": String, "user": String})
evidence = _table("evidence", {"key": String, "by": String})
approvals = _table(
    "approvals",
    {
        "key": String,
        "approver": String,
        "kind": String,
        "model": String,
        "policy": String,
        "at": Integer,
        "expires_at": Integer,
    },
)
findings = _table("findings", {"key": String, "severity": String})
closures = _table("closures", {"finding": String})
transitions = _table(
    "transitions",
    {
        "key": String,
        "number": Integer,
        "source": String,
        "target": String,
        "actor": String,
        "at": Integer,
    },
    UniqueConstraint("key", "number"),
)

_CONTRIBUTED = (
    "(EXISTS (SELECT 1 FROM contributions c WHERE c.key = {key} "
    "AND lower(trim(c.user)) = lower(trim({who}))) "
    "OR EXISTS (SELECT 1 FROM versions v, json_each(v.body, '$.developers') d "
    "WHERE v.id = {key} AND lower(trim(d.value)) = lower(trim({who}))))"
)
_SUBMITTED = (
    "EXISTS (SELECT 1 FROM transitions t WHERE t.key = {key} AND t.target = 'validation' "
    "AND lower(trim(t.actor)) = lower(trim({who})))"
)


def _refuse(table: Table, name: str, when: str, message: str) -> None:
    # AFTER, because generated columns are only certain once the row is there; ABORT undoes it.
    guard(
        table,
        name,
        f"AFTER INSERT ON {table.name} WHEN {when} BEGIN SELECT RAISE(ABORT, '{message}'); END",
    )


_refuse(
    versions,
    "versions_bytes_once",
    "EXISTS (SELECT 1 FROM versions v WHERE v.id <> NEW.id AND v.model IS NEW.model "
    "AND v.policy IS NEW.policy)",
    "these exact bytes are registered already",
)
_refuse(
    approvals,
    "approvals_by_people",
    "NEW.kind IS NOT 'human'",
    "only a person approves",
)
_refuse(
    approvals,
    "approvals_not_by_contributor",
    _CONTRIBUTED.format(key="NEW.key", who="NEW.approver"),
    "the approver contributed to this version",
)
_refuse(
    approvals,
    "approvals_not_by_submitter",
    _SUBMITTED.format(key="NEW.key", who="NEW.approver"),
    "the approver submitted this version",
)
_refuse(
    approvals,
    "approvals_of_these_bytes",
    "NOT EXISTS (SELECT 1 FROM versions v WHERE v.id = NEW.key AND v.model IS NEW.model "
    "AND v.policy IS NEW.policy)",
    "the approval is for other bytes than the version",
)
_refuse(
    transitions,
    "transitions_follow",
    "NEW.number IS NOT 1 + (SELECT count(*) FROM transitions t WHERE t.key = NEW.key "
    "AND t.number < NEW.number) OR NEW.source IS NOT coalesce((SELECT t.target FROM transitions t "
    "WHERE t.key = NEW.key AND t.number = NEW.number - 1), 'draft')",
    "a step must follow the last one",
)
_refuse(
    transitions,
    "transitions_need_two_people",
    f"NEW.target IN {_RUNNING} "
    "AND NOT (NEW.source = 'canary' AND NEW.target = 'shadow') AND 2 > ("
    "SELECT count(DISTINCT lower(trim(a.approver))) FROM approvals a, versions v "
    "WHERE a.key = NEW.key AND v.id = NEW.key AND a.model IS v.model AND a.policy IS v.policy "
    "AND a.kind = 'human' AND a.at <= NEW.at AND a.expires_at > NEW.at AND NOT "
    + _CONTRIBUTED.format(key="a.key", who="a.approver")
    + " AND NOT "
    + _SUBMITTED.format(key="a.key", who="a.approver")
    + ")",
    "two independent, unexpired approvals of these bytes are needed",
)
