"""What owners publish as they go: a scorer reads whole vectors from several of them at once."""

from tests.property.partitions.small_world import CATALOG, REQUESTS
from tests.unit.runtime.publishing import Owners, Store, events, scorer

from assay.contracts.event import Event
from assay.features.state import FeatureState
from assay.runtime.partition_plan import Partition


def check(owners: Owners, said: list[Event]) -> None:
    truth = FeatureState(CATALOG)
    truth.apply_all(said)
    source = scorer(owners)
    for request in REQUESTS:
        served = source.serve(request)
        wanted, _ = truth.read(request)
        assert served.absent == {}
        assert served.vector.bits.tolist() == wanted.bits.tolist()
        assert served.vector.known.tolist() == wanted.known.tolist()
        for name, seq in served.cut.items():
            topic, _, number = name.partition("/")
            assert seq == owners.logs[Partition(topic, int(number))].last_seq()


def test_a_scorer_reads_whole_vectors_from_several_owners() -> None:
    owners, said = Owners(Store()), events(0, 40)
    for event in said:
        owners.say(event)
    owners.rest()
    check(owners, said)
    more = events(40, 5)
    for event in more:
        owners.say(event)
    owners.rest()
    check(owners, said + more)


def test_a_new_owner_goes_on_from_what_is_shown() -> None:
    owners, said = Owners(Store()), events(0, 40)
    for event in said:
        owners.say(event)
    owners.rest()
    for partition in owners.logs:
        owners.start(partition)
    last = events(40, 1)
    owners.say(last[0])
    owners.rest()
    check(owners, said + last)


def test_owners_go_on_without_the_store_and_show_everything_once_it_is_back() -> None:
    store = Store()
    store.down = True
    owners, said = Owners(store), events(0, 40)
    for event in said:
        owners.say(event)
    owners.rest()
    assert all(published.failures >= 1 for published in owners.published.values())
    store.down = False
    owners.rest()
    check(owners, said)
