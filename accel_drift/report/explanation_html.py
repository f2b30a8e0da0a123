"""An explanation as a piece of HTML for a notebook."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from accel_drift.finding import Finding, Part
from accel_drift.report import words
from accel_drift.report.explanation_text import part_name, title, without_parts
from accel_drift.report.moves import CELLS, moved, of_kind, shares

if TYPE_CHECKING:
    from accel_drift.report.explanation import Explanation

MOST = 30
_WIDTH = 140
"""Pixels of the longest bar."""
_CELL = "padding:.15em .7em;text-align:"


def render(explanation: Explanation) -> str:
    """Tables of parts. Colours are those of the notebook, so that it is readable on light and on dark."""
    return str(Markup("<div>{}</div>").format(Markup("").join(_finding(f) for f in explanation.findings)))


def _finding(finding: Finding) -> Markup:
    tables = [
        _table(finding, of_kind(finding, *CELLS), ("", "reference", "batch", "points", "contribution", "share")),
        _table(finding, of_kind(finding, "column"), ("column", "falls by", "share")),
        _table(finding, of_kind(finding, "row"), ("row", "of the", "witness")),
    ]
    return Markup("<p><b>{}</b><br>{}</p>{}").format(
        title(finding), moved(finding) or without_parts(finding), Markup("").join(tables)
    )


def _table(finding: Finding, parts: Sequence[Part], heads: tuple[str, ...]) -> Markup:
    if not parts:
        return Markup("")
    longest = max((abs(p.contribution) for p in parts if math.isfinite(p.contribution)), default=0.0)
    head = Markup("").join(
        Markup('<th scope="col" style="{}">{}</th>').format(_CELL + _side(i), name) for i, name in enumerate(heads)
    )
    body = Markup("").join(
        Markup("<tr>{}<td>{}</td></tr>").format(_cells(_texts(finding, part)), _bar(part, longest))
        for part in parts[:MOST]
    )
    left_out = len(parts) - MOST
    more = Markup("<p>... and {} more</p>").format(words.plural(left_out, "part")) if left_out > 0 else ""
    return Markup("<table><thead><tr>{}<th></th></tr></thead><tbody>{}</tbody></table>{}").format(head, body, more)


def _cells(texts: Sequence[str]) -> Markup:
    first = Markup('<th scope="row" style="{}">{}</th>').format(_CELL + "left;font-weight:500", texts[0])
    rest = [Markup('<td style="{}">{}</td>').format(_CELL + "right", text) for text in texts[1:]]
    return Markup("").join([first, *rest])


def _texts(finding: Finding, part: Part) -> list[str]:
    value, share = words.number(part.contribution), "" if part.share is None else words.share(part.share)
    if part.kind == "row":
        return [words.visible(part.label), part.side, value]
    if part.kind == "column":
        return [words.visible(part.label), value, share]
    before, now = shares(finding, part)
    if before is None or now is None:
        return [part_name(part), "-", "-", "-", value, share]
    return [part_name(part), words.share(before), words.share(now), f"{100 * (now - before):+.1f}", value, share]


def _bar(part: Part, longest: float) -> Markup:
    """A bar as long as the contribution is large; hollow where it takes away from the statistic."""
    size = abs(part.contribution)
    if longest <= 0 or not math.isfinite(size):
        return Markup("")
    fill = "currentColor" if part.contribution > 0 else "none"
    return Markup('<div style="width:{}px;height:.7em;border:1px solid;background:{};opacity:.6"></div>').format(
        round(_WIDTH * size / longest), fill
    )


def _side(place: int) -> str:
    return "left" if place == 0 else "right"
