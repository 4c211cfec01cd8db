"""Under which guidance is a document written, and as of when? Dated data, never a promise.

A document says that evidence is aligned with a guidance; whether an institution meets it is for
the institution and its supervisor to say.
"""

import msgspec

from assay.governance.document import Fact, Line, Text


class Regime(msgspec.Struct, frozen=True, kw_only=True):
    """One guidance as it stood: ``effective_from`` and ``superseded_by`` date it."""

    id: str
    name: str
    issued_by: str
    effective_from: str
    superseded_by: str
    status: str

    @property
    def label(self) -> str:
        """How a title page names it."""
        return f"Evidence aligned with {self.name}"

    def line(self) -> Line:
        """The sentence every document ends its summary with."""
        return (
            Text(f"The evidence is laid out to align with {self.name}, issued by "),
            Fact(f"{self.issued_by} on {self.effective_from}", f"regime {self.id}"),
            Text(f": {self.status} This document states evidence, not conformity."),
        )


US_SR_26_2 = Regime(
    id="us-sr-26-2",
    name="SR 26-2",
    issued_by="the US banking agencies",
    effective_from="2026-04-17",
    superseded_by="",
    status="non-binding supervisory guidance on model risk that excludes generative systems.",
)
