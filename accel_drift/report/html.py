"""A report as one self-contained HTML page: it loads nothing and holds nothing but aggregates."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from accel_drift.finding import Finding, Severity, Status
from accel_drift.report import over, words
from accel_drift.report.cards import Card, cards, chip
from accel_drift.report.chart_tests import EffectBar, effects, null_histogram
from accel_drift.report.plain import plain
from accel_drift.report.worst import PAGE_COLUMNS, check, more_line, worst_columns

if TYPE_CHECKING:
    from accel_drift.report.pictures import NullPicture
    from accel_drift.report.report import Report

MOST_OPEN = 12
"""Nulls and notes beyond this are folded away."""
MOST_WARNINGS = 6
MOST_EFFECTS = 20
_REPRODUCE = ("detectors", "alpha", "correction", "min_effect", "block", "seed", "backend")


@dataclass(frozen=True, slots=True)
class Effects:
    """The effects of one detector, the largest drawn at once, the rest folded away."""

    detector: str
    unit: str
    shown: Markup
    more: Markup | None
    left_out: int


def render(report: Report, *, paper: bool = False, top: int | None = None) -> str:
    """The page's text.

    Args:
        report: what to show.
        paper: leave out what paper cannot unfold: the numbers of stable columns stand in the table of findings.
        top: columns to show, the worst first; `PAGE_COLUMNS` where it is None.
    """
    check(top)
    shown = worst_columns(report, PAGE_COLUMNS if top is None else top)
    tiles = cards(report, shown)
    return _template().render(
        report=report,
        paper=paper,
        w=words,
        headline=words.headline(report),
        tone=_tone(report),
        numbers=_numbers(report),
        chip=chip,
        breakable=breakable,
        # The word "small" stands beside it already.
        shown=shown,
        more=more_line(report, shown),
        remark=lambda finding: words.remark(report, finding).removeprefix("significant but small: "),
        sort_value=_sort_value,
        over=over,
        limits=over.any_threshold(shown),
        statuses=[(status, word) for status, word in words.STATUS_WORDS.items() if _has(shown, status)],
        cards=tiles,
        severities=[s for s in reversed(Severity) if any(f.severity is s for f in shown)],
        by_detector=list(dict.fromkeys(f.detector for f in shown)),
        kinds=[kind for kind in dict.fromkeys(card.kind for card in tiles.values()) if kind],
        effects=_effects(report, shown),
        nulls=_nulls(report, tiles),
        most_open=MOST_OPEN,
        most_warnings=MOST_WARNINGS,
        schema=words.schema_lines(report),
        detectable=words.detectable_line(report),
        settings=_settings(report),
        reproduce=reproduce_line(report),
        detectors=words.detector_lines(report.findings),
        meanings=[(words.STATUS_WORDS[s], words.STATUS_MEANING[s]) for s in Status if _has(report.findings, s)],
    )


def frame(report: Report) -> str:
    """The page inside a frame, for a notebook: its style and ids cannot meet those of the notebook."""
    return (
        '<iframe title="accel-drift report" sandbox="allow-scripts" '
        'style="width:100%;height:46rem;border:1px solid #8884;border-radius:8px" '
        f'srcdoc="{html.escape(render(report))}"></iframe>'
    )


def breakable(name: str) -> Markup:
    """A name that may be broken after the marks that part its words."""
    if not name.strip():
        return Markup("<i>(no name)</i>")
    parts = re.split(r"(?<=[_./-])", words.visible(name))
    return Markup("<wbr>").join(part for part in parts if part)


def reproduce_line(report: Report) -> str:
    """A call that asks for the same comparison again."""
    if isinstance(report.settings.get("command"), str):
        return str(report.settings["command"])
    settings = dict(report.settings)
    detectors = settings.get("detectors")
    # Their options stand in the table of settings; as arguments a name is what can be typed.
    if isinstance(detectors, list | tuple):
        settings["detectors"] = [d["detector"] if isinstance(d, Mapping) else d for d in detectors]
    given = [f"{name}={plain(settings[name])!r}" for name in _REPRODUCE if settings.get(name) is not None]
    return f"ad.compare(reference, batch{''.join(', ' + item for item in given)})"


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("accel_drift.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Names come from data: what nobody would see is spelled out, everywhere.
        finalize=lambda value: words.visible(value) if type(value) is str else value,
    )
    return environment.get_template("page.html.j2")


def _has(findings: Sequence[Finding], status: Status) -> bool:
    return any(finding.status is status for finding in findings)


def _tone(report: Report) -> str:
    """Colour class of the verdict."""
    if not any(finding.status.tested for finding in report.findings):
        return "untested"
    if report.drifted:
        return f"s-{report.severity}" if report.severity is not Severity.NONE else "s-warning"
    return "stable"


def _numbers(report: Report) -> list[tuple[str, str, str]]:
    """The figures at the top: value, what it is, and a remark."""
    compared = len(report.compared_columns)
    worst = next((f for f in report.findings if f.status is Status.DRIFTED), None)
    small = {f.column for f in report.findings if f.status is Status.SIGNIFICANT_SMALL}
    tested = {f.column for f in report.findings if f.status.tested}
    # Nothing missing on either side, say, is no question left open where the values themselves were tested.
    untested = {
        f.column
        for f in report.findings
        if not (f.status.tested or (f.status is Status.CONSTANT and f.column in tested))
    }
    out = [
        (
            f"{len(report.drifted_columns):,} of {compared:,}",
            "columns drifted",
            f"verdict by the rule {report.rule}",
        ),
        (
            str(report.severity) if report.severity is not Severity.NONE else "none",
            "worst severity",
            f"{words.place(worst)}, {worst.detector}" if worst else "no finding counts as drift",
        ),
        (words.count(len(small)), "small but significant", "real, too small to count"),
    ]
    if (said := over.verdict(report)) is not None:
        out.append((said[0], f"by thresholds, rate {said[2]}", said[1]))
    if untested:
        out.append((words.count(len(untested)), "without an answer", "could not be tested"))
    out.append(
        (
            words.short_count(report.n_batch),
            "rows in the batch",
            f"reference {words.count(report.n_reference)}",
        )
    )
    known = sorted(value for value in report.detectable.values() if math.isfinite(value))
    if known:
        middle = words.number(known[len(known) // 2], 2)
        out.append((f"{middle} sd", "smallest shift found", "median column, power 0.8"))
    return out


def _nulls(report: Report, tiles: Mapping[str, Card]) -> list[tuple[NullPicture, Markup]]:
    """The null distributions that no tile shows."""
    drawn = [picture for picture in report.nulls if len(picture.edges) > 1]
    return [
        (picture, null_histogram(picture))
        for picture in drawn
        if picture.column not in tiles or tiles[picture.column].caption == ""
    ]


def _effects(report: Report, findings: Sequence[Finding]) -> list[Effects]:
    """One picture a detector, since every detector has a scale of its own."""
    groups: dict[tuple[str, tuple[float, ...]], list[Finding]] = {}
    for finding in findings:
        if finding.effect is not None and math.isfinite(finding.effect):
            groups.setdefault((finding.detector, report.bands(finding)), []).append(finding)
    out = []
    for (detector, bands), members in groups.items():
        rows = [_effect_bar(f) for f in members]
        shown, rest = rows[:MOST_EFFECTS], rows[MOST_EFFECTS:]
        if len(rest) == 1:
            shown, rest = rows, []
        more = effects(rest, bands, _spoken_effects(detector, rest)) if rest else None
        unit = next((f.unit for f in members if f.unit), "")
        out.append(Effects(detector, unit, effects(shown, bands, _spoken_effects(detector, shown)), more, len(rest)))
    return out


def _effect_bar(finding: Finding) -> EffectBar:
    effect = 0.0 if finding.effect is None else float(finding.effect)
    return EffectBar(words.place(finding), effect, finding.interval, finding.status, finding.severity)


def _spoken_effects(detector: str, rows: Sequence[EffectBar]) -> str:
    listed = ", ".join(f"{row.label} {words.number(row.effect, 2)} {row.word}" for row in rows[:5])
    return f"Effects by {detector}, largest first: {listed}; all are in the table of findings"


def _sort_value(value: float | None) -> str:
    """What a column of numbers is sorted by; nothing known goes last."""
    return "" if value is None or not math.isfinite(value) else f"{value:.6g}"


def _settings(report: Report) -> list[tuple[str, str]]:
    rows: Iterable[tuple[str, Any]] = report.settings.items()
    return [(str(name), _setting(value)) for name, value in rows]


def _setting(value: object) -> str:
    value = plain(value)
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_setting(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(_setting(item) for item in value)
    return "none" if value is None else str(value)
