"""A reference of one value: a batch that holds another one drifts, whichever rows decide the scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.backends import Backend, get_backend
from accel_drift.data import read_table
from accel_drift.detectors import get_detector
from accel_drift.finding import Finding
from accel_drift.statistics.comparison import Plan
from accel_drift.statistics.encoding import encode, sorts_of
from bench import level
from tests._strict import StrictBackend

HOST = get_backend("numpy")
RNG = np.random.default_rng(200)
ROWS, BATCH = 100, 40
ONE: dict[str, Any] = {
    "numbers": np.ones(ROWS),
    "whole": np.full(ROWS, 2**62),
    "thirds": np.full(ROWS, 0.1, np.float32),
    "large": np.full(ROWS, 1e200),
    "infinite": np.full(ROWS, np.inf),
    "words": np.array(["a"] * ROWS),
    "vectors": np.full((ROWS, 3), 0.1),
}
OTHERS: list[tuple[str, Any]] = [
    ("numbers", np.full(BATCH, 2.0)),
    ("numbers", np.full(BATCH, np.inf)),
    ("numbers", np.full(BATCH, -1e300)),
    ("numbers", np.full(BATCH, np.nan)),
    ("numbers", RNG.normal(size=BATCH)),
    ("numbers", RNG.normal(0.9, 1, BATCH).round()),
    ("whole", np.full(BATCH, 2**62 + 1)),
    ("large", np.full(BATCH, 2e200)),
    ("infinite", np.zeros(BATCH)),
    ("infinite", np.full(BATCH, -np.inf)),
    ("words", np.array(["b"] * BATCH)),
    ("words", RNG.choice(list("abc"), BATCH)),
    ("words", np.array([None] * BATCH)),
    ("vectors", np.full((BATCH, 3), [0.1, 0.1, 0.2])),
    ("vectors", RNG.normal(size=(BATCH, 3))),
    ("vectors", np.full((BATCH, 3), np.inf)),
]
scaled = pytest.mark.parametrize("scale", ["calibration", "reference", "pooled"])
joint = pytest.mark.parametrize("name", ["mmd", "energy"])


def _finding(name: str, x: Any, y: Any, backend: Backend | str = "numpy", **options: Any) -> Finding:
    made = get_detector(name, **{"permutations": 199, **options})
    (found,) = made.fit(x, backend=backend, columns=list(x)).detect(y).findings
    return found


@joint
@scaled
@pytest.mark.parametrize("place", range(len(OTHERS)))
def test_another_value_is_a_drift(name: str, scale: str, place: int) -> None:
    kind, other = OTHERS[place]
    found = _finding(name, {"x": ONE[kind]}, {"x": other}, scale=scale)
    assert (found.status, found.columns) == (ad.Status.DRIFTED, ("x",))
    assert found.statistic is not None
    assert found.statistic > 0.05
    if scale == "pooled":
        return
    # Beside a column that spreads it is the one that drifted.
    rng = np.random.default_rng(202)
    x, y = {"n": rng.normal(size=ROWS), "x": ONE[kind]}, {"n": rng.normal(size=BATCH), "x": other}
    beside = _finding(name, x, y, scale=scale)
    assert beside.status is ad.Status.DRIFTED
    assert max((p for p in beside.parts if p.kind == "column"), key=lambda p: p.contribution).label == "x"


@joint
@scaled
@pytest.mark.parametrize("kind", ONE)
def test_the_same_value_is_none(name: str, scale: str, kind: str) -> None:
    same = {"x": ONE[kind][:BATCH]}
    found = _finding(name, {"x": ONE[kind]}, same, scale=scale)
    assert (found.status, found.statistic, found.p_value) == (ad.Status.STABLE, 0.0, 1.0)
    rng = np.random.default_rng(203)
    x, y = {"n": rng.normal(size=ROWS), "x": ONE[kind]}, {"n": rng.normal(size=BATCH), **same}
    beside = _finding(name, x, y, scale=scale)
    alone = {part.label: part.contribution for part in beside.parts if part.kind == "column"}
    assert alone.get("x", 0.0) == pytest.approx(0.0, abs=1e-12)


OPTIONS: list[dict[str, Any]] = [
    {"mode": "groups", "group_size": 2},
    {"bandwidth": "fuse"},
    {"bandwidth": "agg"},
    {"bandwidth": 3.0},
    {"form": "features", "frequencies": 50},
    {"form": "incomplete", "tile_rows": 40},
    {"precision": "float32"},
    {"precision": "bfloat16"},
    {"precision": "int8"},
    {"estimator": "biased"},
]


@scaled
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_in_every_form(scale: str, options: dict[str, Any]) -> None:
    for kind, other in (OTHERS[0], OTHERS[10], OTHERS[13]):
        x, y = {"x": ONE[kind]}, {"x": other}
        assert _finding("mmd", x, y, scale=scale, **options).status is ad.Status.DRIFTED
        same = _finding("mmd", x, {"x": ONE[kind][:BATCH]}, scale=scale, **options)
        assert (same.status, same.p_value) == (ad.Status.STABLE, 1.0)


@pytest.mark.parametrize("options", [{}, {"mode": "groups"}, {"precision": "float32"}], ids=str)
def test_a_fitted_reference_says_what_a_fresh_one_says(options: dict[str, Any]) -> None:
    """To the bit, after other batches, on the host and on a device."""
    x = {"c": ONE["words"], "e": ONE["vectors"], "w": ONE["whole"], "x": ONE["numbers"]}
    batches = [
        {name: column[:BATCH] for name, column in x.items()},
        {"c": OTHERS[11][1], "e": OTHERS[14][1], "w": OTHERS[6][1], "x": OTHERS[4][1]},
        {"c": OTHERS[12][1], "e": x["e"][:BATCH], "w": OTHERS[6][1] + 0.5, "x": OTHERS[1][1]},
        {name: column[:BATCH] for name, column in x.items()},
    ]
    made = ad.MMD(permutations=39, scale="calibration", **options)
    statistics = []
    for backend in (HOST, StrictBackend()):
        fitted = made.fit(x, backend=backend)
        for batch in batches:
            (found,) = fitted.detect(batch).findings
            (fresh,) = made.fit(x, backend=backend).detect(batch).findings
            for what in ("statistic", "p_value", "interval", "parts", "columns", "details"):
                assert getattr(found, what) == getattr(fresh, what), what
            statistics.append(found.statistic)
    assert statistics[:4] == pytest.approx(statistics[4:], rel=1e-5, abs=1e-9)
    assert statistics[0] == statistics[3] == 0.0


def test_a_value_that_the_deciding_rows_lack_is_1_away() -> None:
    sides = [read_table({"x": np.array(side)}) for side in ([3.0, 3.0, np.nan], [3.0, 2.0, 3.5, np.inf, -np.inf])]
    made = encode(sides, ("x",), 3, 0, HOST)
    np.testing.assert_array_equal(made.matrix[:, 0], [0, 0, 0, 0, -1, 1, 2, -2])
    apart = encode(sides[1:], ("x",), 0, 0, HOST, sorts_of(sides, ("x",)), made.rules)
    np.testing.assert_array_equal(apart.matrix[:, 0], made.matrix[3:, 0])
    vectors = [read_table({"e": np.full((rows, 2), 0.1)}) for rows in (7, 2)]
    whole = encode(vectors, ("e",), 7, 0, HOST)
    assert whole.dropped == {"e": "no spread to scale by"}
    assert not encode(vectors[1:], ("e",), 0, 0, HOST, sorts_of(vectors, ("e",)), whole.rules).slots


def test_level_where_the_calibration_rows_miss_rare_values() -> None:
    """Of numbers, words and vectors 3 % are others; the 15 calibration rows mostly have none of them."""
    rejected, flat = 0, 0
    for seed in range(80):
        rng = np.random.default_rng([201, seed])
        sides = []
        for rows in (75, 60):
            rare = rng.random((3, rows)) < 0.03
            sides.append(
                {
                    "x": np.where(rare[0], rng.normal(size=rows), 5.0),
                    "c": np.where(rare[1], rng.choice(list("bcd"), rows), "a"),
                    "e": np.where(rare[2][:, None], rng.normal(size=(rows, 2)), 0.1),
                }
            )
        made = ad.MMD(permutations=39, alpha=0.05, scale="calibration", seed=seed)
        comparison = made.fit(sides[0], backend="numpy", columns=list("xce"))._compare(sides[1])
        (found,) = made.outcomes(comparison, Plan(0.05, 0.05, seed, intervals=False))
        assert found.p_value is not None
        rejected += found.p_value <= 0.05
        flat += found.details["bandwidth"] == 1.0
    tally = level.Tally(rejected, 80, 80)
    assert tally.rate <= tally.bound
    assert 10 < flat < 70
