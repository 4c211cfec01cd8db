"""The figures of the durable log: their shape, and that a group costs at least one sync."""

from assay.bench.log import run


def test_every_figure_stands_beside_the_disk() -> None:
    printed = run(3, events=300, repeats=1)
    rows = printed["rows"]
    assert isinstance(rows, list)
    assert len(rows) == 13
    assert all(row["value"] > 0 for row in rows[:-1])
    assert all(row["peer_value"] is not None for row in rows[:-1])
    syncs = rows[-1]
    assert syncs["peer_value"] is None or syncs["value"] >= 1, "a commit without a sync is none"
