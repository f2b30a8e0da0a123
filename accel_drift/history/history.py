"""The public face of a history: what is written and what is asked, over one database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accel_drift.errors import ExtraMissingError
from accel_drift.history.window import Metric, Window

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Engine

    from accel_drift.history.ledger import Ledger
    from accel_drift.predictions.trend import Alternative
    from accel_drift.report import Report


class History:
    """Reports of windows over months and years, in SQLite or PostgreSQL.

    A window is written in one transaction, with all of its findings or not at all, and once: the same window again
    changes nothing. Any number of threads and processes may write and read at the same time. Numbers come back to the
    last bit; what has no answer (None, NaN) is null, -0.0 is 0.0, infinities stay. Of a report its findings, verdict,
    sizes and remarks are kept, neither pictures nor parts nor `details`.

    SQLite writes ahead to a log beside the file (`drift.db-wal`): what was written stays when a process is killed; when
    the machine loses power, the last windows may be missing, whole. Its file must be on a local disk.

    Every answer is an Arrow table, oldest window first. A span of time means the windows that lie in it wholly; `days`
    counts back from `end`, and without one from the end of the monitor's last window.

    Args:
        url: "sqlite:///drift.db", or "postgresql://user:password@host:5432/database". Tables are made where there are
            none, and those of an earlier version are brought up to date.
        wait: seconds that a call waits for other writers, or for a server that does not answer, and tries again.
        create: make one where there is none; without that a URL that is mistyped is an error.

    Raises:
        ExtraMissingError: SQLAlchemy or the database's driver is not there.
        ConfigError: the URL is none of these.
        HistoryError: the database cannot be opened, is none, was made by a later version, or holds no history and
            none is to be made.
    """

    def __init__(self, url: str, *, wait: float = 30.0, create: bool = True) -> None:
        try:
            from accel_drift.history.store import Store
        except ImportError as error:
            if not (error.name or "").startswith("sqlalchemy"):
                raise
            raise ExtraMissingError(
                f"a history needs SQLAlchemy 2 or later ({error}): pip install 'accel-drift[monitor]'"
            ) from error
        self._store = Store(url, wait, create=create)
        self._met: dict[Any, int] = {}

    @property
    def url(self) -> str:
        """Where it is, without a password."""
        return self._store.place

    @property
    def engine(self) -> Engine:
        """SQLAlchemy's engine, for questions of your own; the tables are in `accel_drift.history.tables`."""
        return self._store.engine

    def record(
        self, name: str, report: Report, window: Window, *, profile: str = "", metrics: Iterable[Metric] = ()
    ) -> bool:
        """Write what a window's report says.

        Args:
            name: the monitor's name.
            report: the window's report.
            window: which window it was.
            profile: what tells the reference from others, such as a digest of its file.
            metrics: numbers of the window that are no findings.

        Returns:
            Whether it was written; False where the monitor has this window already, and nothing was changed.

        Raises:
            ConfigError: something given cannot be written.
            HistoryError: the database failed, and nothing was written.
        """
        from accel_drift.history.writing import entry, write

        given = entry(name, report, window, profile, metrics)
        numbers = self._store.write(lambda connection: write(connection, given, self._met))
        # Only what is committed is remembered.
        self._met.update(numbers or {})
        return numbers is not None

    def measure(self, name: str, key: str, metrics: Iterable[Metric]) -> int:
        """Add numbers to a window that is there, or newer values of them: labels come late, and in parts.

        Args:
            name: the monitor's name.
            key: the window's key.
            metrics: the numbers; one that is there already under its name is replaced.

        Returns:
            How many are new or other than they were.

        Raises:
            ConfigError: there is no such window, or something is no metric.
            HistoryError: the database failed, and nothing was written.
        """
        from datetime import UTC

        from accel_drift.history import writing

        writing.named(name)
        rows = writing.metric_rows(metrics, datetime.now(UTC))
        return self._store.write(lambda connection: writing.measure(connection, name, key, rows))

    def ledger(self, name: str) -> Ledger:
        """Where a monitor stands, for the monitor itself.

        Raises:
            ConfigError: it is no name of a monitor.
        """
        from accel_drift.history.ledger import Ledger

        return Ledger(self._store, name, self._met)

    def names(self) -> list[str]:
        """The monitors that have windows here."""
        from accel_drift.history import queries

        return self._store.read(queries.names)

    def runs(
        self,
        name: str,
        *,
        days: float | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        drifted: bool | None = None,
        last: int | None = None,
    ) -> pa.Table:
        """The windows of a monitor, one row each: verdict, sizes, times, and as JSON what the report remarked.

        Args:
            name: the monitor's name.
            days: so many days back.
            start: no window that starts before.
            end: no window that ends later.
            drifted: only windows of this verdict.
            last: only so many of the latest of these.
        """
        from accel_drift.history import queries

        span = queries.Span(days, start, end)
        return self._store.read(lambda connection: queries.run_rows(connection, name, span, drifted, last))

    def findings(
        self,
        name: str,
        *,
        column: str | None = None,
        detector: str | None = None,
        status: str | None = None,
        days: float | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> pa.Table:
        """Findings, one row each, the worst of a window first.

        Args:
            name: the monitor's name.
            column: only this column; of a joint test its columns joined with ", ".
            detector: only this detector.
            status: only findings that ended so, such as "drifted".
            days: so many days back.
            start: no window that starts before.
            end: no window that ends later.
        """
        from accel_drift.history import queries

        span = queries.Span(days, start, end)
        return self._store.read(
            lambda c: queries.finding_rows(c, name, column, detector, status, span, queries.FINDINGS)
        )

    def trend(
        self,
        name: str,
        *,
        column: str | None = None,
        detector: str | None = None,
        days: float | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> pa.Table:
        """How a column went: its numbers window by window.

        Args:
            name: the monitor's name.
            column: the column; None for all that the detector looked at.
            detector: the detector; None for all that looked at the column.
            days: so many days back.
            start: no window that starts before.
            end: no window that ends later.
        """
        from accel_drift.history import queries

        span = queries.Span(days, start, end)
        return self._store.read(lambda c: queries.finding_rows(c, name, column, detector, None, span, queries.TREND))

    def latest(self, name: str) -> pa.Table:
        """The findings of a monitor's last window, the worst first."""
        from accel_drift.history import queries

        return self._store.read(lambda connection: queries.latest(connection, name))

    def metrics(
        self,
        name: str,
        metric: str | None = None,
        *,
        days: float | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> pa.Table:
        """Numbers that are no findings, one row a window and number.

        Args:
            name: the monitor's name.
            metric: only the one of this name.
            days: so many days back.
            start: no window that starts before.
            end: no window that ends later.
        """
        from accel_drift.history import queries

        span = queries.Span(days, start, end)
        return self._store.read(lambda connection: queries.metric_rows(connection, name, metric, span))

    def drifted_columns(
        self, name: str, *, days: float | None = None, start: datetime | None = None, end: datetime | None = None
    ) -> pa.Table:
        """Columns that drifted in any window, those of most windows first.

        A row has the windows in which the column drifted and in which it was tested, their share, when the first that
        drifted began and the last ended, and the worst severity.

        Args:
            name: the monitor's name.
            days: so many days back.
            start: no window that starts before.
            end: no window that ends later.
        """
        from accel_drift.history import queries

        span = queries.Span(days, start, end)
        return self._store.read(lambda connection: queries.drifted_columns(connection, name, span))

    def slow_drift(
        self,
        name: str,
        *,
        column: str | None = None,
        detector: str | None = None,
        days: float | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        alternative: Alternative = "two-sided",
    ) -> pa.Table:
        """Whether effects rise or fall from window to window, be each of them ever so small.

        One row for each column and detector, the smallest p-value first: Theil-Sen slope in effect a day with its 95 %
        interval, p-value of the Mann-Kendall test, and that corrected for all rows by Benjamini-Hochberg. Windows
        without an effect are counted as missing; below 3 others there is no p-value. The test takes windows for
        independent: it promises too much where they overlap, or where `autocorrelation` is much above 0.

        Args:
            name: the monitor's name.
            column: only this column.
            detector: only this detector.
            days: so many days back.
            start: no window that starts before.
            end: no window that ends later.
            alternative: what to look for: "two-sided", "rising" or "falling".

        Raises:
            ConfigError: there is no such monitor, column or detector, or there are more than 3,000 windows.
            HistoryError: the database failed.
        """
        from accel_drift.history.slow import slow_drift

        return slow_drift(
            self.trend(name, column=column, detector=detector, days=days, start=start, end=end), alternative
        )

    def prune(
        self,
        *,
        older_than: float | timedelta | datetime | None = None,
        keep: int | None = None,
        name: str | None = None,
    ) -> int:
        """Remove old windows with their findings and metrics; how many there were.

        Alerts that ended before the windows that stay leave with their messages, and so do silences that are over. What
        is open or not sent stays, and so do requests to learn again, which are few: models outlive windows.

        A window of the past that is recorded again afterwards counts as new. SQLite uses the room for what comes, and
        gives it back to the disk with the statement VACUUM.

        Args:
            older_than: days before the end of each monitor's last window, or a time.
            keep: so many last windows of each monitor stay, whatever their age.
            name: only this monitor.

        Raises:
            ConfigError: neither is given, or one is wrong.
            HistoryError: the database failed.
        """
        from accel_drift.history import retention

        return retention.prune(self._store, older_than, keep, name)

    def export(self, folder: str | Path) -> Path:
        """Write Parquet files of runs, findings, metrics, alerts, messages and requests, all as of one moment.

        Where monitors stand is not among them.

        Raises:
            SourceError: the folder or a file cannot be written.
            HistoryError: the database failed.
        """
        from accel_drift.history import parquet

        return parquet.export(self._store, folder)

    def restore(self, folder: str | Path) -> int:
        """Add the windows of such a folder that are not here yet; how many there were.

        With them come alerts that ended, messages that were sent or dropped, and requests that were seen to. What was
        open or waited stays in the files: no monitor here would end it.

        Raises:
            SourceError: files are missing, damaged, or not of one export.
            HistoryError: the database failed.
        """
        from accel_drift.history import parquet

        return parquet.restore(self._store, folder)

    def close(self) -> None:
        """Give the connections back; the next call opens new ones."""
        self._store.close()

    def __enter__(self) -> History:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<History {self.url}>"
