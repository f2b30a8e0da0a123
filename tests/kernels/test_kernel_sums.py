"""Gaussian kernel sums against the plain Gram matrix, and the memory that they take."""

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


def gram(z: np.ndarray) -> np.ndarray:
    k = np.exp(-0.5 * ((z[:, None, :] - z[None, :, :]) ** 2).sum(axis=-1))
    np.fill_diagonal(k, 0.0)
    return np.asarray(k)


@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("n", [300, 1_100])
def test_sums_are_those_of_the_whole_matrix(n: int, offset: float, backend: Backend) -> None:
    z, bits, labels = labelled(n, 5, 20)
    # The rounding of z + offset itself is part of the input, not of the sums.
    z = (z + offset) - offset if offset else z
    k, e = gram(z), bits.astype(np.float64)
    shifted = backend.asarray(z + offset)
    quad, linear, total = (
        backend.to_numpy(s) for s in backend.kernels.rbf_label_sums(shifted, backend.asarray(labels), 20)
    )
    np.testing.assert_allclose(quad, np.einsum("ip,ip->p", e, k @ e), rtol=1e-10)
    np.testing.assert_allclose(linear, e.T @ k.sum(axis=1), rtol=1e-10)
    np.testing.assert_allclose(total, k.sum(), rtol=1e-10)
    rows = backend.to_numpy(backend.kernels.rbf_row_sums(shifted, backend.asarray(e)))
    np.testing.assert_allclose(rows, k @ e, rtol=1e-10)


def test_float32_rows_far_from_the_origin(backend: Backend) -> None:
    """Distances of uncentred float32 rows at this offset would have no correct digit."""
    z, bits, labels = labelled(400, 5, 9)
    far = (z + 1e4).astype(np.float32)
    k, e = gram(far.astype(np.float64)), bits.astype(np.float64)
    quad, _, total = backend.kernels.rbf_label_sums(backend.asarray(far), backend.asarray(labels), 9)
    np.testing.assert_allclose(backend.to_numpy(quad), np.einsum("ip,ip->p", e, k @ e), rtol=1e-5)
    np.testing.assert_allclose(backend.to_numpy(total), k.sum(), rtol=1e-5)


def test_same_input_same_bits(backend: Backend) -> None:
    z, _, labels = labelled(2_500, 3, 9)
    args = (backend.asarray(z), backend.asarray(labels), 9)
    first = [backend.to_numpy(s) for s in backend.kernels.rbf_label_sums(*args)]
    again = [backend.to_numpy(s) for s in backend.kernels.rbf_label_sums(*args)]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


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
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        [backend.to_numpy(s) for s in backend.kernels.rbf_label_sums(z, labels, count)]
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
