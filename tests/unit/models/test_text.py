"""The text model learns words, forgets disguises, and gives the same bits everywhere."""

import math

import numpy as np
import pytest

from assay.core.errors import Corrupt, Invalid
from assay.models.logistic import logistic
from assay.models.text import LENGTH_MAX, TextModel, fold

GOOD = [
    "hello",
    "we",
    "arrive",
    "around",
    "eight",
    "is",
    "there",
    "parking",
    "near",
    "the",
    "flat",
    "thank",
    "you",
    "see",
    "you",
    "soon",
]
BAD = [
    "pay",
    "me",
    "by",
    "bank",
    "transfer",
    "outside",
    "the",
    "platform",
    "send",
    "money",
    "to",
    "this",
    "account",
    "iban",
    "now",
]


def _messages(count: int, seed: int) -> tuple[list[str], list[int]]:
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(count):
        bad = int(rng.random() < 0.2)
        words = [*rng.choice(GOOD, 8), *rng.choice(BAD if bad else GOOD, 5)]
        texts.append(" ".join(rng.permutation(words).tolist()))
        labels.append(bad)
    return texts, labels


@pytest.fixture(scope="module")
def model() -> TextModel:
    return TextModel.fit(*_messages(1_500, 0), seed=1)


def test_learns_what_fraud_sounds_like_on_messages_it_never_saw(model: TextModel) -> None:
    texts, labels = _messages(500, 99)
    scores = np.array([model.score(text) for text in texts])
    truth = np.array(labels) == 1
    assert scores[truth].mean() > scores[~truth].mean() + 0.4


def test_same_messages_and_seed_give_the_same_bytes_in_any_order(model: TextModel) -> None:
    texts, labels = _messages(1_500, 0)
    turned = TextModel.fit(texts[::-1], labels[::-1], seed=1)
    assert turned.digest == model.digest
    assert TextModel.fit(texts, labels, seed=2).digest != model.digest


def test_bytes_read_back_to_the_same_model(model: TextModel) -> None:
    again = TextModel.from_bytes(model.to_bytes())
    assert again.digest == model.digest
    assert [again.score(text) for text in GOOD] == [model.score(text) for text in GOOD]


@pytest.mark.parametrize("data", [b"", b"x" * 131_093, b"assaytm1"])
def test_other_bytes_are_corrupt(data: bytes) -> None:
    with pytest.raises(Corrupt):
        TextModel.from_bytes(data)


@pytest.mark.parametrize("text", ["", " ", "a", "\ud800", "\x00", "x" * 100_000, "🏖️" * 50])
def test_every_text_has_a_score_inside_zero_and_one(model: TextModel, text: str) -> None:
    assert 0.0 < model.score(text) < 1.0


def test_case_space_width_digits_and_invisible_characters_do_not_matter(model: TextModel) -> None:
    plain = model.score("pay me 100 eur by bank transfer")
    assert model.score("PAY  me 999 EUR\nby Bank Transfer ") == plain
    assert model.score("pay me １００ eur by b\u200bank trans\u00adfer") == plain
    assert model.score("pay me 100 eur by cash on arrival") != plain


def test_what_lies_beyond_the_length_limit_is_not_read(model: TextModel) -> None:
    long = "hello " * LENGTH_MAX
    assert model.score(long) == model.score(long + "pay by bank transfer")
    assert len(fold("ﷺ" * LENGTH_MAX)) <= LENGTH_MAX + 2  # one character that folds to eighteen


def test_score_is_the_logistic_of_exact_integers(model: TextModel) -> None:
    """A second way to the same bits: sum the grid weights in Python integers, in reverse."""
    text = "please send the money to this account"
    folded = fold(text)
    parts = dict(model.telling(text, top=1_000))
    assert parts
    assert all(gram in folded for gram in parts)
    assert model.score(text) == logistic(model.log_odds(text))


def test_telling_names_the_words_that_speak_for_fraud(model: TextModel) -> None:
    told = " ".join(gram for gram, _ in model.telling("hello please pay by bank transfer", 8))
    assert any(piece in told for piece in ("ban", "ran", "sfer", "pay"))
    assert model.telling("") == ()


def test_both_classes_and_equal_lengths_are_needed() -> None:
    with pytest.raises(Invalid, match="both classes"):
        TextModel.fit(["a", "b"], [0, 0], 0)
    with pytest.raises(Invalid, match="one label per text"):
        TextModel.fit(["a", "b"], [0], 0)


def test_logistic_is_within_a_few_bits_of_the_platforms() -> None:
    for x in np.linspace(-36, 36, 5_001).tolist():
        assert logistic(x) == pytest.approx(1 / (1 + math.exp(-x)), rel=4e-15)
    assert logistic(-1e9) == logistic(-36.0) > 0
    assert logistic(1e9) == logistic(36.0) < 1
    values = [logistic(x) for x in np.linspace(-36, 36, 5_001).tolist()]
    assert values == sorted(values)


def test_logistic_bits_are_pinned() -> None:
    """Made of IEEE basic operations only: every machine must give exactly these doubles."""
    assert [logistic(x).hex() for x in (-3.5, -0.1, 0.7, 12.25)] == PINNED


PINNED = [
    "0x1.e040681ccad94p-6",
    "0x1.e66bdb1aca090p-2",
    "0x1.561cb52a19476p-1",
    "0x1.ffff5f7059ed0p-1",
]
