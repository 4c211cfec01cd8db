"""What a partition says of itself is believed only as it was said, and of that partition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.property.partitions.small_world import CATALOG, REQUESTS
from tests.unit.runtime.publishing import Owners, Store, events, scorer

from assay.core.errors import Corrupt
from assay.features.state import FeatureState
from assay.runtime.read_model import STATUS_MAX, Status, StatusSeal, status_name
from assay.runtime.shared_features import DAMAGED

SEAL = StatusSeal(b"between us")
STATUS = Status(
    generation=3, seq=7, mark=b"12345678", tables=(b"t" * 16,), newest={"paid": 9}, oldest=None,
    published_at=11,
)  # fmt: skip


def test_a_status_is_read_as_it_was_written() -> None:
    assert SEAL.read("users/3", SEAL.write("users/3", STATUS)) == STATUS
    assert StatusSeal().read("p", StatusSeal().write("p", STATUS)) == STATUS


@given(st.data())
def test_one_flipped_bit_is_noticed_wherever_it_is(data: st.DataObject) -> None:
    raw = bytearray(SEAL.write("users/3", STATUS))
    at = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[at // 8] ^= 1 << at % 8
    with pytest.raises(Corrupt, match="does not match its checksum"):
        SEAL.read("users/3", bytes(raw))


@pytest.mark.parametrize("partition", ["users/4", "users/30", "users", "", "main"])
def test_the_status_of_another_partition_is_not_believed(partition: str) -> None:
    with pytest.raises(Corrupt, match="of another partition"):
        SEAL.read(partition, SEAL.write("users/3", STATUS))


def test_what_somebody_without_the_secret_made_is_not_believed() -> None:
    for other in (StatusSeal(), StatusSeal(b"guessed")):
        with pytest.raises(Corrupt, match="image_secret"):
            SEAL.read("p", other.write("p", STATUS))


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 60])
def test_what_is_cut_short_or_too_long_is_not_believed(size: int) -> None:
    whole = SEAL.write("p", STATUS)
    assert size < len(whole)
    with pytest.raises(Corrupt):
        SEAL.read("p", whole[:size])
    with pytest.raises(Corrupt, match="at most"):
        SEAL.read("p", whole + bytes(STATUS_MAX))


def test_statuses_that_changed_places_make_views_unknown_until_their_owners_start_anew() -> None:
    store = Store()
    owners, said = Owners(store), events(0, 40)
    for event in said:
        owners.say(event)
    owners.rest()
    shown = [p for p in owners.logs if store._values.get(status_name(str(p))) is not None]
    names = [status_name(str(partition)) for partition in shown]
    moved = [store._values[name] for name in [*names[1:], names[0]]]
    store._values.update(zip(names, moved, strict=True))
    truth, source = FeatureState(CATALOG), scorer(owners)
    truth.apply_all(said)
    for request in REQUESTS:
        served = source.serve(request)
        assert set(served.absent.values()) == {DAMAGED}
        assert served.cut == {}
    for partition in owners.logs:
        owners.start(partition)
    owners.rest()
    for request in REQUESTS:
        served = source.serve(request)
        assert served.absent == {}
        assert served.vector.digest == truth.read(request)[0].digest
