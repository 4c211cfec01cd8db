"""Can what was written under one version of a contract be read under another? If not, what breaks?

*Backward*: a reader of the new version reads everything written under the old one (a backfill is
such a reader of every past version). *Forward*: a reader of the old version reads everything
written under the new one (what happens between a producer's release and ours). *Full*: both.

A reader here is our door: it refuses a field it does not know. ``open_content`` judges readers
that pass over unknown fields instead, as schema registries assume.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from assay.contracts.contract import ContractSet, EventContract, Field
from assay.core.errors import Invalid
from assay.core.money import MINOR_MAX

Mode = Literal["backward", "forward", "full"]
Direction = Literal["backward", "forward"]
_BOTH: tuple[Direction, ...] = ("backward", "forward")


class Break(msgspec.Struct, frozen=True, kw_only=True):
    """One change that a reader cannot live with.

    ``path`` is the event type and field; ``breaks`` names the directions; ``what`` says the change
    and why it matters. ``since`` is the place of the older version it was compared with.
    """

    path: str
    breaks: tuple[Direction, ...]
    what: str
    since: int = 0


def incompatible(
    versions: Sequence[ContractSet],
    mode: Mode,
    *,
    transitive: bool = False,
    open_content: bool = False,
) -> list[Break]:
    """What in the newest version breaks the promise of a mode; empty when it holds.

    Args:
        versions: oldest first, at least two.
        mode: which readers must be able to read on.
        transitive: compare with every older version, not with the one before only.
        open_content: readers pass over fields they do not know.

    Raises:
        Invalid: there is nothing to compare.
    """
    if len(versions) < 2:
        raise Invalid(f"expected an older and a newer version, got {len(versions)}")
    *older, new = versions
    first = 0 if transitive else len(older) - 1
    wanted = _BOTH if mode == "full" else (mode,)
    found = []
    for since in range(first, len(older)):
        for item in breaks(older[since], new, open_content=open_content):
            kept = tuple(direction for direction in item.breaks if direction in wanted)
            if kept:
                found.append(msgspec.structs.replace(item, breaks=kept, since=since))
    return found


def breaks(old: ContractSet, new: ContractSet, *, open_content: bool = False) -> list[Break]:
    """Every change between two versions that some reader cannot live with.

    Example:
        >>> def version(kind):
        ...     fields = (Field(name="amount", kind=kind),)
        ...     return ContractSet([EventContract(type="paid", version=1, keys=(), fields=fields)])
        >>> [item.what for item in breaks(version("money"), version("text"))]
        ['the kind changes from money to text']
    """
    before = {contract.type: contract for contract in old}
    after = {contract.type: contract for contract in new}
    found: list[Break] = []
    for event_type, contract in before.items():
        if event_type not in after:
            # Even a reader that passes over fields has no contract left for these events.
            found.append(_broken(event_type, ("backward",), "the event type is gone"))
        else:
            found += _of_type(contract, after[event_type], open_content)
    found += [
        _broken(event_type, ("forward",), "the event type is new: a reader of the old refuses it")
        for event_type in after
        if event_type not in before and not open_content
    ]
    return found


def _of_type(old: EventContract, new: EventContract, open_content: bool) -> Iterator[Break]:
    path = old.type
    if set(old.keys) != set(new.keys):
        what = f"the entity keys change from {_listed(old.keys)} to {_listed(new.keys)}"
        yield _broken(path, _BOTH, what)
    for name, field in old.by_name.items():
        if name in new.by_name:
            yield from _of_field(f"{path}.{name}", field, new.by_name[name])
        else:
            yield from _only_in_one(f"{path}.{name}", field, "removed", open_content)
    for name, field in new.by_name.items():
        if name not in old.by_name:
            yield from _only_in_one(f"{path}.{name}", field, "added", open_content)


def _only_in_one(path: str, field: Field, verb: str, open_content: bool) -> Iterator[Break]:
    """A field that one side writes and the other does not know, or misses."""
    knows: Direction = "backward" if verb == "added" else "forward"
    other: Direction = "forward" if verb == "added" else "backward"
    if field.required:
        version = "old" if verb == "added" else "new"
        what = f"a required field is {verb}: what was written under the {version} version lacks it"
        yield _broken(path, (knows,), what)
    if not open_content:
        version = "old" if verb == "added" else "new"
        what = f"a field is {verb}: a reader of the {version} version refuses the unknown name"
        yield _broken(path, (other,), what)


def _of_field(path: str, old: Field, new: Field) -> Iterator[Break]:
    if old.kind != new.kind:
        yield _broken(path, _BOTH, f"the kind changes from {old.kind} to {new.kind}")
        return
    if (old.unit, old.scale) != (new.unit, new.scale):
        what = f"the unit changes from {_unit(old)} to {_unit(new)}: numbers mean something else"
        yield _broken(path, _BOTH, what)
    if old.required != new.required:
        now = "required" if new.required else "optional"
        yield _broken(path, ("backward" if new.required else "forward",), f"it becomes {now}")
    for name, before, after in _ranges(old, new):
        yield from _of_range(path, name, before, after)
    yield from _of_choices(path, old, new)


def _ranges(
    old: Field, new: Field
) -> Iterator[tuple[str, tuple[float, float], tuple[float, float]]]:
    if old.kind == "text":
        lengths = [max(map(len, f.choices), default=f.length_max) for f in (old, new)]
        # A closed set of values says more than a length, unless the other side cannot hold them.
        closed = [length for f, length in zip((old, new), lengths, strict=True) if f.choices]
        if not closed or (len(closed) == 1 and closed[0] > min(lengths)):
            yield "length", (0, lengths[0]), (0, lengths[1])
    elif old.kind != "bool" and old.kind != "time":
        yield "range", _bounds(old), _bounds(new)


def _of_range(
    path: str, name: str, old: tuple[float, float], new: tuple[float, float]
) -> Iterator[Break]:
    narrower = new[0] > old[0] or new[1] < old[1]
    wider = new[0] < old[0] or new[1] > old[1]
    judged: tuple[tuple[Direction, bool], ...] = (("backward", narrower), ("forward", wider))
    directions = tuple(direction for direction, broken in judged if broken)
    if directions:
        yield _broken(path, directions, f"the {name} changes from {_span(old)} to {_span(new)}")


def _of_choices(path: str, old: Field, new: Field) -> Iterator[Break]:
    if old.choices == new.choices:
        return
    gone, come = set(old.choices) - set(new.choices), set(new.choices) - set(old.choices)
    if new.choices and (gone or not old.choices):
        what = f"values are no longer allowed: {_listed(sorted(gone)) if gone else 'all others'}"
        yield _broken(path, ("backward",), what)
    if old.choices and (come or not new.choices):
        what = f"values are allowed anew: {_listed(sorted(come)) if come else 'any'}"
        yield _broken(path, ("forward",), what)


def _bounds(field: Field) -> tuple[float, float]:
    most = math.inf if field.kind == "real" else MINOR_MAX
    return (
        -most if field.low is None else field.low,
        most if field.high is None else field.high,
    )


def _unit(field: Field) -> str:
    unit = field.unit or "no unit"
    return f"{unit} at scale {field.scale}" if field.kind == "decimal" else unit


def _span(bounds: tuple[float, float]) -> str:
    return f"{bounds[0]}..{bounds[1]}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _broken(path: str, directions: tuple[Direction, ...], what: str) -> Break:
    return Break(path=path, breaks=directions, what=what)
