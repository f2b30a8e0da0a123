"""An explanation as text: a table of parts for each finding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from accel_drift.finding import Finding, Part
from accel_drift.report import words
from accel_drift.report.moves import CELLS, moved, of_kind, shares
from accel_drift.report.terminal import PLAIN_BOX, style_of

if TYPE_CHECKING:
    from accel_drift.report.explanation import Explanation

_BAR = 20
"""Characters of the longest bar."""


class ExplanationText:
    """The explanation for a rich console: `console.print(ExplanationText(explanation))`."""

    def __init__(self, explanation: Explanation, *, most: int = 15) -> None:
        self.explanation = explanation
        self.most = most

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for i, finding in enumerate(self.explanation.findings):
            if i:
                yield Text("")
            yield Text(title(finding), style=style_of(finding))
            sentence = moved(finding)
            yield Text(sentence or without_parts(finding), style="" if sentence else "dim")
            for table, left_out in _tables(finding, self.most):
                yield Text("")
                yield table
                if left_out:
                    yield Text(f"... and {words.plural(left_out, 'part')} more", style="dim")


def title(finding: Finding) -> str:
    """The finding in one line: `arr_delay, psi: DRIFT critical, 0.27 [0.01, 0.45] PSI, adjusted p 0.0002`."""
    said = [words.verdict_words(finding)]
    if finding.effect is not None:
        said.append(" ".join(filter(None, (words.effect_text(finding), words.interval_text(finding), finding.unit))))
    if finding.adjusted_p_value is not None:
        said.append(f"adjusted p {words.p_text(finding.adjusted_p_value)}")
    said.append(f"{words.count(finding.n_batch)} against {words.plural(finding.n_reference, 'row')}")
    return f"{words.place(finding)}, {words.visible(finding.detector)}: {words.visible(', '.join(said))}"


def without_parts(finding: Finding) -> str:
    """Why there is no table."""
    if not finding.status.tested:
        note = f": {words.visible(finding.note)}" if finding.note else ""
        return f"{words.STATUS_MEANING[finding.status]}{note}"
    return f"{words.visible(finding.detector)} says no more than its number"


def _tables(finding: Finding, most: int) -> list[tuple[Table, int]]:
    """A table for each sort of part, with the number of parts left out of it."""
    out = []
    for parts, made in ((of_kind(finding, *CELLS), _cell_table), (of_kind(finding, "column"), _column_table)):
        if parts:
            out.append((made(finding, parts[:most]), max(0, len(parts) - most)))
    rows = of_kind(finding, "row")
    if rows:
        out.append((_row_table(rows[:most]), max(0, len(rows) - most)))
    return out


def _cell_table(finding: Finding, parts: Sequence[Part]) -> Table:
    table = _table("cell" if finding.parts[0].kind == "bin" else "category", "reference", "batch", "points")
    table.add_column("contribution", justify="right", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("")
    longest = _longest(parts)
    for part in parts:
        before, now = shares(finding, part)
        change = "-" if before is None or now is None else f"{100 * (now - before):+.1f}"
        table.add_row(
            Text(part_name(part)),
            "-" if before is None else words.share(before),
            "-" if now is None else words.share(now),
            change,
            words.number(part.contribution),
            "" if part.share is None else words.share(part.share),
            bar(part, longest),
        )
    return table


def _column_table(_: Finding, parts: Sequence[Part]) -> Table:
    table = _table("column", "falls by", "share")
    table.add_column("")
    longest = _longest(parts)
    for part in parts:
        share = "" if part.share is None else words.share(part.share)
        table.add_row(Text(words.visible(part.label)), words.number(part.contribution), share, bar(part, longest))
    return table


def _row_table(parts: Sequence[Part]) -> Table:
    table = _table("row", "of the", "witness")
    for part in parts:
        table.add_row(Text(words.visible(part.label)), part.side, words.number(part.contribution))
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=PLAIN_BOX, pad_edge=False, show_edge=False, padding=0)
    table.add_column(first, overflow="fold", min_width=8, max_width=40)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def part_name(part: Part) -> str:
    """The part's label, and what is special about it."""
    label = words.visible(part.label)
    return f"{label} ({part.kind})" if part.kind in ("unseen", "vanished") else label


def bar(part: Part, longest: float) -> str:
    """The contribution as a row of characters: # adds to the statistic, - takes away."""
    size = abs(part.contribution)
    if longest <= 0 or not math.isfinite(size) or size == 0:
        return ""
    return ("#" if part.contribution > 0 else "-") * max(1, round(_BAR * min(1.0, size / longest)))


def _longest(parts: Sequence[Part]) -> float:
    return max((abs(p.contribution) for p in parts if math.isfinite(p.contribution)), default=0.0)
