"""What does every page handler have at hand? The platform, its views, the sessions, the frame."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from litestar import Response

from assay.app.platform import Platform
from assay.console.render import page
from assay.console.sessions import Sessions
from assay.console.views import Views, leading, written
from assay.console.visitor import Asked, Cookies, cookie, visit_of
from assay.core.errors import Unauthenticated
from assay.runtime.identity import Identity, Role

P = ParamSpec("P")
T = TypeVar("T")

PAGES = (
    ("/console", "Overview"),
    ("/console/decisions", "Decisions"),
    ("/console/queue", "Queue"),
    ("/console/models", "Models"),
    ("/console/audit", "Audit log"),
)


class Desk:
    """One console over one platform."""

    def __init__(self, platform: Platform, sessions: Sessions, cookies: Cookies) -> None:
        self.platform, self.sessions, self.cookies = platform, sessions, cookies
        self.views = Views(platform)

    @staticmethod
    def of(request: Asked) -> "Desk":
        """The desk of the application that serves a request."""
        desk = request.app.state.desk
        assert isinstance(desk, Desk)
        return desk

    def off(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run a function on the platform's thread aside."""
        return self.platform.off(function, *args, **kwargs)

    def user(self, request: Asked) -> Identity:
        """Who is signed in.

        Raises:
            Unauthenticated: nobody is.
        """
        identity = visit_of(request).identity
        if identity is None:
            raise Unauthenticated("sign in first")
        return identity

    def page(
        self, request: Asked, template: str, title: str, context: Mapping[str, Any]
    ) -> Response[str]:
        """A template inside the frame that every page shares."""
        return page(template, {**self.frame(request, title), **context})

    def frame(self, request: Asked, title: str) -> dict[str, Any]:
        """What the frame of a page needs to know."""
        visit = visit_of(request)
        secret = cookie(request.scope["headers"], self.cookies.session)
        return {
            "title": title,
            "user": visit.identity,
            "pages": PAGES,
            "here": visit.path,
            "csrf": self.sessions.csrf(secret),
            "workload": self.platform.settings.workload,
            "request_id": visit.request_id,
            "explain": self.platform.explain,
            "money": self.views.money,
            "number": written,
            "leading": leading,
            "may_review": visit.identity is not None and Role.REVIEWER in visit.identity.roles,
        }
