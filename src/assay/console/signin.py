"""How do people get in and out? A token once, then a cookie no script can read."""

import secrets
from importlib.resources import files
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from assay.console.desk import Desk
from assay.console.render import page
from assay.console.sessions import Throttled
from assay.console.visitor import (
    Asked,
    FormForged,
    cookie,
    form_of,
    own_form,
    safe_next,
    sign_in_form_matches,
    visit_of,
)
from assay.core.errors import Forbidden, NotFound, Unauthenticated
from assay.core.time import SECOND
from assay.runtime.identity import Role

_FORM_SECONDS = 3600
_STATIC = {"console.css": "text/css", "icon.svg": "image/svg+xml"}
_STATIC_SECONDS = 3600


@get("/")
async def root() -> Redirect:
    """People who open the server in a browser get the console."""
    return Redirect("/console", status_code=303)


@get("/console/static/{name:str}")
async def static(name: FromPath[str]) -> Response[bytes]:
    """The style sheet and the icon."""
    if name not in _STATIC:
        raise NotFound(f"there is no {name!r}")
    data = files("assay.console").joinpath("static", name).read_bytes()
    headers = {"content-type": _STATIC[name], "cache-control": f"max-age={_STATIC_SECONDS}"}
    return Response(data, headers=headers)


@get("/console/login")
async def login(request: Asked) -> Response[str]:
    """The sign-in page."""
    return _login_page(request, safe_next(request.query_params.get("next", "")))


@post("/console/login")
async def sign_in(request: Asked) -> Response[Any]:
    """Exchange a token for a session."""
    desk, form = Desk.of(request), await form_of(request)
    target = safe_next(form.get("next", ""))
    if not sign_in_form_matches(request.scope["headers"], desk.cookies, form.get("csrf", "")):
        raise FormForged("the sign-in form has expired: open the page again")
    client = request.scope.get("client")
    try:
        secret = _begin(desk, form.get("token", "").strip(), client[0] if client else "")
    except (Unauthenticated, Forbidden) as error:
        return _login_page(request, target, str(error), 401)
    except Throttled as error:
        return _login_page(request, target, str(error), 429)
    response = Redirect(target, status_code=303)
    seconds = desk.platform.settings.console.session // SECOND
    response.headers["set-cookie"] = desk.cookies.set(desk.cookies.session, secret, seconds)
    return response


@post("/console/logout")
async def sign_out(request: Asked) -> Redirect:
    """End the session."""
    desk = Desk.of(request)
    await own_form(request, desk.sessions, desk.cookies)
    desk.sessions.end(cookie(request.scope["headers"], desk.cookies.session))
    response = Redirect("/console/login", status_code=303)
    response.headers["set-cookie"] = desk.cookies.clear(desk.cookies.session)
    return response


HANDLERS = (root, static, login, sign_in, sign_out)


def _begin(desk: Desk, token: str, address: str) -> str:
    secret = desk.sessions.begin(token, address)
    identity = desk.sessions.identity(secret)
    if identity is None or identity.roles == {Role.SERVICE}:
        desk.sessions.end(secret)
        raise Forbidden("a service's token does not open the console: use one of a person")
    return secret


def _login_page(request: Asked, target: str, wrong: str = "", status: int = 200) -> Response[str]:
    desk = Desk.of(request)
    token = secrets.token_hex(32)
    context = {
        "title": "Sign in",
        "user": None,
        "wrong": wrong,
        "next": target,
        "csrf": token,
        "request_id": visit_of(request).request_id,
    }
    response = page("login.html", context, status)
    response.headers["set-cookie"] = desk.cookies.set(desk.cookies.form, token, _FORM_SECONDS)
    return response
