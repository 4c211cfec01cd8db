"""Objects are what their names say, lists are current or not used, a home has one owner."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from assay.adapters.files.atomic import write_atomically
from assay.adapters.files.home import HomeLock
from assay.adapters.files.lists import ListFiles
from assay.adapters.files.objects import ObjectFiles
from assay.core.canonical import digest_bytes
from assay.core.errors import Corrupt, HomeLocked, Invalid, NotFound, Unavailable
from assay.rules.lists import write_list
from assay.runtime.memory import MemoryObjects

AT = 1_767_225_600_000_000
Store = ObjectFiles | MemoryObjects


@pytest.fixture(params=["files", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Each implementation of the object store."""
    return ObjectFiles(tmp_path) if request.param == "files" else MemoryObjects()


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 1000])
def test_bytes_come_back_under_their_own_hash(store: Store, data: bytes) -> None:
    name = store.put(data)
    assert name == digest_bytes(data)
    assert store.put(data) == name
    assert store.has(name)
    assert store.get(name) == data


def test_what_was_never_put_is_not_found(store: Store) -> None:
    name = digest_bytes(b"never")
    assert not store.has(name)
    with pytest.raises(NotFound, match=name):
        store.get(name)


def test_a_flipped_byte_of_an_object_is_noticed_and_mended_by_putting_it_again(
    tmp_path: Path,
) -> None:
    store = ObjectFiles(tmp_path)
    name = store.put(b"a model")
    file = next(path for path in tmp_path.rglob("*") if path.is_file())
    file.write_bytes(b"b model")
    with pytest.raises(Corrupt, match=name):
        store.get(name)
    store.put(b"a model")
    assert store.get(name) == b"a model"


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "sha256:xyz", "sha256:" + "A" * 64])
def test_a_name_that_is_no_digest_reaches_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(Invalid, match="64 hexadecimal"):
        ObjectFiles(tmp_path).get(name)


def test_a_failed_write_leaves_the_old_content_and_nothing_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    with pytest.raises(Unavailable, match="No space"):
        ObjectFiles(tmp_path).put(b"data")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]


class Seconds:
    """A clock that is moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def test_a_list_is_read_and_read_again_when_it_changes(tmp_path: Path) -> None:
    seconds = Seconds()
    lists = ListFiles(tmp_path, seconds)
    assert lists.snapshot("denied") is None
    assert "missing" in lists.reason("denied")
    (tmp_path / "denied.list").write_bytes(write_list(["Ann"], as_of=AT))
    assert lists.snapshot("denied") is None, "a look a second is enough"
    seconds.now = 1.0
    found = lists.snapshot("denied")
    assert found is not None
    assert (found.entries, found.as_of) == (frozenset({"Ann"}), AT)
    assert lists.reason("denied") == ""
    (tmp_path / "denied.list").write_bytes(write_list(["Ann", "Bob"], as_of=AT + 1))
    seconds.now = 2.0
    again = lists.snapshot("denied")
    assert again is not None
    assert again.digest != found.digest
    seconds.now = 3.0
    assert lists.snapshot("denied") is again, "an unchanged file is not read again"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "expected the lines"),
        (b"Ann\n", "expected the lines"),
        (write_list(["Ann"], as_of=AT) + b"Bob\n", "expected entries with sha256"),
        (write_list(["Ann"], as_of=AT)[:-2], "expected entries with sha256"),
    ],
)
def test_a_damaged_list_is_not_used_even_if_it_was_good_before(
    tmp_path: Path, raw: bytes, said: str
) -> None:
    seconds = Seconds()
    lists = ListFiles(tmp_path, seconds)
    lists.write("denied", write_list(["Ann"], as_of=AT))
    assert lists.snapshot("denied") is not None
    (tmp_path / "denied.list").write_bytes(raw)
    seconds.now = 1.0
    assert lists.snapshot("denied") is None
    assert said in lists.reason("denied")
    with pytest.raises(Corrupt):
        lists.write("denied", raw)


def test_a_list_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "denied.list").mkdir()
    lists = ListFiles(tmp_path)
    assert lists.snapshot("denied") is None
    assert "cannot be read" in lists.reason("denied")


def test_every_version_of_a_list_is_kept_once_before_it_is_used(tmp_path: Path) -> None:
    seconds, kept = Seconds(), list[bytes]()
    lists = ListFiles(tmp_path, seconds, keep=kept.append)
    versions = [write_list(["Ann"], as_of=AT), write_list(["Bob"], as_of=AT)]
    for number, raw in enumerate(versions):
        (tmp_path / "denied.list").write_bytes(raw)
        seconds.now += 2.0
        assert lists.snapshot("denied") is not None
        assert lists.snapshot("denied") is not None
        assert kept == versions[: number + 1]


def test_a_list_that_cannot_be_kept_is_not_used(tmp_path: Path) -> None:
    def full(_raw: bytes) -> None:
        raise Unavailable("no space left")

    lists = ListFiles(tmp_path, keep=full)
    (tmp_path / "denied.list").write_bytes(write_list(["Ann"], as_of=AT))
    assert lists.snapshot("denied") is None
    assert "no space left" in lists.reason("denied")


def test_a_list_name_cannot_leave_the_folder(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        ListFiles(tmp_path).snapshot("../secret")


HOLD = """
import sys
from assay.adapters.files.home import HomeLock
lock = HomeLock(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_process_is_refused_and_told_who_holds_the_home(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(HomeLocked, match=f"process {holder.pid}:"):
            HomeLock(tmp_path)
        holder.kill()
        holder.wait(10)
        with HomeLock(tmp_path):
            assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_released_home_can_be_locked_again(tmp_path: Path) -> None:
    lock = HomeLock(tmp_path)
    with pytest.raises(HomeLocked):
        HomeLock(tmp_path)
    lock.release()
    lock.release()
    HomeLock(tmp_path).release()


def test_a_home_that_does_not_exist_cannot_be_locked(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="lock"):
        HomeLock(tmp_path / "absent")
