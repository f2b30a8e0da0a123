"""Kernel sums against the whole kernel matrix: several scales from one pass, sums gathered or multiplied, blocks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from accel_drift.backends import Backend, get_backend
from accel_drift.statistics import draws, kernel_test
from accel_drift.statistics.kernel_test import Estimator, Kernel, KernelSums

KERNELS: tuple[Kernel, ...] = ("gaussian", "laplace", "distance")
SCALES = (0.25, 1.0, 3.0)


def _pooled(n: int = 30, m: int = 21, d: int = 3) -> Any:
    rng = np.random.default_rng(80)
    z = np.concatenate([rng.normal(size=(n, d)), rng.normal(0.4, 1, (m, d))])
    return z - z.mean(axis=0)


def _gram(z: Any, kernel: Kernel, scale: float) -> Any:
    h = scale * ((z[:, None, :] - z[None, :, :]) ** 2).sum(axis=2)
    return {"gaussian": np.exp(-h / 2), "laplace": np.exp(-np.sqrt(h)), "distance": -np.sqrt(h)}[kernel]


def _plain(k: Any, e: Any, apart: Any, *, biased: bool) -> float:
    """MMD² of one labelling from the whole matrix; `apart` marks pairs that the unbiased form leaves out."""
    left = np.zeros_like(apart) if biased else apart
    means = [
        [(k * ~left)[np.ix_(a, b)].sum() / np.count_nonzero(~left[np.ix_(a, b)]) for b in (e, ~e)] for a in (e, ~e)
    ]
    return float(means[0][0] + means[1][1] - 2 * means[0][1])


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("estimator", ["unbiased", "biased"])
def test_a_grid_of_scales_over_rows_is_the_plain_formula(kernel: Kernel, estimator: Estimator) -> None:
    z, n = _pooled(), 30
    sums = KernelSums(z, n, get_backend("numpy"), 4, kernel=kernel, scales=SCALES)
    made, mean = sums.grid(0, 9, estimator)
    e = draws.labels(draws.key(4, "mmd", "labels"), 0, 9, len(z), n).astype(bool)
    for s, scale in enumerate(SCALES):
        k, itself = _gram(z, kernel, scale), np.eye(len(z), dtype=bool)
        expected = [_plain(k, row, itself, biased=estimator == "biased") for row in e]
        assert made[s] == pytest.approx(expected, abs=1e-12)
        assert mean[s] == pytest.approx(abs(k[~itself].mean()))
    assert sums.mmd2(0, 9, estimator)[0].tolist() == made[0].tolist()


@pytest.mark.parametrize("blocks", [True, False])
@pytest.mark.parametrize("kernel", KERNELS)
def test_groups_of_any_size_on_every_backend(backend: Backend, kernel: Kernel, *, blocks: bool) -> None:
    z, n = _pooled(), 30
    ids = np.repeat(np.arange(9), [5, 10, 4, 4, 7, 3, 9, 8, 1])
    with backend.scope():
        there = backend.asarray(z)
    sums = KernelSums(there, n, backend, 4, ids, (5, 9), kernel, blocks, SCALES)
    made, _ = sums.grid(0, 7, "unbiased")
    e = draws.labels(draws.key(4, "mmd", "labels"), 0, 7, 9, 5).astype(bool)[:, ids]
    left = ids[:, None] == ids[None, :] if blocks else np.eye(len(z), dtype=bool)
    for s, scale in enumerate(SCALES):
        expected = [_plain(_gram(z, kernel, scale), row, left, biased=False) for row in e]
        assert made[s] == pytest.approx(expected, abs=1e-9)
    assert sums.unbiased == pytest.approx(made[0, 0], abs=1e-9)
    assert sums.witness[:n].mean() + sums.witness[n:].mean() == pytest.approx(made[0, 0], abs=1e-9)


@pytest.mark.parametrize("mine", [3, 37])
def test_sums_of_few_groups_are_gathered(mine: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """40 groups of which 3 are one side's: the same values as by a product, in one step and in several."""
    z = _pooled(6 * mine, 6 * (40 - mine))
    sums = KernelSums(z, 6 * mine, get_backend("numpy"), 4, np.repeat(np.arange(40), 6), (mine, 40), scales=SCALES)
    made = [sums.grid(0, 50, "unbiased")[0]]
    monkeypatch.setattr(kernel_test, "_GATHERED", 20)
    made.append(replace(sums).grid(0, 50, "unbiased")[0])
    monkeypatch.setattr(kernel_test, "_GATHER_PAYS", 100)
    made.append(replace(sums).grid(0, 50, "unbiased")[0])
    assert made[0].tolist() == made[1].tolist()
    np.testing.assert_allclose(made[0], made[2], atol=1e-13)
    assert len(set(made[0][0])) > 40


def test_own_block_sums_do_not_depend_on_how_many_blocks_are_made_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    z, ids = _pooled(), np.repeat(np.arange(9), [5, 10, 4, 4, 7, 3, 9, 8, 1])
    sums = KernelSums(z, 30, get_backend("numpy"), 4, ids, (5, 9), blocks=True)
    expected = sums.witness
    monkeypatch.setattr(kernel_test, "_OWN_ROWS", 10)
    np.testing.assert_allclose(replace(sums).witness, expected, atol=1e-13)
