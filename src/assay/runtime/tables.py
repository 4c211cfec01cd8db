"""How do the rows of a CSV or Parquet file become events? By the contract, and never by a guess.

A row becomes what its sender would have written on the wire; the door then decides. A value that
does not fit its field is passed on as it is, so that the refusal names the field and keeps the row.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from assay.contracts.contract import ContractSet, EventContract, Field
from assay.contracts.event import Event
from assay.contracts.violation import ContractViolation, shown_value
from assay.core.errors import Invalid, Unknown, known_names, near_miss, shown
from assay.core.money import minor_digits
from assay.core.time import parse_time
from assay.runtime.knowledge import NOT_KNOWN
from assay.runtime.table_files import Raw, Texts, Unread, csv_rows, parquet_rows

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WHOLE = frozenset({"int", "money", "decimal"})
#: How a number is written in a CSV file: Python reads more (1_000, digits of other scripts).
_NUMBER = re.compile(
    r" *[+-]?(?:[0-9]{1,60}(?:\.[0-9]{0,60})?|\.[0-9]{1,60})(?:[eE][+-]?[0-9]{1,4})? *"
)
#: One that says nothing of a part of a unit.
_PLAIN = re.compile(r" *[+-]?[0-9]{1,60} *")
_MICROSECONDS = re.compile(r"-?[0-9]{1,20}")
#: What a text in a CSV file means for a boolean field.
_BOOLEANS = {"true": True, "false": False}


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Which column says what.

    Args:
        event_type: of every row; empty when the column ``type`` tells.
        id, ts: the columns of the envelope.
        known_at: the column that says when the platform could have known; empty for none: then
            it is not known, and training takes an event to be as late as others of its type.
        major: money and decimal fields whose numbers are in whole units (12.50), not in cents.
        naive_utc: whether times without a zone are meant as UTC.
        ignored: columns that are no field and are left out.
    """

    event_type: str = ""
    id: str = "id"
    ts: str = "ts"
    known_at: str = ""
    major: frozenset[str] = frozenset()
    naive_utc: bool = False
    ignored: frozenset[str] = frozenset()


class Row(msgspec.Struct, frozen=True):
    """An event as its row says it, not yet checked, and when it could have been known.

    ``trouble`` is why nobody can tell what the row says; its event then holds the bare values.
    ``place`` is where it stands: the file and the row, counted from 1 below the header.
    """

    event: Event
    known_at: int
    trouble: ContractViolation | None = None
    place: str = ""


