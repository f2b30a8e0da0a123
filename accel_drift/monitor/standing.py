"""Where a monitor stands, as its history keeps it: written with or without a window, and stood up again from there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from accel_drift.history.steps import Recorded
from accel_drift.monitor.cutting import Cutter
from accel_drift.monitor.followers import Follower, Work
from accel_drift.monitor.intake import Intake
from accel_drift.monitor.journal import Journal, Measured, must_fit
from accel_drift.monitor.judging import Judge
from accel_drift.monitor.parts import Part, changes_of, restore
from accel_drift.monitor.references import Reference
from accel_drift.monitor.windows import Windows

NOTHING: Measured = MappingProxyType({})
"""No window's numbers changed."""


class Standing:
    """What of a monitor outlives its process.

    Args:
        name: of the monitor.
        windows: of the monitor, which may not change while it goes on.
        reference: neither may this.
        pieces: parts and followers, each of which has a state of its own.
        journal: what writes.
        cutter: what holds rows of unfinished windows.
        intake: what holds what is to be said of batches.
        judge: what knows the last window's profile.
    """

    def __init__(
        self,
        name: str,
        windows: Windows,
        reference: Reference,
        pieces: Sequence[Part | Follower],
        journal: Journal,
        cutter: Cutter,
        intake: Intake,
        judge: Judge,
    ) -> None:
        self._name, self._windows, self._reference, self._pieces = name, windows, reference, pieces
        self._journal, self._cutter, self._intake, self._judge = journal, cutter, intake, judge

    def write(self, judged: Recorded | None, measured: Measured = NOTHING, also: Sequence[Work] = ()) -> None:
        """Put down where the monitor stands, with a window or without.

        Args:
            judged: the window.
            measured: windows -> numbers of theirs that changed.
            also: what followers do in the same transaction.

        Raises:
            HistoryError: the database failed. It is kept, and `settle` tries again.
        """
        state = {"cutter": self._cutter.state(), "said": self._intake.said, "profile": self._judge.before}
        state, known = self._kind() | state, changes_of(self._pieces)
        self._journal.write(state, known, self._cutter.needed, self._reference.schema, judged, measured, also)

    def settle(self) -> None:
        """Write what waits, if anything does.

        Raises:
            HistoryError: the database failed. It still waits.
        """
        self._journal.flush()
        if self._journal.waits:
            self.write(None)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Where this fails, parts and followers stand where they stood."""
        try:
            yield
        except BaseException:
            self._restore()
            raise

    def resume(self) -> None:
        """Stand where the monitor of this name stood, if there was one.

        Raises:
            ConfigError: it was begun with another sort of window or reference.
            HistoryError: the database failed.
            SourceError: a file whose rows are needed again is not there.
        """
        state = self._journal.saved()
        if state is None:
            return
        must_fit(self._name, state, self._kind())
        self._intake.said.extend(state["said"])
        self._judge.before = state["profile"]
        self._restore()
        self._cutter.load(state["cutter"])
        self._intake.again()

    def _kind(self) -> dict[str, Any]:
        """What may not change while it goes on."""
        return {"windows": self._windows.to_dict(), "reference": self._reference.to_dict()}

    def _restore(self) -> None:
        if self._pieces:
            restore(self._pieces, self._journal.parts())
