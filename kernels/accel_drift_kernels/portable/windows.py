"""Windows of streams whose length adapts to the values, for arrays that lie on a device."""

from __future__ import annotations

from accel_drift_kernels.portable.namespace import beside, on_host
from accel_drift_kernels.spec import Array, Windows


def scan_windows(values: Array, state: Windows, options: tuple[float, ...], /) -> tuple[Array, ...]:
    """See `spec.OPS["scan_windows"]`.

    It runs on the host, by the CPU's loops. How many buckets merge, where a cut is and how many buckets it drops
    depend on each stream's values: a device would do for all streams at every value what one of them needs at few.
    """
    from accel_drift_kernels import numba_cpu  # a set for a device does without its import until then

    counts, sums, squares, total, square, seen = (on_host(array) for array in state)
    made = numba_cpu.scan_windows(on_host(values), (counts, sums, squares, total, square, seen), options)
    return tuple(beside(array, values) for array in made)
