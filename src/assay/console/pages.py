"""Which handler makes which page? Each asks the views, fills a template, and knows no more."""

from typing import Any
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from assay.console.chart import bucket_width, stacked
from assay.console.desk import Desk
from assay.console.documents import DOCUMENT_HEADERS, document, documents_of, model_card
from assay.console.views import PAGE, record_digest, wanted_of
from assay.console.visitor import Asked, own_form
from assay.core.errors import Invalid, NotFound, Unknown
from assay.core.time import MINUTE
from assay.decisions.outcome import Outcome
from assay.governance.facts import Facts
from assay.runtime.activity import Activity, Wanted

_SHOWN_CASES = 100
_AUDIT_PAGE = 100
_FILTERS = ("outcome", "low", "day", "degraded")


@get("/console")
async def overview(request: Asked) -> Response[str]:
    """Volumes, latency, degraded share, queue, and what decides."""
    desk = Desk.of(request)
    return desk.page(request, "overview.html", "Overview", await desk.off(_overview, desk))


@get("/console/decisions")
async def decisions(request: Asked) -> Response[str]:
    """Decisions, filtered and paged."""
    desk = Desk.of(request)
    given = {name: request.query_params.get(name, "") for name in _FILTERS}
    wanted, skip = wanted_of(given), _whole(request.query_params.get("skip", "0"))

    def read() -> dict[str, Any]:
        places, total = desk.views.activity().page(wanted, skip=skip, size=PAGE)
        return {
            "rows": desk.views.rows(places),
            "total": total,
            "older": _link(given, skip + PAGE) if skip + PAGE < total else "",
            "newer": _link(given, max(0, skip - PAGE)) if skip else "",
        }

    found = await desk.off(read)
    context = {**found, "query": given, "outcomes": tuple(Outcome), "skip": skip}
    return desk.page(request, "decisions.html", "Decisions", context)


@get("/console/decisions/{decision_id:str}")
async def decision(request: Asked, decision_id: FromPath[str]) -> Response[str]:
    """One decision with everything it was made from."""
    desk = Desk.of(request)

    def read() -> dict[str, Any]:
        views = desk.views
        record, entry, case = views.decision(decision_id)
        return {
            "record": record,
            "case": case,
            "payload": views.payload(entry),
            "values": views.values(record),
            "rules": views.rules(record),
            "digest": record_digest(record),
            "largest": max((abs(weight) for _, weight in record.contributions), default=0.0),
        }

    return desk.page(request, "decision.html", f"Decision {decision_id}", await desk.off(read))


@get("/console/queue")
async def queue(request: Asked) -> Response[str]:
    """The cases that wait."""
    desk = Desk.of(request)
    waiting = await desk.off(desk.views.queue)
    done = request.query_params.get("done", "")
    context = {
        "cases": waiting[:_SHOWN_CASES],
        "total": len(waiting),
        "now": desk.platform.clock.now(),
        "said": f"Case {done} is closed; its label is in the log." if done else "",
    }
    return desk.page(request, "queue.html", "Review queue", context)


@get("/console/cases/{case_id:str}")
async def case(request: Asked, case_id: FromPath[str]) -> Response[str]:
    """One case."""
    desk = Desk.of(request)
    found, entry = await desk.off(desk.views.case, case_id)
    context = {"case": found, "payload": desk.views.payload(entry)}
    return desk.page(request, "case.html", f"Case {case_id}", context)


@post("/console/cases/{case_id:str}/assign")
async def assign(request: Asked, case_id: FromPath[str]) -> Redirect:
    """Take a case."""
    desk = Desk.of(request)
    await own_form(request, desk.sessions, desk.cookies)
    await desk.off(desk.platform.desk.assign, case_id, desk.user(request).user)
    return Redirect(f"/console/cases/{case_id}", status_code=303)


@post("/console/cases/{case_id:str}/release")
async def release(request: Asked, case_id: FromPath[str]) -> Redirect:
    """Put a case back."""
    desk = Desk.of(request)
    await own_form(request, desk.sessions, desk.cookies)
    await desk.off(desk.platform.desk.release, case_id)
    return Redirect(f"/console/cases/{case_id}", status_code=303)


@post("/console/cases/{case_id:str}/verdict")
async def verdict(request: Asked, case_id: FromPath[str]) -> Redirect:
    """Close a case; the label is durable when the next page shows."""
    desk = Desk.of(request)
    form = await own_form(request, desk.sessions, desk.cookies)
    said = form.get("fraud")
    if said not in ("yes", "no"):
        raise Invalid(f"expected fraud to be yes or no, got {said!r}")
    await desk.off(desk.platform.desk.verdict, case_id, desk.user(request).user, said == "yes")
    return Redirect("/console/queue?" + urlencode({"done": case_id}), status_code=303)


