"""Laws of the model room, each against an oracle that shares no code with it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.models.calibrate import fit_calibrator, pool_adjacent_violators
from assay.models.maturity import arrived_by
from assay.models.metrics import auc, average_precision, card_precision_at_k, ks, recall_at_budget
from assay.models.stability import Bins, psi
from assay.models.text import TextModel, fold
from assay.models.thresholds import CostRates, choose_bands, play_bands

# Few distinct scores, so that ties are common and not one in a million.
rows = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=40)
both = rows.filter(lambda r: len({label for _, label in r}) == 2)


def _columns(
    pairs: list[tuple[int, bool]],
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.int8]]]:
    return (
        np.array([score / 6 for score, _ in pairs]),
        np.array([label for _, label in pairs], dtype=np.int8),
    )


@given(pairs=both)
def test_auc_is_the_share_of_pairs_in_the_right_order(pairs: list[tuple[int, bool]]) -> None:
    wins = [
        1.0 if fraud > good else 0.5 if fraud == good else 0.0
        for fraud, is_fraud in pairs
        if is_fraud
        for good, other in pairs
        if not other
    ]
    scores, labels = _columns(pairs)
    assert auc(scores, labels) == sum(wins) / len(wins)
    assert abs(auc(-scores, labels) - (1 - auc(scores, labels))) < 1e-12


@given(pairs=both)
def test_ks_is_the_largest_gap_at_any_cut(pairs: list[tuple[int, bool]]) -> None:
    frauds = [score for score, label in pairs if label]
    goods = [score for score, label in pairs if not label]
    gaps = [
        abs(sum(f <= cut for f in frauds) / len(frauds) - sum(g <= cut for g in goods) / len(goods))
        for cut in range(7)
    ]
    assert abs(ks(*_columns(pairs)) - max(gaps)) < 1e-12


@given(pairs=both)
def test_average_precision_is_precision_summed_over_recall_steps(
    pairs: list[tuple[int, bool]],
) -> None:
    total, caught = 0.0, 0
    frauds = sum(label for _, label in pairs)
    for cut in sorted({score for score, _ in pairs}, reverse=True):
        flagged = [label for score, label in pairs if score >= cut]
        total += (sum(flagged) - caught) / frauds * sum(flagged) / len(flagged)
        caught = sum(flagged)
    assert abs(average_precision(*_columns(pairs)) - total) < 1e-12


@given(
    pairs=both, days=st.lists(st.integers(0, 2), min_size=40, max_size=40), budget=st.integers(1, 5)
)
def test_recall_takes_the_riskiest_of_each_day_and_the_first_of_equals(
    pairs: list[tuple[int, bool]], days: list[int], budget: int
) -> None:
    day = days[: len(pairs)]
    found = 0
    for today in set(day):
        held = [(-s, i, y) for i, (s, y) in enumerate(pairs) if day[i] == today]
        found += sum(y for _, _, y in sorted(held)[:budget])
    scores, labels = _columns(pairs)
    wanted = found / sum(label for _, label in pairs)
    assert recall_at_budget(scores, labels, np.array(day), budget) == wanted


@given(
    pairs=rows,
    cards=st.lists(st.integers(0, 4), min_size=40, max_size=40),
    days=st.lists(st.integers(0, 2), min_size=40, max_size=40),
    k=st.integers(1, 4),
)
def test_card_precision_never_finds_a_card_twice(
    pairs: list[tuple[int, bool]], cards: list[int], days: list[int], k: int
) -> None:
    scores, labels = _columns(pairs)
    card, day = np.array(cards[: len(pairs)]), np.array(days[: len(pairs)])
    share = card_precision_at_k(scores, labels, card, day, k)
    bad = {c for c, (_, y) in zip(cards, pairs, strict=False) if y}
    assert share * k * len(set(day.tolist())) <= len(bad) + 1e-9


@given(pairs=rows)
def test_blocks_are_the_greatest_convex_minorant(pairs: list[tuple[int, bool]]) -> None:
    """The isotonic fit at x is the max over starts of the min over ends of the mean between."""
    scores, labels = _columns(pairs)
    levels = sorted(set(scores.tolist()))
    blocks = pool_adjacent_violators(scores, labels)
    for place, level in enumerate(levels):
        best = max(
            min(
                float(labels[(scores >= levels[low]) & (scores <= levels[high])].mean())
                for high in range(place, len(levels))
            )
            for low in range(place + 1)
        )
        mine = next(b for b in blocks if b.low <= level <= b.high)
        assert abs(mine.frauds / mine.rows - best) < 1e-12


@given(
    pairs=rows,
    asked=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30),
)
def test_calibrated_probabilities_never_fall_and_never_reach_zero_or_one(
    pairs: list[tuple[int, bool]], asked: list[float]
) -> None:
    map_ = fit_calibrator(*_columns(pairs))
    found = [map_(raw) for raw in sorted(asked)]
    assert found == sorted(found)
    assert all(0 < p < 1 for p in found)
    assert found == map_.rows(np.array(sorted(asked))).tolist()


@settings(max_examples=60)
@given(
    cases=st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 900), st.integers(0, 2)),
        min_size=1,
        max_size=14,
    ),
    capacity=st.integers(0, 3),
)
def test_no_pair_of_bands_is_cheaper_and_no_day_over_capacity(
    cases: list[tuple[int, int, int]], capacity: int
) -> None:
    cases = sorted(cases, key=lambda case: case[2])
    probability = np.array([p / 5 for p, _, _ in cases])
    amount, day = np.array([a for _, a, _ in cases]), np.array([d for _, _, d in cases])
    costs = CostRates(
        fraud_share=1.0, fraud_fixed=20, block_share=0.3, block_fixed=30, review_fixed=10,
        reviewer_error=0.1,
    )  # fmt: skip
    found = choose_bands(probability, amount, day, costs, capacity)
    assert all(choice.reviews_per_day_max <= capacity for choice in found.table)
    for review_at in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        for block_at in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
            if review_at in probability and block_at in probability and review_at <= block_at:
                for way in ("approve", "block"):
                    other, _ = play_bands(
                        probability, amount, day, costs, (review_at, block_at, capacity, way)
                    )  # fmt: skip
                    assert found.expected_cost <= other.expected_cost + 1e-6


@given(
    before=st.lists(st.integers(0, 50), min_size=2, max_size=8),
    now=st.lists(st.integers(0, 50), min_size=8, max_size=8),
)
def test_psi_is_never_negative_and_the_same_both_ways(before: list[int], now: list[int]) -> None:
    p, q = np.array(before) + 1, np.array(now[: len(before)]) + 1
    assert psi(p, q) >= 0
    assert abs(psi(p, q) - psi(q, p)) < 1e-12
    assert psi(p, p) == 0


@given(values=st.lists(st.one_of(st.integers(0, 9), st.just(None)), max_size=50))
def test_every_row_falls_into_exactly_one_bin(values: list[int | None]) -> None:
    column = np.array([np.nan if v is None else float(v) for v in values], dtype=np.float64)
    bins = Bins.quantiles(np.arange(10.0), 4)
    assert bins.counts(column).sum() == len(values)
    assert bins.counts(column)[-1] == values.count(None)


@given(cases=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=30))
def test_shares_of_arrived_labels_rise_to_one(cases: list[tuple[int, int]]) -> None:
    delay = np.array([d for d, _ in cases])
    watched = delay + np.array([w for _, w in cases])
    shares = arrived_by(delay, watched, np.arange(14))
    assert (np.diff(shares) >= -1e-12).all()
    assert shares[-1] == 1.0
    assert shares.min() >= 0.0


MODEL = TextModel.fit(
    ["pay by bank transfer", "wire me the money", "see you soon", "is there parking"],
    [1, 1, 0, 0],
    seed=3,
)


@given(text=st.text(max_size=300))
def test_any_text_has_a_score_inside_zero_and_one(text: str) -> None:
    assert 0.0 < MODEL.score(text) < 1.0
    assert fold(text).startswith(" ")


@given(text=st.text(st.characters(max_codepoint=126, min_codepoint=32), max_size=200))
def test_case_and_outer_space_never_change_the_score_of_plain_text(text: str) -> None:
    assert MODEL.score(text.upper()) == MODEL.score(f"  {text.lower()} ")
