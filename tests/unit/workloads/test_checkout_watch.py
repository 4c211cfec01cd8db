"""What the operations desk sees agrees with what the features would have said."""

from assay.contracts.event import Event
from assay.core.time import HOUR, MINUTE
from assay.features.catalog import Catalog
from assay.features.definition import Feature, Where
from assay.features.state import FeatureState
from assay.simulate.world import demo_settings, simulate
from assay.workloads.checkout.contracts import BOOKING, CONTRACTS
from assay.workloads.checkout.watch import BURST_FAILURES, Watch, first_burst


def booking(user: str, amount: int) -> Event:
    return Event(f"b-{user}-{amount}", "booking", 0, {"user_id": user, "amount": amount})


def test_held_amounts_rise_and_fall_with_decisions_and_verdicts() -> None:
    watch = Watch()
    for user, amount, outcome in [("a", 5, "block"), ("b", 9, "review"), ("c", 99, "approve")]:
        watch.decided(booking(user, amount), outcome)
    assert watch.most_held(5) == [("b", 9), ("a", 5)]
    watch.released(booking("b", 9))
    watch.decided(booking("a", 2), "hold")
    assert watch.most_held(5) == [("a", 7)]


def payment(number: int, ts: int, device: str = "d", *, succeeded: bool = False) -> Event:
    payload = {"user_id": "u", "device_id": device, "succeeded": succeeded}
    return Event(f"p{number}", "payment", ts, payload)


def test_successes_and_slow_failures_are_no_burst() -> None:
    slow = [payment(n, n * 21 * MINUTE) for n in range(20)]
    good = [payment(100 + n, n * MINUTE, succeeded=True) for n in range(20)]
    assert first_burst([*slow, *good]) is None


def test_the_minute_is_the_first_at_which_the_feature_reaches_the_limit() -> None:
    """On a simulated shop, against the count that the rule itself reads."""
    count = Feature(
        name="failed",
        source="payment",
        key=("device_id",),
        aggregate="count",
        window=HOUR,
        where=(Where("succeeded", "==", False),),
    )
    state = FeatureState(Catalog(request=BOOKING, contracts=CONTRACTS, features=(count,)))
    payments: list[Event] = []
    for batch in simulate(demo_settings()):
        payments += [event for event in batch.events() if event.type == "payment"]
        if (found := first_burst(payments)) is not None:
            break
    assert found is not None
    at, device = found
    state.apply_all(payments)

    def failures(ts: int) -> int:
        vector, _ = state.read(Event("r", "booking", ts, {"device_id": device}))
        return int(vector.bits[0])

    assert failures(at) >= BURST_FAILURES
    earlier = range(payments[0].ts // MINUTE, at // MINUTE)
    assert all(failures(minute * MINUTE) < BURST_FAILURES for minute in earlier)
