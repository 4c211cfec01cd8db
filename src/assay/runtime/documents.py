"""How does a document become a file? HTML and PDF from one template each, the same bytes again."""

from functools import cache
from importlib.resources import files

import jinja2
import markupsafe
import msgspec
import typst

from assay import __version__
from assay.core.canonical import digest, digest_bytes
from assay.core.errors import Unavailable
from assay.core.evidence import Evidence
from assay.governance.document import Document
from assay.governance.page import page

_HTML, _TYPST = "document.html", "document.typ"


class CannotPrint(Unavailable):
    """The PDF could not be made from a template of ours."""

    code = "cannot_print"


class Printed(msgspec.Struct, frozen=True):
    """A document as files."""

    html: bytes
    pdf: bytes


def printed(document: Document) -> Printed:
    """The document as HTML and as PDF: the same document always gives the same bytes.

    Raises:
        CannotPrint: Typst refused the template.
    """
    data = page(document)
    html = _environment().from_string(_template(_HTML)).render(data).encode()
    try:
        pdf = typst.compile(
            _template(_TYPST).encode(),
            format="pdf",
            sys_inputs={"document": msgspec.json.encode(data).decode()},
            ignore_system_fonts=True,
            # Metadata carries the document's date; "now" would make every print another file.
            timestamp=document.at // 1_000_000,
        )
    except (RuntimeError, typst.TypstError) as error:
        raise CannotPrint(f"{document.title!r} could not be set as PDF: {error}") from error
    return Printed(html, bytes(pdf))


def document_evidence(document: Document, files_made: Printed, at: int) -> Evidence:
    """What is filed about a document: its bytes by digest, and what it was rendered from."""
    return Evidence(
        test=f"document.{document.kind}",
        subject=document.subject,
        title=f"{document.title}: {document.subtitle}",
        value=digest_bytes(files_made.pdf),
        verdict="info",
        code=digest({"version": __version__, "html": _template(_HTML), "typst": _template(_TYPST)}),
        data=document.basis,
        at=at,
        parameters={
            "html": digest_bytes(files_made.html),
            "results rendered": len(document.evidence),
        },
    )


@cache
def _template(name: str) -> str:
    return (files("assay.governance.templates") / name).read_text("utf-8")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["drawing"] = _drawing
    return environment


def _drawing(svg: str) -> markupsafe.Markup:
    """Charts are markup of ours: text inside them was escaped when they were drawn."""
    return markupsafe.Markup(svg)  # noqa: S704  # see above
