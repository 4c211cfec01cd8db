"""``assay bench``: figures with a peer's beside them, measured in the same run."""

import json
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import click

from assay.cli.show import PROGRESS, written

#: Name to the module whose ``run(seed)`` measures it.
_BENCHMARKS = {
    "features": "assay.bench.features",
    "decide": "assay.bench.decide",
    "leaderboard": "assay.bench.leaderboard",
    "log": "assay.bench.log",
    "kafka": "assay.bench.kafka",
}


@click.command()
@click.argument("what", type=click.Choice([*_BENCHMARKS, "all"]), default="all")
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True, help="Of the data.")
@click.option("--prepare", is_flag=True, help="First build the peers' environments in .bench/.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a benchmark, one a line.")
def bench(what: str, *, seed: int, prepare: bool, as_json: bool) -> None:
    """Measure beside the peers: one benchmark or ``all``.

    A ratio above 1 means ours is better. Where a peer could not run, its value is empty and the
    reason is given; nothing here fails because a figure is low.
    """
    if prepare:
        _prepare()
    for name in _BENCHMARKS if what == "all" else (what,):
        PROGRESS.print(f"measuring {name}: a few minutes, on an idle machine if you can")
        run: Callable[[int], dict[str, Any]] = import_module(_BENCHMARKS[name]).run
        _print(run(seed), as_json=as_json)


def _prepare() -> None:
    from assay.bench.mlserver import MLSERVER
    from assay.bench.peers import PEERS, prepare
    from assay.core.errors import Unavailable

    for peer in (*PEERS, MLSERVER):
        PROGRESS.print(f"preparing the environment of {peer.name}")
        try:
            prepare(peer)
        except Unavailable as error:
            PROGRESS.print(str(error))  # its rows will say that it is missing


def _print(report: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(report) + "\n")
        return
    machine, rows = report["machine"], report["rows"]
    click.echo(f"{report['benchmark']} on {machine['processor']}, {machine['cores']} cores")
    for row in rows:
        click.echo(f"\n{row['name']}")
        spread = f" ({written(row['low'])} to {written(row['high'])})"
        click.echo(f"  {written(row['value'])} {row['unit']}{spread}; {_peer(row)}")


def _peer(row: dict[str, Any]) -> str:
    if row["peer_value"] is None:
        return f"{row['peer']}: {row['why']}"
    return f"{row['peer']} {written(row['peer_value'])}, ratio {row['ratio']}"
