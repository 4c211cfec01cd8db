"""Where do a version's documents go? To the object store by digest, and to a folder for people."""

from pathlib import Path

from assay.core.evidence import Evidence
from assay.governance.card import model_card
from assay.governance.document import Document
from assay.governance.facts import Facts
from assay.governance.fairness_audit import fairness_audit
from assay.governance.validation_report import Opinion, validation_report
from assay.runtime.clock import wall_time
from assay.runtime.documents import document_evidence, printed
from assay.runtime.ports import ObjectStore


class Shelf:
    """Renders documents from what is on file about a version, stores them, and says so.

    Each method returns the evidence that the document exists; filing it is the caller's act.

    Args:
        objects: receives the bytes of both forms.
        folder: receives copies under readable names.
        currency: of the amounts in the evidence.
    """

    def __init__(self, objects: ObjectStore, folder: Path, *, currency: str) -> None:
        self._objects, self._folder, self._currency = objects, folder, currency

    def model_card(self, facts: Facts) -> Evidence:
        """What the model is for, how good it is, and where it ends."""
        now = wall_time()
        return self._put(facts, model_card(facts, _on_file(facts), at=now, currency=self._currency))

    def fairness_audit(self, facts: Facts) -> Evidence:
        """Who is treated differently, and by how much."""
        return self._put(facts, fairness_audit(facts, _on_file(facts), at=wall_time()))

    def validation_report(self, facts: Facts, opinion: Opinion) -> Evidence:
        """What somebody independent found, and concludes."""
        now = wall_time()
        document = validation_report(
            facts, _on_file(facts), opinion, at=now, currency=self._currency
        )
        return self._put(facts, document)

    def _put(self, facts: Facts, document: Document) -> Evidence:
        made = printed(document)
        self._folder.mkdir(parents=True, exist_ok=True)
        stem = f"{facts.record.key.replace('@', '-')}-{document.kind.replace('_', '-')}"
        for data, ending in ((made.html, "html"), (made.pdf, "pdf")):
            self._objects.put(data)
            (self._folder / f"{stem}.{ending}").write_bytes(data)
        return document_evidence(document, made, document.at)


def _on_file(facts: Facts) -> list[Evidence]:
    return [filed.evidence for filed in facts.filed]
