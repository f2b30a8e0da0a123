"""Which levels a number can have: what lies outside, or is given in per cent of what is no share, is refused."""

from __future__ import annotations

from math import inf

from accel_drift.rules.tree import Series

_SHARES = frozenset({"accuracy", "balanced_accuracy", "f1", "precision", "recall", "auc", "ece", "mean_confidence"})
_DISTANCES = frozenset({"psi", "kl", "wasserstein"})
_UP_TO_1 = frozenset({"ks", "hellinger", "jensen_shannon", "total_variation", "unseen"})
_SHARES_OF_ROWS = frozenset({"total_variation", "unseen"})


def refused(series: Series, level: float, percent: bool = False) -> str:
    """Why a number cannot be compared with a level, and what to write; "" where it can."""
    what, low, high, share = _range(series)
    if percent and not share:
        meant = f"{level * 100 if what == 'health' else level:g}"
        return f"{what} is no share, so that per cent of it mean nothing; write {meant}"
    if low <= level <= high:
        return ""
    bounds = f"at least {low:g}" if high == inf else f"from {low:g} to {high:g}"
    hint = f"; {level:g} per cent are written {level:g}%" if share and 1 < level <= 100 else ""
    return f"{what} is {bounds}, and never {level:g}{hint}"


def _range(series: Series) -> tuple[str, float, float, bool]:
    """What a series is called, the least and the most that it can be, and whether it is a share."""
    if series.aspect == "p":
        return "a p-value", 0.0, 1.0, True
    if series.aspect == "share":
        return "the share of missing rows", 0.0, 1.0, True
    if series.over == "report":
        return _of_number(series.name)
    if series.detector == "missing":
        return "the rise of missing rows", -1.0, 1.0, True
    if series.detector == "performance":
        share = series.name in _SHARES
        return f"the drop of {series.name}", -1.0 if share else -inf, 1.0 if share else inf, share
    if series.detector in _UP_TO_1:
        return series.detector, 0.0, 1.0, series.detector in _SHARES_OF_ROWS
    return series.detector or "it", 0.0 if series.detector in _DISTANCES else -inf, inf, False


def _of_number(name: str) -> tuple[str, float, float, bool]:
    if name == "health":
        return name, 0.0, 100.0, False
    if name.removeprefix("estimated_") in _SHARES:
        return name, 0.0, 1.0, True
    return name, 0.0 if name == "rows" or name.endswith("_rows") else -inf, inf, False
