"""Is this value on that list? True, false, or not known when the list cannot be trusted.

A list file is UTF-8 text of at most 64 MiB::

    # assay-list 1
    # as_of 2026-01-31T00:00:00Z
    # sha256 <hexadecimal SHA-256 of all bytes after this line>
    first entry
    second entry

Each further line is one entry; a line that is empty or starts with ``#`` is a comment. The
checksum is what a truncated download or an edited file fails; the digest of a snapshot is that of
the whole file and stands on every decision that consulted it.
"""

import re
import unicodedata
from functools import cached_property

import msgspec

from assay.core.canonical import digest_bytes
from assay.core.errors import Corrupt, Invalid, TooLarge, shown
from assay.core.ids import check_name
from assay.core.time import DAY, format_time, parse_time
from assay.rules.rule import ListUse

BYTES_MAX = 64 * 2**20
ENTRIES_MAX = 2_000_000
ENTRY_LENGTH_MAX = 512
#: How far after a request a list may say it was true: a delayed request is screened against the
#: newest knowledge, but a list dated into the future would never be too old.
AHEAD_MAX = 2 * DAY

_HEADER = re.compile(
    rb"# assay-list 1\r?\n# as_of ([!-~]+)\r?\n# sha256 ([0-9a-f]{64})\r?\n", re.ASCII
)
_SEPARATORS = re.compile(r"[\W_]+")
#: What may stand inside a word as well as between two: format characters are turned into this.
_JOINER = "\u200b"
_JOINERS = re.compile("['\u2019\u02bc`\u00b4.\u200b]")
#: Characters that show nothing though Unicode files them as marks or letters: fillers, selectors.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_WORDS = re.compile(r"[^\W_]+")
#: Letters that Unicode does not decompose but that people write without their stroke.
_PLAIN = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i", "ħ": "h"}
)


class ListSnapshot(msgspec.Struct, frozen=True, dict=True):
    """One version of a list: its entries, when they were true (microseconds), and its digest."""

    name: str
    digest: str
    as_of: int
    entries: frozenset[str]

    @cached_property
    def folded(self) -> frozenset[str]:
        """Every reading of the entries, see `readings`; computed once, so touch it on loading."""
        return frozenset(text for entry in self.entries for text in readings(entry))


def parse_list(name: str, raw: bytes) -> ListSnapshot:
    """The snapshot in the bytes of a list file.

    Raises:
        TooLarge: more than 64 MiB, 2,000,000 entries, or an entry of more than 512 characters.
        Corrupt: the header is not the documented one, the checksum does not match, or the text
            is not UTF-8.

    Example:
        >>> raw = write_list(["Acme Ltd."], as_of=1767225600000000)
        >>> sorted(parse_list("denied", raw).folded)
        ['acme ltd']
    """
    check_name(name)
    if len(raw) > BYTES_MAX:
        raise TooLarge(f"list {name!r}: at most {BYTES_MAX} bytes, got {len(raw)}")
    header = _HEADER.match(raw)
    if header is None:
        raise Corrupt(
            f"list {name!r}: expected the lines '# assay-list 1', '# as_of TIME' and "
            f"'# sha256 HEX' first, got {shown(raw[:60])}"
        )
    body = raw[header.end() :]
    expected, got = f"sha256:{header[2].decode()}", digest_bytes(body)
    if expected != got:
        raise Corrupt(f"list {name!r}: expected entries with {expected}, got {got}")
    try:
        as_of = parse_time(header[1].decode("ascii"))
        lines = body.decode("utf-8").split("\n")
    except (Invalid, UnicodeDecodeError) as error:
        raise Corrupt(f"list {name!r}: {error}") from error
    entries = frozenset(_entries(name, lines))
    return ListSnapshot(name, digest_bytes(raw), as_of, entries)


def write_list(entries: list[str], *, as_of: int) -> bytes:
    """The bytes of a list file with these entries, in the order given.

    Raises:
        Invalid: an entry is empty, starts with ``#``, holds a line break, is padded with white
            space or is longer than 512 characters.
    """
    for entry in entries:
        if not entry or entry != entry.strip() or entry[0] == "#" or "\n" in entry:
            raise Invalid(
                f"expected an entry on one line, unpadded, not starting with #: {shown(entry)}"
            )
        if len(entry) > ENTRY_LENGTH_MAX:
            raise Invalid(f"expected at most {ENTRY_LENGTH_MAX} characters, got {shown(entry)}")
    body = "".join(f"{entry}\n" for entry in entries).encode()
    checksum = digest_bytes(body).removeprefix("sha256:")
    return f"# assay-list 1\n# as_of {format_time(as_of)}\n# sha256 {checksum}\n".encode() + body


