"""What the page says of one column, or of the columns of a joint test: a tile that opens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from accel_drift.finding import Finding, Severity, Status
from accel_drift.report import over, words
from accel_drift.report.chart_distribution import distribution, thumbnail
from accel_drift.report.chart_parts import parts_chart
from accel_drift.report.chart_tests import null_histogram
from accel_drift.report.moves import moved
from accel_drift.report.pictures import Distribution, NullPicture

if TYPE_CHECKING:
    from accel_drift.report.report import Report

FEW = 4
"""With no more tiles than this all stand open at first; with more, only the worst that drifted."""
NAMED = 20
"""Columns of a joint test that are named in its tile."""
NULL = "What the statistic looks like when the rows of both sides are shuffled (grey), and what it is here (line):"


@dataclass(frozen=True, slots=True)
class Chip:
    """A status in a word and a colour class; the word alone is enough."""

    word: str
    kind: str


@dataclass(frozen=True, slots=True)
class Card:
    """One tile.

    Attributes:
        name: the column's name, or how many columns a joint detector took together.
        anchor: its id in the page.
        chip: the verdict of the worst finding.
        gist: detector and effect of the worst finding, "" where there is no effect.
        kind: numeric, categorical, boolean, together, or "" where it is not known.
        findings: the worst first.
        thumbnail: the distribution in small, or None.
        picture: the distribution, of a joint test its null distribution, or None.
        caption: what the picture shows, where that is not said above all tiles.
        told: what moved, in words.
        parts: detector and picture of the parts of the worst finding that has any, or None.
        facts: further lines.
        open: whether it stands open at first.
    """

    name: str
    anchor: str
    chip: Chip
    gist: str
    kind: str
    findings: tuple[Finding, ...]
    thumbnail: Markup | None
    picture: Markup | None
    caption: str
    told: str
    parts: tuple[str, Markup] | None
    facts: tuple[str, ...]
    open: bool


def chip(finding: Finding) -> Chip:
    """Word and colour class of one finding."""
    if finding.status is Status.DRIFTED:
        word = "drift" if finding.severity is Severity.NONE else str(finding.severity)
        return Chip(word, f"s-{finding.severity}")
    kinds = {Status.SIGNIFICANT_SMALL: "small", Status.STABLE: "stable"}
    return Chip(words.STATUS_WORDS[finding.status], kinds.get(finding.status, "untested"))


def cards(report: Report, shown: Sequence[Finding]) -> dict[str, Card]:
    """A card for each name that these findings of a report go by, in the order of its worst finding."""
    pictures = {picture.column: picture for picture in report.distributions}
    own: dict[str, list[Finding]] = {}
    for finding in shown:
        own.setdefault(finding.column, []).append(finding)
    nulls = {(null.detector, null.column): null for null in report.nulls if len(null.edges) > 1}
    made: dict[str, Card] = {}
    for i, (name, findings) in enumerate(own.items()):
        is_open = len(own) <= FEW or (i == 0 and findings[0].status is Status.DRIFTED)
        null = next((found for f in findings if (found := nulls.get((f.detector, name)))), None)
        made[name] = _card(report, f"c{i}", findings, pictures.get(name) or null, is_open)
    return made


def _card(
    report: Report, anchor: str, findings: list[Finding], picture: Distribution | NullPicture | None, is_open: bool
) -> Card:
    worst = findings[0]
    counted = picture if isinstance(picture, Distribution) else None
    with_parts = next((f for f in findings if f.parts), None)
    charted = None if with_parts is None else parts_chart(with_parts)
    return Card(
        name=f"{words.place(worst)} together" if len(worst.columns) > 1 else worst.column,
        anchor=anchor,
        chip=chip(worst),
        gist="" if worst.effect is None else f"{worst.detector} {words.effect_text(worst)}",
        kind="together" if len(worst.columns) > 1 else "" if counted is None else counted.kind,
        findings=tuple(findings),
        thumbnail=None if counted is None else thumbnail(counted),
        picture=_drawn(picture),
        caption="" if counted is not None or picture is None else NULL,
        told="" if with_parts is None else moved(with_parts),
        parts=None if with_parts is None or charted is None else (with_parts.detector, charted),
        facts=tuple(_facts(report, findings)),
        open=is_open,
    )


def _drawn(picture: Distribution | NullPicture | None) -> Markup | None:
    if picture is None:
        return None
    return distribution(picture) if isinstance(picture, Distribution) else null_histogram(picture)


def _facts(report: Report, findings: list[Finding]) -> list[str]:
    worst = findings[0]
    facts = [f"{f.detector}: {text}" for f in findings if (text := words.remark(report, f))]
    facts += over.facts(findings)
    if len(worst.columns) > 1:
        more = len(worst.columns) - NAMED
        facts.append(f"columns: {', '.join(worst.columns[:NAMED])}{f' and {more:,} more' if more > 0 else ''}")
    elif worst.column in report.detectable:
        shift = words.number(report.detectable[worst.column], 2)
        facts.append(f"smallest shift of the mean found with power 0.8: {shift} sd")
    return facts
