"""How are the event types and the decision route written into the OpenAPI document?"""

from typing import Any

import msgspec

from assay.contracts.contract import ContractSet, EventContract, Field
from assay.core.time import TIME_END, TIME_MIN
from assay.serving.answers import CorrectionBody, LabelBody, RetractionBody, VerdictBody

#: Routes whose bodies the handlers read themselves, strictly.
BODIES: dict[str, type[msgspec.Struct]] = {
    "/v1/labels": LabelBody,
    "/v1/events/{event_id}/retraction": RetractionBody,
    "/v1/events/{event_id}/correction": CorrectionBody,
    "/v1/cases/{case_id}/verdict": VerdictBody,
}

_KINDS: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "int": {"type": "integer"},
    "money": {"type": "integer"},
    "decimal": {"type": "integer"},
    "bool": {"type": "boolean"},
    "real": {"type": "number"},
    "time": {
        "oneOf": [
            {"type": "string", "format": "date-time"},
            {"type": "integer", "minimum": TIME_MIN, "exclusiveMaximum": TIME_END},
        ]
    },
}


def with_decisions(
    document: dict[str, Any], contracts: ContractSet, request: EventContract
) -> dict[str, Any]:
    """The document of the framework, with the route it does not know and the event schemas."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for contract in contracts:
        schemas[_name(contract)] = event_schema(contract)
    any_event = {"oneOf": [_ref(_name(contract)) for contract in contracts]}
    paths = document["paths"]
    events = paths["/v1/events"]["post"]
    events["requestBody"] = {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "array", "items": any_event}},
            "application/x-ndjson": {"schema": any_event},
        },
    }
    _, described = msgspec.json.schema_components(
        BODIES.values(), ref_template="#/components/schemas/{name}"
    )
    schemas |= described
    for path, body in BODIES.items():
        paths[path]["post"]["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _ref(body.__name__)}},
        }
    paths["/v1/decisions"] = {"post": _decisions(_name(request))}
    return document


def event_schema(contract: EventContract) -> dict[str, Any]:
    """The JSON Schema (2020-12) of the wire form of one event type."""
    return {
        "type": "object",
        "description": contract.about,
        "additionalProperties": False,
        "required": ["id", "type", "ts", "data"],
        "properties": {
            "id": {"type": "string", "pattern": "^[!-~]{1,128}$"},
            "type": {"const": contract.type},
            "ts": _KINDS["time"],
            "data": {
                "type": "object",
                "additionalProperties": False,
                "required": [field.name for field in contract.fields if field.required],
                "properties": {field.name: _field(field) for field in contract.fields},
            },
        },
    }


def _field(field: Field) -> dict[str, Any]:
    schema = dict(_KINDS[field.kind])
    about = f"{field.about} ({field.unit})" if field.unit else field.about
    if about:
        schema["description"] = about
    if field.kind == "text":
        schema["maxLength"] = field.length_max
        if field.choices:
            schema["enum"] = list(field.choices)
    bounds = {"minimum": field.low, "maximum": field.high}
    schema |= {keyword: bound for keyword, bound in bounds.items() if bound is not None}
    if not field.required and "type" in schema:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    return schema


def _decisions(request: str) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": _ref("Problem")}}
    refusals = {
        "400": "not JSON, or a header out of form",
        "401": "no valid token",
        "403": "the token's role does not allow it",
        "409": "the id or key was used with another body",
        "413": "the body is too large",
        "415": "the body is not application/json",
        "422": "the event breaks its contract; `path` says where",
        "503": "nothing could be made durable now; the decision is not acknowledged",
    }
    return {
        "summary": "Decide on a request",
        "description": "Answers only when the request event and its decision are durable. The "
        "same Idempotency-Key, or the same event, with the same body gives the stored answer.",
        "operationId": "Decide",
        "tags": ["decisions"],
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref(request)}},
        },
        "responses": {
            "200": {
                "description": "The decision.",
                "content": {"application/json": {"schema": _ref("DecisionAnswer")}},
            },
            **{
                status: {"description": text, "content": problem}
                for status, text in refusals.items()
            },
        },
    }


def problem_schema() -> dict[str, Any]:
    """The JSON Schema of an error (RFC 9457)."""
    texts = {name: {"type": "string"} for name in ("type", "title", "detail", "instance", "code")}
    return {
        "type": "object",
        "required": ["type", "title", "status", "detail", "instance", "code"],
        "properties": {
            **texts,
            "status": {"type": "integer"},
            "path": {"type": "string", "description": "where in the body, as a JSON path"},
            "expected": {"type": "string"},
            "got": {"type": "string"},
            "why": {"type": "array", "items": {"type": "string"}},
        },
    }


def _name(contract: EventContract) -> str:
    return "Event_" + contract.type


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
