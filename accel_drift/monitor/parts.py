"""What looks at a window's rows beside the profile: stream detectors, how sure a model is, what labels say."""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Protocol

import pyarrow as pa

from accel_drift.data import Schema
from accel_drift.errors import ConfigError, DataError
from accel_drift.finding import Finding
from accel_drift.history import Metric
from accel_drift.monitor.cutting import Cut
from accel_drift.monitor.windows import Windows


@dataclass(frozen=True, slots=True)
class Told:
    """What a part says of a window.

    Attributes:
        findings: for the report, beside those of the profile; they are not corrected with them.
        metrics: numbers for the history.
        notes: for the report.
        warnings: for the report.
        silent: the part's name where it could say nothing.
    """

    findings: tuple[Finding, ...] = ()
    metrics: tuple[Metric, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    silent: str = ""


class Part(ABC):
    """One thing that looks at every window of a monitor, in their order, with a state of its own.

    Attributes:
        name: what tells it from other parts of the monitor. A part has the state of the last monitor it was given to.
        columns: the columns that it reads. Those that the reference lacks are not compared.
    """

    name: str
    columns: tuple[str, ...]
    _owner: int = 0

    @property
    def once(self) -> bool:
        """Whether it may see a row only once, so that windows may not overlap."""
        return False

    def prepare(self, rows: pa.Table) -> pa.Table:
        """Rows of a batch with columns that this part makes of others, so that the reference can compare them.

        Raises:
            DataError: there are no such columns; the rows then stay as they are.
        """
        return rows

    @abstractmethod
    def look(self, cut: Cut, rows: pa.Table) -> Told:
        """Look at a window.

        Raises:
            DataError: its rows cannot be read as this part reads them. The report says so, and the part goes on with
                the next window.
        """

    def label(self, ids: Any, labels: Any) -> Mapping[str, tuple[Metric, ...]]:  # noqa: ARG002
        """Labels came: key of a window -> its numbers anew. A part that takes none says nothing."""
        return {}

    def worsened(self) -> tuple[str, ...]:
        """What labels told of windows whose reports could not know it, in words, since this was asked last."""
        return ()

    @property
    def takes_labels(self) -> bool:
        """Whether `label` does anything."""
        return False

    @abstractmethod
    def changes(self) -> Mapping[str, bytes | None]:
        """What became other since the last call, of what it knows: name of a piece -> its bytes, None where it is gone.

        A part that knows little has one piece; one that knows much has many, so that little is written at a time.
        """

    @abstractmethod
    def restore(self, pieces: Mapping[str, bytes]) -> None:
        """Know what these pieces say, and nothing else; no piece is the beginning."""


def column_names(given: Any, what: str) -> tuple[str, ...]:
    """Names of columns, as they were given.

    Raises:
        ConfigError: they are no list of texts, or one is there twice.
    """
    if isinstance(given, str) or not isinstance(given, Iterable) or not (held := tuple(given)):
        raise ConfigError(f"{what} is {given!r}; it is a list of names of columns")
    for one in held:
        column_name(one, f"a name in {what}")
    if len(set(held)) < len(held):
        twice = next(one for one in held if held.count(one) > 1)
        raise ConfigError(f"{what} has {twice!r} twice; give each column once")
    return held


def column_name(given: Any, what: str) -> None:
    """Refuse what is no name of a column.

    Raises:
        ConfigError: it is none.
    """
    if not isinstance(given, str) or not given:
        raise ConfigError(f"{what} is {given!r}; it is a text, the name of a column")


def only(options: Iterable[str], known: Sequence[str], what: str) -> None:
    """Refuse options that a part does not have.

    Raises:
        ConfigError: it has no such option.
    """
    for option in options:
        if option not in known:
            near = difflib.get_close_matches(option.lower(), known, n=1, cutoff=0.5)
            told = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise ConfigError(f"{what} has no option {option}; {told}")


def checked(parts: Sequence[Part], windows: Windows) -> tuple[Part, ...]:
    """Parts of a monitor, which begin anew with it.

    Raises:
        ConfigError: they are no list of parts, two have one name, or one cannot look at windows that overlap.
    """
    all_given: Any = parts
    given = (*all_given,) if isinstance(all_given, Iterable) else (all_given,)
    for part in given:
        if not isinstance(part, Part):
            raise ConfigError(
                f"parts holds {part!r:.100}; it is a list of parts such as Streams(...), Confidences(...)"
            )
        if part.once and windows.overlap:
            raise ConfigError(f"{part.name} may see a row only once, and these windows overlap; leave every= out")
        if "/" in part.name:
            raise ConfigError(f"a part is called {part.name!r}; its name has no slash")
    names = [part.name for part in given]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError(f"two parts are called {twice!r}; give one another name: name=...")
    for part in given:
        part._owner = id(given)
        part.restore({})
    return given


def must_own(parts: Sequence[Part]) -> None:
    """Refuse to go on with parts that stand in the state of another monitor.

    Args:
        parts: what `checked` gave this monitor; or parts that no monitor has.

    Raises:
        ConfigError: one was given to another monitor since.
    """
    for part in parts:
        if part._owner not in (0, id(parts)):
            raise ConfigError(
                f"the part {part.name!r} was given to another monitor since, and has the state of that; "
                "make a part for each monitor"
            )


def takers_of(parts: Sequence[Part]) -> list[Part]:
    """The parts that take labels.

    Raises:
        ConfigError: a part was given to another monitor since.
    """
    must_own(parts)
    return [part for part in parts if part.takes_labels]


def prepared(parts: Sequence[Part], rows: pa.Table) -> pa.Table:
    """Rows with the columns that parts make; where one cannot, it will say so of the window.

    Raises:
        ConfigError: a part was given to another monitor since.
    """
    must_own(parts)
    for part in parts:
        with suppress(DataError):
            rows = part.prepare(rows)
    return rows


def without_own(parts: Sequence[Part], on: str | None, rows: Any, schema: Schema) -> Any:
    """Rows without the columns that only a monitor reads: its parts, or to date rows."""
    if not isinstance(rows, pa.Table):
        return rows
    known = {name for column in schema.columns for name in (column.name, column.source)}
    own = {name for part in parts for name in part.columns} | {on}
    left = [name for name in rows.column_names if name in own and name not in known]
    return rows.drop_columns(left) if left else rows


def stays(part: str, given: Mapping[str, Any], begun: Mapping[str, Any]) -> tuple[str, ...]:
    """A warning where a part that goes on is given other options than those it was begun with, which it keeps."""
    other = [name for name in begun if name in given and given[name] != begun[name]]
    if not other:
        return ()
    before, now = (
        ", ".join(f"{name}={_beside(mine[name], its[name]):.60}" for name in other)
        for mine, its in ((begun, given), (given, begun))
    )
    told = f"{part} goes on with {before}, as it was begun, and not with {now}; give that again, or "
    return (f"{told}the part or the monitor a new name",)


def _beside(mine: Any, its: Any) -> str:
    """A value in words; of a record only what another of its sort has otherwise."""
    if type(mine) is not type(its) or not is_dataclass(mine):
        return repr(mine)
    other = [one.name for one in fields(mine) if getattr(mine, one.name) != getattr(its, one.name)]
    return f"{type(mine).__name__}({', '.join(f'{name}={getattr(mine, name)!r}' for name in other)})"


class Remembering(Protocol):
    """What knows something that outlives the process, under a name."""

    name: str

    def changes(self) -> Mapping[str, bytes | None]:
        """See `Part.changes`."""
        ...

    def restore(self, pieces: Mapping[str, bytes]) -> None:
        """See `Part.restore`."""
        ...


def changes_of(parts: Sequence[Remembering]) -> dict[str, bytes | None]:
    """What is to be written of all parts."""
    return {f"{part.name}/{piece}": body for part in parts for piece, body in part.changes().items()}


def restore(parts: Sequence[Remembering], known: Mapping[str, bytes]) -> None:
    """Let all parts know what was written of them."""
    for part in parts:
        start = f"{part.name}/"
        part.restore({name.removeprefix(start): body for name, body in known.items() if name.startswith(start)})
