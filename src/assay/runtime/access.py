"""May this identity do this here? One table of (method, path) and roles, denying what it lacks."""

from collections.abc import Iterable, Iterator

import msgspec

from assay.core.errors import Forbidden, Invalid, NotFound, Unauthenticated
from assay.runtime.identity import Identity, Role

ANYONE = frozenset(Role)  #: any role, but an identity is needed


class Grant(msgspec.Struct, frozen=True):
    """One route: ``path`` may hold ``{name}`` segments; ``roles`` None means open to the world.

    ``body_max`` bounds the request body in bytes; 0 means that none is read. ``media`` lists the
    media types a body may have.
    """

    method: str
    path: str
    roles: frozenset[Role] | None
    body_max: int = 0
    media: tuple[str, ...] = ("application/json",)

    def permit(self, identity: Identity | None) -> None:
        """Return when the identity may use the route.

        Raises:
            Unauthenticated: the route needs an identity and there is none.
            Forbidden: none of the identity's roles is among the route's.
        """
        if self.roles is None:
            return
        if identity is None:
            raise Unauthenticated(
                f"{self.method} {self.path} needs a token: send `Authorization: Bearer <token>`"
            )
        if not identity.roles & self.roles:
            raise Forbidden(
                f"{self.method} {self.path} needs one of the roles "
                f"{', '.join(sorted(self.roles))}; {identity.user!r} holds "
                f"{', '.join(sorted(identity.roles))}"
            )


class WrongMethod(Invalid):
    """The path exists, but not with this method; ``allowed`` lists those it has."""

    code = "method_not_allowed"

    def __init__(self, method: str, path: str, allowed: Iterable[str]) -> None:
        self.allowed = tuple(sorted(allowed))
        super().__init__(f"{path} answers {', '.join(self.allowed)}, not {method}")


class AccessTable:
    """All routes of one door; what is not listed does not exist.

    Raises:
        Invalid: two grants of one method and path.

    Example:
        >>> table = AccessTable([Grant("GET", "/v1/cases/{id}", frozenset({Role.REVIEWER}))])
        >>> table.find("GET", "/v1/cases/c-1").path
        '/v1/cases/{id}'
    """

    def __init__(self, grants: Iterable[Grant]) -> None:
        self._exact: dict[tuple[str, str], Grant] = {}
        self._patterns: list[tuple[tuple[str, ...], Grant]] = []
        self._grants = tuple(grants)
        for grant in self._grants:
            if (grant.method, grant.path) in self._exact:
                raise Invalid(f"{grant.method} {grant.path} is granted twice")
            self._exact[grant.method, grant.path] = grant
            if "{" in grant.path:
                self._patterns.append((tuple(grant.path.split("/")), grant))

    def __iter__(self) -> Iterator[Grant]:
        return iter(self._grants)

    def find(self, method: str, path: str) -> Grant:
        """The grant for a request.

        Raises:
            NotFound: no route has this path.
            WrongMethod: routes have it, with other methods.
        """
        grant = self._exact.get((method, path))
        if grant is not None:
            return grant
        matching = {g.method: g for g in self._matching(path)}
        if method in matching:
            return matching[method]
        if matching:
            raise WrongMethod(method, path, matching)
        raise NotFound(f"there is no {path[:200]}")

    def _matching(self, path: str) -> Iterator[Grant]:
        for (_, exact), grant in self._exact.items():
            if exact == path:
                yield grant
        parts = path.split("/")
        for pattern, grant in self._patterns:
            if len(pattern) == len(parts) and all(
                (want.startswith("{") and have != "") or want == have
                for want, have in zip(pattern, parts, strict=True)
            ):
                yield grant
