"""Every kind of message can be written, and only honest words come from honest kinds."""

import pytest

from assay.simulate.messages import BY_HOST, Kind, render
from assay.simulate.names import full_name
from assay.workloads.checkout.contracts import MESSAGE_LENGTH_MAX
from assay.workloads.checkout.text import links, off_platform_phrases

SLOTS = [number * 2_862_933_555_777_941_757 % 2**63 for number in range(300)]


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.NONE])
def test_texts_are_filled_in_and_fit_the_contract(kind: Kind) -> None:
    for slot in [0, 2**63 - 1, *SLOTS]:
        text = render(kind, slot)
        assert text
        assert len(text) <= MESSAGE_LENGTH_MAX
        assert "{" not in text


def test_no_message_is_no_text() -> None:
    assert render(Kind.NONE, 5) is None


def test_texts_of_one_kind_vary() -> None:
    assert len({render(Kind.GUEST, slot) for slot in SLOTS}) > 250


def test_blunt_lures_are_recognised_and_subtle_ones_are_not() -> None:
    blunt = [render(Kind.SCAM_LINK, slot) or "" for slot in SLOTS]
    subtle = [render(Kind.SCAM_ADAPTED, slot) or "" for slot in SLOTS]
    assert all(links(text) for text in blunt)
    assert all(off_platform_phrases(text) for text in blunt)
    assert not any(links(text) or off_platform_phrases(text) for text in subtle)


def test_honest_people_write_links_and_talk_about_money_too() -> None:
    for kind in (Kind.GUEST_CASH, Kind.HOST_CONTACT):
        texts = [render(kind, slot) or "" for slot in SLOTS]
        assert 0 < sum(off_platform_phrases(text) > 0 for text in texts) < len(texts)
    assert all(links(render(Kind.GUEST_LINK, slot) or "") for slot in SLOTS)


def test_lures_are_written_by_hosts() -> None:
    assert {Kind.SCAM_LINK, Kind.SCAM_PLAIN, Kind.SCAM_ADAPTED} <= BY_HOST
    assert Kind.GUEST not in BY_HOST


def test_names_are_many() -> None:
    names = {full_name(number * 2_654_435_761 % 2**32) for number in range(2_000)}
    assert len(names) > 1_900
