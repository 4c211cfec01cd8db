"""Which handlers stand behind the API's routes? Each translates, calls one function, translates."""

from typing import Annotated, Any

import msgspec
import structlog
from litestar import Litestar, Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.params import FromPath, QueryParameter

from assay import __version__
from assay.app.platform import Platform
from assay.contracts.quarantine import Refusal
from assay.core.errors import AssayError, Invalid, NotFound, Unavailable, Unknown
from assay.governance.facts import Facts
from assay.serving.access import LINES
from assay.serving.answers import (
    CaseAnswer,
    CasesAnswer,
    DecisionAnswer,
    EventResult,
    EventsAnswer,
    LabelBody,
    ModelAnswer,
    RetractionBody,
    VerdictBody,
    case_answer,
    decision_answer,
    event_result,
    model_answer,
)
from assay.serving.asgi import check_media
from assay.serving.bodies import body_as
from assay.serving.door import visit_of
from assay.serving.intake import split_array, split_lines, take_in, take_label
from assay.serving.metrics import CONTENT_TYPE, Metrics
from assay.serving.openapi import problem_schema, with_decisions
from assay.serving.problem import BROKEN, Broken, Malformed, problem_of
from assay.serving.retractions import correct, take_back

Asked = Request[Any, Any, State]
Limit = Annotated[int, QueryParameter(ge=1, le=500, description="most cases to return")]


def api(platform: Platform, metrics: Metrics) -> Litestar:
    """The API of one platform, without the decision route, which bypasses it."""
    return _application(platform, metrics, None)


def _application(platform: Platform, metrics: Metrics, openapi: OpenAPIConfig | None) -> Litestar:
    cases = [list_cases, read_case, assign_case, release_case, close_case]
    events = [post_events, retract_event, correct_event, post_label]
    routes = [read_decision, *events, *cases, list_models, read_model]
    return Litestar(
        route_handlers=[health, ready, scrape, document, Router("/v1", route_handlers=routes)],
        state=State({"platform": platform, "metrics": metrics}),
        openapi_config=openapi,
        exception_handlers={
            AssayError: _on_deliberate,
            HTTPException: _on_framework,
            Exception: _on_surprise,
        },
        logging_config=None,
        debug=False,
    )


@get("/healthz", include_in_schema=True, security=[{}])
async def health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@get("/readyz", security=[{}])
async def ready(request: Asked) -> dict[str, str]:
    """Decisions can be made and made durable now; 503 says why not.

    ``model: withdrawn`` says that they are made without the model, which may not decide now;
    ``contracts: broken`` that a producer's events are refused in numbers (the log says where);
    ``snapshots: failing`` that the state could not be kept, which only makes a restart longer;
    ``next`` says how far the version is that is to decide next.
    """
    platform = _platform(request)
    trouble = platform.trouble()
    if trouble:
        raise Unavailable(trouble)
    withdrawn = platform.admission is not None and platform.admission.why_withdrawn
    alarms = platform.alarms()
    coming = "" if platform.succession is None else platform.succession.status
    return {
        "status": "ready",
        **({"next": coming} if coming else {}),
        **({"model": "withdrawn"} if withdrawn else {}),
        **({"contracts": "broken"} if alarms else {}),
        **({"snapshots": "failing"} if platform.gauge("snapshot_failing") else {}),
    }


@get("/metrics", media_type="text/plain")
async def scrape(request: Asked) -> Response[bytes]:
    """Metrics in the Prometheus text format."""
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.text(), headers={"content-type": CONTENT_TYPE})


@get("/openapi.json", include_in_schema=False)
async def document(request: Asked) -> Response[bytes]:
    """The OpenAPI 3.1 document of this server, with the event types it accepts."""
    state = request.app.state
    if "document" not in state:
        platform = _platform(request)
        # A twin that is never served: the framework would open pages of its own beside a document.
        schema = _application(platform, state.metrics, _openapi()).openapi_schema.to_schema()
        schema["components"].setdefault("schemas", {})["Problem"] = problem_schema()
        state.document = msgspec.json.encode(
            with_decisions(schema, platform.contracts, platform.request)
        )
    return Response(state.document, media_type="application/json")


@get("/decisions/{decision_id:str}", tags=["decisions"])
async def read_decision(request: Asked, decision_id: FromPath[str]) -> DecisionAnswer:
    """A decision as it was first answered."""
    platform = _platform(request)
    record = await platform.off(platform.log.decision, decision_id)
    if record is None:
        raise NotFound(f"there is no decision {decision_id!r}")
    return decision_answer(record, platform.explain)


@post("/events", status_code=200, tags=["events"])
async def post_events(request: Asked) -> EventsAnswer:
    """Take in events, as an array or one a line; a refused one stops none of the others."""
    platform, metrics = _platform(request), request.app.state.metrics
    items_max = platform.settings.limits.events_items
    body = await request.body()
    lines = check_media(request.scope["headers"], ("application/json", LINES)) == LINES
    raws = split_lines(body, items_max) if lines else split_array(body, items_max)
    results = await take_in(platform, raws)
    refused = [result for result in results if isinstance(result, Refusal)]
    for refusal in refused:
        metrics.refused(refusal.code)
    return EventsAnswer([event_result(result) for result in results], len(refused))