def normalise(text: str) -> str:
    """A name with what people vary taken away; equal results are one name.

    In this order: compatibility form (NFKD), accents and other marks dropped, case folded, letters
    with strokes and ligatures written plainly (ø o, ł l, æ ae), every run of punctuation, white
    space, control and format characters (also those that show nothing) one space, the words in
    order of their code points. Scripts are not transliterated.

    Example:
        >>> normalise("  Løgistik,  ACMÉ S.A. ")
        'a acme logistik s'
    """
    return _folded(_bare(text), " ")


def readings(text: str) -> frozenset[str]:
    """The one or two normalised forms of a name; names that share one match.

    Apostrophes, full stops and format characters stand between words (ANNA.FERNNER) or inside one
    (O'Neil): once they are read as a space, as `normalise` does, and once as nothing.

    Example:
        >>> sorted(readings("O'Neil"))
        ['neil o', 'oneil']
    """
    bare = _bare(text)
    return frozenset(folded for gap in (" ", "") if (folded := _folded(bare, gap)))


def contains(
    snapshot: ListSnapshot | None, value: str | None, use: ListUse, at: int
) -> bool | None:
    """Whether the value is on the list as of ``at``; None means "cannot tell".

    None is returned for a missing list (corrupt ones are missing), for one older than
    ``use.age_max`` at the time of the request or dated more than `AHEAD_MAX` after it, and for a
    value that is not known. With ``use.normalise`` (screening) three more cannot be told: a list
    without an entry, a value that folds to nothing ("..."), and a value that is not found but
    mixes Latin with Cyrillic or Greek letters in one word, which nobody's name does. A list newer
    than a delayed request is used: screening wants the newest knowledge.
    """
    if snapshot is None or value is None:
        return None
    if not at - use.age_max <= snapshot.as_of <= at + AHEAD_MAX:
        return None
    if not use.normalise:
        return value in snapshot.entries
    forms = readings(value)
    if not snapshot.folded or not forms:
        return None
    if not snapshot.folded.isdisjoint(forms):
        return True
    return None if _mixes_scripts(value) else False


def _bare(text: str) -> str:
    """Decomposed, without marks; whatever shows nothing is `_JOINER`."""
    if text.isascii():
        return text
    shown_or_joined = _INVISIBLE.sub(_JOINER, unicodedata.normalize("NFKD", text))
    return "".join(
        _JOINER if unicodedata.category(c) == "Cf" else c
        for c in shown_or_joined
        if not unicodedata.combining(c)
    )


def _folded(bare: str, gap: str) -> str:
    plain = _JOINERS.sub(gap, bare).casefold().translate(_PLAIN)
    words = _SEPARATORS.sub(" ", unicodedata.normalize("NFKC", plain)).split()
    return " ".join(sorted(words))


def _mixes_scripts(text: str) -> bool:
    if text.isascii():
        return False
    scripts_of = map(_scripts, _WORDS.findall(_JOINERS.sub("", _bare(text))))
    return any("LATIN" in found and found & {"CYRILLIC", "GREEK"} for found in scripts_of)


def _scripts(word: str) -> set[str]:
    return {unicodedata.name(letter, "").partition(" ")[0] for letter in word}


def _entries(name: str, lines: list[str]) -> list[str]:
    entries = [text for line in lines if (text := line.strip()) and not text.startswith("#")]
    if len(entries) > ENTRIES_MAX:
        raise TooLarge(f"list {name!r}: at most {ENTRIES_MAX} entries, got {len(entries)}")
    longest = max(entries, key=len, default="")
    if len(longest) > ENTRY_LENGTH_MAX:
        raise TooLarge(
            f"list {name!r}: an entry has at most {ENTRY_LENGTH_MAX} characters, "
            f"got {shown(longest)}"
        )
    return entries
