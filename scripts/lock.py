"""Which exact versions do we install? Writes ``requirements.lock`` from ``pyproject.toml``."""

import subprocess
import sys
import tempfile
import tomllib
from itertools import chain
from pathlib import Path

HEADER = "# Pinned by `make lock` from pyproject.toml: base, every extra and the dev group.\n"


def main() -> None:
    """Resolve base, extras and dev together and pin the result with hashes."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    wanted = [
        *project["project"]["dependencies"],
        *chain.from_iterable(project["project"]["optional-dependencies"].values()),
        *project["dependency-groups"]["dev"],
        *project["build-system"]["requires"],
        "editables",
    ]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "requirements.in"), Path(folder, "lock.txt")
        source.write_text("\n".join(wanted), encoding="utf-8")
        subprocess.run(
            [
                sys.executable,
                "-m",
                "piptools",
                "compile",
                "--quiet",
                "--strip-extras",
                "--no-header",
                "--no-annotate",
                "--no-emit-index-url",
                "--no-emit-find-links",
                "--no-emit-trusted-host",
                "--allow-unsafe",
                "--generate-hashes",
                "--output-file",
                str(target),
                str(source),
            ],
            check=True,
        )
        Path("requirements.lock").write_text(HEADER + target.read_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
