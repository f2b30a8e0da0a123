"""Kernel sums against the whole kernel matrix: several scales from one pass, sums gathered or multiplied, blocks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from accel_drift.backends import Backend, get_backend
from accel_drift.statistics import draws, kernel_test
from accel_drift.statistics.kernel_sums import Estimator, Kernel, ReferenceSums
from accel_drift.statistics.kernel_test import KernelSums

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


@pytest.mark.parametrize(("kernel", "blocks"), [("gaussian", True), ("laplace", False), ("distance", True)])
def test_groups_of_any_size_on_every_backend(backend: Backend, kernel: Kernel, blocks: bool) -> None:
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
    """40 groups of which 3 are one side's: the same values as by a product."""
    z = _pooled(6 * mine, 6 * (40 - mine))
    sums = KernelSums(z, 6 * mine, get_backend("numpy"), 4, np.repeat(np.arange(40), 6), (mine, 40), scales=SCALES)
    gathered = sums.grid(0, 50, "unbiased")[0]
    monkeypatch.setattr(kernel_test, "_GATHER_PAYS", 1000)
    np.testing.assert_allclose(gathered, replace(sums).grid(0, 50, "unbiased")[0], atol=1e-13)
    assert len(set(gathered[0])) > 40


@pytest.mark.parametrize("mine", [3, 37])
@pytest.mark.parametrize("first", [0, 1500])
def test_groups_of_a_kept_reference(mine: int, first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of one size and another, the first size again: as without what is kept, which is made once a size."""
    n, b, marked = 6 * mine, get_backend("numpy"), draws.marked
    dealt: list[Any] = []

    def counted(*args: Any) -> Any:
        dealt.append(args)
        return marked(*args)

    monkeypatch.setattr(draws, "marked", counted)
    whole = _pooled(n, 6 * (40 - mine))
    reference = ReferenceSums(whole[:n], b, "laplace")
    for groups in (40 - mine, 41 - mine, 40 - mine):
        z = np.concatenate([whole[:n], np.random.default_rng(groups).normal(size=(6 * groups, whole.shape[1]))])
        ids = np.repeat(np.arange(mine + groups), 6)
        plain = KernelSums(z, n, b, 4, ids, (mine, mine + groups), "laplace", scales=SCALES)
        made, expected = (s.grid(first, 50, "unbiased") for s in (replace(plain, reference=reference), plain))
        np.testing.assert_allclose(made[0], expected[0], atol=1e-13)
        np.testing.assert_allclose(made[1], expected[1], rtol=1e-12)
        assert len(set(made[0][0])) > 40
    assert len(dealt) == 3 + (2 if first == 0 else 3)


def test_own_block_sums_do_not_depend_on_how_many_blocks_are_made_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    z, ids = _pooled(), np.repeat(np.arange(9), [5, 10, 4, 4, 7, 3, 9, 8, 1])
    sums = KernelSums(z, 30, get_backend("numpy"), 4, ids, (5, 9), blocks=True)
    expected = sums.witness
    monkeypatch.setattr(kernel_test, "_OWN_ROWS", 10)
    np.testing.assert_allclose(replace(sums).witness, expected, atol=1e-13)


@pytest.mark.parametrize(("n", "m", "kernel"), [(60, 5, "gaussian"), (5, 60, "distance"), (50, 1, "laplace")])
def test_subsets_are_the_product(n: int, m: int, kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small side either way: pairs within it and row sums give what the product with all labels gives."""
    sums = KernelSums(_pooled(n, m), n, get_backend("numpy"), 4, kernel=kernel, scales=SCALES)
    assert not sums.by_subsets  # so few rows are not worth the calls
    expected = sums.grid(0, 21, "biased")
    monkeypatch.setattr(kernel_test, "_SUBSET_WORK", 0)
    monkeypatch.setattr(kernel_test, "GATHERED", 20)
    assert replace(sums).by_subsets
    made = replace(sums).grid(0, 21, "biased")
    np.testing.assert_allclose(made[0], expected[0], atol=1e-10)
    np.testing.assert_allclose(made[1], expected[1], rtol=1e-10)


@pytest.mark.parametrize(("ones", "count"), [(3, 20), (37, 16), (20, 5), (0, 3), (40, 9)])
def test_marked_rows_are_those_of_the_labels(ones: int, count: int) -> None:
    stream = draws.key(1, "any")
    e = draws.labels(stream, 7, count, 40, ones)
    smaller = e if 2 * ones <= 40 else 1 - e
    assert draws.marked(stream, 7, count, 40, ones).tolist() == [np.flatnonzero(row).tolist() for row in smaller]


@pytest.mark.parametrize("groups", [True, False])
def test_sums_kept_of_the_reference_give_the_same(*, groups: bool) -> None:
    """Also where the batch brings a column that is 0 in all of the reference."""
    (z, n), backend = (_pooled(), 30), get_backend("numpy")
    z[:n, 2] = 0.0
    ids, n_groups = (np.repeat(np.arange(17), 3), (10, 17)) if groups else (None, (0, 0))
    whole = KernelSums(z, n, backend, 4, ids, n_groups, scales=SCALES)
    reference = ReferenceSums(z[:n, :2], backend, "gaussian")
    found = [replace(whole, reference=reference) for _ in range(2)]
    for sums in found:
        np.testing.assert_allclose(sums.grid(0, 9, "unbiased")[0], whole.grid(0, 9, "unbiased")[0], atol=1e-12)
        np.testing.assert_allclose(sums.witness, whole.witness, atol=1e-12)
        assert sums.unbiased == pytest.approx(whole.unbiased, abs=1e-12)
    assert found[0].grid(0, 9, "unbiased")[0].tolist() == found[1].grid(0, 9, "unbiased")[0].tolist()
