"""How does a page become HTML? Templates that escape everything, and a few ways to write values."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Response

from assay.console.chart import share_width
from assay.core.time import SECOND, format_duration

#: Nothing is loaded from elsewhere, no script runs, nothing of ours is framed by others.
PAGE_HEADERS: Mapping[str, str] = {
    "content-security-policy": "default-src 'self'; script-src 'none'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
}

_environment = Environment(
    loader=PackageLoader("assay.console"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def html(template: str, context: Mapping[str, Any]) -> str:
    """A template filled with values."""
    return _environment.get_template(template).render(context)


def page(template: str, context: Mapping[str, Any], status: int = 200) -> Response[str]:
    """A page as a response."""
    return Response(html(template, context), status_code=status, media_type="text/html")


def when(us: int | None) -> str:
    """An instant for people: ``2026-01-31 09:30:00 UTC``.

    Example:
        >>> when(1767225600000000)
        '2026-01-01 00:00:00 UTC'
    """
    if us is None:
        return ""
    return datetime.fromtimestamp(us // SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def minute(us: int | None) -> str:
    """An instant to the minute, for lists.

    Example:
        >>> minute(1767225600000000)
        '2026-01-01 00:00'
    """
    return when(us)[:16]


def percent(share: float | None, digits: int = 1) -> str:
    """A share for people; a dash when there is none.

    Example:
        >>> percent(0.1234), percent(None)
        ('12.3 %', '–')
    """
    return "–" if share is None else f"{share * 100:.{digits}f} %"


def short(digest: str | None, length: int = 12) -> str:
    """The first characters of a digest, without its ``sha256:``."""
    return "none" if digest is None else digest.removeprefix("sha256:")[:length]


def spread(duration: int) -> str:
    """A duration for people."""
    return format_duration(duration)


_environment.filters |= {
    "when": when,
    "minute": minute,
    "percent": percent,
    "short": short,
    "spread": spread,
    "share_width": share_width,
    "group": lambda number: f"{number:,}",
    "ms": lambda seconds: f"{seconds * 1e3:.2f} ms",
}
