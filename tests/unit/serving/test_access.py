"""Every route of the API is in the table, and every line of the table has its route."""

import pytest
from tests.integration.http_shop import open_shop

from assay.app.settings import LimitSettings
from assay.console.access import console_access
from assay.console.room import console_room
from assay.runtime.access import AccessTable
from assay.serving.access import DECIDE, api_access
from assay.serving.api import api
from assay.serving.problem import status_of
from assay.serving.server import metrics_of


def granted(table: AccessTable) -> set[tuple[str, str]]:
    return {(grant.method, grant.path) for grant in table}


def routed(application: object) -> set[tuple[str, str]]:
    import re

    return {
        (method, re.sub(r":str}", "}", str(route.path)))
        for route in application.routes  # type: ignore[attr-defined] # a Litestar application
        for method in getattr(route, "methods", ())
        if method != "OPTIONS"
    }


def test_the_api_has_exactly_the_routes_of_its_table() -> None:
    with open_shop() as shop:
        application = api(shop.platform, metrics_of(shop.platform))
        assert routed(application) | {("POST", DECIDE)} == granted(api_access(LimitSettings()))


def test_the_console_has_exactly_the_routes_of_its_table() -> None:
    with open_shop() as shop:
        room = console_room(shop.platform, status_of)
        assert routed(room.app) == granted(console_access(1))


def test_only_health_is_open_in_the_api() -> None:
    open_paths = {grant.path for grant in api_access(LimitSettings()) if grant.roles is None}
    assert open_paths == {"/healthz", "/readyz"}


def test_only_what_signing_in_needs_is_open_in_the_console() -> None:
    open_paths = {grant.path for grant in console_access(1) if grant.roles is None}
    assert open_paths == {"/", "/console/login", "/console/static/{name}"}


@pytest.mark.parametrize("table", [api_access(LimitSettings()), console_access(1000)])
def test_every_route_that_takes_a_body_bounds_it(table: AccessTable) -> None:
    for grant in table:
        assert (grant.body_max > 0) == (grant.method == "POST"), grant.path
