"""What is a document made of? Sections of blocks in which every number says where it comes from.

There are no free numbers: prose holds none, a cited number carries the id of its evidence and a
fact names the record it was read from. The same value is rendered to HTML and to PDF, so the two
cannot differ.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from assay.core.canonical import digest
from assay.core.errors import Invalid, shown
from assay.core.evidence import Evidence

Tone = Literal["good", "bad", "note"]
Kind = Literal["model_card", "validation_report", "fairness_audit"]

#: Names of rules and standards may hold digits; they are words, not measurements.
_NAMES = re.compile(r"SR 26-2|OCC 2026-13|SHA-256|RFC 6962|ISO 4217")
_DIGIT = re.compile(r"\d")
_SHORT = 8


class EmptySection(Invalid):
    """A section has nothing to say: the document is refused, not printed with a hole."""

    code = "empty_section"


class UncitedNumber(Invalid):
    """Prose holds a number without a source."""

    code = "uncited_number"


class Text(msgspec.Struct, frozen=True, tag="text"):
    """Prose without numbers; ``strong`` sets it off.

    Raises:
        UncitedNumber: it holds a digit outside the name of a standard.
    """

    text: str
    strong: bool = False

    def __post_init__(self) -> None:
        if _DIGIT.search(_NAMES.sub("", self.text)):
            raise UncitedNumber(
                f"prose holds a number without a source: {shown(self.text)}; cite evidence "
                "or name the record it was read from"
            )


class Cited(msgspec.Struct, frozen=True, tag="cited"):
    """A number with the full id of the evidence it was read from."""

    text: str
    evidence: str

    @property
    def short(self) -> str:
        """The id as it is printed: enough to find it in the appendix."""
        return short_id(self.evidence)


class Fact(msgspec.Struct, frozen=True, tag="fact"):
    """Something read from a record (inventory, approvals, gate policy), named by ``source``."""

    text: str
    source: str


Span = Text | Cited | Fact
Line = tuple[Span, ...]


class Paragraph(msgspec.Struct, frozen=True, tag="paragraph"):
    """One paragraph."""

    line: Line


class Bullets(msgspec.Struct, frozen=True, tag="bullets"):
    """A list."""

    lines: tuple[Line, ...]


class Callout(msgspec.Struct, frozen=True, tag="callout"):
    """A sentence that must not be overlooked."""

    tone: Tone
    line: Line


class Table(msgspec.Struct, frozen=True, tag="table"):
    """A table; ``align`` holds ``l`` or ``r`` for each column.

    ``tones`` may hold ``good``, ``bad`` or nothing for each row. Cells read from the evidence
    ``source`` do not repeat its id: the caption shows it once.
    """

    caption: Line
    columns: tuple[str, ...]
    align: str
    rows: tuple[tuple[Line, ...], ...]
    tones: tuple[str, ...] = ()
    source: str = ""


class Figure(msgspec.Struct, frozen=True, tag="figure"):
    """A chart drawn from one evidence, and what it shows in words."""

    svg: str
    caption: Line
    alt: str


class KeyFigure(msgspec.Struct, frozen=True):
    """One large number: what it is, the number, what to make of it."""

    label: str
    value: Line
    meaning: str
    verdict: Literal["pass", "fail", "info"]


class KeyFigures(msgspec.Struct, frozen=True, tag="keyfigures"):
    """The few numbers a hurried reader takes away."""

    figures: tuple[KeyFigure, ...]


Block = Paragraph | Bullets | Callout | Table | Figure | KeyFigures


class Section(msgspec.Struct, frozen=True):
    """A titled part of a document."""

    title: str
    blocks: tuple[Block, ...]


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A whole document: ``evidence`` holds everything it may cite, in appendix order.

    ``front`` are label and value pairs for the title page; ``at`` is microseconds UTC.
    """

    kind: Kind
    title: str
    subtitle: str
    subject: str
    at: int
    regime: str
    front: tuple[tuple[str, Fact], ...]
    sections: tuple[Section, ...]
    evidence: tuple[Evidence, ...]

    @property
    def basis(self) -> str:
        """The digest of everything it was rendered from: its sources, not its looks."""
        return digest({"front": self.front, "evidence": [e.id for e in self.evidence]})


def checked(document: Document) -> Document:
    """The same document if it may be printed.

    Raises:
        EmptySection: a section, table or list says nothing.
        Invalid: it cites evidence that its appendix does not hold.
    """
    known = {evidence.id for evidence in document.evidence}
    if not document.sections:
        raise EmptySection(f"{document.title!r} has no section")
    for section in document.sections:
        _full(section)
        for span in _spans(section.blocks):
            if isinstance(span, Cited) and span.evidence not in known:
                raise Invalid(
                    f"section {section.title!r} cites {span.evidence}, which is not among the "
                    f"{len(known)} results of the appendix"
                )
    return document


def short_id(evidence: str) -> str:
    """The first characters of an evidence id, as printed beside a number."""
    return evidence.removeprefix("sha256:")[:_SHORT]


def cited(document: Document) -> frozenset[str]:
    """The ids of all evidence that the document cites."""
    spans = (span for section in document.sections for span in _spans(section.blocks))
    return frozenset(span.evidence for span in spans if isinstance(span, Cited))


def _full(section: Section) -> None:
    if not section.blocks:
        raise EmptySection(f"section {section.title!r} has no content")
    for block in section.blocks:
        match block:
            case Table(rows=()) | Bullets(lines=()) | KeyFigures(figures=()) | Figure(svg=""):
                raise EmptySection(
                    f"section {section.title!r} has an empty {type(block).__name__.lower()}"
                )
            case Paragraph(line=line) | Callout(line=line):
                if not any(span.text.strip() for span in line):
                    raise EmptySection(f"section {section.title!r} has an empty paragraph")
            case _:
                pass


def _spans(blocks: Iterable[Block]) -> Iterator[Span]:
    for block in blocks:
        match block:
            case Paragraph(line=line) | Callout(line=line):
                yield from line
            case Bullets(lines=lines):
                for line in lines:
                    yield from line
            case Table(caption=caption, rows=rows):
                yield from caption
                for row in rows:
                    for line in row:
                        yield from line
            case Figure(caption=caption):
                yield from caption
            case KeyFigures(figures=figures):
                for figure in figures:
                    yield from figure.value
