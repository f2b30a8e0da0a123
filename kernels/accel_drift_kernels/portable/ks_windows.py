"""Windows of streams that are tested by their Kolmogorov-Smirnov distance, for arrays that lie on a device."""

from __future__ import annotations

from accel_drift_kernels.portable.namespace import beside, on_host
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

    known = tuple(on_host(array) for array in state)
    made = numba_cpu.scan_ks_windows(on_host(values), known, on_host(key), on_host(samples), recent, least, keep)
    return tuple(beside(array, values) for array in made)
