"""Who may call which API route, and how much may they send? The whole API on one screen."""

from assay.app.settings import LimitSettings
from assay.runtime.access import ANYONE, AccessTable, Grant
from assay.runtime.identity import Role

DECIDE = "/v1/decisions"
JSON, LINES = "application/json", "application/x-ndjson"

_READERS = frozenset(Role) - {Role.ADMIN}
_STAFF = _READERS - {Role.SERVICE}
_OPERATORS = frozenset({Role.SERVICE, Role.ENGINEER, Role.AUDITOR, Role.ADMIN})
_SERVICES = frozenset({Role.SERVICE})
_REVIEWERS = frozenset({Role.REVIEWER})


def api_access(limits: LimitSettings) -> AccessTable:
    """The grants of the API; a route that is not here cannot be reached.

    Example:
        >>> api_access(LimitSettings()).find("GET", "/healthz").roles is None
        True
    """
    small = limits.other_bytes
    return AccessTable(
        (
            Grant("GET", "/healthz", None),
            Grant("GET", "/readyz", None),
            Grant("GET", "/metrics", _OPERATORS),
            Grant("GET", "/openapi.json", ANYONE),
            Grant("POST", DECIDE, _SERVICES, limits.decision_bytes),
            Grant("GET", "/v1/decisions/{decision_id}", _READERS),
            Grant("POST", "/v1/events", _SERVICES, limits.events_bytes, (JSON, LINES)),
            Grant("POST", "/v1/events/{event_id}/retraction", _SERVICES, small),
            Grant("POST", "/v1/events/{event_id}/correction", _SERVICES, limits.decision_bytes),
            Grant("POST", "/v1/labels", _SERVICES | _REVIEWERS, small),
            Grant("GET", "/v1/cases", _STAFF),
            Grant("GET", "/v1/cases/{case_id}", _STAFF),
            Grant("POST", "/v1/cases/{case_id}/assign", _REVIEWERS, small),
            Grant("POST", "/v1/cases/{case_id}/release", _REVIEWERS, small),
            Grant("POST", "/v1/cases/{case_id}/verdict", _REVIEWERS, small),
            Grant("GET", "/v1/models", _STAFF | {Role.ADMIN}),
            Grant("GET", "/v1/models/{key}", _STAFF | {Role.ADMIN}),
        )
    )
