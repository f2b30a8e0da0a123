"""What looks at a window's rows beside the profile: stream detectors, how sure a model is, what labels say."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from accel_drift.errors import ConfigError
from accel_drift.finding import Finding
from accel_drift.history import Metric
from accel_drift.monitor.cutting import Cut


@dataclass(frozen=True, slots=True)
class Told:
    """What a part says of a window.

    Attributes:
        findings: for the report, beside those of the profile; they are not corrected with them.
        metrics: numbers for the history.
        notes: for the report.
        warnings: for the report.
    """

    findings: tuple[Finding, ...] = ()
    metrics: tuple[Metric, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Part(ABC):
    """One thing that looks at every window of a monitor, in their order, with a state of its own.

    Attributes:
        name: what tells it from other parts of the monitor.
        columns: the columns that it reads. Those that the reference lacks are not compared.
    """

    name: str
    columns: tuple[str, ...]

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

    @property
    def takes_labels(self) -> bool:
        """Whether `label` does anything."""
        return False

    @abstractmethod
    def state(self) -> bytes:
        """Where it stands."""

    @abstractmethod
    def restore(self, state: bytes) -> None:
        """Stand there again; b"" is the beginning."""


def checked(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Parts of a monitor.

    Raises:
        ConfigError: they are no list of parts, or two have one name.
    """
    all_given: Any = parts
    given = tuple(all_given) if isinstance(all_given, Iterable) else (all_given,)
    for part in given:
        if not isinstance(part, Part):
            raise ConfigError(
                f"parts holds {part!r:.100}; it is a list of parts such as Streams(...), Confidences(...)"
            )
    names = [part.name for part in given]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError(f"two parts are called {twice!r}; give one another name: name=...")
    return given


def saved(save: Callable[[Path], None]) -> bytes:
    """What something writes to a file, as bytes."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "state"
        save(file)
        return file.read_bytes()


def loaded(state: bytes, load: Callable[[Path], Any]) -> Any:
    """What something makes of a file of these bytes."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "state"
        file.write_bytes(state)
        return load(file)


def bundled(states: Mapping[str, bytes]) -> bytes:
    """States of several parts as one."""
    table = pa.table({"name": list(states), "state": pa.array(list(states.values()), pa.binary())})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as out:
        out.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def unbundled(states: bytes) -> dict[str, bytes]:
    """The states that `bundled` put together."""
    if not states:
        return {}
    with pa.ipc.open_stream(states) as stream:
        table = stream.read_all()
    return dict(zip(table["name"].to_pylist(), table["state"].to_pylist(), strict=True))
