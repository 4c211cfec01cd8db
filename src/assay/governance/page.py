"""What do the templates print? A document as plain data, the same for HTML and for PDF.

Everything a template shows is text that it escapes itself (HTML) or never parses (Typst), so
nothing that evidence says can become markup.
"""

from collections import Counter
from typing import Any

from assay.core.evidence import Evidence
from assay.core.time import format_time
from assay.governance.document import (
    Block,
    Bullets,
    Callout,
    Cited,
    Document,
    Fact,
    Figure,
    KeyFigures,
    Line,
    Paragraph,
    Table,
    Text,
    short_id,
)
from assay.governance.wording import limit_text, number, say, verdict_word

_LEGEND = (
    "A grey code after a number names the result it was read from; the register at the end "
    "resolves it. Text without a code is either an explanation or read from the inventory."
)


def page(document: Document) -> dict[str, Any]:
    """The document as templates take it: dictionaries, lists and text only."""
    common = _common(document.evidence) if document.evidence else {}
    return {
        "kind": document.kind,
        "title": document.title,
        "subtitle": document.subtitle,
        "regime": document.regime,
        "date": format_time(document.at)[:10],
        "year": int(format_time(document.at)[:4]),
        "month": int(format_time(document.at)[5:7]),
        "day": int(format_time(document.at)[8:10]),
        "subject": document.subject,
        "basis": document.basis,
        "legend": _LEGEND,
        "front": [[label, fact.text] for label, fact in document.front],
        "sections": [
            {"title": section.title, "blocks": [_block(block) for block in section.blocks]}
            for section in document.sections
        ],
        "common": [list(pair) for pair in common.items()],
        "register": [_registered(item, common) for item in document.evidence],
    }


def _common(evidence: tuple[Evidence, ...]) -> dict[str, str]:
    """The subject, code and data that most results share, so that they are printed once."""
    shared: dict[str, str] = {}
    for label in ("about", "code", "data"):
        counted = Counter(_digests(item)[label] for item in evidence)
        # Ties go to the smallest digest: the same document must give the same page.
        shared[label] = min(counted, key=lambda digest: (-counted[digest], digest))
    return shared


def _digests(item: Evidence) -> dict[str, str]:
    return {"about": item.subject, "code": item.code, "data": item.data}


def _block(block: Block) -> dict[str, Any]:
    match block:
        case Paragraph(line=line):
            return {"type": "paragraph", "line": _line(line)}
        case Bullets(lines=lines):
            return {"type": "bullets", "lines": [_line(line) for line in lines]}
        case Callout(tone=tone, line=line):
            return {"type": "callout", "tone": tone, "line": _line(line)}
        case Figure(svg=svg, caption=caption, alt=alt):
            return {"type": "figure", "svg": svg, "caption": _line(caption), "alt": alt}
        case KeyFigures(figures=figures):
            cells = [
                {
                    "label": figure.label,
                    "value": _line(figure.value),
                    "meaning": figure.meaning,
                    "verdict": figure.verdict,
                }
                for figure in figures
            ]
            return {"type": "keyfigures", "figures": cells}
        case Table():
            return _table(block)


def _table(table: Table) -> dict[str, Any]:
    tones = table.tones or ("",) * len(table.rows)
    rows = []
    for tone, row in zip(tones, table.rows, strict=True):
        known = {table.source}
        rows.append({"tone": tone, "cells": [_line(line, known) for line in row]})
    return {
        "type": "table",
        "caption": _line(table.caption),
        "columns": list(table.columns),
        "align": list(table.align),
        "rows": rows,
    }


def _line(line: Line, known: set[str] | None = None) -> list[dict[str, Any]]:
    """Spans; evidence that was named just before (``known``) is not named again."""
    known = set() if known is None else known
    spans: list[dict[str, Any]] = []
    for span in line:
        match span:
            case Text(text=text, strong=strong):
                spans.append({"text": text, "ref": "", "strong": strong})
            case Cited(text=text, evidence=evidence):
                ref = "" if evidence in known else short_id(evidence)
                known.add(evidence)
                spans.append({"text": text, "ref": ref, "strong": False})
            case Fact(text=text):
                spans.append({"text": text, "ref": "", "strong": False})
    return spans


def _registered(item: Evidence, common: dict[str, str]) -> dict[str, Any]:
    """One result of the register; digests that most results share are not repeated."""
    interval = ""
    if item.low is not None and item.high is not None:
        interval = f"{number(item.low)} to {number(item.high)}"
        if item.confidence is not None:
            interval += f" at {number(item.confidence, share=True)}"
    own = [pair for pair in _digests(item).items() if common[pair[0]] != pair[1]]
    digests = [("evidence", item.id), *own]
    details = [("run", format_time(item.at))]
    if item.seed is not None:
        details.append(("seed", str(item.seed)))
    details += [(name, number(value)) for name, value in sorted(item.parameters.items())]
    return {
        "short": short_id(item.id),
        "test": item.test,
        "title": item.title,
        "value": say(item).text,
        "interval": interval,
        "limit": limit_text(item.limit),
        "verdict": verdict_word(item),
        "tone": {"pass": "good", "fail": "bad", "info": ""}[item.verdict],
        "rows": number(item.rows) if item.rows is not None else "",
        "note": item.note,
        "digests": [list(pair) for pair in digests],
        "details": [list(pair) for pair in details],
    }
