"""Drift changes the honest, adaptation the fraudsters, and neither touches the days before."""

from statistics import mean, median

import msgspec
from tests.unit.simulate.worlds import SMALL, days

from assay.simulate.batch import DayBatch
from assay.workloads.checkout.text import links, off_platform_phrases

AT = 16
DRIFTED = msgspec.structs.replace(SMALL, days=34, drift_at=AT)
ADAPTED = msgspec.structs.replace(SMALL, days=34, adapt_at=AT)
PLAIN = msgspec.structs.replace(SMALL, days=34)


def of(batches: tuple[DayBatch, ...], field: str, *patterns: str) -> list[float]:
    """A booking field of all bookings of these patterns."""
    return [
        value
        for batch in batches
        for value, pattern in zip(
            batch.tables["booking"].columns[field], batch.truth.pattern, strict=True
        )
        if pattern in patterns
    ]


def test_nothing_changes_before_the_date() -> None:
    for changed in (DRIFTED, ADAPTED):
        for ours, plain in zip(days(changed)[:AT], days(PLAIN)[:AT], strict=True):
            assert list(ours.events()) == list(plain.events())


def test_drift_moves_prices_and_lead_times_of_the_honest() -> None:
    before, after = days(PLAIN)[AT:], days(DRIFTED)[AT:]
    assert mean(of(after, "nightly", "none")) > 1.08 * mean(of(before, "nightly", "none"))
    assert median(of(after, "lead_days", "none")) < 0.7 * median(of(before, "lead_days", "none"))


def test_drift_leaves_fraud_alone() -> None:
    lead = [of(days(s)[AT:], "lead_days", "card_testing") for s in (PLAIN, DRIFTED)]
    assert lead[0] == lead[1]


def test_card_testers_learn_to_go_slow() -> None:
    failed = []
    for settings in (PLAIN, ADAPTED):
        batches = days(settings)[AT:]
        testers = set(of(batches, "user_id", "card_testing"))
        count = sum(
            user in testers and not succeeded
            for batch in batches
            for user, succeeded in zip(
                batch.tables["payment"].columns["user_id"],
                batch.tables["payment"].columns["succeeded"],
                strict=True,
            )
        )
        failed.append(count / len(of(batches, "user_id", "card_testing")))
    assert failed[1] < failed[0] / 2


def test_card_testers_learn_to_age_accounts() -> None:
    ages = [of(days(s)[AT:], "account_age_days", "card_testing") for s in (PLAIN, ADAPTED)]
    assert min(ages[0]) == 0
    assert min(ages[1]) >= 35


def test_hosts_of_fake_listings_learn_to_drop_links_and_phrases() -> None:
    telling = []
    for settings in (PLAIN, ADAPTED):
        texts = [t for t in of(days(settings)[AT:], "message_text", "fake_listing") if t]
        blunt = [t for t in map(str, texts) if links(t) or off_platform_phrases(t) >= 2]
        telling.append(len(blunt) / len(texts))
    assert telling[0] > 0.3
    assert telling[1] < telling[0] / 2


def test_thieves_learn_to_come_from_the_victims_country() -> None:
    away = []
    for settings in (PLAIN, ADAPTED):
        batches = days(settings)[AT:]
        homes = of(batches, "home_country", "account_takeover")
        ips = of(batches, "ip_country", "account_takeover")
        away.append(sum(a != b for a, b in zip(homes, ips, strict=True)) / len(ips))
    assert away[1] < away[0] / 1.5
