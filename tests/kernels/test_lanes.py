"""The vector pieces of the CPU kernels, each against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from accel_drift_kernels.numba_cpu import lanes
from accel_drift_kernels.numba_cpu.threads import compiled, vectorised


@vectorised
def _powers(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = lanes.exp2(x[i])


@compiled
def _masked(x: Any, mask: int) -> Any:
    return lanes.masked_sum(x[0], x.ctypes.data, mask)


@pytest.mark.parametrize(("dtype", "least"), [(np.float32, -126.0), (np.float64, -1022.0)])
def test_powers_of_two_are_right_to_two_roundings(dtype: Any, least: float) -> None:
    x = np.linspace(least, 0.0, 200_001).astype(dtype)
    made = np.empty_like(x)
    _powers(x, made)
    exact = np.exp2(x.astype(np.longdouble))
    assert np.abs(made / exact - 1).max() <= 2 * np.finfo(dtype).eps


@pytest.mark.parametrize(("dtype", "least"), [(np.float32, -126.0), (np.float64, -1022.0)])
def test_powers_of_two_at_the_ends(dtype: Any, least: float) -> None:
    x = np.array([0.0, -0.0, -1.0, least, least * 1.001, -1e30], dtype=dtype)
    made = np.empty_like(x)
    _powers(x, made)
    np.testing.assert_array_equal(made, np.array([1.0, 1.0, 0.5, np.exp2(least), 0.0, 0.0], dtype=dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count", [1, 5, 1000])
def test_aligned_arrays_begin_at_a_cache_line(dtype: Any, count: int) -> None:
    made = lanes.aligned(count, dtype)
    assert made.ctypes.data % lanes.BYTES == 0
    assert made.shape == (count,)
    assert not made.any()
