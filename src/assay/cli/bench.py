"""``assay bench``: figures with a peer's beside them, measured in the same run."""

import json
import re
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import click

from assay.cli.show import PROGRESS, written

#: Name to the module whose ``run(seed)`` measures it.
_BENCHMARKS = {
    "features": "assay.bench.features",
    "growth": "assay.bench.growth",
    "decide": "assay.bench.decide",
    "leaderboard": "assay.bench.leaderboard",
    "log": "assay.bench.log",
    "kafka": "assay.bench.kafka",
}


#: Asked for by name only: it takes minutes to hours, and gigabytes of disk.
_LONG = {"scale": "assay.bench.scale"}
_MILLIONS = re.compile(r"(\d{1,5})M", re.ASCII)


@click.command()
@click.argument("what", type=click.Choice([*_BENCHMARKS, *_LONG, "all"]), default="all")
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True, help="Of the data.")
@click.option("--prepare", is_flag=True, help="First build the peers' environments in .bench/.")
@click.option("--events", help="How many events `scale` backfills, such as 200M.  [default: 10M]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a benchmark, one a line.")
def bench(what: str, *, seed: int, prepare: bool, events: str | None, as_json: bool) -> None:
    """Measure beside the peers: one benchmark or ``all`` (but for ``scale``, which takes long).

    A ratio above 1 means ours is better. Where a peer could not run, its value is empty and the
    reason is given; nothing here fails because a figure is low.
    """
    if prepare:
        _prepare()
    sized = {} if events is None else {"events": _millions(events, what)}
    for name in _BENCHMARKS if what == "all" else (what,):
        PROGRESS.print(f"measuring {name}: a few minutes, on an idle machine if you can")
        module = import_module((_BENCHMARKS | _LONG)[name])
        run: Callable[..., dict[str, Any]] = module.run
        _print(run(seed, **sized), as_json=as_json)


def _millions(text: str, what: str) -> int:
    found = _MILLIONS.fullmatch(text)
    if what not in _LONG or found is None:
        raise click.UsageError("--events is for `scale`, in whole millions such as 10M or 200M.")
    return int(found[1]) * 1_000_000


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
