"""Who may open which page? The whole console on one screen."""

from assay.runtime.access import AccessTable, Grant
from assay.runtime.identity import Role

FORM = ("application/x-www-form-urlencoded",)

_STAFF = frozenset(Role) - {Role.SERVICE}
_READERS = _STAFF - {Role.ADMIN}
_REVIEWERS = frozenset({Role.REVIEWER})
_WATCHERS = frozenset({Role.ENGINEER, Role.VALIDATOR, Role.APPROVER, Role.AUDITOR, Role.ADMIN})


def console_access(body_max: int) -> AccessTable:
    """The grants of the console; a page that is not here cannot be reached."""
    return AccessTable(
        (
            Grant("GET", "/", None),
            Grant("GET", "/console/login", None),
            Grant("POST", "/console/login", None, body_max, FORM),
            Grant("GET", "/console/static/{name}", None),
            Grant("POST", "/console/logout", _STAFF, body_max, FORM),
            Grant("GET", "/console", _STAFF),
            Grant("GET", "/console/decisions", _READERS),
            Grant("GET", "/console/decisions/{decision_id}", _READERS),
            Grant("GET", "/console/queue", _READERS),
            Grant("GET", "/console/cases/{case_id}", _READERS),
            Grant("POST", "/console/cases/{case_id}/assign", _REVIEWERS, body_max, FORM),
            Grant("POST", "/console/cases/{case_id}/release", _REVIEWERS, body_max, FORM),
            Grant("POST", "/console/cases/{case_id}/verdict", _REVIEWERS, body_max, FORM),
            Grant("GET", "/console/models", _STAFF),
            Grant("GET", "/console/models/{key}", _STAFF),
            Grant("GET", "/console/models/{key}/documents/{digest}", _STAFF),
            Grant("GET", "/console/audit", _WATCHERS),
        )
    )
