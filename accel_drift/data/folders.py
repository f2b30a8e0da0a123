"""Which files a path, a pattern, a folder or a list of paths stands for.

A folder is walked to its end. Files and folders whose name begins with a dot or an underscore are left out, as other
readers of data sets do; files stand in the order of their paths. Folders named `key=value`, below the one given, make
a column of each key (Hive's partitions). Keys of the folders above are kept apart: a part of a partitioned data set has
its column there.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from accel_drift.errors import DataError, SourceError

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a data set.

    Attributes:
        path: where it is.
        keys: what the folders around it say: key -> text, or None for null.
    """

    path: Path
    keys: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """The files of a data set, at least one.

    Attributes:
        name: what to call the data set.
        parts: its files, in the order of their paths.
        lone: it is one file given by its path.
        above: keys of the folders that hold the whole data set.
    """

    name: str
    parts: tuple[Part, ...]
    lone: bool = False
    above: dict[str, str | None] = field(default_factory=dict)


def find_files(source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> Found:
    """The files that a path, a pattern, a folder or a list of these stands for.

    Raises:
        SourceError: there is no such file, a folder is empty, or the path is an address on a network.
        DataError: a path is no text.
    """
    if isinstance(source, (str, os.PathLike)):
        path = local_path(source)
        if path.is_dir():
            return Found(path.resolve().name, tuple(_keyed(_walked(path), path)), above=_keys(path.absolute().parts))
        if not glob.has_magic(str(path)) or path.exists():
            return Found(path.name, (Part(path),), lone=True, above=_keys(path.absolute().parts[:-1]))
        fixed = Path(*_before_magic(path.parts))
        return Found(str(source), tuple(_matching(path, fixed)), above=_keys(fixed.absolute().parts))
    if not source:
        raise DataError("the list of paths is empty; give at least one file")
    files = [part.path for item in source for part in find_files(item).parts]
    if twice := sorted({str(path) for path in files if files.count(path) > 1}) if len(files) < 10_000 else []:
        raise DataError(f"the list names {twice[0]} twice; each row counts once")
    common = Path(os.path.commonpath([path.absolute().parent for path in files]))
    return Found(f"{len(files):,} files", tuple(_keyed(files, common)), above=_keys(common.parts))


def local_path(source: str | os.PathLike[str]) -> Path:
    """The path, with the home folder for `~`.

    Raises:
        SourceError: it is an address.
        DataError: it is no text.
    """
    said = os.fspath(source)
    if not isinstance(said, str):
        raise DataError(f"the path {said!r} is a {type(said).__name__}; give text or a pathlib.Path")
    if match := _ADDRESS.match(said):
        raise SourceError(
            f"{said} is an address, and only files of this machine are read; open it with its own library and give "
            f"what that reads: pyarrow.dataset.dataset({said!r}), or a frame"
            if match[0] != "file://"
            else f"{said} is an address; give the path alone: {unquote(said.removeprefix('file://'))}"
        )
    return Path(said).expanduser()


def _matching(pattern: Path, fixed: Path) -> Iterator[Part]:
    """Files of a pattern, below the folder that its fixed part names; a folder that matches is walked."""
    matched = sorted(Path(name) for name in glob.glob(str(pattern), recursive=True))  # noqa: PTH207  (** and hidden)
    kept = [path for path in matched if not any(map(_hidden, path.relative_to(fixed).parts))]
    folders = [path for path in kept if path.is_dir()]
    files = [path for path in kept if not path.is_dir()]
    if not files:
        files = [file for folder in folders for file in _walked(folder)]
    if not files:
        raise SourceError(f"no file matches {pattern}; check the pattern and the folder ({Path.cwd()})")
    return _keyed(sorted(files), fixed)


def _before_magic(parts: Iterable[str]) -> Iterator[str]:
    for part in parts:
        if glob.has_magic(part):
            return
        yield part


def _walked(folder: Path) -> list[Path]:
    """Every file below a folder, links followed once, in the order of the paths.

    Raises:
        SourceError: there is none, or a folder cannot be looked into.
    """
    found: list[Path] = []
    seen: set[str] = set()
    for root, folders, files in os.walk(folder, onerror=_refuse, followlinks=True):
        place = os.path.realpath(root)
        folders[:] = [] if place in seen else [name for name in folders if not _hidden(name)]
        found += [] if place in seen else [Path(root, name) for name in files if not _hidden(name)]
        seen.add(place)
    if not found:
        raise SourceError(f"{folder} is a folder without a file; names that begin with '.' or '_' do not count")
    return sorted(found)


def _refuse(error: OSError) -> None:
    # What is passed over would be rows that nobody misses.
    raise SourceError(f"the folder {error.filename} cannot be read: {error.strerror}; ask for the right to, or move it")


def _hidden(name: str) -> bool:
    return name.startswith((".", "_"))


def _keyed(files: Iterable[Path], root: Path) -> Iterator[Part]:
    """The files with the keys of the folders between them and the root.

    Raises:
        SourceError: one has other keys than the first.
    """
    first: Part | None = None
    for path in files:
        below = path.absolute().relative_to(root.absolute()).parts[:-1]
        part = Part(path, _keys(below))
        first = first or part
        if list(part.keys) != list(first.keys):
            raise SourceError(
                f"{path} lies in folders of {_said(part)} and {first.path} in folders of {_said(first)}; "
                "all files of a data set have the same keys"
            )
        yield part


def _keys(folders: Iterable[str]) -> dict[str, str | None]:
    pairs = [name.partition("=") for name in folders if "=" in name]
    return {unquote(key): _value(value) for key, _, value in pairs}


def _value(text: str) -> str | None:
    return None if text == NULL_PARTITION else unquote(text)


def _said(part: Part) -> str:
    return ", ".join(part.keys) or "no key"
