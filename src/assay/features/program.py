"""What does a sweep do for one look-up of a plan? Slots and features, as arrays of integers."""

from typing import NamedTuple

import numpy as np

from assay.features.layout import (
    AGGREGATE,
    CAP,
    DISTINCT,
    DISTINCTS,
    HIGHEST,
    LOWEST,
    SAMPLE_WORDS,
    SQUARES,
    SUM,
    Ints,
)
from assay.features.placed import TIMES
from assay.features.plan import NO_COLUMN, Lane, Plan

#: Words of a slot: its span; its lane (that of times: every event counts); how much it counts; what
#: else it needs; whether a feature counts the request in; the lines that hold the running totals of
#: its lane, the numbers of its values (-1: they are not told apart), their counts, its first queue
#: and its values in order; its samples, how many, and the count from which they are needed; its
#: features from and up to.
(
    SPAN, LANE, COUNTING, NEED, INCLUDES, RUNNING, NUMBERING, COUNTED, QUEUE,
    ORDERED, SAMPLES, SAMPLE_COUNT, SAMPLE_FROM, FIRST, STOP,
) = range(15)  # fmt: skip
SLOT_WORDS = 15
#: Words of a span: its window, what its end is rounded down to (0: nothing), whether events at T
#: are in it, and how far its edges have come.
WINDOW, EVERY, TIED, LOW_AT, HIGH_AT = range(5)
SPAN_WORDS = 5
#: How much a slot counts: events whatever they hold if its rows are short, those with a value,
#: these and their sum, and the sum of their squares too. The numbers are the lines this takes.
AT_MOST, EVENTS, TOTALS, POWERS = 0, 1, 3, 7
#: Words of a feature: what an operation does after its slot, and its column of the frame.
FEATURE_WORDS = 7


class Program(NamedTuple):
    """What to sweep.

    ``added`` lists lanes that are added up, with how much of each; their lines come first.
    ``numbered`` lists lanes whose values are told apart; theirs come next. ``lines`` as long as
    the events swept together are needed for these, counts and queues. ``samples`` are what is
    computed from a window's values, which needs ``work_words``; a slot has ``slot_words``.
    """

    spans: Ints
    slots: Ints
    features: Ints
    added: Ints
    numbered: Ints
    samples: Ints
    lines: int
    slot_words: int
    work_words: int


def features_of(plan: Plan, group: int) -> list[int]:
    """The places of the features that select their entity the same way, in catalog order."""
    groups = [slot.group for slot in plan.slots]
    return [at for at, slot in enumerate(plan.operations[:, 0].tolist()) if groups[slot] == group]


def lanes_of(plan: Plan, group: int) -> dict[int, int]:
    """The lanes of the group's table that it reads, numbered from 1; not the one of every event."""
    table = plan.tables[plan.groups[group].table]
    read = sorted({slot.lane for slot in plan.slots if slot.group == group})
    kept = [lane for lane in read if table.lanes[lane] != Lane(NO_COLUMN, -1)]
    return {lane: number for number, lane in enumerate(kept, start=1)}


def program_of(plan: Plan, group: int, columns: dict[int, int]) -> Program:
    """The program of a group; ``columns`` gives each of its features a column of the frame."""
    lanes = lanes_of(plan, group)
    spans: dict[tuple[int, int, int], int] = {}
    added, numbered = _added(plan, group, lanes), _numbered(plan, group, lanes)
    running = dict(zip(added, np.cumsum([0, *added.values()]).tolist(), strict=False))
    first_number = sum(added.values())
    lines = first_number + len(numbered)
    slots, features, samples = [], list[list[int]](), list[int]()
    for at, slot in enumerate(plan.slots):
        if slot.group != group:
            continue
        need, first, sampled = plan.slot_needs[at], len(features), plan.samples[at].tolist()
        features += _features(plan, at, columns)
        lane, apart = lanes.get(slot.lane, TIMES), int(bool(need & DISTINCT))
        queues = 2 if need & (LOWEST | HIGHEST) else 0
        span = slot.window, slot.every, int(slot.tied)
        slots.append([
            spans.setdefault(span, len(spans)), lane, _counting(plan, at), need,
            int(any(item[1] for item in features[first:])), running.get(lane, -1),
            first_number + numbered.index(lane) if apart else -1, lines, lines + apart,
            lines + apart + queues, len(samples), len(sampled) // SAMPLE_WORDS,
            _sampled_from(sampled), first, len(features),
        ])  # fmt: skip
        samples += sampled
        lines += apart + queues + int(bool(sampled))
    return Program(
        spans=_table([(*span, 0, 0) for span in spans], SPAN_WORDS),
        slots=_table(slots, SLOT_WORDS),
        features=_table(features, FEATURE_WORDS),
        added=_table(list(added.items()), 2),
        numbered=np.array(numbered, np.int64),
        samples=np.array(samples, np.int64),
        lines=lines,
        slot_words=plan.slot_words,
        work_words=plan.work_words,
    )


def _features(plan: Plan, slot: int, columns: dict[int, int]) -> list[list[int]]:
    """What is made of a slot: how, and the column it goes to."""
    found = np.flatnonzero(plan.operations[:, 0] == slot).tolist()
    return [[*plan.operations[feature, 1:].tolist(), columns[feature]] for feature in found]


def _counting(plan: Plan, slot: int) -> int:
    """How much a slot must count; for different values only whether that exceeds a cap."""
    need, made = plan.slot_needs[slot], plan.operations[plan.operations[:, 0] == slot]
    if need & SQUARES:
        return POWERS
    if need & SUM:
        return TOTALS
    return AT_MOST if np.all(made[:, 1] == DISTINCTS) else EVENTS


def _added(plan: Plan, group: int, lanes: dict[int, int]) -> dict[int, int]:
    """The lanes that are added up, and how much of each; those of slots that may need it."""
    added: dict[int, int] = {}
    for at, slot in enumerate(plan.slots):
        lane = lanes.get(slot.lane, TIMES)
        if slot.group == group and lane != TIMES:
            added[lane] = max(added.get(lane, EVENTS), _counting(plan, at))
    return added


def _sampled_from(samples: list[int]) -> int:
    """The count from which samples are needed: below its cap, different values are counted."""
    found = [samples[at : at + SAMPLE_WORDS] for at in range(0, len(samples), SAMPLE_WORDS)]
    return min((s[CAP] if s[AGGREGATE] == DISTINCTS else 0 for s in found), default=0)


def _numbered(plan: Plan, group: int, lanes: dict[int, int]) -> list[int]:
    """The lanes whose values are told apart."""
    pairs = zip(plan.slots, plan.slot_needs, strict=True)
    found = [lanes[s.lane] for s, need in pairs if s.group == group and need & DISTINCT]
    return list(dict.fromkeys(found))


def _table(rows: object, width: int) -> Ints:
    return np.array(rows, np.int64).reshape(-1, width)
