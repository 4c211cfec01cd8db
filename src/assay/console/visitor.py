"""Who opens this page, and did this form come from one of our pages? Cookies and form tokens."""

import hmac
from collections.abc import Iterable
from typing import Any, Protocol
from urllib.parse import parse_qsl

from litestar import Request
from litestar.datastructures import State

from assay.console.sessions import Sessions
from assay.core.errors import Forbidden, Invalid
from assay.runtime.identity import Identity

Asked = Request[Any, Any, State]
RawHeaders = Iterable[tuple[bytes, bytes]]

_FIELDS_MAX = 20


class Visit(Protocol):
    """What the door says of a request."""

    @property
    def request_id(self) -> str:
        """Its id in the log."""
        ...

    @property
    def method(self) -> str:
        """Its HTTP method."""
        ...

    @property
    def path(self) -> str:
        """Its path."""
        ...

    @property
    def identity(self) -> Identity | None:
        """Who makes it."""
        ...


class FormForged(Forbidden):
    """A form came without the token of the session it claims: another site may have sent it."""

    code = "form_forged"


class Cookies:
    """The console's two cookies: the session, and the token of the sign-in form.

    Args:
        secure: whether browsers may send them over TLS only.
    """

    def __init__(self, *, secure: bool) -> None:
        prefix = "__Host-" if secure else ""
        self.session, self.form = prefix + "assay_session", prefix + "assay_form"
        self._tail = "; Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if secure else "")

    def set(self, name: str, value: str, seconds: int) -> str:
        """The ``Set-Cookie`` header that keeps a value."""
        return f"{name}={value}; Max-Age={seconds}{self._tail}"

    def clear(self, name: str) -> str:
        """The ``Set-Cookie`` header that forgets it."""
        return f"{name}=; Max-Age=0{self._tail}"


def cookie(headers: RawHeaders, name: str) -> str:
    """The value of a cookie, empty when it was not sent."""
    for key, value in headers:
        if key == b"cookie":
            for pair in value.decode("latin-1").split(";"):
                given, _, content = pair.strip().partition("=")
                if given == name:
                    return content
    return ""


async def form_of(request: Asked) -> dict[str, str]:
    """The fields of a form; a field that comes twice is refused.

    Raises:
        Invalid: not a form, too many fields, or one of them twice.
    """
    try:
        text = (await request.body()).decode("utf-8")
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=_FIELDS_MAX
        )
    except ValueError as error:
        raise Invalid(f"expected the fields of a form: {error}") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Invalid("expected each field of the form once")
    return fields


async def own_form(request: Asked, sessions: Sessions, cookies: Cookies) -> dict[str, str]:
    """The fields of a form that one of this session's own pages sent.

    Raises:
        FormForged: its token is not the session's.
    """
    fields = await form_of(request)
    secret = cookie(request.scope["headers"], cookies.session)
    if not sessions.csrf_matches(secret, fields.get("csrf", "")):
        raise FormForged("the form is not from a page of this session: open the page again")
    return fields


def sign_in_form_matches(headers: RawHeaders, cookies: Cookies, given: str) -> bool:
    """Whether a sign-in came from our sign-in page: the field equals the cookie set with it."""
    expected = cookie(headers, cookies.form)
    return bool(expected) and hmac.compare_digest(expected.encode(), given.encode())


def visit_of(request: Asked) -> Visit:
    """What the door says of this request."""
    visit: Visit = request.scope["assay.visit"]  # type: ignore[typeddict-item] # set by the door
    return visit


def safe_next(text: str) -> str:
    """Where to go after signing in: a page of ours, whatever the link said.

    Example:
        >>> safe_next("/console/queue"), safe_next("//evil.example"), safe_next("/console/../x")
        ('/console/queue', '/console', '/console')
    """
    inside = text == "/console" or text.startswith("/console/")
    plain = text.isascii() and text.isprintable() and not any(c in text for c in "\\<>\"' ")
    return text if inside and plain and ".." not in text else "/console"
