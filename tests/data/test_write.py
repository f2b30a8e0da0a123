"""Files that are written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import pytest

from accel_drift.errors import SourceError
from accel_drift.files import write_bytes_atomically, write_text_atomically


def test_text_is_written_as_utf8_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_text_atomically(path, "first")
    write_text_atomically(str(path), "naïve\n")
    assert path.read_bytes() == "naïve\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_are_those_of_a_plain_file(tmp_path: Path) -> None:
    plain, ours = tmp_path / "plain", tmp_path / "ours"
    plain.write_text("x")
    write_text_atomically(ours, "x")
    assert ours.stat().st_mode == plain.stat().st_mode
    ours.chmod(0o600)
    write_text_atomically(ours, "y")
    assert ours.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_failure_leaves_the_old_file_and_nothing_else(error: BaseException, tmp_path: Path) -> None:
    path = tmp_path / "profile.adp"
    path.write_bytes(b"old")

    def write(out: BinaryIO) -> None:
        out.write(b"half")
        raise error

    expected = SourceError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected) as caught:
        write_bytes_atomically(path, write)
    if expected is SourceError:
        assert str(caught.value) == f"cannot write {path}: No space left on device"
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_text_that_cannot_be_encoded_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        write_text_atomically(tmp_path / "a", "\ud800")
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"there is no folder .*/missing; make it first"):
        write_text_atomically(tmp_path / "missing" / "a.txt", "x")
    with pytest.raises(SourceError, match="it is a folder"):
        write_text_atomically(tmp_path, "x")
    (tmp_path / "file").write_text("x")
    with pytest.raises(SourceError, match="there is no folder"):
        write_text_atomically(tmp_path / "file" / "a.txt", "x")


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_text_atomically("a.txt", "x")
    assert Path("a.txt").read_text() == "x"
