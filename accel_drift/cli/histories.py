"""`accel-drift history`: what a monitor's history says, and what becomes of old windows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from accel_drift.cli.console import aside, out
from accel_drift.errors import SourceError

if TYPE_CHECKING:
    import pyarrow as pa

    from accel_drift.history import History

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")

Where = Annotated[
    str,
    typer.Argument(metavar="HISTORY", help="A file such as drift.db, or a URL: postgresql://user:password@host/name."),
]
Name = Annotated[str, typer.Argument(metavar="MONITOR", help="The monitor's name; history list tells which there are.")]
Days = Annotated[
    float | None, typer.Option("--days", metavar="N", help="So many days back from the end of the last window.")
]
Column = Annotated[str | None, typer.Option("--column", metavar="NAME", help="Only this column.")]
Detector = Annotated[str | None, typer.Option("--detector", metavar="NAME", help="Only this detector.")]
Metric = Annotated[
    str | None, typer.Option("--metric", metavar="NAME", help="Only this one, such as f1, accuracy or health.")
]
Csv = Annotated[
    Path | None, typer.Option("--csv", metavar="FILE", help="Write all of it to a CSV file, numbers to the last bit.")
]


@app.callback()
def _root() -> None:
    """Ask a history: windows, trends, slow drift; export it, and remove old windows."""


@app.command("list")
def names(where: Where) -> None:
    """The monitors that have windows, one a line."""
    with opened(where) as history:
        for name in history.names():
            out(name)


@app.command()
def runs(where: Where, name: Name, days: Days = None, csv: Csv = None) -> None:
    """The windows of a monitor, the oldest first."""
    with opened(where) as history:
        tell(history.runs(name, days=days), ("window", "window_end", "rows", "drifted", "severity", "findings"), csv)


@app.command()
def trend(
    where: Where, name: Name, column: Column = None, detector: Detector = None, days: Days = None, csv: Csv = None
) -> None:
    """How a column went, window by window."""
    shown = ("window", "window_end", "column", "detector", "status", "effect", "interval_low", "interval_high")
    with opened(where) as history:
        found = history.trend(name, column=column, detector=detector, days=days)
        tell(found, (*shown, "adjusted_p_value"), csv)


@app.command()
def metrics(where: Where, name: Name, metric: Metric = None, days: Days = None, csv: Csv = None) -> None:
    """Numbers of windows, such as health, accuracy and F1, as they are known by now."""
    shown = ("window", "window_end", "metric", "value", "low", "high", "rows")
    with opened(where) as history:
        tell(history.metrics(name, metric, days=days), shown, csv)


@app.command()
def drifted(where: Where, name: Name, days: Days = None, csv: Csv = None) -> None:
    """The columns that drifted in any window, those of most windows first."""
    with opened(where) as history:
        found = history.drifted_columns(name, days=days)
        tell(found, tuple(found.column_names), csv)


@app.command()
def slow(
    where: Where, name: Name, column: Column = None, detector: Detector = None, days: Days = None, csv: Csv = None
) -> None:
    """Whether effects rise or fall over the windows: slope a day, and a Mann-Kendall test."""
    with opened(where) as history:
        found = history.slow_drift(name, column=column, detector=detector, days=days)
        tell(found, tuple(found.column_names), csv)


@app.command()
def export(
    where: Where,
    folder: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where the Parquet files go.")],
) -> None:
    """Write everything to Parquet files."""
    with opened(where) as history:
        aside(f"Wrote runs, findings, metrics, alerts, messages and requests to {history.export(folder)}")


@app.command()
def prune(
    where: Where,
    older_than: Annotated[
        float | None,
        typer.Option("--older-than", metavar="DAYS", help="Days before the end of each monitor's last window."),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option("--keep", metavar="N", help="So many last windows of each monitor stay."),
    ] = None,
    monitor: Annotated[str | None, typer.Option("--monitor", metavar="NAME", help="Only this monitor.")] = None,
) -> None:
    """Remove old windows with all that belongs to them, and alerts that ended by then."""
    with opened(where) as history:
        out(f"Removed {history.prune(older_than=older_than, keep=keep, name=monitor):,} windows.")


def opened(where: str) -> History:
    """The history at a URL, or in a file that is there: a name that was mistyped makes no new one.

    Raises:
        SourceError: there is no such file.
        HistoryError: it cannot be opened, or holds no history.
    """
    from accel_drift.history import History

    file = where.removeprefix("sqlite:///") if where.startswith("sqlite:///") else where
    if "://" in file or file.startswith("file:"):
        return History(where, create=False)
    if not Path(file).is_file():
        raise SourceError(f"there is no history {file}; give the file that a monitor writes, or the URL of a database")
    return History(f"sqlite:///{file}", create=False)


def tell(found: pa.Table, shown: tuple[str, ...], csv: Path | None) -> None:
    """Print some columns of a table for people, and write all of it where a file is asked for."""
    from accel_drift.report.arrow import csv_text

    rows = [shown, *zip(*([_word(value) for value in found[name].to_pylist()] for name in shown), strict=True)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(shown))]
    for row in rows:
        out("  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip())
    if csv is not None:
        from accel_drift.files import write_text_atomically

        write_text_atomically(csv, csv_text(found))
        aside(f"Wrote {csv}")


def _word(value: Any) -> str:
    """A value in a table for people."""
    from accel_drift.report import words

    if value is None or isinstance(value, float):
        return words.number(value)
    if hasattr(value, "isoformat"):
        return str(value.strftime("%Y-%m-%d %H:%M"))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else words.visible(str(value))
