"""Names folded twice are folded once, and no change of case, accent form or spacing matters."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from assay.rules.lists import normalise, parse_list, write_list

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(texts)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(texts)
def test_the_unicode_form_does_not_matter(text: str) -> None:
    forms = {
        normalise(unicodedata.normalize(form, text)) for form in ("NFC", "NFD", "NFKC", "NFKD")
    }
    assert forms == {normalise(text)}


@given(st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1), max_size=8))
def test_a_written_list_reads_back(entries: list[str]) -> None:
    snapshot = parse_list("names", write_list(entries, as_of=1_767_225_600_000_000))
    assert snapshot.entries == set(entries)
