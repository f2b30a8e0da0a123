"""The vector pieces of the CPU kernels, each against NumPy."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from accel_drift_kernels.numba_cpu import lanes, pair_tiles, products
from accel_drift_kernels.numba_cpu.threads import compiled

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@compiled
def _powers(x: Any, out: Any) -> None:
    for i in range(0, x.size, lanes.BYTES // x.itemsize):
        lanes.power_lanes(x[0], out.ctypes.data + i * x.itemsize, x.ctypes.data + i * x.itemsize)


@compiled
def _masked(x: Any, mask: int) -> Any:
    return lanes.masked_sum(x[0], x.ctypes.data, mask)


@compiled
def _dot(x: Any, y: Any) -> Any:
    return lanes.dot_lanes(x[0], x.ctypes.data, y.ctypes.data, x.size * x.itemsize // lanes.BYTES)


@compiled
def _add_rows(x: Any, weights: Any, out: Any) -> None:
    lanes.add_rows(x[0, 0], out.ctypes.data, x.ctypes.data, x.strides[0], weights.ctypes.data, x.shape[0])


def _held(x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A copy that begins at a cache line."""
    made = lanes.aligned(x.size, x.dtype).reshape(x.shape)
    made[...] = x
    return made


def _power(x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    full = _held(np.concatenate([x, np.zeros(-x.size % 16, x.dtype)]))
    made = _held(np.empty_like(full))
    _powers(full, made)
    return made[: x.size]


@pytest.mark.parametrize(("dtype", "least"), [(np.float32, -126.0), (np.float64, -1022.0)])
def test_powers_of_two_are_right_to_two_roundings(dtype: Any, least: float) -> None:
    x = np.linspace(least, 0.0, 200_001).astype(dtype)
    exact = np.exp2(x.astype(np.longdouble))
    assert np.abs(_power(x) / exact - 1).max() <= 2 * np.finfo(dtype).eps


@pytest.mark.parametrize(("dtype", "least"), [(np.float32, -126.0), (np.float64, -1022.0)])
def test_powers_of_two_at_the_ends(dtype: Any, least: float) -> None:
    x = np.array([0.0, -0.0, -1.0, least, least - 1, least * 1.1, -1e30], dtype=dtype)
    want = np.array([1.0, 1.0, 0.5, np.exp2(least), 0.0, 0.0, 0.0], dtype=dtype)
    np.testing.assert_array_equal(_power(x), want)
    below = _power(np.linspace(least - 2, least, 4001, endpoint=False).astype(dtype))
    assert below.min() >= 0
    assert below.max() <= np.finfo(dtype).tiny


@DTYPES
@pytest.mark.parametrize(("rows", "d"), [(1, 0), (7, 1), (96, 5), (200, 33)])
def test_products_of_packed_rows(dtype: Any, rows: int, d: int) -> None:
    rng = np.random.default_rng(rows)
    x, y = rng.integers(-9, 10, (rows, d)).astype(dtype), rng.integers(-9, 10, (130, d)).astype(dtype)
    mine, theirs = pair_tiles.packed(x), pair_tiles.packed(y)
    for strip in (0, pair_tiles.STRIP):
        k = pair_tiles.room(rows, dtype)
        pair_tiles.products(mine.rows, 0, rows, theirs.rows, strip, k)
        want = x @ y[strip : strip + pair_tiles.STRIP].T
        np.testing.assert_array_equal(k[:rows, : want.shape[1]], want)
    np.testing.assert_array_equal(mine.half[:rows], 0.5 * (x * x).sum(1))


@DTYPES
def test_sums_of_rows_and_dot_products(dtype: Any) -> None:
    rng = np.random.default_rng(3)
    width = lanes.SIDE * lanes.BYTES // np.dtype(dtype).itemsize
    for rows in (0, 1, 50):
        x, weights = _held(rng.integers(-9, 10, (rows + 1, width)).astype(dtype))[:rows], np.arange(rows, dtype=dtype)
        out = _held(np.ones(width, dtype))
        if rows:
            _add_rows(x, weights, out)
        np.testing.assert_array_equal(out, 1 + weights @ x)
        assert _dot(out, out) == np.dot(out, out)


_OTHER = """
import numpy as np
from accel_drift_kernels import numba_cpu, reference
from accel_drift_kernels.numba_cpu import products
rng = np.random.default_rng(0)
z, ends, one = rng.standard_normal((300, 7), dtype=np.float32), np.array([110, 300]), np.ones(1)
made, want = (k.pair_group_sums(z, ends, "gaussian", one) for k in (numba_cpu, reference))
np.testing.assert_allclose(made, want, rtol=1e-5)
print(products.TALL, products.WIDE)
"""


def test_a_processor_with_other_registers_computes_the_same() -> None:
    """Half as many and as wide ones, as on processors without AVX-512; every x86-64 processor can run this code."""
    other = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    code = [sys.executable, "-c", _OTHER]
    done = subprocess.run(code, env={**os.environ, **other}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["4", "1"]
    assert (products.TALL, products.WIDE) in {(8, 3), (4, 1)}


@DTYPES
def test_a_masked_sum_takes_the_lanes_of_the_set_bits(dtype: Any) -> None:
    x = lanes.aligned(lanes.BYTES // np.dtype(dtype).itemsize, dtype)
    x[:] = 2.0 ** np.arange(x.size)
    for mask in (0, 1, 0b1010, 2**x.size - 1, 1 << (x.size - 1)):
        assert _masked(x, mask) == mask


def test_a_masked_sum_leaves_out_what_is_no_number() -> None:
    x = lanes.aligned(8, np.float64)
    x[:] = np.nan
    x[3] = 7.0
    assert _masked(x, 1 << 3) == 7.0


@DTYPES
@pytest.mark.parametrize("count", [1, 5, 1000])
def test_aligned_arrays_begin_at_a_cache_line(dtype: Any, count: int) -> None:
    made = lanes.aligned(count, dtype)
    assert made.ctypes.data % lanes.BYTES == 0
    assert made.shape == (count,)
    assert not made.any()