class TableReader:
    """Reads files of one layout.

    Args:
        contracts: the event types that rows may have.
        layout: of the files.
        texts: reads Parquet texts of which some are not UTF-8; without it they end their file.

    Raises:
        Unknown: the layout names an event type or a field that the contracts do not have.
    """

    def __init__(self, contracts: ContractSet, layout: Layout, texts: Texts | None = None) -> None:
        self._contracts, self._layout, self._texts = contracts, layout, texts
        kinds = [contracts.get(layout.event_type)] if layout.event_type else list(contracts)
        fields = {field.name: field for contract in kinds for field in contract.fields}
        for name in layout.major:
            if name not in fields or fields[name].kind not in ("money", "decimal"):
                exact = [n for n, field in fields.items() if field.kind in ("money", "decimal")]
                raise Unknown("money or decimal field", name, known=exact)

    def rows(self, path: Path) -> Iterator[Row]:
        """The rows of a ``.csv``, ``.csv.gz`` or ``.parquet`` file, a bounded number at a time.

        Raises:
            Invalid: it is none of these, cannot be read, has a column that is no field, or has a
                row whose end nobody can tell.
        """
        for number, raw in enumerate(self._raw(path), start=1):
            place = f"{path.name}:{number}"
            yield self._unread(raw, place) if isinstance(raw, Unread) else self._row(raw, place)

    def _raw(self, path: Path) -> Iterator[Raw]:
        name = path.name.lower()
        if name.endswith((".csv", ".csv.gz")):
            return csv_rows(path, self._check_columns, self._layout.ignored)
        if name.endswith(".parquet"):
            return parquet_rows(path, self._check_columns, self._layout.ignored, self._texts)
        raise Invalid(f"{shown(path.name)}: expected a .csv, .csv.gz or .parquet file")

    def _check_columns(self, path: Path, columns: list[str]) -> None:
        layout = self._layout
        if len(set(columns)) != len(columns):
            raise Invalid(f"{path.name}: a column is named twice in {', '.join(columns)}")
        wanted = {layout.id, layout.ts} | ({layout.known_at} if layout.known_at else set())
        if not layout.event_type:
            wanted.add("type")
        for name in sorted(wanted - set(columns)):
            raise Invalid(f"{path.name}: there is no column {name!r}.{_found(name, columns)}")
        if layout.event_type:
            fields = self._contracts.get(layout.event_type).by_name
            for name in columns:
                if name not in wanted and name not in fields and name not in layout.ignored:
                    raise Invalid(
                        f"{path.name}: the column {name!r} is no field of "
                        f"{layout.event_type!r}.{known_names(name, fields)} Leave it out, or "
                        "name it as ignored (--ignore)"
                    )

    def _unread(self, raw: Unread, place: str) -> Row:
        """The row that is refused, at its place and at no time, and kept with what it says."""
        event = Event(place, self._layout.event_type, 0, raw.said)
        return Row(event, NOT_KNOWN, raw.wrong, place)

    def _row(self, raw: Mapping[str, Any], place: str) -> Row:
        layout = self._layout
        event_type = layout.event_type or str(raw["type"])
        fields = self._fields(event_type)
        skipped = {layout.id, layout.ts, layout.known_at, *layout.ignored}
        if not layout.event_type:
            skipped.add("type")
        payload = {
            name: self._value(fields.get(name), value)
            for name, value in raw.items()
            if value is not None and name not in skipped
        }
        ts = self._time(raw[layout.ts])
        known = self._time(raw[layout.known_at]) if layout.known_at else NOT_KNOWN
        if type(known) is not int:
            known = NOT_KNOWN  # rather too late than known too early
        # Without an id the row's place is one, so that its refusal can be found in the file.
        event_id = raw[layout.id] if raw[layout.id] is not None else place
        event = Event(str(event_id), event_type, ts, payload)
        return Row(event, known, self._in_unsaid_units(event, fields), place)

    def _in_unsaid_units(
        self, event: Event, fields: Mapping[str, Field]
    ) -> ContractViolation | None:
        """Why an amount may not be read: 93.00 is hardly 93 cents, and nobody said it is not."""
        for name, value in event.payload.items():
            field = fields.get(name)
            if field is None or name in self._layout.major or not isinstance(value, str):
                continue
            if _scale(field) and _NUMBER.fullmatch(value):
                unit = f"1/{10 ** _scale(field):,}" + (f" {field.unit}" if field.unit else "")
                expected = f"a whole number of {unit} (or, for whole units, --major {name})"
                return ContractViolation(f"$.data.{name}", expected, shown_value(value))
        return None

    def _fields(self, event_type: str) -> Mapping[str, Field]:
        found: EventContract | None = next(
            (c for c in self._contracts if c.type == event_type), None
        )
        return {} if found is None else found.by_name

    def _value(self, field: Field | None, value: Any) -> Any:
        """The value as the wire would carry it; unchanged where that cannot be told."""
        if field is None:
            return value
        if field.kind == "time":
            return self._time(value)
        if field.kind in _WHOLE:
            return _whole(field, value, in_major=field.name in self._layout.major)
        if isinstance(value, str):
            return _typed(field, value)
        if isinstance(value, Decimal):
            return float(value)
        return value if not isinstance(value, date) else value.isoformat()

    def _time(self, value: Any) -> Any:
        """Microseconds where the value tells an instant, else the value."""
        if isinstance(value, datetime):
            if value.tzinfo is None:
                if not self._layout.naive_utc:
                    return value.isoformat()
                value = value.replace(tzinfo=UTC)
            difference = value - _EPOCH
            return (difference.days * 86_400 + difference.seconds) * 10**6 + difference.microseconds
        if isinstance(value, str):
            text = value[:10] + "T" + value[11:] if value[10:11] == " " else value
            if self._layout.naive_utc and _is_naive(text):
                text += "Z"
            try:
                return int(text) if _MICROSECONDS.fullmatch(text) else parse_time(text)
            except Invalid:
                return value
        return value


def _found(name: str, columns: list[str]) -> str:
    """Which columns there are; a header that was not taken apart is written otherwise."""
    if len(columns) == 1 and any(mark in columns[0] for mark in ";\t|"):
        return f" Expected columns between commas, found {shown(columns[0])}"
    first = ", ".join(column[:80] for column in columns[:20])
    return f"{near_miss(name, columns)} Found: {first}{', ...' if len(columns) > 20 else ''}"


def _whole(field: Field, value: Any, *, in_major: bool) -> Any:
    """A number in the field's smallest unit; a decimal type is in whole units by nature."""
    scale = _scale(field)
    if isinstance(value, Decimal):
        return _scaled(value, scale)
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            return value
        if scale and not in_major and not _PLAIN.fullmatch(value):
            return value
        return _scaled(Decimal(value), scale if in_major else 0)
    if in_major and type(value) is int:
        return value * 10**scale
    return value


def _scale(field: Field) -> int:
    """Decimal digits of a whole unit that the field's own, smallest unit is smaller by."""
    if field.kind == "money":
        return minor_digits(field.unit)
    return field.scale if field.kind == "decimal" else 0


def _scaled(value: Decimal, scale: int) -> int | str:
    """The whole number of ``10**-scale``; a value with more digits stays the text it is."""
    if not value.is_finite() or abs(value.adjusted()) > 40:
        return str(value)
    scaled = value.scaleb(scale)
    return int(scaled) if scaled == scaled.to_integral_value() else str(value)


def _typed(field: Field, text: str) -> Any:
    if field.kind == "bool":
        return _BOOLEANS.get(text.lower(), text)
    if field.kind == "real":
        return float(text) if _NUMBER.fullmatch(text) else text
    return text


def _is_naive(text: str) -> bool:
    """Whether a text looks like a time of day without a zone."""
    clock = text[10:]
    return bool(clock) and not clock.endswith(("Z", "z")) and "+" not in clock and "-" not in clock
