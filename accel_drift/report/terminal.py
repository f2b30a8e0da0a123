"""A report as text: a coloured table for a terminal, plain ASCII for a pipe or a log."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from accel_drift.finding import Finding, Severity, Status
from accel_drift.report import over, words
from accel_drift.report.worst import check, loud_columns, more_line, some, worst_columns

if TYPE_CHECKING:
    from accel_drift.report.report import Report

PLAIN_WIDTH = 100
WIDE = 116
MANY_COLUMNS = 30
"""With more columns than this the stable ones are counted instead of listed."""
MOST_COLUMNS = 100
"""Columns listed at most where the caller does not say how many."""
MOST_LINES = 12
"""Warnings, and columns left out, that are listed."""

PLAIN_BOX = box.Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
_STYLES = {Severity.CRITICAL: "bold red", Severity.WARNING: "bold yellow", Severity.WATCH: "yellow"}
_UNTESTED_STYLE = "magenta"


def render(
    report: Report, *, width: int | None = None, color: bool = False, verbose: bool = False, top: int | None = None
) -> str:
    """The report as text.

    Args:
        report: what to print.
        width: characters a line; None means 100, or the terminal's own width where `color` is set.
        color: colours and drawn lines; without it plain ASCII, names in the data excepted.
        verbose: list every column, warning and reason, however many there are.
        top: list so many columns, the worst first, whatever became of them.
    """
    return captured(TerminalReport(report, verbose=verbose, color=color, top=top), width=width, color=color)


def captured(what: RenderableType, *, width: int | None = None, color: bool = False) -> str:
    """What a terminal would show, as text; arguments as in `render`."""
    console = Console(
        file=io.StringIO(),
        width=width if width is not None or color else PLAIN_WIDTH,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        force_jupyter=False,
        legacy_windows=False,
        highlight=False,
        emoji=False,
        markup=False,
    )
    with console.capture() as out:
        console.print(what)
    return "\n".join(line.rstrip() for line in out.get().splitlines())


class TerminalReport:
    """The report for a rich console: `console.print(TerminalReport(report))`."""

    def __init__(self, report: Report, *, verbose: bool = False, color: bool = True, top: int | None = None) -> None:
        check(top)
        self.report = report
        self.verbose = verbose
        self.color = color
        self.top = top

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        report = self.report
        yield Text(words.headline(report), style=_headline_style(report))
        yield Text(words.sizes_line(report))
        if by_thresholds := over.line(report):
            yield Text(by_thresholds)
        warnings = [f"WARNING: {words.visible(warning)}" for warning in report.warnings]
        for line in warnings if self.verbose else some(warnings, MOST_LINES, "warnings"):
            yield Text(line, style="bold yellow")
        shown, left_out = listed(report, verbose=self.verbose, top=self.top)
        shown, idle = (shown, "") if self.verbose else split_idle(shown)
        if shown:
            yield Text("")
            yield _table(shown, color=self.color, width=options.max_width)
            if over.any_threshold(shown):
                yield Text(over.key(report), style="dim")
        for line in filter(None, (left_out, idle)):
            yield Text(line, style="dim")
        yield from _paragraph("Notes", _remarks(report, shown, len(shown) if self.verbose else MANY_COLUMNS))
        yield from _paragraph("Detectors", [f"{name}: {text}" for name, text in words.detector_lines(shown)])
        yield from _paragraph("Schema", words.schema_lines(report))
        excluded = [f"{words.visible(name)}: {words.visible(why)}" for name, why in report.excluded.items()]
        yield from _paragraph("Left out", excluded if self.verbose else some(excluded, MANY_COLUMNS, "columns"))
        closing = [line for line in (words.detectable_line(report), how_line(report)) if line]
        if closing:
            yield Text("")
            yield Text("\n".join(closing), style="dim")


def listed(report: Report, *, verbose: bool, top: int | None) -> tuple[list[Finding], str]:
    """The findings to list, and a line for the columns that are only counted."""
    few = len(report.compared_columns) <= MANY_COLUMNS
    if top is None and (verbose or few):
        return list(report.findings), ""
    shown = loud_columns(report, MOST_COLUMNS) if top is None else worst_columns(report, top)
    more = more_line(report, shown)
    return shown, more and f"... {more}"


def split_idle(findings: Sequence[Finding]) -> tuple[list[Finding], str]:
    """The findings without those that had nothing to test in a column that was tested, and a line for these.

    That nothing is missing on either side, for one, is said once and not once a column.
    """
    tested = {f.column for f in findings if f.status.tested}
    idle = [f for f in findings if f.status is Status.CONSTANT and f.column in tested]
    if not idle:
        return list(findings), ""
    by_detector: dict[str, int] = {}
    for finding in idle:
        by_detector[finding.detector] = by_detector.get(finding.detector, 0) + 1
    counted = ", ".join(f"{words.visible(d)} in {words.plural(n, 'column')}" for d, n in by_detector.items())
    return [f for f in findings if f not in idle], f"... and nothing to test (the same on both sides): {counted}"


def how_line(report: Report) -> str:
    """How the verdict was come to, in one line."""
    parts = [f"rule {report.rule}"]
    parts += [
        f"{name} {words.visible(str(report.settings[name]))}"
        for name in ("alpha", "correction", "block", "seed", "backend")
        if report.settings.get(name) is not None
    ]
    parts.append(f"{words.number(report.elapsed_s, 2)} s")
    if report.version:
        parts.append(f"accel-drift {report.version}")
    return ", ".join(parts)


def _table(findings: Sequence[Finding], *, color: bool, width: int) -> Table:
    limits = over.any_threshold(findings)
    # Beside thresholds there is room for the rows only on a wide screen.
    with_rows = not limits or width >= WIDE
    table = Table(box=box.SIMPLE_HEAD if color else PLAIN_BOX, pad_edge=False, show_edge=False, padding=0)
    table.add_column("column", overflow="fold", min_width=12)
    table.add_column("detector", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    if limits:
        table.add_column("threshold", justify="right", no_wrap=True)
    table.add_column("effect", justify="right", no_wrap=True)
    table.add_column("95 % interval", no_wrap=True)
    table.add_column("p", justify="right", no_wrap=True)
    table.add_column("adj. p", justify="right", no_wrap=True)
    if with_rows:
        table.add_column("n ref/batch", justify="right", no_wrap=True)
    for finding in findings:
        table.add_row(
            Text(words.place(finding)),
            Text(words.visible(finding.detector)),
            Text(words.verdict_words(finding), style=style_of(finding)),
            words.number(finding.statistic),
            *([over.marked(finding)] if limits else []),
            words.effect_text(finding),
            Text(words.interval_text(finding)),
            words.p_text(finding.p_value),
            words.p_text(finding.adjusted_p_value),
            *([_rows(finding)] if with_rows else []),
        )
    return table


def _rows(finding: Finding) -> str:
    return f"{words.short_count(finding.n_reference)}/{words.short_count(finding.n_batch)}"


def _remarks(report: Report, shown: Sequence[Finding], most: int) -> list[str]:
    """What stands beside the findings listed, then the report's notes."""
    lines = []
    for finding in shown:
        text = words.remark(report, finding)
        # What is said of all columns together stands among the report's own notes.
        if text and f"{finding.detector}: {text}" not in report.notes:
            lines.append(f"{words.place(finding)} ({words.visible(finding.detector)}): {text}")
    if len(lines) > most:
        lines[most:] = [f"... and {words.plural(len(lines) - most, 'remark')} of this kind"]
    lines += [words.visible(note) for note in report.notes]
    return lines


def _paragraph(title: str, lines: Sequence[str]) -> RenderResult:
    if not lines:
        return
    yield Text("")
    yield Text(title, style="bold")
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for line in lines:
        grid.add_row(" -", Text(line))
    yield grid


def style_of(finding: Finding) -> str:
    """The colour of a finding's verdict."""
    if finding.status is Status.DRIFTED:
        return _STYLES.get(finding.severity, "bold")
    if finding.status is Status.STABLE:
        return "green"
    return "cyan" if finding.status is Status.SIGNIFICANT_SMALL else _UNTESTED_STYLE


def _headline_style(report: Report) -> str:
    if report.drifted:
        return _STYLES.get(report.severity, "bold")
    tested = any(f.status.tested for f in report.findings)
    return "bold green" if tested else f"bold {_UNTESTED_STYLE}"
