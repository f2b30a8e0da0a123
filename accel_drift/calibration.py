"""From p-values and effects to a verdict: corrected for all that was tested, and judged for size.

Stands below the detectors, since a fitted detector's own `detect` needs it, too.

Two questions are kept apart: is there a drift (adjusted p-value against alpha), and is it large enough to matter
(effect against min_effect). Correction has two levels. Within a column the detectors' p-values become one, the Holm
minimum; over columns those are corrected by Benjamini-Hochberg, with joint, missing and unseen tests as members of
their own. A selected column's findings are then reported at Holm level within it, scaled by the share of columns
selected (Benjamini & Bogomolov 2014, doi:10.1111/rssb.12028). Correcting column x detector in one go would control
the false discovery rate over pairs, not over columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from accel_drift.errors import ConfigError
from accel_drift.finding import Finding, Severity, Status
from accel_drift.statistics.outcome import Outcome

Correction = Literal["bh", "by", "holm", "bonferroni", "none"]
Rule = Literal["fdr", "any", "majority"]
Floats = npt.NDArray[np.float64]


def adjust(p_values: Sequence[float] | Floats, correction: Correction) -> Floats:
    """P-values corrected for being many; each can be compared with alpha as it is.

    Source: Benjamini & Hochberg 1995; Benjamini & Yekutieli 2001; Holm 1979; Bonferroni.

    >>> adjust([0.01, 0.02, 0.5], "bh").tolist()
    [0.03, 0.03, 0.5]
    """
    p = np.asarray(p_values, dtype=np.float64)
    k = len(p)
    if k == 0 or correction == "none":
        return p.copy()
    if correction == "bonferroni":
        return np.minimum(1.0, p * k)
    order = np.argsort(p, kind="stable")
    out = np.empty(k)
    if correction == "holm":
        out[order] = np.maximum.accumulate(p[order] * (k - np.arange(k)))
    else:
        scale = harmonic(k) if correction == "by" else 1.0
        steps = p[order] * (k * scale) / np.arange(1, k + 1)
        out[order] = np.minimum.accumulate(steps[::-1])[::-1]
    return np.minimum(1.0, out)


def harmonic(k: int) -> float:
    """1 + 1/2 + ... + 1/k, the price of any dependence (Benjamini & Yekutieli 2001)."""
    return float((1.0 / np.arange(1, k + 1)).sum())


def smallest_needed(members: int, detectors: int, alpha: float, correction: Correction) -> float:
    """The p-value at which a lone drift among `members` tests, each of `detectors` p-values, is still found."""
    if correction == "none":
        return alpha
    return alpha / (max(members, 1) * max(detectors, 1) * (harmonic(members) if correction == "by" else 1.0))


def decide(outcomes: Sequence[Outcome], *, alpha: float, correction: Correction = "bh") -> tuple[Finding, ...]:
    """Correct the outcomes for one another and name each: status and severity. Worst first."""
    check(alpha, correction)
    tested = [o for o in outcomes if o.untested is None and o.p_value is not None]
    adjusted = _adjust_in_two_levels(tested, alpha, correction)
    by_id = {id(o): p for o, p in zip(tested, adjusted, strict=True)}
    findings = [_finding(o, by_id.get(id(o)), alpha) for o in outcomes]
    return tuple(sorted(findings, key=_worst_first))


def verdict(findings: Sequence[Finding], rule: Rule | float, alpha: float) -> bool:
    """Whether the data set as a whole drifted.

    Args:
        findings: what `decide` returned.
        rule: "fdr": a finding is drifted after correction; "any": a finding would be so on its own p-value;
            "majority": more than half of the tested columns hold a drifted finding; a number: at least that share does.
        alpha: the level of "any".
    """
    if rule == "fdr":
        return any(f.status is Status.DRIFTED for f in findings)
    if rule == "any":
        return any(
            f.p_value is not None and f.p_value <= alpha and f.details.get("large_enough", False) for f in findings
        )
    columns = {f.column for f in findings if f.status.tested and len(f.columns) == 1}
    drifted = {f.column for f in findings if f.status is Status.DRIFTED and len(f.columns) == 1}
    share = len(drifted) / len(columns) if columns else 0.0
    return share > 0.5 if rule == "majority" else bool(drifted) and share >= float(rule)


def check(alpha: Any, correction: str, rule: object = "fdr") -> None:
    """Refuse options that cannot work.

    Raises:
        ConfigError: alpha outside (0, 1), or an unknown correction or rule.
    """
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not 0.0 < alpha < 1.0:
        raise ConfigError(f"alpha is {alpha!r}; it is a false-alarm rate between 0 and 1, such as 0.01")
    if correction not in get_args(Correction):
        raise ConfigError(f"no correction {correction!r}; there are {', '.join(get_args(Correction))}")
    share = isinstance(rule, float) and 0.0 < rule <= 1.0
    if not share and rule not in get_args(Rule):
        raise ConfigError(f"no rule {rule!r}; there are {', '.join(get_args(Rule))}, or a share of columns such as 0.3")


def _adjust_in_two_levels(tested: Sequence[Outcome], alpha: float, correction: Correction) -> Floats:
    p = np.array([o.p_value for o in tested], dtype=np.float64)
    if correction == "none":
        return p
    members: dict[tuple[str, str], list[int]] = {}
    for i, o in enumerate(tested):
        members.setdefault(o.member, []).append(i)
    within = {name: adjust(p[rows], "holm") for name, rows in members.items()}
    first = np.array([h.min() for h in within.values()])
    over = adjust(first, correction)
    factor = _factors(first, over, alpha, correction)
    out = np.empty(len(p))
    for (name, rows), q, f in zip(members.items(), over, factor, strict=True):
        h = within[name]
        # The smallest stands for its member; the others are held to Holm's level within it.
        out[rows] = np.where(h == h.min(), q, np.maximum(q, np.minimum(1.0, h * f)))
    return out


def _factors(p: Floats, adjusted: Floats, alpha: float, correction: Correction) -> Floats:
    """What a p-value inside a member is multiplied by to stand beside those of other members."""
    k = len(p)
    if correction in ("bh", "by"):
        selected = max(1, int((adjusted <= alpha).sum()))
        return np.full(k, k * (harmonic(k) if correction == "by" else 1.0) / selected)
    if correction == "bonferroni":
        return np.full(k, float(k))
    out = np.empty(k)
    out[np.argsort(p, kind="stable")] = k - np.arange(k)
    return out


def _finding(o: Outcome, adjusted: float | None, alpha: float) -> Finding:
    judged = o.judged if o.judged is not None else o.effect
    large = judged is not None and judged >= o.least
    if adjusted is None:
        status = o.untested or Status.NOT_COMPARABLE
    elif adjusted > alpha:
        status = Status.STABLE
    else:
        status = Status.DRIFTED if large else Status.SIGNIFICANT_SMALL
    note = o.note
    if status is Status.SIGNIFICANT_SMALL and judged is not None:
        what = "effect" if o.effect is None or abs(o.effect) == judged else "effect judged"
        small = f"significant but small: {what} {judged:.3g} is below {o.least:g} {o.unit}"
        note = f"{small}; {note}" if note else small
    return Finding(
        column=o.column,
        columns=o.columns,
        detector=o.detector,
        status=status,
        severity=_severity(judged, o.bands) if status is Status.DRIFTED else Severity.NONE,
        statistic=o.statistic,
        p_value=o.p_value,
        p_method=o.p_method,
        adjusted_p_value=None if adjusted is None else float(adjusted),
        effect=o.effect,
        interval=o.interval,
        unit=o.unit,
        n_reference=o.n_reference,
        n_batch=o.n_batch,
        note=note,
        details={**o.details, "min_effect": o.least, "large_enough": large} if adjusted is not None else o.details,
        parts=o.parts,
    )


def _severity(judged: float | None, bands: tuple[float, ...]) -> Severity:
    """Which band a drift falls into; without bands there is no scale to call it worse than a warning."""
    if not bands:
        return Severity.WARNING
    ladder = (Severity.WATCH, Severity.WARNING, Severity.CRITICAL)
    reached = sum(judged is not None and judged >= band for band in bands)
    return ladder[max(0, reached - 1)]


def _worst_first(f: Finding) -> tuple[int, int, float, float]:
    order = [Status.DRIFTED, Status.SIGNIFICANT_SMALL]
    place = order.index(f.status) if f.status in order else (2 if f.status.tested else 3)
    p = f.adjusted_p_value if f.adjusted_p_value is not None else 1.0
    return -f.severity.rank, place, p, -(f.effect or 0.0)
