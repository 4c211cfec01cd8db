"""What does the approved model say about one request? Loaded from verified bytes, bit for bit."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from assay.core.canonical import digest_bytes
from assay.core.errors import Corrupt
from assay.models.bundle import CALIBRATOR, MANIFEST, MODEL, TEXT_MODEL, Manifest, verify_bundle
from assay.models.calibrate import Calibrator
from assay.models.forest import Forest
from assay.models.score import Score
from assay.models.text import TextModel


class Scorer:
    """A model ready to score. Make one per thread (``twin``); sharing one is correct but waits.

    ``digest`` names the model; ``inputs`` are the feature names in the order of a row;
    ``text_model`` is the message model that belongs to it, None when it has none.
    """

    def __init__(self, manifest: Manifest, digest: str, text: str, calibrator: Calibrator) -> None:
        self.manifest, self.digest = manifest, digest
        self.inputs = manifest.features
        self.text_model: TextModel | None = None
        self._text, self._calibrator = text, calibrator
        self._forest = Forest(text)
        if self._forest.width != len(self.inputs):
            raise Corrupt(
                f"{MODEL} takes {self._forest.width} inputs, {MANIFEST} names {len(self.inputs)}"
            )

    @property
    def width(self) -> int:
        """How many inputs a row has."""
        return len(self.inputs)

    @classmethod
    def load(cls, files: Mapping[str, bytes], *, expected: str | None = None) -> "Scorer":
        """The scorer of a bundle, after every byte was checked.

        Args:
            files: file name to bytes, as ``Bundle.files`` or ``read_bundle`` give them.
            expected: digest of the approved model. Pass it wherever one is known: without it a
                consistently rewritten bundle cannot be told from the original.

        Raises:
            Corrupt: a file is missing, unexpected, changed or unreadable; the message names it.
            ForestUnavailable: LightGBM cannot be used.
        """
        manifest = verify_bundle(files, expected)
        for name in (MODEL, CALIBRATOR):
            if name not in files:
                raise Corrupt(f"the model bundle has no {name}")
        calibrator = Calibrator.from_bytes(files[CALIBRATOR])
        scorer = cls(manifest, digest_bytes(files[MANIFEST]), files[MODEL].decode(), calibrator)
        if TEXT_MODEL in files:
            scorer.text_model = TextModel.from_bytes(files[TEXT_MODEL])
        return scorer

    def twin(self) -> "Scorer":
        """Another scorer of the same model with its own handle, for another thread."""
        other = Scorer(self.manifest, self.digest, self._text, self._calibrator)
        other.text_model = self.text_model
        return other

    def score(self, row: NDArray[np.float64]) -> Score:
        """The score of one row in ``inputs`` order, shape ``(k,)``; NaN is "not known".

        Raises:
            Invalid: the row has another shape or type.
        """
        raw = self._forest.raw(row)
        return Score(raw, self._calibrator(raw))

    def contributions(
        self, row: NDArray[np.float64], top: int = 5
    ) -> tuple[tuple[str, float], ...]:
        """The ``top`` inputs by size of their part in the log-odds, largest first.

        Ties are in input order. ``breakdown`` gives all of them and the base.
        """
        parts = self._forest.contributions(row)[:-1]
        order = np.argsort(-np.abs(parts), kind="stable")[:top]
        return tuple((self.inputs[place], float(parts[place])) for place in order)

    def breakdown(self, row: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        """Every input's part in the log-odds (in ``inputs`` order) and the base."""
        parts = self._forest.contributions(row)
        return parts[:-1], float(parts[-1])

    def breakdown_rows(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """``breakdown`` of rows of shape ``(n, k)``: shape ``(n, k + 1)``, the base last."""
        return self._forest.contribution_rows(rows)

    def score_rows(
        self, rows: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Raw scores and probabilities of rows of shape ``(n, k)``, bit for bit as ``score``."""
        raw = self._forest.raw_rows(rows)
        return raw, self._calibrator.rows(raw)
