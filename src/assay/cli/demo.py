"""``assay demo``: the main job, end to end, ending in figures and a page to open."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from assay.cli.show import RESULT, counting, emit, narrate
from assay.core.errors import Invalid


@click.command()
@click.option(
    "--home", default="demo", show_default=True, type=click.Path(path_type=Path),
    help="Folder to make; one from an earlier demo is replaced.",
)  # fmt: skip
@click.option(
    "--workload", default="checkout", show_default=True,
    type=click.Choice(["checkout", "cards"]), help="What is decided.",
)  # fmt: skip
@click.option(
    "--data", type=click.Path(path_type=Path, dir_okay=False),
    help="The public card stream (Parquet); for --workload cards.",
)  # fmt: skip
@click.option("--seed", type=int, help="Another simulated world; for --workload checkout.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and no progress.")
def demo(home: Path, workload: str, data: Path | None, seed: int | None, *, as_json: bool) -> None:
    """Simulate (or read), train, pass the gate, serve live traffic over HTTP, review, verify."""
    stage = partial(counting, quiet=as_json)
    say = (lambda _text: None) if as_json else narrate
    if workload == "cards":
        if data is None:
            raise Invalid("--workload cards needs --data FILE, the public card stream")
        from assay.app.demo.cards import run_cards

        figures = run_cards(home, data, stage, say)
    else:
        if data is not None:
            raise Invalid("--data is for --workload cards; the marketplace is simulated")
        from assay.app.demo.checkout import run_checkout

        figures = run_checkout(home, stage, say, seed=seed)
    emit(figures, as_json=as_json, title="What the live days came to")
    if not as_json:
        _where(home, figures)


def _where(home: Path, figures: dict[str, Any]) -> None:
    RESULT.print(f"\nDocuments of {figures['version']}:")
    for path in sorted((home / "documents").glob("*.pdf")):
        RESULT.print(f"  {path}")
    RESULT.print(
        f"\nBrowse it:  .venv/bin/assay serve --home {home}\n"
        f"  then open http://127.0.0.1:8460/console and sign in with the token of "
        f"demo-browser in {home / 'demo-tokens.json'}"
    )
