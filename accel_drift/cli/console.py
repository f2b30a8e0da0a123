"""What is written to the terminal: reports, a progress bar, one-line errors."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from accel_drift.cli.options import as_written_here

if TYPE_CHECKING:
    from accel_drift.report import Report
    from accel_drift.report.explanation import Explanation

OF_ROWS = ("reading", "counting")
"""What is done a row at a time."""

Tell = Callable[[int, int, str], None]


def get_ready() -> None:
    """Make output writable, and let SIGTERM do what Ctrl-C does, which only a process's main thread can."""
    make_writable()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def make_writable() -> None:
    """Let both streams write any text: a letter that the terminal's encoding lacks becomes its escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def out(text: str) -> None:
    """Write lines to standard output; a reader that has gone (`| head`) is no error."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        forget_stdout()


def aside(text: str) -> None:
    """Write lines to standard error."""
    sys.stderr.write(text + "\n")


def forget_stdout() -> None:
    """Send what is still to come to nowhere, so that Python does not complain when it flushes at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def show(report: Report, *, verbose: bool, top: int | None = None) -> None:
    """Print a report: in colour on a terminal, plain ASCII into a pipe."""
    if not sys.stdout.isatty():
        out(report.to_text(verbose=verbose, top=top))
        return
    from rich.console import Console

    from accel_drift.report.terminal import TerminalReport

    Console(highlight=False, markup=False, emoji=False).print(TerminalReport(report, verbose=verbose, top=top))


def show_explanation(explanation: Explanation) -> None:
    """Print an explanation, a line apart from what stands above it."""
    if not sys.stdout.isatty():
        out("\n" + explanation.to_text())
        return
    from rich.console import Console

    from accel_drift.report.explanation_text import ExplanationText

    console = Console(highlight=False, markup=False, emoji=False)
    console.print()
    console.print(ExplanationText(explanation))


@contextmanager
def progress(first: str, *, quiet: bool = False) -> Iterator[Tell]:
    """A bar on standard error while something long is done, only where a person looks on.

    Rows are told with their rate, and with their share and the time left where it is known how many there are.

    Args:
        first: what is done before the first call of the function that this yields.
        quiet: show nothing in any case.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda _done, _of, _what: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    texts = [TextColumn(f"{{task.{field}}}", markup=False) for field in ("description", "fields[rows]")]
    columns = (SpinnerColumn(), texts[0], BarColumn(20), texts[1], TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(first, total=None, rows="")
        began = time.monotonic()

        def tell(done: int, of: int, what: str) -> None:
            rows = rows_told(done, of, time.monotonic() - began) if what in OF_ROWS else ""
            bar.update(task, completed=done, total=of or None, description=what, rows=rows)

        yield tell


def rows_told(done: int, of: int, seconds: float) -> str:
    """How far a pass over rows is: `5,000,000 of 20,000,000 rows (25 %), 2.5 M rows/s, 6 s left`.

    Args:
        done: rows read.
        of: rows in all, or 0 where nobody knows.
        seconds: since it began.
    """
    rate = done / seconds if seconds > 0 else 0.0
    speed = f", {rate / 1e6:.1f} M rows/s" if rate >= 1e6 else f", {rate:,.0f} rows/s" if rate else ""
    if not of:
        return f"{done:,} rows{speed}"
    left = f", {round((of - done) / rate):,} s left" if rate and done < of else ""
    return f"{done:,} of {of:,} rows ({100 * done // of} %){speed}{left}"


def examples(*lines: str) -> str:
    """The end of a command's help; Typer joins lines and keeps paragraphs, so each line is one."""
    return "\n\n".join(("Examples:", *lines))


def complain(error: Exception) -> None:
    """Say on standard error what went wrong: in one line, or of a configuration in a line for each mistake."""
    mistakes = getattr(error, "mistakes", ())
    if len(mistakes) > 1:
        aside("\n".join(f"error: {mistake}" for mistake in mistakes))
    else:
        aside(f"error: {one_line(error)}")


def one_line(error: Exception) -> str:
    """What went wrong, and after an unknown option or command the ones there are."""
    spoken = getattr(error, "format_message", None)
    text = as_written_here(" ".join(str(spoken() if spoken else error).split()))
    context: Any = getattr(error, "ctx", None)
    if context is None:
        return text
    if hasattr(error, "option_name") and text.startswith("No such option"):
        known = [name for parameter in context.command.params for name in parameter.opts if name.startswith("--")]
        text = f"{text.rstrip('.')}; there are {', '.join(sorted(known))}"
    elif text.startswith("No such command"):
        text = f"{text.partition('.')[0]}; there are {', '.join(context.command.list_commands(context))}"
    return f"{text.rstrip('.')}; see {context.command_path} --help"
