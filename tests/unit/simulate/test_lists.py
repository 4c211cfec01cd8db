"""The lists of a world name entities of that world."""

from tests.unit.simulate.worlds import SMALL, days

from assay.rules.lists import normalise, parse_list, write_list
from assay.simulate.lists import demo_lists
from assay.workloads.checkout.policy import LISTS


def test_there_is_one_list_for_each_that_the_workload_consults() -> None:
    assert set(demo_lists(SMALL)) == {use.name for use in LISTS}


def test_lists_can_be_written_and_read_back() -> None:
    for name, entries in demo_lists(SMALL).items():
        snapshot = parse_list(name, write_list(list(entries), as_of=SMALL.start))
        assert snapshot.entries == frozenset(entries)


def test_some_card_tests_but_no_honest_booking_use_a_listed_card() -> None:
    listed = set(demo_lists(SMALL)["stolen_cards"])
    hits = [
        pattern
        for batch in days()
        for card, pattern in zip(
            batch.tables["booking"].columns["card_id"], batch.truth.pattern, strict=True
        )
        if card in listed
    ]
    assert hits
    assert set(hits) == {"card_testing"}


def test_a_few_guests_share_a_name_with_a_sanctioned_person() -> None:
    listed = {normalise(name) for name in demo_lists(SMALL)["sanctioned_names"]}
    names = [n for batch in days() for n in batch.tables["booking"].columns["guest_name"]]
    share = sum(normalise(name) in listed for name in names) / len(names)
    assert 0 < share < 0.02


def test_trusted_users_do_book() -> None:
    trusted = set(demo_lists(SMALL)["trusted_users"])
    users = {u for batch in days() for u in batch.tables["booking"].columns["user_id"]}
    assert trusted & users
