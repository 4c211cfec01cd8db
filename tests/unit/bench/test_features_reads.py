"""The benchmark of reads runs on a small world, and says why a peer has no figure."""

from pathlib import Path

import pytest
from tests.integration.redis_server import needs_redis

from assay.bench.features_reads import read_rows
from assay.bench.features_world import payments


@needs_redis
def test_reads_are_measured_in_process_and_through_redis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # no peer is built here
    rows = read_rows(payments(7, 260), 200, 60)
    assert [item.name.rpartition(", ")[2] for item in rows] == ["p50", "p99"] * 3
    for item in rows:
        assert item.value > 0
        assert (item.peer_value, item.ratio) == (None, None)
    assert {item.why for item in rows[:4]} == {
        "no environment .bench/feast: run `assay bench --prepare`"
    }
