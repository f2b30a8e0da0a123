"""Made-up reports that look like real ones."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from accel_drift.finding import Finding, Part, Severity, Status
from accel_drift.report import ColumnChanges, Distribution, NullPicture, Report

BANDS = {
    "psi": (0.1, 0.2, 0.25),
    "ks": (0.1, 0.2, 0.3),
    "chi_square": (0.1, 0.3, 0.5),
    "missing": (0.01, 0.05, 0.2),
}
UNITS = {"psi": "PSI", "ks": "D", "chi_square": "Cramer's V", "missing": "share", "mmd": "MMD^2"}
N, M = 28243, 27574
SETTINGS: dict[str, Any] = {
    "alpha": 0.01,
    "correction": "bh",
    "min_effect": None,
    "seed": 0,
    "block": None,
    "permutations": 999,
    "detectors": ["psi", "ks", "chi_square", "missing", "mmd"],
    "backend": "numpy",
    "backend_reason": "no GPU found",
    "bands": BANDS,
}


def finding(
    column: str,
    detector: str = "psi",
    status: Status = Status.STABLE,
    effect: float | None = 0.004,
    **changes: Any,
) -> Finding:
    """One finding that hangs together: severity from the bands, an interval round the effect."""
    bands = BANDS.get(detector, ())
    level = sum(abs(effect or 0.0) >= band for band in bands) if status is Status.DRIFTED else 0
    p_value = {Status.DRIFTED: 0.0002, Status.SIGNIFICANT_SMALL: 0.0004, Status.STABLE: 0.42}.get(status)
    if not status.tested:
        effect = None
    width = 0.0 if effect is None else 0.004 + abs(effect) * 0.08
    values: dict[str, Any] = {
        "column": column,
        "columns": (column,),
        "detector": detector,
        "status": status,
        "severity": list(Severity)[level],
        "statistic": None if effect is None else effect + 0.0007,
        "p_value": p_value,
        "p_method": "permutation" if status.tested else "",
        "adjusted_p_value": None if p_value is None else min(1.0, p_value * 3),
        "effect": effect,
        "interval": None if effect is None or math.isinf(effect) else (effect - width, effect + width),
        "unit": UNITS.get(detector, ""),
        "n_reference": sum(part.reference or 0 for part in changes.get("parts", ())) or N,
        "n_batch": sum(part.batch or 0 for part in changes.get("parts", ())) or M,
    }
    return Finding(**(values | changes))


def parts_of(picture: Distribution) -> tuple[Part, ...]:
    """The terms of PSI, cell by cell, the largest first."""
    n, m = sum(picture.reference), sum(picture.batch)
    kind = "bin" if picture.kind == "numeric" else "category"
    made = []
    for label, r, b in zip(picture.labels, picture.reference, picture.batch, strict=True):
        p, q = (r + 0.5) / (n + 1), (b + 0.5) / (m + 1)
        odd = "" if kind == "bin" else "unseen" if r == 0 else "vanished" if b == 0 else ""
        special = "missing" if label == "missing" else odd or kind
        direction = "same" if p == q else "more" if q > p else "less"
        made.append(Part(label, special, (q - p) * math.log(q / p), None, direction, r, b))
    whole = sum(part.contribution for part in made)
    made = [replace(part, share=part.contribution / whole if whole else None) for part in made]
    return tuple(sorted(made, key=lambda part: -abs(part.contribution)))


def joint_parts(columns: tuple[str, ...]) -> tuple[Part, ...]:
    """Columns by what the statistic loses without them, and four rows by their witness value."""
    by_column = [Part(name, "column", 0.002 / (i + 1), 0.5 / (i + 1)) for i, name in enumerate(columns)]
    rows = [
        Part(f"row {17 * i}", "row", 0.03 / i, row=17 * i, side="batch" if i < 3 else "reference") for i in (1, 2, 3, 4)
    ]
    return (*by_column, *rows)


def mmd(columns: tuple[str, ...], status: Status = Status.DRIFTED, effect: float = 0.0041) -> Finding:
    """A joint finding of all numeric columns."""
    return finding(
        ", ".join(columns),
        "mmd",
        status,
        effect,
        columns=columns,
        severity=Severity.WATCH if status is Status.DRIFTED else Severity.NONE,
        n_reference=5000,
        n_batch=5000,
        note="on 5,000 rows a side, drawn with seed 0",
        details={"bandwidth": 3.2},
        parts=joint_parts(columns),
    )


def numeric(name: str, shift: float = 0.0, seed: int = 0, cells: int = 10, missing: int = 0) -> Distribution:
    """Ten quantile cells of a skewed column, the batch shifted by `shift` standard deviations."""
    rng = np.random.default_rng(seed)
    reference = rng.gamma(2.0, 20.0, 4000) - 30
    batch = rng.gamma(2.0, 20.0, 4000) - 30 + shift * reference.std()
    edges = np.quantile(reference, np.linspace(0, 1, cells + 1)[1:-1]).round(1)
    walls = np.concatenate([[-np.inf], edges, [np.inf]])
    r, b = np.histogram(reference, walls)[0] * 7, np.histogram(batch, walls)[0] * 7
    lows = ["", *[f"{e:g}" for e in edges]]
    labels = [f"> {low}" if low else f"<= {edges[0]:g}" for low in lows]
    return Distribution(
        name,
        "numeric",
        (*labels, "missing"),
        tuple(float(e) for e in edges),
        (*(int(v) for v in r), 120),
        (*(int(v) for v in b), 120 + missing),
    )


def categorical(name: str, values: tuple[str, ...], tilt: float = 0.0) -> Distribution:
    """Shares that fall like 1/rank; the batch's fall faster by `tilt`."""
    ranks = np.arange(1, len(values) + 1, dtype=float)
    r, b = (N / ranks / (1 / ranks).sum()).astype(int), M * ranks ** -(1 + tilt)
    b = (b / (ranks ** -(1 + tilt)).sum()).astype(int)
    return Distribution(name, "categorical", values, (), tuple(int(v) for v in r), tuple(int(v) for v in b))


