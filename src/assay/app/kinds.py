"""What form does a setting have? The few kinds of value, read from text and written back."""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from assay.core.time import format_duration, parse_duration

_TRUE, _FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})


class Secret:
    """A text that shows itself only to whoever asks for ``reveal()``.

    Example:
        >>> Secret("hunter2")
        ***
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class DurationKind:
    """Microseconds, written ``30s``, ``36h`` or ``2d``."""


class PortKind:
    """0 to 65535; 0 lets the system choose."""


class CountKind:
    """A whole number from 1 up."""


class WholeKind:
    """A whole number from 0 up."""


#: An ``int`` to a type checker; what it is besides stands in the annotation.
Duration = Annotated[int, DurationKind]
Port = Annotated[int, PortKind]
Count = Annotated[int, CountKind]
Whole = Annotated[int, WholeKind]


_WORDS = {
    bool: "true or false",
    DurationKind: "a duration such as 30s, 36h or 2d",
    PortKind: "a port from 0 to 65535",
    CountKind: "a whole number from 1 up",
    WholeKind: "a whole number from 0 up",
    Path: "a path",
}

_WHOLE = {PortKind: (0, 65535), CountKind: (1, 2**53), WholeKind: (0, 2**53)}


def read_as(kind: Any, value: Any) -> Any:
    """A value of the kind from what a file (TOML) or the environment (text) holds.

    Raises:
        ValueError: the value does not lie in the kind; ``words_for`` says what would.
    """
    plain = without_none(kind)
    if get_origin(plain) is Literal:
        return _read_choice(get_args(plain), value)
    if plain is bool:
        return _read_bool(value)
    if plain is DurationKind:
        return parse_duration(_text(value))
    if plain in _WHOLE:
        return _read_whole(value, *_WHOLE[plain])
    return plain(_text(value))


def words_for(kind: Any) -> str:
    """What was expected, in words."""
    plain = without_none(kind)
    if get_origin(plain) is Literal:
        return "one of " + ", ".join(get_args(plain))
    return _WORDS.get(plain, "text")


def written(value: Any, kind: Any) -> str:
    """The value as it may be shown; secrets stay hidden, None is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format_duration(value) if kind is DurationKind else str(value)


def without_none(kind: Any) -> Any:
    """``Path`` for ``Path | None``, ``PortKind`` for ``Port | None``; other kinds as they are."""
    if get_origin(kind) is Literal:
        return kind
    plain = next((arg for arg in get_args(kind) if arg is not type(None)), kind)
    return get_args(plain)[1] if get_origin(plain) is Annotated else plain


def _read_choice(choices: tuple[str, ...], value: Any) -> str:
    if value not in choices:
        raise ValueError(value)
    return str(value)


def _read_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = _text(value).lower()
    if text not in _TRUE | _FALSE:
        raise ValueError(value)
    return text in _TRUE


def _read_whole(value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(value)  # noqa: TRY004 - the caller reports every mismatch alike
    number = int(value)
    if not low <= number <= high:
        raise ValueError(value)
    return number


def _text(value: Any) -> str:
    if not isinstance(value, str | Path):
        raise ValueError(value)  # noqa: TRY004 - the caller reports every mismatch alike
    return str(value)
