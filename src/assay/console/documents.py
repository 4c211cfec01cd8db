"""Which documents are on file for a version, and may these bytes be shown?"""

from dataclasses import dataclass

from assay.app.platform import Platform
from assay.core.errors import NotFound
from assay.core.evidence import Evidence
from assay.governance.facts import Facts

PREFIX = "document."
#: A document comes with its own styles and no scripts; it may be framed by our own pages only.
DOCUMENT_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "font-src data:; sandbox; frame-ancestors 'self'",
    "x-frame-options": "SAMEORIGIN",
}


@dataclass(frozen=True, slots=True)
class Document:
    """One document: its forms are (name, digest) pairs whose bytes this home holds."""

    name: str
    title: str
    by: str
    at: int
    forms: tuple[tuple[str, str], ...]


def documents_of(platform: Platform, facts: Facts) -> list[Document]:
    """The documents filed for a version, the newest of each kind."""
    newest: dict[str, Document] = {}
    for filed in facts.filed:
        evidence = filed.evidence
        if evidence.test.startswith(PREFIX):
            name = evidence.test.removeprefix(PREFIX)
            forms = tuple(
                (_form(platform, digest), digest)
                for digest in _digests(evidence)
                if platform.objects.has(digest)
            )
            newest[name] = Document(name, evidence.title, filed.by, filed.at, forms)
    return list(newest.values())


def document(platform: Platform, facts: Facts, digest: str) -> tuple[bytes, str, str]:
    """The bytes, media type and file name of one form of one document of this version.

    Raises:
        NotFound: the digest is not one of this version's documents.
        Corrupt: the stored bytes are not those that were filed.
    """
    for known in documents_of(platform, facts):
        for form, held in known.forms:
            if held == digest:
                media = {"PDF": "application/pdf", "HTML": "text/html; charset=utf-8"}
                name = f"{facts.record.key.replace('@', '-')}-{known.name}.{form.lower()}"
                return platform.objects.get(digest), media.get(form, "text/plain"), name
    raise NotFound(f"{facts.record.key} has no document {digest[:80]!r}")


def model_card(documents: list[Document]) -> str | None:
    """The digest of the HTML form of the model card."""
    forms = (form for item in documents if item.name == "model_card" for form in item.forms)
    return next((digest for form, digest in forms if form == "HTML"), None)


def _digests(evidence: Evidence) -> list[str]:
    given = [evidence.value, *evidence.parameters.values()]
    return [text for text in given if isinstance(text, str) and text.startswith("sha256:")]


def _form(platform: Platform, digest: str) -> str:
    start = platform.objects.get(digest)[:64].lstrip().lower()
    if start.startswith(b"%pdf-"):
        return "PDF"
    return "HTML" if start.startswith((b"<!doctype html", b"<html")) else "Text"
