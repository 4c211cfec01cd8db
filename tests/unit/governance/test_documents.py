import re
from html import unescape

import msgspec
import pytest
from tests.unit.governance.results import development, made, validation
from tests.unit.governance.versions import NOW, approvable, record

from assay.core.canonical import digest_bytes
from assay.core.errors import Forbidden, Invalid, NotFound
from assay.core.evidence import Evidence
from assay.core.time import DAY
from assay.governance.card import model_card
from assay.governance.document import (
    Bullets,
    Cited,
    Document,
    EmptySection,
    Fact,
    Paragraph,
    Section,
    Table,
    Text,
    UncitedNumber,
    checked,
    cited,
)
from assay.governance.facts import Facts
from assay.governance.fairness import Attribute, Treated, fairness_tests
from assay.governance.fairness_audit import fairness_audit
from assay.governance.gate import GATE_POLICY
from assay.governance.inventory import Finding, Limitation
from assay.governance.page import page
from assay.governance.validation_report import Opinion, validation_report
from assay.models.checks.candidate import Candidate
from assay.models.checks.decision import outcomes
from assay.models.evidence import development_tests, validation_tests
from assay.runtime.documents import document_evidence, printed

OPINION = Opinion(verdict="approve", by="vera", text="It does what it says.")
DEVELOPED, VALIDATED = development(), validation()


def documents(
    facts: Facts | None = None,
    developed: tuple[Evidence, ...] = DEVELOPED,
    validated: tuple[Evidence, ...] = VALIDATED,
) -> tuple[Document, Document, Document]:
    about = approvable() if facts is None else facts
    return (
        model_card(about, developed, at=NOW, currency="EUR"),
        fairness_audit(about, developed, at=NOW),
        validation_report(about, (*developed, *validated), OPINION, at=NOW, currency="EUR"),
    )


def section(*blocks: object) -> Document:
    card = documents()[0]
    return msgspec.structs.replace(
        card,
        sections=(Section("Part", blocks),),  # type: ignore[arg-type]  # also what must be refused
    )


def test_prose_cannot_hold_a_number_without_a_source() -> None:
    with pytest.raises(UncitedNumber, match=r"AUC of 0\.91"):
        Text("It has an AUC of 0.91.")
    assert Text("Evidence aligned with SR 26-2").text


@pytest.mark.parametrize("document", documents(), ids=lambda document: document.kind)
def test_every_citation_resolves_and_nothing_else_is_in_the_register(document: Document) -> None:
    known = {evidence.id for evidence in document.evidence}
    assert cited(document) == known
    assert len(known) >= 5
    shorts = [row["short"] for row in page(document)["register"]]
    assert len(set(shorts)) == len(shorts) == len(known)


@pytest.mark.parametrize("document", documents(), ids=lambda document: document.kind)
def test_every_number_on_the_page_stands_beside_its_source(document: Document) -> None:
    html = printed(document).html.decode()
    main = html[html.index("<main>") : html.index("Register of evidence")]
    for paragraph in re.findall(r"<p>(.*?)</p>", main, re.DOTALL):
        words = unescape(re.sub(r'<a class="ref".*?</a>', "", paragraph))
        plain = re.sub(r"SR 26-2|<.*?>|checkout-risk@1|\d{4}-\d\d-\d\d|tier \d", "", words)
        if re.search(r"\d", plain):
            assert 'class="ref"' in paragraph, paragraph


def test_a_citation_of_something_else_is_refused() -> None:
    with pytest.raises(Invalid, match="which is not among"):
        checked(section(Paragraph((Cited("0.9", "sha256:made-up"),))))


@pytest.mark.parametrize(
    "blocks",
    [
        (),
        (Paragraph((Text("  "),)),),
        (Paragraph(()),),
        (Bullets(()),),
        (Table(caption=(Text("c"),), columns=("a",), align="l", rows=()),),
    ],
)
def test_an_empty_section_refuses_to_render(blocks: tuple[object, ...]) -> None:
    with pytest.raises(EmptySection, match="section 'Part'"):
        checked(section(*blocks))


def test_a_document_without_the_inventory_it_needs_is_refused() -> None:
    for field in ("approved_uses", "prohibited_uses", "not_tested", "limitations"):
        with pytest.raises(EmptySection):
            documents(approvable(record=record(**{field: ()})))


@pytest.mark.parametrize(
    "test", ["performance.auc", "decision.saving", "fairness.adverse_impact", "data.as_of"]
)
def test_a_document_without_a_result_it_needs_says_which(test: str) -> None:
    rest = tuple(item for item in DEVELOPED if item.test != test)
    with pytest.raises(NotFound, match=f"needs a result of '{test}'"):
        documents(developed=rest)


def test_the_same_evidence_gives_the_same_bytes_and_any_change_gives_others() -> None:
    for one, again in zip(documents(), documents(), strict=True):
        assert printed(one) == printed(again)
    card = documents()[0]
    worse = tuple(
        msgspec.structs.replace(item, value=0.7) if item.test == "performance.auc" else item
        for item in DEVELOPED
    )
    other = documents(developed=worse)[0]
    assert other.basis != card.basis
    assert printed(other).pdf != printed(card).pdf


