"""Kernel sums against the plain Gram matrix, and the memory that they take."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from accel_drift.backends import Backend

REPOSITORY = Path(__file__).parents[2]


def labelled(n: int, d: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(12)
    bits = rng.integers(0, 2, size=(n, count), dtype=np.uint8)
    return rng.standard_normal((n, d)) / np.sqrt(d), bits, np.packbits(bits, axis=1, bitorder="little")


ONE = np.ones(1)


def gram(z: np.ndarray, kernel: str) -> np.ndarray:
    squared = ((z[:, None, :] - z[None, :, :]) ** 2).sum(axis=-1)
    k = np.exp(-0.5 * squared) if kernel == "gaussian" else -np.sqrt(squared)
    np.fill_diagonal(k, 0.0)
    return np.asarray(k)


every = pytest.mark.parametrize("kernel", ["gaussian", "distance"])


@every
@pytest.mark.parametrize("n", [300, 1_100])
def test_sums_are_those_of_the_whole_matrix(n: int, kernel: str, backend: Backend) -> None:
    z, bits, labels = labelled(n, 5, 20)
    k, e, one = gram(z, kernel), bits.astype(np.float64), backend.asarray(ONE)
    rows, kernels = backend.asarray(z), backend.kernels
    quad, linear, total = (
        backend.to_numpy(s)[0] for s in kernels.pair_label_sums(rows, backend.asarray(labels), 20, kernel, one)
    )
    np.testing.assert_allclose(quad, np.einsum("ip,ip->p", e, k @ e), rtol=1e-10)
    np.testing.assert_allclose(linear, e.T @ k.sum(axis=1), rtol=1e-10)
    np.testing.assert_allclose(total, k.sum(), rtol=1e-10)
    sums = backend.to_numpy(kernels.pair_row_sums(rows, backend.asarray(e), kernel, one))
    np.testing.assert_allclose(sums[0], k @ e, rtol=1e-10)


@every
def test_same_input_same_bits(kernel: str, backend: Backend) -> None:
    z, _, labels = labelled(2_500, 3, 9)
    args = (backend.asarray(z), backend.asarray(labels), 9, kernel, backend.asarray(ONE))
    first = [backend.to_numpy(s) for s in backend.kernels.pair_label_sums(*args)]
    again = [backend.to_numpy(s) for s in backend.kernels.pair_label_sums(*args)]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


@every
def test_equal_rows_are_at_distance_nothing(kernel: str, backend: Backend) -> None:
    """From products alone their squared distance is a rounding error, whose root would be far from nothing."""
    z = np.repeat(np.random.default_rng(13).normal(5.0, 1.0, (1, 40)), 600, axis=0)
    z[300:] += 1.0
    sums = backend.to_numpy(
        backend.kernels.pair_row_sums(
            backend.asarray(z), backend.asarray(np.ones((600, 1))), kernel, backend.asarray(ONE)
        )
    )
    apart = np.exp(-20.0) if kernel == "gaussian" else -np.sqrt(40.0)
    np.testing.assert_allclose(sums[0], 300 * apart + (299 if kernel == "gaussian" else 0), rtol=1e-12)


MEASURE = """
import resource, sys
import numpy as np
from accel_drift.backends import get_backend
backend = get_backend(sys.argv[1])
rng = np.random.default_rng(0)
def run(n, d, count):
    with backend.scope():
        z = backend.asarray(rng.standard_normal((n, d)))
        labels = backend.asarray(rng.integers(0, 256, size=(n, -(-count // 8)), dtype=np.uint8))
        peak, one = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, backend.asarray(np.ones(1))
        [backend.to_numpy(s) for s in backend.kernels.pair_label_sums(z, labels, count, 'gaussian', one)]
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
run(200, 32, 501)  # loads and compiles what does not grow with the data
print(run(int(sys.argv[2]), 32, 501))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux only")
@pytest.mark.parametrize("name", ["numpy", "jax"])
def test_memory_stays_far_below_the_matrix(name: str) -> None:
    """20,000 rows: K would take 3.2 GB and the labels as float64 80 MB."""
    if name == "jax":
        pytest.importorskip("jax")
    path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "kernels")])
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, name, "20000"],
        env={**os.environ, "PYTHONPATH": path, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < 200_000
