"""Where does the demo live? In a home folder it made itself, and only such a one is replaced."""

import shutil
from collections.abc import Callable
from pathlib import Path

from assay.app.home import Home
from assay.core.errors import Invalid

Advance = Callable[[int], None]
_MARK = "demo-home"


def fresh(path: Path, *, workload: str) -> Home:
    """A new demo home for a workload; one from an earlier run is replaced.

    Its clock is the log's: the traffic lies in the past.

    Raises:
        Invalid: the folder holds something the demo did not make.
    """
    if path.exists() and any(path.iterdir()):
        if not (path / _MARK).exists():
            raise Invalid(
                f"{str(path)!r} is not empty and was not made by the demo: name another --home"
            )
        shutil.rmtree(path)
    home = Home(path)
    home.create()
    (path / _MARK).write_text("Made by `assay demo`, which may replace it.\n", encoding="utf-8")
    settings = f'workload = "{workload}"\n\n[time]\nclock = "log"\n'
    (path / "assay.toml").write_text(settings, encoding="utf-8")
    return home