@post("/events/{event_id:str}/retraction", status_code=200, tags=["events"])
async def retract_event(request: Asked, event_id: FromPath[str]) -> EventResult:
    """Take an event back: from now on it counts nowhere; what was decided stays."""
    body = body_as(RetractionBody, await request.body())
    return event_result(await take_back(_platform(request), event_id, body))


@post("/events/{event_id:str}/correction", status_code=200, tags=["events"])
async def correct_event(request: Asked, event_id: FromPath[str]) -> EventsAnswer:
    """Take an event back and take in what replaces it, both or neither; results in that order."""
    event, retraction = await correct(_platform(request), event_id, await request.body())
    return EventsAnswer([event_result(retraction), event_result(event)], 0)


@post("/labels", status_code=200, tags=["events"])
async def post_label(request: Asked) -> EventResult:
    """Say how a request turned out; the same label again is a duplicate, not an error."""
    body = body_as(LabelBody, await request.body())
    return event_result(await take_label(_platform(request), body))


@get("/cases", tags=["review"])
async def list_cases(request: Asked, limit: Limit = 50) -> CasesAnswer:
    """The cases that wait, the most worth looking at first."""
    platform = _platform(request)
    waiting = await platform.off(platform.desk.waiting, _ALL)
    cases = [case_answer(case, platform.explain) for case in waiting[:limit]]
    return CasesAnswer(cases, len(waiting))


@get("/cases/{case_id:str}", tags=["review"])
async def read_case(request: Asked, case_id: FromPath[str]) -> CaseAnswer:
    """One case."""
    platform = _platform(request)
    return case_answer(await platform.off(platform.desk.get, case_id), platform.explain)


@post("/cases/{case_id:str}/assign", status_code=200, tags=["review"])
async def assign_case(request: Asked, case_id: FromPath[str]) -> CaseAnswer:
    """Take a case into your hands."""
    platform = _platform(request)
    case = await platform.off(platform.desk.assign, case_id, _user(request))
    return case_answer(case, platform.explain)


@post("/cases/{case_id:str}/release", status_code=200, tags=["review"])
async def release_case(request: Asked, case_id: FromPath[str]) -> CaseAnswer:
    """Put a case back into the queue."""
    platform = _platform(request)
    return case_answer(await platform.off(platform.desk.release, case_id), platform.explain)


@post("/cases/{case_id:str}/verdict", status_code=200, tags=["review"])
async def close_case(request: Asked, case_id: FromPath[str]) -> CaseAnswer:
    """Close a case; the verdict is in the log as a label when this answers."""
    platform, said = _platform(request), body_as(VerdictBody, await request.body())
    case = await platform.off(platform.desk.verdict, case_id, _user(request), said.fraud)
    return case_answer(case, platform.explain)


@get("/models", tags=["governance"])
async def list_models(request: Asked) -> list[ModelAnswer]:
    """Every version in the inventory."""
    platform = _platform(request)
    versions = await platform.off(platform.governance.inventory)
    return [model_answer(facts, platform.live) for facts in versions]


@get("/models/{key:str}", tags=["governance"])
async def read_model(request: Asked, key: FromPath[str]) -> ModelAnswer:
    """One version: state, approvals, evidence, open findings."""
    platform = _platform(request)
    return model_answer(await platform.off(_version, platform, key), platform.live)


_ALL = 1_000_000


def _openapi() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Assay",
        version=__version__,
        description="Real-time risk decisions. Every route but health needs a token.",
        components=Components(
            security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}
        ),
        security=[{"token": []}],
    )


def _version(platform: Platform, key: str) -> Facts:
    try:
        return platform.governance.status(key)
    except Unknown as error:
        raise NotFound(str(error)) from error


def _platform(request: Asked) -> Platform:
    platform = request.app.state.platform
    assert isinstance(platform, Platform)
    return platform


def _user(request: Asked) -> str:
    identity = visit_of(request.scope).identity
    assert identity is not None, "the access table lets nobody in without one"
    return identity.user


def _on_deliberate(request: Asked, error: AssayError) -> Response[bytes]:
    problem = problem_of(error, visit_of(request.scope).request_id)
    return Response(problem.body, status_code=problem.status, headers=dict(problem.headers))


def _on_framework(request: Asked, error: HTTPException) -> Response[bytes]:
    """What the framework refuses by itself is a body or parameter that does not fit its type."""
    return _on_deliberate(request, _translated(error))


def _on_surprise(request: Asked, error: Exception) -> Response[bytes]:
    """An error nobody planned for: the log gets everything, the caller the request's id."""
    visit = visit_of(request.scope)
    structlog.get_logger("assay.http").error(
        "broken", request=visit.request_id, route=visit.route, exc_info=error
    )
    return _on_deliberate(request, Broken(BROKEN.format(visit.request_id)))


def _translated(error: HTTPException) -> AssayError:
    if error.status_code >= 500:
        return Broken(BROKEN.format("the request's id"))
    if error.status_code == 404:
        return NotFound("there is no such path")
    parts = []
    for item in error.extra if isinstance(error.extra, list) else ():
        where, what = item.get("key", ""), item.get("message", "")
        parts.append(f"{where}: {what}" if where else str(what))
    text = "; ".join(parts) or str(error.detail)
    return Invalid(text) if parts else Malformed(text)
