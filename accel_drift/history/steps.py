"""How a monitor goes on: plain records, which need no database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from accel_drift.history.window import Metric, Window
from accel_drift.report import Report


class Recorded(NamedTuple):
    """A window with all that is said of it; see `History.record`."""

    report: Report
    window: Window
    profile: str
    metrics: tuple[Metric, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch that a monitor took in.

    Attributes:
        number: from 1, in the order in which they were taken.
        key: what tells it from others, such as a file's name; "" where it has none, and is forgotten once used up.
        digest: of its content; "" where nobody looked.
        rows: how many it has.
        at: when it was taken.
        body: its rows, where they could not be had again.
    """

    number: int
    key: str
    digest: str
    rows: int
    at: datetime
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Saved:
    """Where a monitor stood when it was last written.

    Attributes:
        revision: counts what was written.
        token: tells what one process wrote from what another did.
        state: its own, as it wrote it.
    """

    revision: int
    token: str
    state: str


@dataclass(frozen=True, slots=True)
class Step:
    """How a monitor goes on.

    Attributes:
        to: where it stands then; its revision is one more than that it goes on from.
        taken: batches that are new.
        used: numbers of batches, from the first to before the second, whose rows no window needs any more.
        parts: what its parts know, as far as that is new: name of a piece -> its bytes, None where it is gone.
        also: what else is written in the same transaction, given its connection; it may be tried again.
    """

    to: Saved
    taken: Sequence[Taken] = ()
    used: tuple[int, int] = (0, 0)
    parts: Mapping[str, bytes | None] = field(default_factory=dict)
    also: Sequence[Callable[[Any], object]] = ()
