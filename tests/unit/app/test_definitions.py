from pathlib import Path

import pytest

from assay.adapters.files.regular import read_regular
from assay.app.definitions import read_change
from assay.core.errors import Invalid, NotFound, TooLarge


@pytest.mark.parametrize(("name", "text"), [("a.json", "["), ("a.toml", "a=[")])
def test_a_file_nested_without_end_is_refused_by_name(name: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text(text + "[" * 100_000 + "]" * 100_000)
    with pytest.raises(Invalid, match=f"{name} is nested more deeply"):
        read_change(file)


def test_a_file_that_is_larger_than_it_says_is_not_read_to_its_end() -> None:
    with pytest.raises(TooLarge, match="at most 10 bytes"):
        read_regular(Path("/proc/self/maps"), 10)  # it says that it is empty


def test_what_need_not_end_is_no_file() -> None:
    with pytest.raises(NotFound, match="'/dev/zero' cannot be read: it is no regular file"):
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
