"""Numeric columns side by side: agreement with SciPy, and what may not move a number."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

import accel_drift as ad
from accel_drift.backends import Backend, get_backend
from accel_drift.data import read_table
from accel_drift.errors import DataError
from accel_drift.profiles import Profile
from accel_drift.statistics import pairs
from accel_drift.statistics.comparison import pair_tables
from accel_drift.statistics.kept import Kept
from accel_drift.statistics.pairs import NumericPair
from tests._strict import StrictBackend

FIELDS = ("gap", "area", "square", "distinct", "tied", "fine_edges", "fine_middles", "half_spread", "known")


def _table(rows: int, seed: int, shift: float = 0.0) -> dict[str, npt.NDArray[Any]]:
    """Columns of every sort: untied, tied, with holes and infinities, whole numbers of the largest, constant."""
    rng = np.random.default_rng([77, seed])
    x = rng.normal(shift, 1, rows)
    holed = np.where(rng.random(rows) < 0.2, np.nan, x.round(1))
    ends = np.where(rng.random(rows) < 0.1, np.inf, np.where(rng.random(rows) < 0.1, -np.inf, x))
    return {
        "x": x,
        "x4": x.astype(np.float32),
        "holed": holed,
        "ends": ends,
        "few": rng.poisson(3 + shift, rows),
        "big": 2**62 + rng.integers(0, 2**61, rows),
        "unsigned": np.uint64(2**63) + rng.integers(0, 2**61, rows).astype(np.uint64),
        "constant": np.full(rows, 3.5),
    }


def _pairs(
    reference: Any, batch: Any, backend: str | Backend = "numpy", kept: Kept | None = None, block: int | None = None
) -> dict[str, tuple[NumericPair, int]]:
    a, b = (read_table(side) for side in (reference, batch))
    comparison = pair_tables(a, b, tuple(a.columns), get_backend(backend), block, kept=kept)
    return {name: (pair, j) for pair in comparison.numeric for j, name in enumerate(pair.names)}


def _numbers(found: tuple[NumericPair, int]) -> dict[str, Any]:
    pair, j = found
    made = {field: getattr(pair, field)[j] for field in FIELDS}
    for bins in (2, 10):
        made[f"cuts {bins}"] = pair.bin_cuts(bins)[j]
        for side, counts in zip(("reference", "batch"), pair.binned(bins).column(j), strict=True):
            made[f"binned {bins} {side}"] = counts
    for side, counts in zip(("reference", "batch"), pair.fine.column(j), strict=True):
        made[f"fine {side}"] = counts
    return {**made, "present": [side[j] for side in pair.present]}


def _same(one: dict[str, tuple[NumericPair, int]], other: dict[str, tuple[NumericPair, int]]) -> None:
    assert one.keys() == other.keys()
    for name in one:
        mine, theirs = _numbers(one[name]), _numbers(other[name])
        for key in mine:
            np.testing.assert_array_equal(mine[key], theirs[key], err_msg=f"{name}: {key}")


@pytest.mark.parametrize(("n", "m"), [(300, 200), (1, 40), (40, 1), (700, 60)])
def test_distances_are_those_of_scipy(n: int, m: int) -> None:
    reference, batch = _table(n, 1), _table(m, 2, 0.3)
    for name, (pair, j) in _pairs(reference, batch).items():
        # SciPy computes in the type that it is given; float32 is exact in float64.
        x, y = (side[name].astype(np.float64) if name == "x4" else side[name] for side in (reference, batch))
        x, y = (side[~np.isnan(side)] if name == "holed" else side for side in (x, y))
        if not len(x) or not len(y):
            continue
        assert pair.gap[j] == pytest.approx(stats.ks_2samp(x, y, method="asymp").statistic, rel=1e-12), name
        pooled = np.sort(np.concatenate([x, y]))
        assert pair.distinct[j] == len(np.unique(pooled))
        assert pair.tied[j] == (len(np.unique(pooled)) < len(pooled))
        if not pair.tied[j] and min(len(x), len(y)) > 1:
            # SciPy's T with midranks is this one where nothing ties.
            t = stats.cramervonmises_2samp(x, y, method="asymptotic").statistic
            assert pair.square[j] * len(x) * len(y) / len(pooled) == pytest.approx(t, rel=1e-9), name
        if np.isfinite(x).all() and np.isfinite(y).all() and name not in ("big", "unsigned"):
            assert pair.area[j] == pytest.approx(stats.wasserstein_distance(x, y), rel=1e-6), name


def test_whole_numbers_beyond_2_53_are_compared_as_they_are() -> None:
    x = np.array([2**53, 2**53 + 1, 2**53 + 2, 2**60])
    for dtype in (np.int64, np.uint64):
        pair, j = _pairs({"i": x.astype(dtype)}, {"i": x.astype(dtype) + dtype(1)})["i"]
        assert pair.distinct[j] == 6
        assert pair.gap[j] == 0.25
        assert pair.area[j] == 1.0


@pytest.mark.parametrize("block", [None, 20])
def test_the_order_of_rows_moves_nothing(block: int | None) -> None:
    reference, batch = _table(300, 1), _table(200, 2, 0.3)
    rng = np.random.default_rng(5)
    # With blocks, those of 20 rows stay where they are.
    turned = rng.permutation(200) if block is None else rng.permuted(np.arange(200).reshape(-1, block), axis=1).ravel()
    shuffled = {name: column[turned] for name, column in batch.items()}
    _same(_pairs(reference, batch, block=block), _pairs(reference, shuffled, block=block))


def test_a_kept_reference_gives_the_same_bits() -> None:
    """Batches of other sizes, types and columns may come between."""
    reference, kept = _table(300, 1), Kept()
    for rows, seed in ((200, 2), (31, 3), (200, 4)):
        batch = _table(rows, seed, 0.3)
        _same(_pairs(reference, batch, kept=kept), _pairs(reference, batch))
        widened = {**batch, "few": batch["few"] + 0.5}
        _same(_pairs(reference, widened, kept=kept), _pairs(reference, widened))
    first, second = (_pairs(reference, batch, kept=kept)["x"][0] for _ in range(2))
    assert first.reference is second.reference


@pytest.mark.parametrize("block", [None, 20])
def test_backends_agree(backend: Backend, block: int | None) -> None:
    reference, batch = _table(300, 1), _table(200, 2, 0.3)
    found, expected = (_pairs(reference, batch, name, block=block) for name in (backend, "numpy"))
    for name in found:
        mine, theirs = _numbers(found[name]), _numbers(expected[name])
        for key in mine:
            close = 1e-12 if key in ("area", "square", "half_spread") else 0.0
            np.testing.assert_allclose(mine[key], theirs[key], rtol=close, err_msg=f"{name}: {key}")


def test_more_pairs_of_rows_than_whole_numbers_can_count_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "_MOST_PAIRS", 300 * 200 - 1)
    pair, _ = _pairs(_table(300, 1), _table(200, 2))["x"]
    with pytest.raises(DataError, match=r"300 reference and 200 batch rows.*sample"):
        _ = pair.gap


def test_columns_are_counted_on_the_host_unless_the_backend_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a report says so where that is not where the rest was computed."""
    away = StrictBackend()
    monkeypatch.setattr("accel_drift.backends.registry.choose", lambda *_: (away, "a GPU was found"))
    reference, batch = {"x": _table(60, 1)["x"]}, {"x": _table(50, 2)["x"]}
    by_name, found = (Profile.fit(reference, ["ks"], backend=b).score(batch) for b in (away, "auto"))
    assert "columns_on" not in by_name.settings
    assert found.settings["columns_on"] == {"numpy": get_backend("numpy").device}
    assert found.settings["backend"] == away.name
    assert found.findings[0].statistic == by_name.findings[0].statistic
    fitted = ad.KS().fit(reference)
    assert (fitted.backend, fitted.host.name) == (away, "numpy")
    assert ad.KS().fit(reference, backend=away).host is away


def test_rows_are_counted_alike_before_and_after_they_are_sorted() -> None:
    reference, batch = _table(300, 1), _table(200, 2, 0.3)
    for pair, _ in _pairs(reference, batch).values():
        before = {bins: pair.binned(bins).batch for bins in (2, 10, 100)}
        assert pair.fine_edges.size
        assert pair.batch.is_sorted
        for bins, counts in before.items():
            np.testing.assert_array_equal(counts, pair.binned(bins).batch)
    fitted = ad.PSI().fit({"x": reference["x"]}, backend="numpy")
    assert fitted.score({"x": batch["x"]}) == fitted.detect({"x": batch["x"]}).statistic
