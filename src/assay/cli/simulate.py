"""``assay simulate``: write a marketplace world to files, its known truth apart."""

import json
from pathlib import Path

import click
import msgspec

from assay.cli.show import JSON, counting, emit
from assay.contracts.decode import encode_event
from assay.core.errors import Invalid
from assay.core.time import parse_time
from assay.simulate.world import MarketplaceSettings, demo_settings
from assay.simulate.world import simulate as simulate_world


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), help="New folder to write.")
@click.option("--seed", type=int, default=None, help="Seed of all chance.")
@click.option("--days", type=int, default=None, help="How many days.")
@click.option("--start", type=str, default=None, help="First day, such as 2025-06-02T00:00:00Z.")
@click.option("--bookings-per-day", type=int, default=None, help="Honest bookings a day.")
@click.option(
    "--drift-at", type=int, default=None, help="Day number from which honest habits change."
)
@click.option("--adapt-at", type=int, default=None, help="Day number from which fraudsters adapt.")
@JSON
def simulate(out: Path, as_json: bool, start: str | None, **given: int | None) -> None:
    """Write events.jsonl (what a platform sees, in time order) and truth.jsonl (what was so)."""
    if out.exists() and any(out.iterdir()):
        raise Invalid(f"{out} is not empty: name a new folder")
    out.mkdir(parents=True, exist_ok=True)
    settings = _settings(start, given)
    events = bookings = frauds = 0
    with (
        (out / "events.jsonl").open("wb") as seen,
        (out / "truth.jsonl").open("w", encoding="utf-8") as known,
        counting("simulating", settings.days, "days", quiet=as_json) as advance,
    ):
        for batch in simulate_world(settings):
            for event in batch.events():
                seen.write(encode_event(event) + b"\n")
            truth = batch.truth
            for request, pattern, fraud in zip(
                truth.request_id, truth.pattern, truth.is_fraud.tolist(), strict=True
            ):
                row = {"request_id": request, "pattern": pattern, "is_fraud": fraud}
                known.write(json.dumps(row) + "\n")
            events += len(batch)
            bookings += len(truth)
            frauds += int(truth.is_fraud.sum())
            advance(1)
    emit(
        {"events": events, "bookings": bookings, "frauds": frauds, "folder": str(out)},
        as_json=as_json,
        title="Simulated marketplace",
    )


def _settings(start: str | None, given: dict[str, int | None]) -> MarketplaceSettings:
    settings = demo_settings()
    wanted = {name: value for name, value in given.items() if value is not None}
    if start is not None:
        wanted["start"] = parse_time(start)
    return msgspec.structs.replace(settings, **wanted)
