"""The CPU's sort by digits, and merges of more rows than the slow loops can take."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from accel_drift_kernels import numba_cpu
from accel_drift_kernels.numba_cpu import ordered

TYPES = ["f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]


def _hard(rows: int, rng: np.random.Generator) -> dict[str, Any]:
    """Rows that sorting by the highest digits alone gets wrong, or has nothing to do for."""
    normal = rng.standard_normal(rows) * 1e6
    lone = normal.copy()
    lone[rows // 2] = 1e18
    return {
        "normal": normal,
        "few values": np.round(normal / 1e6),
        "one value": np.full(rows, 7.5),
        "an outlier far away": lone,
        "close together": 1e3 + normal * 1e-12,
        "rising": np.sort(normal),
        "falling": np.sort(normal)[::-1],
        "both zeros": np.where(normal > 0, -0.0, 0.0),
        "denormals": normal * 1e-315,
    }


@pytest.mark.parametrize("dtype", TYPES)
def test_every_type_is_sorted(dtype: str) -> None:
    rng = np.random.default_rng(1)
    for rows in (1, 64, 65, 3_000):
        for name, values in _hard(rows, rng).items():
            with np.errstate(invalid="ignore", over="ignore"):
                x = values.astype(dtype)
            there = rng.random(rows) < 0.7
            for valid in (None, there):
                found = numba_cpu.sort_columns([(x, valid)], dtype)[:, 0]
                kept = np.sort(x if valid is None else x[valid])
                assert np.array_equal(found[: len(kept)], kept), (name, rows)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "u8"])
def test_ends_of_the_type_are_sorted(dtype: str) -> None:
    info: Any = np.finfo(dtype) if dtype[0] == "f" else np.iinfo(dtype)
    some = np.random.default_rng(2).permutation(200).astype(dtype)
    x = np.concatenate([some, np.array([info.max, info.min, 0, info.max, info.min], dtype)])
    if dtype[0] == "f":
        x = np.concatenate([x, np.array([np.inf, -np.inf], dtype)])
    assert np.array_equal(numba_cpu.sort_columns([(x, None)], dtype)[:, 0], np.sort(x))


@pytest.mark.parametrize("decimals", [None, 3, 1, 0])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 900), (2_500, 2_100), (6_000, 70)])
def test_pieces_and_blocks_of_a_merge_are_one_merge(
    monkeypatch: pytest.MonkeyPatch, n: int, m: int, decimals: int | None
) -> None:
    """Ties that go on from one piece to the next, or through a whole one, count once."""
    monkeypatch.setattr(ordered, "_PIECE", 1_000)
    rng = np.random.default_rng([n, m])
    x, y = rng.standard_normal(n), rng.standard_normal(m) + 0.1
    if decimals is not None:
        x, y = x.round(decimals), y.round(decimals)
    sides = (np.sort(x)[:, None], np.array([n]), np.sort(y)[:, None], np.array([m]))
    gap, area, square, distinct = numba_cpu.cdf_distances(*sides)
    pooled = np.sort(np.concatenate([x, y]))
    f, g = (np.searchsorted(np.sort(side), pooled, "right") / len(side) for side in (x, y))
    assert gap[0] == pytest.approx(np.abs(f - g).max(), rel=1e-12)
    assert area[0] == pytest.approx(stats.wasserstein_distance(x, y), rel=1e-10)
    assert square[0] == pytest.approx(((f - g) ** 2).mean(), rel=1e-12)
    assert distinct[0] == len(np.unique(pooled))
    # The other way round nothing changes but the order of sums.
    turned = numba_cpu.cdf_distances(*sides[2:], *sides[:2])
    assert [t[0] for t in turned] == pytest.approx([gap[0], area[0], square[0], distinct[0]], rel=1e-12)


def test_threads_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    parts = [(rng.standard_normal(60_000).astype("f4"), rng.random(60_000) < 0.9) for _ in range(6)]
    found = []
    for threads in (1, 3):
        monkeypatch.setattr("accel_drift_kernels.numba_cpu.threads.thread_count", lambda k=threads: k)
        x = numba_cpu.sort_columns(parts, "float64")
        count = np.array([valid.sum() for _, valid in parts])
        found.append((x, *numba_cpu.cdf_distances(x, count, x[::2], count // 2)))
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
