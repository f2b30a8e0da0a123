"""The parts of a finding as bars: bins and categories by their contribution, columns of a joint test by theirs."""

from __future__ import annotations

import math

from markupsafe import Markup

from accel_drift.finding import Finding, Part
from accel_drift.report import words
from accel_drift.report.moves import CELLS, of_kind, shares
from accel_drift.report.svg import bars, clipped, line, room, svg, text

MOST = 8
"""Parts drawn; all are in the report's JSON and in `Report.parts`."""
_WIDTH, _RIGHT, _ROW = 460.0, 92.0, 20.0
_COLOURS = {"less": "ref", "more": "bat"}


def parts_chart(finding: Finding) -> Markup | None:
    """Bars of the largest contributions, in the colour of the side that has more rows; None without parts to draw."""
    parts = of_kind(finding, *CELLS) or of_kind(finding, "column")
    parts = [part for part in parts if math.isfinite(part.contribution)]
    shown = sorted(parts, key=lambda part: -abs(part.contribution))[:MOST]
    longest = max((abs(part.contribution) for part in shown), default=0.0)
    if longest <= 0:
        return None
    names = [clipped(_name(part), 24) for part in shown]
    left = room(names, 170.0)
    # Contributions of KL and of a column that hides drift can be negative: these go left of the axis.
    below = any(part.contribution < 0 for part in shown)
    zero = left + (0.5 * (_WIDTH - left - _RIGHT) if below else 0.0)
    scale = (_WIDTH - _RIGHT - zero) / longest
    drawn: list[Markup] = []
    for i, (part, name) in enumerate(zip(shown, names, strict=True)):
        y, size = i * _ROW, part.contribution * scale
        drawn += [
            text(left - 6, y + 14, name, "e"),
            bars([(min(zero, zero + size), y + 4, max(abs(size), 1.0), 12)], _COLOURS.get(part.direction, "null")),
            text(_WIDTH - _RIGHT + 6, y + 14, _change(finding, part)),
        ]
    drawn.append(line(zero, 0, zero, _ROW * len(shown), "t"))
    return svg(_WIDTH, _ROW * len(shown) + 2, _spoken(finding, shown), drawn)


def _name(part: Part) -> str:
    return f"{part.label} ({part.kind})" if part.kind in ("unseen", "vanished") else part.label


def _change(finding: Finding, part: Part) -> str:
    """What the bar cannot say: the change of the cell's share, or the part's share of the statistic."""
    before, now = shares(finding, part)
    if before is not None and now is not None:
        return f"{100 * (now - before):+.1f} points"
    return words.number(part.contribution, 2) if part.share is None else words.share(part.share)


def _spoken(finding: Finding, parts: list[Part]) -> str:
    listed = "; ".join(f"{clipped(_name(part), 40)} {_change(finding, part)}" for part in parts)
    return f"Largest parts of {finding.detector}: {listed}"
