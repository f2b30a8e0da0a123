"""What is written to the terminal: reports, a progress bar, one-line errors."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accel_drift.report import Report
    from accel_drift.report.explanation import Explanation

Tell = Callable[[int, int, str], None]


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
def progress(first: str) -> Iterator[Tell]:
    """A bar on standard error while something long is done, only where a person looks on.

    Args:
        first: what is done before the first call of the function that this yields.
    """
    if not sys.stderr.isatty():
        yield lambda _done, _of, _what: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(first, total=None)
        yield lambda done, of, what: bar.update(task, completed=done, total=of, description=what)
