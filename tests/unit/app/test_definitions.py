from pathlib import Path

import pytest

from assay.app.definitions import read_change
from assay.core.errors import Invalid, TooLarge
from assay.features.document import SIZE_MAX


@pytest.mark.parametrize(("name", "text"), [("a.json", "["), ("a.toml", "a=[")])
def test_a_file_nested_without_end_is_refused_by_name(name: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text(text + "[" * 100_000 + "]" * 100_000)
    with pytest.raises(Invalid, match=f"{name} is nested more deeply"):
        read_change(file)


def test_a_file_that_is_larger_than_it_says_is_not_read_to_its_end() -> None:
    with pytest.raises(TooLarge, match=f"at most {SIZE_MAX:,} bytes"):
        read_change(Path("/dev/zero"))


@pytest.mark.parametrize(
    "text",
    [
        '{"remove": ["a"], "remove": []}',
        '{"change": {"a": {"window": "1d", "window": "2d"}}}',
        '{"add": [{"name": "a", "n\\u0061me": "b"}]}',
    ],
)
def test_a_name_that_is_said_twice_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "change.json"
    file.write_text(text)
    with pytest.raises(Invalid, match=r"'(remove|window|name)' is said twice in one object"):
        read_change(file)


def test_a_number_without_end_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "change.json"
    file.write_text('{"about": ' + "9" * 5_000 + "}")
    with pytest.raises(Invalid, match="neither TOML nor JSON"):
        read_change(file)
