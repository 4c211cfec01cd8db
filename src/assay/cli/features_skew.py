"""``assay features skew``: what does the classic skew cost? Planted on purpose, and measured."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from click.core import ParameterSource

from assay.cli.show import JSON, counting, emit, grid, narrate

if TYPE_CHECKING:
    from assay.runtime.skew import ModelFigures, ValueSkew

_SHOWN = 20
_WEEKS = 4
_SIMULATED = ("days", "bookings", "seed")


@click.command()
@click.option(
    "--workload", default="checkout", show_default=True,
    type=click.Choice(["checkout", "cards"]), help="A simulated shop, or the public card stream.",
)  # fmt: skip
@click.option("--data", type=click.Path(path_type=Path), help="The card stream (with cards).")
@click.option(
    "--weeks", default=_WEEKS, show_default=True, type=click.IntRange(1, _WEEKS),
    help="Of the card stream: so many validation weeks, the newest ones.",
)  # fmt: skip
@click.option("--days", default=55, show_default=True, help="Of the simulated shop.")
@click.option("--bookings", default=600, show_default=True, help="A day.")
@click.option("--seed", default=1, show_default=True, help="Of the simulated shop.")
@JSON
def skew(workload: str, data: Path | None, weeks: int, *, as_json: bool, **world: int) -> None:
    r"""Train on daily snapshots, serve the latest values: name it, count it, show what it moves.

    One model learns from the values at each request, one from those of the midnight before, as
    many platforms would. Both are then fed what would be served.

    \b
    assay features skew                                  a simulated shop
    assay features skew --workload cards --data FILE     the public card stream: minutes
    """
    _check_options(workload, data)
    if data is None:
        _shop(world, as_json=as_json)
    else:
        _cards(data, weeks, as_json=as_json)


def _check_options(workload: str, data: Path | None) -> None:
    if (workload == "cards") != (data is not None):
        raise click.UsageError("--workload cards and --data FILE, the card stream, go together")
    context = click.get_current_context()
    foreign = _SIMULATED if workload == "cards" else ("weeks",)
    for name in foreign:
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise click.UsageError(f"--{name} says nothing about --workload {workload}")


def _shop(world: dict[str, int], *, as_json: bool) -> None:
    from assay.app.planted import planted_skew

    with counting("planting the skew", None, "events", quiet=as_json) as advance:
        report = planted_skew(**world, progress=lambda _what, done: advance(done))
    plain = _plain(report, report.values, report.share)
    if as_json:
        emit(plain, as_json=True)
        return
    for name in ("values", "sound", "believed", "served"):
        del plain[name]
    emit(plain, as_json=False, title="The classic skew")
    grid("Models on the same test requests", *_table(report.sound, report.believed, report.served))
    _show_values(report.values)


def _cards(data: Path, weeks: int, *, as_json: bool) -> None:
    from assay.runtime.cards_file import read_payments
    from assay.runtime.cards_skew import measure_cards_skew
    from assay.workloads.cards.protocol import VALIDATION_WEEKS

    say = (lambda _text: None) if as_json else narrate
    report = measure_cards_skew(
        read_payments(data, say), weeks=VALIDATION_WEEKS[-weeks:], progress=say
    )
    plain = _plain(report, report.values, report.share) | {"mean_lost": report.mean_lost}
    if as_json:
        emit(plain, as_json=True)
        return
    for name in ("values", "weeks", "mean_lost"):
        del plain[name]
    emit(plain, as_json=False, title="The classic skew")
    for week in report.weeks:
        title = f"Week of {week.week}: {week.test_payments:,} payments, {week.test_frauds} frauds"
        grid(title, *_table(week.sound, week.believed, week.served))
    rows = [
        [week.week, metric, found.value, found.low, found.high]
        for week in report.weeks
        for metric, found in week.lost.items()
    ]
    rows += [["mean", metric, lost, None, None] for metric, lost in report.mean_lost.items()]
    grid("Served minus sound", ("week", "metric", "difference", "95 % from", "to"), rows)
    _show_values(report.values)


def _plain(report: msgspec.Struct, values: Iterable["ValueSkew"], share: float) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(report)
    plain["values"] = [
        {**msgspec.to_builtins(one), "share": one.share, "relative": one.relative} for one in values
    ]
    return plain | {"share": share}


def _table(*models: "ModelFigures") -> tuple[list[str], list[list[Any]]]:
    rows = [msgspec.to_builtins(model) for model in models]
    return list(rows[0]), [list(row.values()) for row in rows]


def _show_values(values: tuple["ValueSkew", ...]) -> None:
    columns = ("name", "share that differs", "known in one only", "mean shift", "relative")
    rows = [(v.name, v.share, v.only_one, v.mean_shift, v.relative) for v in values[:_SHOWN]]
    grid("Values", columns, rows)
