"""A list answers only when its bytes are whole and fresh; names are compared as people do."""

import pytest

from assay.core.errors import Corrupt, Invalid, TooLarge
from assay.core.time import DAY, parse_time
from assay.rules import lists
from assay.rules.lists import contains, normalise, parse_list, write_list
from assay.rules.rule import ListUse

AT = parse_time("2026-01-31T00:00:00Z")
EXACT = ListUse(name="denied", field="card", owner="risk", age_max=DAY)
NAMES = ListUse(name="sanctions", field="name", owner="legal", age_max=DAY, normalise=True)


def test_a_list_survives_the_round_trip() -> None:
    snapshot = parse_list("denied", write_list(["a", "b c", "é"], as_of=AT))
    assert (snapshot.name, snapshot.as_of) == ("denied", AT)
    assert snapshot.entries == {"a", "b c", "é"}


def test_the_digest_is_that_of_the_whole_file() -> None:
    one = parse_list("denied", write_list(["a"], as_of=AT))
    later = parse_list("denied", write_list(["a"], as_of=AT + 1))
    assert one.digest != later.digest


def test_comments_and_empty_lines_are_not_entries() -> None:
    raw = write_list(["a"], as_of=AT)
    body = b"# why\n\n a \r\nb\n"
    raw = raw[: raw.index(b"# sha256")] + b"# sha256 " + _sha(body) + b"\n" + body
    assert parse_list("denied", raw).entries == {"a", "b"}


def test_every_changed_byte_and_every_cut_is_found() -> None:
    raw = write_list(["alpha", "beta"], as_of=AT)
    start = raw.index(b"# sha256")
    for position in range(start, len(raw)):
        edited = bytearray(raw)
        edited[position] ^= 1
        with pytest.raises(Corrupt):
            parse_list("denied", bytes(edited))
    for length in range(len(raw)):
        with pytest.raises(Corrupt):
            parse_list("denied", raw[:length])


@pytest.mark.parametrize(
    "raw",
    [b"", b"a\nb\n", b"\xff" * 100, b"# assay-list 2\n# as_of 2026-01-31T00:00:00Z\n"],
)
def test_what_is_no_list_file_is_corrupt_and_shown(raw: bytes) -> None:
    with pytest.raises(Corrupt, match="expected the lines '# assay-list 1'"):
        parse_list("denied", raw)


def test_a_time_that_is_none_is_corrupt() -> None:
    raw = write_list(["a"], as_of=AT).replace(b"2026-01-31", b"2026-02-31")
    with pytest.raises(Corrupt, match="a time that exists"):
        parse_list("denied", raw)


def test_bytes_that_are_no_text_are_corrupt() -> None:
    body = b"caf\xe9\n"
    head = write_list([], as_of=AT)
    raw = head[: head.index(b"# sha256")] + b"# sha256 " + _sha(body) + b"\n" + body
    with pytest.raises(Corrupt, match="utf-8"):
        parse_list("denied", raw)


def test_sizes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = write_list(["a", "b", "c"], as_of=AT)
    monkeypatch.setattr(lists, "ENTRIES_MAX", 2)
    with pytest.raises(TooLarge, match="at most 2 entries, got 3"):
        parse_list("denied", raw)
    monkeypatch.setattr(lists, "BYTES_MAX", 10)
    with pytest.raises(TooLarge, match="at most 10 bytes"):
        parse_list("denied", raw)


@pytest.mark.parametrize("entry", ["", " a", "a ", "#a", "a\nb", "x" * 513])
def test_an_entry_that_could_not_be_read_back_is_not_written(entry: str) -> None:
    with pytest.raises(Invalid):
        write_list([entry], as_of=AT)


def test_a_missing_or_stale_list_or_an_unknown_value_cannot_tell() -> None:
    snapshot = parse_list("denied", write_list(["a"], as_of=AT))
    assert contains(None, "a", EXACT, AT) is None
    assert contains(snapshot, None, EXACT, AT) is None
    assert contains(snapshot, "a", EXACT, AT + DAY) is True
    assert contains(snapshot, "b", EXACT, AT + DAY) is False
    assert contains(snapshot, "a", EXACT, AT + DAY + 1) is None


