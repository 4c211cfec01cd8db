"""How much does a message read like fraud? Logistic regression on hashed character n-grams.

Weights are whole numbers on a power-of-two grid: their sum is exact in any order, and what follows
(one square root, one division, one ``logistic``) is fixed by IEEE 754. The same text and weights
therefore give the same score, bit for bit, on every machine.
"""

import hashlib
import struct
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cached_property
from math import sqrt
from typing import Self

import numpy as np
from numpy.typing import NDArray

from assay.core.canonical import digest_bytes
from assay.core.errors import Corrupt, Invalid
from assay.models.descent import minimise
from assay.models.logistic import logistic

#: Characters of a message that are read; the rest cannot change the score (nor its cost).
LENGTH_MAX = 1_000
_SHORTEST, _LONGEST = 3, 5
_BUCKET_BITS = 16
_HEADER = struct.Struct("<8sQbi")
_MAGIC = b"assaytm1"
_BIAS_GRID = 2**16
_PRIME = np.uint64(0x100000001B3)  # FNV-1a's; any odd multiplier of that size would do
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: Fibonacci hashing
_TO_BUCKET = np.uint64(64 - _BUCKET_BITS)
_HALF = np.uint64(32)


class TextModel:
    """A fitted message model: ``score(text)`` is a probability-like number in (0, 1).

    Case, width variants, runs of white space and invisible characters are folded away, and all
    digits read as 0, so that a telephone number looks like every other one.
    """

    def __init__(self, weights: NDArray[np.int16], exponent: int, bias: int, salt: int) -> None:
        if weights.shape != (2**_BUCKET_BITS,):
            raise Invalid(f"expected {2**_BUCKET_BITS} weights, got shape {weights.shape}")
        self._weights = weights.astype(np.int64)
        self._exponent, self._bias, self._salt = exponent, bias, salt
        self._start = np.uint64(salt)

    @classmethod
    def fit(cls, texts: Sequence[str], labels: Sequence[int] | NDArray[np.int8], seed: int) -> Self:
        """Fit on messages and their labels (1 fraud, 0 good); full batch, so order is no matter.

        Args:
            texts: one message each; equal ones are counted, not repeated.
            labels: 0 or 1, as many as texts; both must occur.
            seed: chooses the hash function.

        Raises:
            Invalid: lengths differ, or one class is missing.
        """
        frauds, rows = _counted(texts, labels)
        if not 0 < sum(frauds.values()) < sum(rows.values()):
            raise Invalid("expected messages of both classes to fit a text model on")
        salt = int.from_bytes(hashlib.sha256(f"text {seed}".encode()).digest()[:8], "little")
        unique = sorted(rows)
        weights, bias = _solve(
            [_buckets(text, np.uint64(salt)) for text in unique],
            np.array([frauds[text] for text in unique], dtype=np.float64),
            np.array([rows[text] for text in unique], dtype=np.float64),
        )
        top = float(np.abs(weights).max())
        exponent = 12
        while top * 2**exponent > 32_767:
            exponent -= 1
        grid = np.rint(weights * 2.0**exponent).astype(np.int16)
        return cls(grid, exponent, round(bias * _BIAS_GRID), salt)

    def score(self, text: str) -> float:
        """How much the text reads like the fraudulent ones, in (0, 1)."""
        return logistic(self.log_odds(text))

    def log_odds(self, text: str) -> float:
        """The same before the logistic: bias plus the mean weight of the n-grams, rescaled."""
        buckets = _buckets(fold(text), self._start)
        total = int(self._weights.take(buckets).sum())
        normed: float = total / 2**self._exponent / sqrt(max(buckets.size, 1))
        return self._bias / _BIAS_GRID + normed

    def telling(self, text: str, top: int = 5) -> tuple[tuple[str, float], ...]:
        """The n-grams that speak most for fraud, with their part in the log-odds."""
        folded = fold(text)
        buckets = _buckets(folded, self._start)
        if not buckets.size:
            return ()
        parts = self._weights.take(buckets) / 2**self._exponent / sqrt(buckets.size)
        grams = [
            folded[start : start + size]
            for size in range(_SHORTEST, _LONGEST + 1)
            for start in range(len(folded) - size + 1)
        ]
        summed: dict[str, float] = {}
        for gram, part in zip(grams, parts.tolist(), strict=True):
            summed[gram] = summed.get(gram, 0.0) + part
        best = sorted(summed.items(), key=lambda item: (-item[1], item[0]))
        return tuple((gram, part) for gram, part in best[:top] if part > 0)

    def to_bytes(self) -> bytes:
        """Header and little-endian 16-bit weights."""
        header = _HEADER.pack(_MAGIC, self._salt, self._exponent, self._bias)
        return header + self._weights.astype("<i2").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The model that ``to_bytes`` wrote.

        Raises:
            Corrupt: the bytes are not one.
        """
        if len(data) != _HEADER.size + 2 * 2**_BUCKET_BITS or not data.startswith(_MAGIC):
            raise Corrupt(f"expected a text model of format {_MAGIC.decode()}, got other bytes")
        _, salt, exponent, bias = _HEADER.unpack_from(data)
        return cls(np.frombuffer(data, "<i2", offset=_HEADER.size), exponent, bias, salt)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of ``to_bytes``."""
        return digest_bytes(self.to_bytes())


