"""The pages of a version: its gate, its evidence, its documents, and nobody else's bytes."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.integration.http_shop import NOON, Shop, open_shop
from tests.integration.test_console_pages import Browser

from assay.core.canonical import digest
from assay.core.evidence import Evidence
from assay.governance.inventory import Determination, Limitation, ModelRecord, TierInputs
from assay.runtime.identity import Identity, Role

HTML = b"<!doctype html><title>Card</title><script>alert(1)</script><p>A model card</p>"
PDF = b"%PDF-1.7 a report"
DEV = Identity("dev", "human", frozenset({Role.ENGINEER}), "", 0)


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as opened:
        yield opened


def register(shop: Shop) -> tuple[str, str, str]:
    """A version with one test and one document; its key and the digests of both forms."""
    policy = digest("policy")
    record = ModelRecord(
        id="risk", version=1, name="<b>Risk</b>", purpose="Judge orders", approved_uses=("orders",),
        prohibited_uses=("credit",), automated=True, target="fraud", population="orders",
        owner="risk", developers=("dev",), determination=Determination(
            kind="rule", rationale="no model", by="val"),
        tier_inputs=TierInputs(complexity="low", uncertainty="low", exposure="low", purpose="low",
                               rationale="few"),
        limitations=(Limitation(what="no score", control="review"),), not_tested=("drift",),
        model=None, policy=policy, frame=digest(1), catalog=digest(2), environment=digest(3),
        registered_at=0,
    )  # fmt: skip
    key = shop.platform.governance.register(DEV, record).key
    html, pdf = shop.platform.objects.put(HTML), shop.platform.objects.put(PDF)
    common: dict[str, Any] = {
        "subject": policy,
        "code": digest("c"),
        "data": digest("d"),
        "at": NOON,
    }
    shop.platform.governance.record_evidence(
        DEV,
        key,
        [
            Evidence(test="performance.auc", title="AUC", value=0.91, low=0.9, high=0.92,
                     verdict="pass", limit=">= 0.7", rows=1234, **common),
            Evidence(test="document.model_card", title="Model card", value=pdf, verdict="info",
                     parameters={"html": html}, **common),
        ],
    )  # fmt: skip
    return key, html, pdf


def test_a_version_shows_its_evidence_its_gate_and_its_documents(shop: Shop) -> None:
    key, html, pdf = register(shop)
    browser = Browser(shop)
    browser.sign_in("validator")
    assert key in browser.open("/console/models").text
    page = browser.open(f"/console/models/{key}").text
    assert "0.91" in page
    assert "0.9 to 0.92" in page
    assert "&gt;= 0.7" in page
    assert "<b>Risk</b>" not in page
    assert f"/documents/{html.replace(':', '%3A')}" in page
    assert f"/documents/{pdf.replace(':', '%3A')}" in page
    assert "draft" in page


def test_a_document_is_served_in_a_sandbox_and_a_pdf_as_a_download(shop: Shop) -> None:
    key, html, pdf = register(shop)
    browser = Browser(shop)
    browser.sign_in("validator")
    card = browser.open(f"/console/models/{key}/documents/{html}")
    assert card.content == HTML
    assert "sandbox" in card.headers["content-security-policy"]
    assert card.headers["content-type"] == "text/html; charset=utf-8"
    assert card.headers["x-frame-options"] == "SAMEORIGIN"
    report = browser.open(f"/console/models/{key}/documents/{pdf}")
    assert report.headers["content-type"] == "application/pdf"
    assert report.headers["content-disposition"] == 'attachment; filename="risk-1-model_card.pdf"'


def test_only_a_versions_own_documents_can_be_fetched_by_digest(shop: Shop) -> None:
    key, _, _ = register(shop)
    secret = shop.platform.objects.put(b"a policy, a model, anything else in the store")
    browser = Browser(shop)
    browser.sign_in("validator")
    for asked in (secret, "sha256:" + "0" * 64, "x", "%2e%2e"):
        assert browser.open(f"/console/models/{key}/documents/{asked}").status_code == 404


def test_the_api_tells_the_same_of_a_version(shop: Shop) -> None:
    key, _, _ = register(shop)
    told = shop.call("GET", f"/v1/models/{key}", role="auditor").json()
    assert (told["key"], told["state"], told["deciding"]) == (key, "draft", False)
    assert {item["test"] for item in told["evidence"]} == {"performance.auc", "document.model_card"}