def test_a_list_newer_than_a_delayed_request_is_used() -> None:
    snapshot = parse_list("denied", write_list(["a"], as_of=AT))
    assert contains(snapshot, "a", EXACT, AT - DAY) is True


def test_an_exact_list_compares_exactly() -> None:
    snapshot = parse_list("denied", write_list(["Card-1"], as_of=AT))
    assert contains(snapshot, "card-1", EXACT, AT) is False


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("José Muñoz", "JOSE  MUNOZ"),
        ("José", "Jose\u0301"),
        ("O'Neil", "o\u2019neil"),
        ("ACME, S.A.", "acme sa"),
        ("Jean-Luc", "jean luc"),
        ("Müller", "Muller"),
        ("Straße", "STRASSE"),
        ("Łukasz Ørsted", "lukasz orsted"),
        ("Ｆｕｌｌ　Ｗｉｄｔｈ", "full width"),
        ("Ana\u200bB", "anab"),
        ("ANNA FERNNER", "FERNNER, ANNA"),
        ("ANNA FERNNER", "ANNA\u200bFERNNER"),
        ("ANNA FERNNER", "AN\u200bNA FERN\u00adNER"),
        ("ANNA FERNNER", "Anna.Fernner"),
        ("ANNA FERNNER", "Anna_Fernner"),
        ("ANNA FERNNER", "Anna\u3164Fernner"),
        ("ANNA FERNNER", "Anna Fern\ufe0fner"),
        ("ANNA O'NEIL", "Oneil Anna"),
        ("İstanbul", "istanbul"),
        ("안녕", "안녕"),
    ],
)
def test_spellings_of_one_name_meet(written: str, same: str) -> None:
    snapshot = parse_list("sanctions", write_list([written], as_of=AT))
    assert contains(snapshot, same, NAMES, AT) is True


@pytest.mark.parametrize(("one", "other"), [("Anna", "Ann"), ("ab c", "a bc"), ("Ivan", "Иван")])
def test_different_names_stay_different(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


@pytest.mark.parametrize(
    "value", ["\u0410nna Fernner", "Anna Fernne\u0433", "\u0391nna", "\u0410\u200bnna"]
)
def test_a_word_of_latin_and_cyrillic_or_greek_letters_cannot_tell(value: str) -> None:
    snapshot = parse_list("sanctions", write_list(["ANNA FERNNER"], as_of=AT))
    assert contains(snapshot, value, NAMES, AT) is None


@pytest.mark.parametrize("value", ["Anna Иванова", "Иван", "Ελένη", "José Muñoz", "Łukasz"])
def test_a_name_whose_words_are_of_one_script_each_is_told(value: str) -> None:
    snapshot = parse_list("sanctions", write_list(["ANNA FERNNER"], as_of=AT))
    assert contains(snapshot, value, NAMES, AT) is False


def test_a_listed_name_of_mixed_letters_is_found() -> None:
    snapshot = parse_list("sanctions", write_list(["\u0410nna"], as_of=AT))
    assert contains(snapshot, "\u0410NNA", NAMES, AT) is True


@pytest.mark.parametrize("entries", [[], ["..."]])
def test_a_screening_list_without_a_name_cannot_tell(entries: list[str]) -> None:
    snapshot = parse_list("sanctions", write_list(entries, as_of=AT))
    assert contains(snapshot, "Ann", NAMES, AT) is None


def test_an_exact_list_may_be_empty() -> None:
    snapshot = parse_list("denied", write_list([], as_of=AT))
    assert contains(snapshot, "a", EXACT, AT) is False


@pytest.mark.parametrize("use", [EXACT, NAMES])
def test_a_list_dated_more_than_two_days_after_the_request_cannot_tell(use: ListUse) -> None:
    snapshot = parse_list("denied", write_list(["a"], as_of=AT))
    assert contains(snapshot, "a", use, AT - 2 * DAY) is True
    assert contains(snapshot, "a", use, AT - 2 * DAY - 1) is None


def test_a_name_without_letters_cannot_tell() -> None:
    snapshot = parse_list("sanctions", write_list(["..."], as_of=AT))
    assert contains(snapshot, " - ", NAMES, AT) is None
    assert snapshot.folded == frozenset()


def _sha(body: bytes) -> bytes:
    from assay.core.canonical import digest_bytes

    return digest_bytes(body).removeprefix("sha256:").encode()
