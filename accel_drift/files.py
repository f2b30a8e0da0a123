"""Files written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from accel_drift.errors import SourceError


def path_of(path: str | Path) -> Path:
    """The path that a caller gave.

    Raises:
        SourceError: it is none.
    """
    try:
        return Path(path)
    except TypeError:
        raise SourceError(f"path is {path!r}; it is the name of a file, as text or as a pathlib.Path") from None


def write_text_atomically(path: str | Path, text: str) -> None:
    """Write a UTF-8 text file; whoever looks sees the old file or the new one, never a part.

    Raises:
        SourceError: the folder does not exist, or the file cannot be written.
    """
    encoded = text.encode("utf-8")
    write_bytes_atomically(path, lambda out: _write_all(out, encoded))


def written(text: str, path: str | Path | None) -> str:
    """The text, also written to `path` as UTF-8, whole or not at all, where one is given.

    Raises:
        SourceError: the folder does not exist, or the file cannot be written.
    """
    if path is not None:
        write_text_atomically(path, text)
    return text


def write_bytes_atomically(path: str | Path, write: Callable[[BinaryIO], None]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it over `path`.

    The temporary file stands in the same folder because a rename is atomic only within one file system.
    When `write` raises, the temporary file is removed and an older file at `path` stays as it was.

    Raises:
        SourceError: the folder does not exist, or the file cannot be written.
    """
    # A link is followed, so that what it points to is replaced and not the link.
    named = path_of(path)
    target = named.resolve() if named.is_symlink() else named
    if target.is_dir():
        raise SourceError(f"cannot write {target}: it is a folder; give the name of a file")
    if not target.parent.is_dir():
        raise SourceError(f"cannot write {target}: there is no folder {target.parent}; make it first")
    if target.exists() and not target.is_file():
        _write_into(target, write)
        return
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o666
    temporary = target.with_name(f".{target.name}.{os.urandom(8).hex()}.part")
    try:
        # Opened with the mode that it shall have, less the process's mask: the mask itself can only be read by
        # setting it, and two threads doing so could leave it at zero.
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    except OSError as error:
        raise SourceError(f"cannot write {target}: {error.strerror or error}") from error
    try:
        with os.fdopen(handle, "wb") as out:
            write(out)
        if target.exists():
            temporary.chmod(mode)
        os.replace(temporary, target)  # noqa: PTH105  (os.replace says in one word that it overwrites)
    except OSError as error:
        raise SourceError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _write_into(target: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write to a device or a pipe, which has no old content to keep and must not be replaced."""
    try:
        with target.open("wb") as out:
            write(out)
    except OSError as error:
        raise SourceError(f"cannot write {target}: {error.strerror or error}") from error


def _write_all(out: BinaryIO, data: bytes) -> None:
    out.write(data)
