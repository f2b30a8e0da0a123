"""Windows of streams that are tested by their Kolmogorov-Smirnov distance, for arrays that lie on a device."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from array_api_compat import device, is_cupy_array

from accel_drift_kernels.portable.namespace import namespace
from accel_drift_kernels.spec import Array


def scan_ks_windows(
    values: Array,
    state: tuple[Array, ...],
    key: Array,
    samples: Array,
    recent: int,
    least: int,
    keep: bool,
    /,
) -> tuple[Array, ...]:
    """See `spec.OPS["scan_ks_windows"]`.

    It runs on the host, by the CPU's loops. Each value is put into a sorted window and tested before the next one: a
    device would start dozens of kernels on a few hundred numbers for every moment.
    """
    from accel_drift_kernels import numba_cpu  # a set for a device does without its import until then

    xp, place = namespace(values), device(values)
    known = tuple(_on_host(array) for array in state)
    made = numba_cpu.scan_ks_windows(_on_host(values), known, _on_host(key), _on_host(samples), recent, least, keep)
    return tuple(xp.asarray(array, device=place) for array in made)


def _on_host(x: Array) -> npt.NDArray[Any]:
    return np.asarray(x.get() if is_cupy_array(x) else x)
