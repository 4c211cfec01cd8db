"""Python blocks of the README and the documentation run; relative links lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
SNIPPETS = [
    pytest.param(code, id=f"{page.relative_to(ROOT)}:{number}")
    for page in PAGES
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
]


@pytest.mark.parametrize("code", SNIPPETS)
def test_a_snippet_runs(code: str) -> None:
    exec(compile(code, "snippet", "exec"), {})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_map_of_the_house_names_files_that_exist() -> None:
    rows = re.findall(r"^\|.*\| (.+) \|$", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE)
    named = [path for row in rows for path in re.findall(r"`([a-z_/]+\.py)`", row)]
    assert len(named) > 15
    places = (ROOT / "src" / "assay", ROOT)
    assert [name for name in named if not any((at / name).exists() for at in places)] == []
