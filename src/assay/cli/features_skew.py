"""``assay features skew``: what does the classic skew cost? Planted on purpose, and measured."""

from typing import Any

import click
import msgspec

from assay.cli.show import JSON, counting, emit, grid

_SHOWN = 20


@click.command()
@click.option("--days", default=55, show_default=True, help="Of the simulated shop.")
@click.option("--bookings", default=600, show_default=True, help="A day.")
@click.option("--seed", default=1, show_default=True, help="Of the simulated shop.")
@JSON
def skew(days: int, bookings: int, seed: int, *, as_json: bool) -> None:
    """Train on daily snapshots, serve the latest values: name it, count it, show what it moves.

    A shop is simulated; one model learns from the values at each request, one from those of the
    midnight before, as many platforms would. Both are then fed what would be served.
    """
    from assay.app.planted import planted_skew

    with counting("planting the skew", None, "events", quiet=as_json) as advance:
        report = planted_skew(
            days=days, bookings=bookings, seed=seed, progress=lambda _what, done: advance(done)
        )
    plain: dict[str, Any] = msgspec.to_builtins(report)
    plain["share"] = report.share
    if as_json:
        emit(plain, as_json=True)
        return
    values = plain.pop("values")
    models = [plain.pop(name) for name in ("sound", "believed", "served")]
    emit(plain, as_json=False, title="The classic skew")
    columns = ("trained_on", "fed", "auc_roc", "average_precision")
    grid("Models on the same test requests", columns, [[m[c] for c in columns] for m in models])
    rows = [
        (v["name"], v["differing"] / v["rows"], v["only_one"], v["mean_shift"])
        for v in values[:_SHOWN]
    ]
    grid("Values", ("name", "share that differs", "known in one only", "mean shift"), rows)