def fold(text: str) -> str:
    r"""The text as the model reads it, between two spaces.

    Example:
        >>> fold("Pay  at\u200b ＷＷＷ.X1.com")
        ' pay at www.x0.com '
    """
    text = text[:LENGTH_MAX]
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKC", text) if not _invisible(c))
    folded = " ".join(text.casefold().translate(_DIGITS).split())
    return f" {folded[:LENGTH_MAX]} "


_DIGITS = str.maketrans("123456789", "000000000")


def _invisible(character: str) -> bool:
    return unicodedata.category(character) == "Cf"


def _buckets(folded: str, salt: np.uint64) -> NDArray[np.int64]:
    """The bucket of every n-gram, shortest n-grams first, each in text order."""
    codes = np.frombuffer(folded.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    codes += salt
    rolling = codes
    found = []
    for size in range(2, min(_LONGEST, codes.size) + 1):
        rolling = rolling[:-1] * _PRIME + codes[size - 1 :]
        if size >= _SHORTEST:
            found.append(rolling)
    if not found:
        return np.empty(0, dtype=np.int64)
    hashed = np.concatenate(found)
    hashed ^= hashed >> _HALF
    hashed *= _MIX
    return (hashed >> _TO_BUCKET).astype(np.int64)


def _counted(
    texts: Iterable[str], labels: Sequence[int] | NDArray[np.int8]
) -> tuple[dict[str, int], dict[str, int]]:
    """Frauds and rows per folded text."""
    frauds: dict[str, int] = {}
    rows: dict[str, int] = {}
    try:
        for text, label in zip(texts, labels, strict=True):
            folded = fold(text)
            rows[folded] = rows.get(folded, 0) + 1
            frauds[folded] = frauds.get(folded, 0) + int(label)
    except ValueError as error:
        raise Invalid(f"expected one label per text: {error}") from error
    return frauds, rows


def _solve(
    buckets: list[NDArray[np.int64]], frauds: NDArray[np.float64], rows: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Weights and bias that minimise the penalised mean log loss."""
    from scipy.sparse import csr_array

    sizes = np.array([found.size for found in buckets])
    inputs = csr_array(
        (
            np.repeat(1.0 / np.sqrt(np.maximum(sizes, 1)), sizes),
            np.concatenate(buckets),
            np.concatenate([[0], np.cumsum(sizes)]),
        ),
        shape=(sizes.size, 2**_BUCKET_BITS),
    )
    inputs.sum_duplicates()
    turned = inputs.T.tocsr()
    total = float(rows.sum())

    def loss(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = inputs @ point[:-1] + point[-1]
        # log(1 + e^m) without overflow, summed pairwise by numpy in a fixed order.
        value = (rows * np.logaddexp(0.0, margin) - frauds * margin).sum() / total
        part = (rows / (1.0 + np.exp(-margin)) - frauds) / total
        slope = np.append(turned @ part + _PENALTY * point[:-1], part.sum())
        return float(value + 0.5 * _PENALTY * np.square(point[:-1]).sum()), slope

    start = np.zeros(2**_BUCKET_BITS + 1)
    base = frauds.sum() / total
    start[-1] = np.log(base / (1 - base))
    point = minimise(loss, start, rounds=40)
    return point[:-1], float(point[-1])


#: Ridge penalty per unit of squared weight: weak, so that rare phrases may speak. Not tuned; the
#: trees that read the score decide what it is worth.
_PENALTY = 1e-5