CARRIERS = ("UA", "EV", "B6", "DL", "AA", "MQ", "US", "9E", "WN", "VX", "FL", "AS", "F9", "YV", "HA", "OO")


def null_picture(columns: tuple[str, ...], observed: float = 0.0041) -> NullPicture:
    """499 draws of a null centred at zero."""
    draws = np.random.default_rng(3).gamma(4.0, 0.0001, 499) - 0.0004
    counts, edges = np.histogram(draws, 24)
    p_value = (1 + int((draws >= observed).sum())) / 500
    return NullPicture(
        "mmd",
        ", ".join(columns),
        tuple(float(e) for e in edges),
        tuple(int(c) for c in counts),
        observed,
        p_value,
    )


def report(**changes: Any) -> Report:
    """June against September: two columns drift, two are significant but small, one is constant."""
    names = ("arr_delay", "dep_delay", "air_time", "distance", "hour", "minute")
    delay, carrier = numeric("arr_delay", -0.8, 1, missing=-40), categorical("carrier", CARRIERS, 0.1)
    findings = [
        finding("hour"),
        finding("arr_delay", "psi", Status.DRIFTED, 0.2913, parts=parts_of(delay)),
        finding("arr_delay", "ks", Status.DRIFTED, 0.2402),
        finding("dep_delay", "psi", Status.DRIFTED, 0.1312),
        finding("dep_delay", "ks", Status.DRIFTED, 0.1650),
        finding("carrier", "chi_square", Status.SIGNIFICANT_SMALL, 0.0213, parts=parts_of(carrier)),
        finding("origin", "chi_square", Status.SIGNIFICANT_SMALL, 0.0161),
        finding("air_time", "psi", Status.STABLE, 0.0211),
        finding("distance"),
        finding("minute"),
        finding("arr_delay", "missing", Status.SIGNIFICANT_SMALL, -0.0071),
        finding("year", status=Status.CONSTANT, note="2013 on both sides"),
        mmd(names),
    ]
    values: dict[str, Any] = {
        "reference": "flights, June",
        "batch": "flights, September",
        "n_reference": N,
        "n_batch": M,
        "drifted": True,
        "severity": Severity.CRITICAL,
        "findings": tuple(findings),
        "schema_diff": ColumnChanges(("gate",), ("tailnum",), (("hour", "int64", "double"),)),
        "excluded": {
            "flight": "looks like an identifier: 3,812 distinct values",
            "time_hour": "separates the sides",
        },
        "warnings": ("rows are alike within days (design effect 14 in arr_delay): give block='day'",),
        "notes": ("MMD was computed on 5,000 rows a side, drawn with seed 0.",),
        "detectable": {"arr_delay": 0.031, "dep_delay": 0.031, "air_time": 0.034},
        "settings": SETTINGS,
        "distributions": (
            delay,
            numeric("dep_delay", -0.4, 2),
            numeric("air_time", 0.05, 4),
            carrier,
            categorical("origin", ("EWR", "JFK", "LGA"), 0.05),
            numeric("distance", 0.0, 5),
            numeric("hour", 0.0, 6, cells=20),
        ),
        "nulls": (null_picture(names),),
        "created_at": "2026-01-05T09:30:00+00:00",
        "elapsed_s": 4.21,
        "version": "0.1.0",
    }
    return Report(**(values | changes))


def small() -> Report:
    """Three columns, nothing drifted."""
    return Report(
        reference="week 1",
        batch="week 2",
        n_reference=1200,
        n_batch=240,
        drifted=False,
        severity=Severity.NONE,
        findings=(
            finding("age"),
            finding("income", effect=0.031),
            finding("city", "chi_square", effect=0.02),
        ),
        detectable={"age": 0.28},
        settings={"alpha": 0.01, "correction": "bh", "seed": 0, "bands": BANDS},
        distributions=(
            numeric("age", 0.02, 1),
            numeric("income", 0.1, 2),
            categorical("city", ("Lyon", "Oslo", "Porto", "Turin"), 0.03),
        ),
        created_at="2026-01-05T09:30:00+00:00",
        elapsed_s=0.31,
        version="0.1.0",
    )


def wide(columns: int = 60) -> Report:
    """Many columns, some drifted, a few that could not be tested."""
    findings, pictures = [], []
    for i in range(columns):
        name = f"sensor_{i:03d}_temperature_celsius" if i % 7 == 0 else f"x{i}"
        shift = 0.9 * math.exp(-i / 4) if i < 12 else 0.0
        effect = shift**2 * 0.7 + 0.003
        status = Status.DRIFTED if effect >= 0.1 else Status.SIGNIFICANT_SMALL if i < 9 else Status.STABLE
        if i % 23 == 22:
            status = Status.TOO_FEW_ROWS
        if i % 5 == 3:
            pictures.append(categorical(name, tuple(f"category {k}" for k in range(30)), shift))
        else:
            pictures.append(numeric(name, shift, i))
        parts = parts_of(pictures[-1]) if status.tested else ()
        findings += [
            finding(name, "psi", status, effect, parts=parts),
            finding(name, "ks", status, min(0.9, effect * 1.1)),
        ]
    return report(findings=tuple(findings), distributions=tuple(pictures), excluded={}, nulls=())