def test_a_pdf_is_a_pdf_and_the_page_has_no_script_or_outside_address() -> None:
    for document in documents():
        made_files = printed(document)
        assert made_files.pdf.startswith(b"%PDF-")
        html = made_files.html.decode()
        assert "<script" not in html
        assert re.findall(r'(?:src|href)="(?!#)([^"]*)"', html) == []
        assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)\S+", html) == []


HOSTILE = '<script>alert(1)</script> #panic("x") $1+1$ *b* @ref </svg> \\u{41} {{ 7*7 }} "\' &'


def test_what_people_wrote_is_printed_and_never_obeyed() -> None:
    facts = approvable(
        record=record(
            purpose=HOSTILE,
            name=HOSTILE,
            limitations=(Limitation(what=HOSTILE, control=HOSTILE),),
        ),
        findings=(Finding(key="checkout-risk@1", severity="low", title=HOSTILE, by="v", at=1),),
    )
    developed = tuple(
        msgspec.structs.replace(item, title=HOSTILE, note=HOSTILE, limit=HOSTILE)
        if item.test in ("performance.auc", "explanation.importance")
        else item
        for item in DEVELOPED
    )
    bars = next(item for item in DEVELOPED if item.test == "explanation.importance")
    table = tuple({**row, "input": HOSTILE} for row in bars.table)
    developed += (msgspec.structs.replace(bars, table=table, at=NOW),)
    for document in documents(facts, developed):
        made_files = printed(document)
        html = made_files.html.decode()
        assert "<script" not in html
        assert made_files.pdf.startswith(b"%PDF-")
    assert "&lt;script&gt;" in html


def test_a_failed_test_is_shown_at_the_top() -> None:
    failed = tuple(
        msgspec.structs.replace(item, verdict="fail") if item.test == "calibration.ece" else item
        for item in DEVELOPED
    )
    card, _, report = documents(developed=failed)
    for document in (card, report):
        first = printed(document).html.decode().split("<h2>2 ")[0]
        assert "Failed: " in first
        assert "Expected calibration error" in first


def test_nobody_who_built_it_gives_the_opinion() -> None:
    with pytest.raises(Forbidden, match="Dana contributed"):
        validation_report(
            approvable(),
            (*DEVELOPED, *VALIDATED),
            Opinion(verdict="approve", by="Dana", text="Mine is good."),
            at=NOW,
        )


def test_open_findings_and_missing_tests_are_in_the_report() -> None:
    finding = Finding(key="checkout-risk@1", severity="high", title="drifts", by="vera", at=NOW)
    rest = tuple(item for item in DEVELOPED if item.test != "performance.overfit")
    report = documents(approvable(findings=(finding,)), developed=rest)[2]
    html = printed(report).html.decode()
    assert "drifts" in html
    assert "<strong>missing</strong>" in html


def test_no_document_promises_conformity() -> None:
    for document in documents():
        html = printed(document).html.decode().lower()
        assert "compliant" not in html
        assert "compliance" not in html
        assert "evidence aligned with sr 26-2" in html


def test_a_printed_document_is_evidence_that_the_gate_asks_for() -> None:
    for document in documents():
        files = printed(document)
        evidence = document_evidence(document, files, NOW)
        asked = (*GATE_POLICY.development_documents, *GATE_POLICY.validation_documents)
        assert evidence.test in asked
        assert evidence.value == digest_bytes(files.pdf)
        assert evidence.parameters["html"] == digest_bytes(files.html)
        assert evidence.data == document.basis


def test_documents_of_a_really_trained_model_carry_its_results(candidate: Candidate) -> None:
    given = outcomes(candidate, candidate.test)
    developed = (
        *development_tests(candidate),
        *fairness_tests(
            Treated(
                subject=candidate.bundle.digest,
                let_through=given == 0,
                fraud=candidate.test.labels == 1,
                probability=candidate.test.probability,
                attributes=(
                    Attribute("size", "operational", candidate.test.segments["size"], "by amount"),
                ),
                absent=("age", "sex"),
                code="sha256:code",
                data=candidate.frame.digest,
                at=candidate.at,
            )
        ),
    )
    facts = approvable(record=record(model=candidate.bundle.digest))
    for document in documents(facts, developed, validation_tests(candidate)):
        html = printed(document).html.decode()
        assert candidate.bundle.digest in html
    missing = {*GATE_POLICY.development, *GATE_POLICY.validation} - {
        item.test for item in (*developed, *validation_tests(candidate))
    }
    assert missing == set()


def test_a_fact_and_a_date_need_no_evidence() -> None:
    assert checked(section(Paragraph((Fact("2026-11-01", "clock"),)))).sections


def test_the_newest_result_of_a_test_is_rendered() -> None:
    newer = made("performance.auc", "AUC on later, unseen requests", 0.777, rows=10)
    newer = msgspec.structs.replace(newer, at=newer.at + DAY)
    card = documents(developed=(*DEVELOPED, newer))[0]
    assert newer.id in cited(card)
