"""Batches drawn from a reference: statistics of many at once are those of each one as two tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from accel_drift import MMD, Energy
from accel_drift.backends import Backend, get_backend
from accel_drift.data.read import read_table
from accel_drift.detectors import get_class, names
from accel_drift.detectors.base import Detector
from accel_drift.detectors.matrix import MatrixDetector
from accel_drift.statistics import draws, kernel_draws
from accel_drift.statistics.kernel_sums import Estimator
from accel_drift.statistics.resampled import Ints, Resamples

ROWS, BATCH, COUNT, DAYS = 300, 40, 12, 15


def resamples(rule: str | int | None = None, blocks: bool = False, backend: Backend | None = None) -> Resamples:
    rng = np.random.default_rng(5)
    table = read_table(
        {
            "normal": rng.normal(size=ROWS),
            "single": rng.exponential(size=ROWS).astype(np.float32),
            "gaps": np.where(rng.random(ROWS) < 0.2, np.nan, rng.normal(size=ROWS)),
            "count": rng.poisson(2, ROWS),
            "same": np.ones(ROWS),
            "never": np.full(ROWS, np.nan),
            "word": [None if u < 0.1 else str(w) for u, w in zip(rng.random(ROWS), rng.zipf(2, ROWS), strict=True)],
            "yes": rng.random(ROWS) < 0.3,
        },
        kinds={"count": "numeric", "same": "numeric", "word": "categorical"},
        name="reference",
    )
    ids = np.repeat(np.arange(DAYS), ROWS // DAYS) if blocks or rule is not None else None
    units, size = (ROWS, BATCH) if ids is None else (DAYS, 3)

    def draw(first: int, count: int) -> Ints:
        return draws.marked(draws.key(1, "test"), first + 1, count, units, size)

    opened = get_backend("numpy") if backend is None else backend
    return Resamples(table, table.schema.names, opened, COUNT, size, draw, ids, rule)


OF_COLUMNS = [name for name in names() if get_class(name).of_columns]


def test_all_detectors_of_columns_say_so() -> None:
    assert {name for name in names() if not get_class(name).joint} == set(OF_COLUMNS)


@pytest.mark.parametrize("name", OF_COLUMNS)
@pytest.mark.parametrize("blocks", [False, True])
def test_resamples_as_columns_have_the_statistics_of_two_tables(name: str, blocks: bool) -> None:
    made, detector = resamples(blocks=blocks), get_class(name)()
    assert detector.of_columns
    slow = Detector.of_resamples(detector, made)
    fast: dict[str, np.ndarray] = {}
    for column, which, side_by_side in made.columns():
        if side_by_side.of_kind(*detector.kinds):
            found = detector.statistics(side_by_side)
            fast.setdefault(column, np.empty(COUNT))[which] = [found[n] for n in side_by_side.names]
    assert set(slow) <= set(fast)
    for column, values in slow.items():
        np.testing.assert_array_equal(fast[column], values, err_msg=column)


@pytest.mark.parametrize("name", ["mmd", "energy"])
@pytest.mark.parametrize(("rule", "blocks"), [(None, False), (None, True), (ROWS // DAYS, True)])
@pytest.mark.parametrize("estimator", ["unbiased", "biased"])
def test_one_kernel_gives_the_statistics_of_all_batches(
    backend: Backend, name: str, rule: int | None, blocks: bool, estimator: Estimator
) -> None:
    # Runs of rows are whole again after whole runs were drawn.
    made = resamples(rule, blocks, backend)
    made_of: dict[str, type[MatrixDetector]] = {"mmd": MMD, "energy": Energy}
    detector = made_of[name](estimator=estimator, block=rule)
    assert kernel_draws.applies(detector, made)
    fast = detector.of_resamples(made)[""]
    slow = Detector.of_resamples(detector, made)[""]
    np.testing.assert_allclose(fast, slow, rtol=1e-6, atol=1e-9)


def test_small_batches_are_summed_by_their_own_pairs() -> None:
    made = resamples()
    rng = np.random.default_rng(2)
    table = read_table({"x": rng.normal(size=4000), "y": rng.normal(size=4000)}, name="reference")

    def draw(first: int, count: int) -> Ints:
        return draws.marked(draws.key(1, "test"), first + 1, count, 4000, 20)

    small = replace(made, pool=table, names=("x", "y"), count=3, size=20, draw=draw)
    detector = MMD()
    np.testing.assert_allclose(
        detector.of_resamples(small)[""], Detector.of_resamples(detector, small)[""], rtol=1e-6, atol=1e-9
    )


@pytest.mark.parametrize(
    "options",
    [{"form": "features"}, {"bandwidth": "fuse"}, {"scale": "calibration"}, {"mode": "groups"}, {"max_rows": 100}],
)
def test_other_forms_are_made_batch_by_batch(options: dict[str, Any]) -> None:
    made, detector = replace(resamples(), count=2), MMD(**options)
    assert not kernel_draws.applies(detector, made)
    found = detector.of_resamples(made)[""]
    assert found.shape == (2,)
    assert np.isfinite(found).all()


def test_equal_rows_have_a_statistic_of_zero() -> None:
    made = replace(resamples(), pool=read_table({"x": [1.0] * ROWS}, name="reference"), names=("x",))
    assert not MMD().of_resamples(made)[""].any()