@get("/console/models")
async def models(request: Asked) -> Response[str]:
    """The inventory."""
    desk = Desk.of(request)
    versions = await desk.off(desk.platform.governance.inventory)
    context = {"versions": versions, "live": desk.platform.live}
    return desk.page(request, "models.html", "Models", context)


@get("/console/models/{key:str}")
async def model(request: Asked, key: FromPath[str]) -> Response[str]:
    """One version: documents, inventory, gate, evidence."""
    desk = Desk.of(request)

    def read() -> dict[str, Any]:
        facts = _facts(desk, key)
        documents = documents_of(desk.platform, facts)
        tests = [f for f in facts.filed if not f.evidence.test.startswith("document.")]
        return {
            "facts": facts,
            "record": facts.record,
            "documents": documents,
            "card": model_card(documents),
            "evidence": sorted(tests, key=lambda filed: filed.evidence.test),
            "live": desk.platform.live,
        }

    return desk.page(request, "model.html", key, await desk.off(read))


@get("/console/models/{key:str}/documents/{digest:str}")
async def model_document(
    request: Asked, key: FromPath[str], digest: FromPath[str]
) -> Response[bytes]:
    """One document as it was filed."""
    desk = Desk.of(request)
    data, media, name = await desk.off(lambda: document(desk.platform, _facts(desk, key), digest))
    headers = {
        **DOCUMENT_HEADERS,
        "content-type": media,
        # A sandboxed page cannot start a browser's PDF viewer: those are downloads.
        "content-disposition": f'{_disposition(media)}; filename="{name}"',
    }
    return Response(data, headers=headers)


@get("/console/audit")
async def audit(request: Asked) -> Response[str]:
    """The audit log, verified as it is shown."""
    desk = Desk.of(request)
    given = request.query_params.get("before", "")
    before = _whole(given) if given else None

    def read() -> dict[str, Any]:
        governance = desk.platform.governance
        entries = governance.entries(_AUDIT_PAGE, before)
        more = entries and entries[-1].seq > 1
        return {
            "entries": entries,
            "report": governance.verify(),
            "older": entries[-1].seq if more else None,
        }

    return desk.page(request, "audit.html", "Audit log", await desk.off(read))


HANDLERS = (
    overview,
    decisions,
    decision,
    queue,
    case,
    assign,
    release,
    verdict,
    models,
    model,
    model_document,
    audit,
)


def _overview(desk: Desk) -> dict[str, Any]:
    platform, activity = desk.platform, desk.views.activity()
    everything = Wanted()
    places, total = activity.page(everything, skip=0, size=10)
    span = activity.span()
    volumes = activity.volumes(*_window(activity))
    return {
        "span": span,
        "total": total,
        "counts": activity.counts(everything),
        "degraded": activity.degraded(everything),
        "volumes": volumes,
        "chart": stacked(volumes),
        "rows": desk.views.rows(places),
        "waiting": len(desk.views.queue()),
        "latency": platform.telemetry.quantiles((0.5, 0.99)),
        "since_start": platform.telemetry.decisions,
        "events": platform.log.last_seq(),
        "state_bytes": platform.gauge("state_bytes"),
        "trouble": platform.trouble(),
        "alarms": platform.alarms(),
        "withdrawn": platform.admission.why_withdrawn if platform.admission else "",
        "facts": platform.governance.status(platform.live) if platform.live else None,
        "policy": platform.policy.policy.digest if platform.policy else None,
        "clock": platform.settings.time.clock,
        "now": platform.clock.now(),
    }


def _disposition(media: str) -> str:
    return "inline" if media.startswith("text/") else "attachment"


def _window(activity: Activity) -> tuple[Wanted, int]:
    """All decisions, in buckets that show the whole span in one chart."""
    span = activity.span()
    return Wanted(), MINUTE if span is None else bucket_width(span[1] - span[0])


def _facts(desk: Desk, key: str) -> Facts:
    try:
        return desk.platform.governance.status(key)
    except Unknown as error:
        raise NotFound(str(error)) from error


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise Invalid(f"expected a whole number, got {text[:40]!r}")
    return int(text)


def _link(given: dict[str, str], skip: int) -> str:
    kept = {name: value for name, value in given.items() if value}
    return "/console/decisions?" + urlencode({**kept, "skip": skip})
