"""Who must act when something fails? The answer picks the class; the code says what failed.

Three branches cover every deliberate error, so an edge (HTTP, command line) maps three classes
and not thirty: the caller must change the request (``Invalid``), the operator must restore
something (``Unavailable``), or somebody with authority must agree first (``Refused``).
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar

#: So many known names are all said, in so many characters.
_NAMED_MAX, _LISTED_MAX = 12, 400


class AssayError(Exception):
    """Base of every error raised on purpose; ``code`` is stable across releases."""

    code: ClassVar[str] = "error"


class Invalid(AssayError, ValueError):
    """The input is wrong: the same call will fail again until the caller changes it."""

    code = "invalid"


class Unavailable(AssayError):
    """Something this process needs is missing, broken or slow: the operator must act."""

    code = "unavailable"


class Refused(AssayError):
    """A policy, a role or a sign-off gate forbids the action."""

    code = "refused"


class Unknown(Invalid, LookupError):
    """A name is not among the known ones.

    Example:
        >>> str(Unknown("feature", "card_cuont_1h", known=["card_count_1h"]))
        "feature 'card_cuont_1h' is not among the 1 known. Did you mean 'card_count_1h'?"
    """

    code = "unknown"

    def __init__(self, what: str, name: str, *, known: Iterable[str]) -> None:
        self.what, self.name, self.known = what, name, tuple(sorted(known))
        super().__init__(
            f"{what} {shown(name)} is not among the {len(self.known)} known."
            f"{known_names(name, self.known)}"
        )


class NotFound(Invalid, LookupError):
    """The thing named by the caller does not exist (or the caller may not see it)."""

    code = "not_found"


class Conflict(Invalid):
    """The same identity was used before with other content."""

    code = "conflict"


class TooLarge(Invalid):
    """A size limit was exceeded before the content was looked at."""

    code = "too_large"


class Corrupt(Unavailable):
    """Stored bytes do not match their digest or their chain: nothing may be built on them."""

    code = "corrupt"


class HomeLocked(Unavailable):
    """Another process already serves this home folder."""

    code = "home_locked"


class Unauthenticated(Refused):
    """No identity, or one whose token is unknown, revoked or expired."""

    code = "unauthenticated"


class Forbidden(Refused):
    """The identity is known but its role does not allow the action."""

    code = "forbidden"


class GateRefused(Refused):
    """The governance gate found reasons to refuse; ``why`` lists every one of them."""

    code = "gate_refused"

    def __init__(self, what: str, why: Iterable[str]) -> None:
        self.what, self.why = what, tuple(why)
        super().__init__(f"{what} is refused: " + "; ".join(self.why))


def near_miss(name: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` for the nearest known name, or nothing when none is near.

    Example:
        >>> near_miss("ID", ["id", "ts"])
        " Did you mean 'id'?"
    """
    names = list(known)
    near = get_close_matches(name, names, n=1)
    near = near or [each for each in names if each.lower() == name.lower()]
    return f" Did you mean {near[0]!r}?" if near else ""


def known_names(name: str, known: Iterable[str]) -> str:
    """The nearest known name; all of them where none is near and few are known.

    Example:
        >>> known_names("amount", ["ts", "id"])
        ' There are: id, ts.'
    """
    names = sorted(known)
    listed = ", ".join(names)
    few = 0 < len(names) <= _NAMED_MAX and len(listed) <= _LISTED_MAX
    return near_miss(name, names) or (f" There are: {listed}." if few else "")


def shown(value: object, limit: int = 80) -> str:
    """A value as it may appear in a message: its ``repr``, cut to ``limit`` characters.

    Example:
        >>> shown("x" * 200, limit=8)
        "'xxxxxxx... (202 characters)"
    """
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"
