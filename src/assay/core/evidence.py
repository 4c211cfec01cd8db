"""The result of a test, in the one shape that documents and the gate understand."""

from typing import Literal

import msgspec

from assay.core.canonical import digest

Verdict = Literal["pass", "fail", "info"]


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One number (or fact), how it was obtained, and whether it is within its limit.

    ``test`` is a stable dotted id such as ``performance.auc``; ``subject`` is the digest of what
    was tested; ``value`` is None when the test could not be computed, and ``note`` says why.
    ``low`` and ``high`` bound the interval at ``confidence``. ``limit`` is the rule in words that
    ``verdict`` was judged by (``>= 0.70``). ``rows`` is the sample size.
    """

    test: str
    subject: str
    title: str
    value: float | int | str | bool | None
    verdict: Verdict
    code: str
    data: str
    at: int
    unit: str = ""
    low: float | None = None
    high: float | None = None
    confidence: float | None = None
    limit: str = ""
    rows: int | None = None
    seed: int | None = None
    parameters: dict[str, str | int | float | bool] = {}
    table: tuple[dict[str, str | int | float | bool | None], ...] = ()
    note: str = ""

    @property
    def id(self) -> str:
        """The content hash: two equal results have one id, any change makes another."""
        return digest(self)
