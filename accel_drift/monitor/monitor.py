"""What watches a stream of batches: window after window, a report each, and a state that outlives the process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from os import PathLike
from typing import Any

from accel_drift.errors import ConfigError, DataError
from accel_drift.history import History, Metric
from accel_drift.history.window import NAME_LENGTH, moment, text
from accel_drift.monitor.batches import Batch, each, named
from accel_drift.monitor.cutters import cutter
from accel_drift.monitor.cutting import Cut
from accel_drift.monitor.followers import Follower, Work, all_of
from accel_drift.monitor.followers import checked as followers_checked
from accel_drift.monitor.health import checked_weights
from accel_drift.monitor.intake import Intake, opened
from accel_drift.monitor.journal import LOG, Journal
from accel_drift.monitor.judging import Judge
from accel_drift.monitor.parts import Part, checked, prepared, takers_of
from accel_drift.monitor.references import Reference, reference_of
from accel_drift.monitor.reports import left_out
from accel_drift.monitor.rows import as_rows
from accel_drift.monitor.standing import Standing
from accel_drift.monitor.windows import Windows
from accel_drift.options import at_least, truth
from accel_drift.profiles import Profile
from accel_drift.report import Report
from accel_drift.telemetry.tracing import Traces
from accel_drift.turns import Turn


class Monitor:
    """Watches a stream of batches: cuts it into windows, compares each, and remembers where it stands.

    With a history, everything is written to its database: a window's report, the monitor's state and the rows that no
    window has used up yet, in one transaction, and before the report is handed out. A process that was killed at any
    moment goes on by making a monitor of the same name: no window is lost, none is there twice. A batch that `observe`
    was given and had not yet come back for is not taken; give it again, with a key if it must not count twice.

    A window that cannot be compared, since it has no rows or none of the reference's columns, gets a report that says
    so in its warnings. Where a database fails, what was to be written is kept, and the next call tries again.

    One monitor of a name runs at a time: a second one's first write is refused. Any number of threads may use it.

    Args:
        reference: what windows are compared with: a `Profile`, the path of a saved one, `Trailing(windows=26)` for the
            windows before, or `Period("2024-01-01", "2024-01-08")` for windows of the stream itself.
        window: which rows make a window; by default every batch is one.
        history: a `History`, or the URL of one, such as "sqlite:///drift.db". Without one the state is in memory only.
        name: of the monitor, under which the history knows it.
        parts: what looks at windows beside the reference, such as `Streams`, `Confidences` and `Performance`.
        followers: what draws conclusions from finished windows, such as alerts, and writes them with the window.
        keep_rows: whether rows of unfinished windows are kept in the database. Without it files are read again, and of
            other batches they are lost with the process; the next report says how many.
        weights: column -> how much it counts in the health of a window; 1 where it is not named.
        wait: seconds to wait for the database, where `history` is a URL: see `History`.

    Raises:
        ConfigError: an option cannot work, or the monitor of this name was begun with another sort of window.
        HistoryError: the database cannot be opened.
        SourceError: a file is not there: the profile, or one whose rows are needed again.
    """

    def __init__(
        self,
        reference: Profile | Reference | Any,
        window: Windows | None = None,
        *,
        history: History | str | None = None,
        name: str = "monitor",
        parts: Sequence[Part] = (),
        followers: Sequence[Follower] = (),
        keep_rows: bool = True,
        weights: Mapping[str, float] | None = None,
        wait: float = 30.0,
    ) -> None:
        text(name, NAME_LENGTH, "the name of a monitor", "churn")
        self.name, self.windows = name, Windows(by="batch") if window is None else window
        if not isinstance(self.windows, Windows):
            raise ConfigError(f"window is {window!r:.100}; it is accel_drift.Windows(rows=10_000), for example")
        self._reference, self._parts = reference_of(reference), checked(parts, self.windows)
        self._reference.check(self.windows)
        truth(keep_rows, "keep_rows")
        self._turn = Turn()
        self._own_history = isinstance(history, str)
        self.history = opened(history, wait)
        self._followers = followers_checked(followers, (part.name for part in self._parts), name, self.history)
        self._journal, self._traces = Journal(name, self.history, keep_rows=keep_rows), Traces(name)
        self._cutter = cutter(self.windows)
        self._intake = Intake(name, self.windows, self._reference, self._parts, self._journal, self._cutter)
        self._cut: Cut | None = None
        self._judge = Judge(self._reference, self._parts, self.windows.on, checked_weights(weights))
        pieces: tuple[Part | Follower, ...] = (*self._parts, *self._followers)
        self._standing = Standing(
            name, self.windows, self._reference, pieces, self._journal, self._cutter, self._intake, self._judge
        )
        self._standing.resume()

    # What users call.

    def observe(self, batches: Any) -> Iterator[Report]:
        """Take batches in, and hand out a report of each window as it is finished.

        What it returns is an iterator: nothing is done before it is asked for the first report. When a report comes
        out, it is in the history. A batch whose key was taken before is passed over.

        Args:
            batches: an iterable of data sets, in any form that `Profile.score` takes, or of `Batch`; or one of them.

        Raises:
            DataError: a batch cannot be read, or cannot be dated; nothing of it was taken in.
            SchemaError: it has no column to date its rows by.
            HistoryError: the database failed. Nothing is lost: call again with the batches that follow.
        """
        yield from self._finished()
        for batch in each(batches, self._intake.held):
            with self._turn, self._traces.reading():
                self._intake.take(batch)
            yield from self._finished()
            with self._turn:
                self._standing.settle()

    def finish(self, until: datetime | None = None) -> Iterator[Report]:
        """Hand out windows that are not full, as at the end of a stream.

        Args:
            until: only windows of time that end by then; by default all that have a row. Rows of these windows that
                come later are late.

        Raises:
            ConfigError: `until` has no time zone, or windows are not of time.
            HistoryError: as in `observe`.
        """
        if until is not None and (self.windows.time is None or until.utcoffset() is None):
            raise ConfigError("until is a datetime with a time zone, for windows of time")
        yield from self._finished()
        with self._turn:
            self._cutter.end(until)
        yield from self._finished()
        with self._turn:
            self._standing.write(None)
            for said in left_out(self._cutter.counts):
                LOG.warning("%s: %s; the next report will say so, too", self.name, said)

    def check(self, batch: Any) -> Report:
        """Compare these rows as one window; nothing changes, and nothing is written.

        Raises:
            DataError: the batch cannot be read, or compared.
            NoReferenceError: there is no reference yet.
        """
        with self._turn:
            rows = batch.rows if isinstance(batch, Batch) else batch
            profile = self._reference.profile(tuple(self._cutter.past))
            held = prepared(self._parts, as_rows(rows, profile.schema)) if self._parts or self.windows.on else rows
            return profile.score(self._judge.bare(held, profile))

    def label(self, ids: Any, labels: Any, *, key: str = "", digest: str = "") -> int:
        """Labels came: tell the parts that take them; how many windows have other numbers now.

        Args:
            ids: (n,) of rows, as the column of ids holds them.
            labels: (n,) the truth.
            key: what tells these labels from all others, and from batches: if it was taken before, nothing is done.
            digest: of what the key stands for, such as a file's content: with another one it is taken again.

        Raises:
            ConfigError: no part takes labels, or one was given to another monitor since.
            DataError: they cannot be read, or the key is no text.
            HistoryError: the database failed. Give them again: labels that are there already do no harm.
        """
        takers = takers_of(self._parts)
        if not takers:
            raise ConfigError(
                "no part of this monitor takes labels; give parts=[Performance(...)] with the ids' column"
            )
        given = named(Batch(None, key), contents=False)._replace(digest=digest)
        with self._turn:
            self._journal.flush()
            new = self._journal.renamed(given)
            if new is None:
                return 0
            found: dict[str, tuple[Metric, ...]] = {}
            with self._standing.undone():
                for part in takers:
                    for key, metrics in part.label(ids, labels).items():
                        found[key] = (*found.get(key, ()), *metrics)
                also: tuple[Work, ...] = ()
                if found and self._followers:
                    windows = self._journal.windows([*found])
                    found = {key: found[key] for key in windows} | found
                    also = all_of(one.measured(found, windows) for one in self._followers)
            if new.key:
                self._journal.take(new, None, 0)
            self._intake.warn([text for part in takers for text in part.worsened()])
            self._standing.write(None, found, also)
        return len(found)

    def worsened(self) -> list[str]:
        """Windows that labels showed to be degraded after their reports, in words, since this was asked last."""
        with self._turn:
            return self._intake.warned()

    def tick(self, now: datetime | None = None) -> None:
        """Time passed, though no batch came: followers are told, as that no data come is a reason for an alert.

        Args:
            now: the time, with a zone; by default that of the clock.

        Raises:
            ConfigError: the time has no zone.
            HistoryError: the database failed. What was concluded is kept, and the next call writes it.
        """
        told = moment(datetime.now(UTC) if now is None else now, "now")
        with self._turn:
            self._journal.flush()
            with self._standing.undone():
                also = all_of(one.tick(told) for one in self._followers)
            if also:
                self._standing.write(None, also=also)

    def skip(self, batch: str | PathLike[str] | Batch, why: str) -> None:
        """Pass a batch over, such as a file that cannot be read: it counts as taken, and the next report says why.

        Args:
            batch: a file, which is a new batch later if its content changes; or a batch, or its key.
            why: the reason.

        Raises:
            DataError: it has no key, or the reason is no text.
            HistoryError: as in `observe`.
        """
        with self._turn:
            self._journal.flush()
            if self._intake.skip(batch, why):
                self._standing.write(None)

    def dropped(self, rows: int) -> None:
        """So many rows never came here, as where a queue was full: the next report warns of them, and counts them.

        Raises:
            ConfigError: it is no number of rows.
            HistoryError: the database failed. They are counted, and the next call writes it.
        """
        at_least(rows, 0, "rows", "how many were dropped")
        with self._turn:
            self._cutter.counts["dropped_rows"] += rows
            self._journal.flush()
            self._standing.write(None)

    def seen(self, key: str) -> bool:
        """Whether a batch of this key was taken in, or passed over.

        Raises:
            DataError: the key is no text.
        """
        return bool(self.taken([key]))

    def taken(self, keys: Iterable[str]) -> dict[str, datetime]:
        """Which of these keys belong to batches that were taken in, or passed over, and when that was first.

        Raises:
            DataError: they are no texts.
        """
        asked: Any = keys
        if isinstance(asked, str) or not isinstance(asked, Iterable) or not all(isinstance(key, str) for key in asked):
            raise DataError(f"keys are {keys!r:.100}; give a list of texts")
        with self._turn:
            return self._journal.known(list(keys))

    @property
    def positions(self) -> dict[str, Any]:
        """Where sources stand after the batches that were taken in: what these said as `Batch.position`."""
        with self._turn:
            return self._journal.positions()

    @property
    def takes_labels(self) -> bool:
        """Whether a part of it does anything with labels."""
        return bool(takers_of(self._parts))

    @property
    def began(self) -> bool:
        """Whether it ever took a batch in, or passed one over."""
        return self._journal.last > 0

    @property
    def passed_over(self) -> int:
        """Batches that were passed over since this process began."""
        return self._intake.passed

    @property
    def has_reference(self) -> bool:
        """Whether there is something to compare with by now."""
        with self._turn:
            return self._reference.there(tuple(self._cutter.past))

    @property
    def expected(self) -> Mapping[str, Any] | None:
        """Columns that are looked at -> what the reference has there, or None; None where there is no reference."""
        return self._intake.expected

    @property
    def number(self) -> int:
        """Windows finished so far."""
        return self._cutter.number

    def close(self) -> None:
        """Give back the connections to the database, where they are the monitor's own."""
        if self._own_history and self.history is not None:
            self.history.close()

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Monitor {self.name!r}: {self.number:,} windows>"

    # Windows out.

    def _finished(self) -> Iterator[Report]:
        while True:
            with self._turn:
                report = self._next()
            if report is None:
                return
            yield report

    def _next(self) -> Report | None:
        """The report of the next window, which is written; None where none is finished."""
        ready = self._journal.ready
        self._journal.flush()
        while not ready:
            self._cut = self._cut or self._cutter.pop()
            if self._cut is None:
                return None
            self._look(self._cut)
        return ready.popleft()

    def _look(self, cut: Cut) -> None:
        """Compare a window, and write what is said of it."""
        with self._traces.window(cut.key):
            with self._standing.undone(), self._traces.step("score"):
                judged = self._judge.judged(cut, self._cutter.past, self._intake.said, self._cutter.counts)
                also = all_of(one.follow(judged) for one in self._followers)
            self._traces.tell(judged.report)
            self._reference.keep(cut, self._cutter.past)
            self._cut = None
            self._intake.said.clear()
            self._cutter.counts.clear()
            with self._traces.step("write"):
                self._standing.write(judged, also=also)
