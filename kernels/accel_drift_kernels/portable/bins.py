"""Counts of fine cells put together to quantile bins."""

from __future__ import annotations

from accel_drift_kernels.portable.namespace import namespace
from accel_drift_kernels.spec import Array


def quantile_bins(reference: Array, batch: Array, bins: int, /) -> tuple[Array, Array]:
    """See `spec.OPS["quantile_bins"]`."""
    xp = namespace(reference)
    values = reference[:, :-1]
    after = xp.cumulative_sum(values, axis=1)
    total = xp.sum(values, axis=1, keepdims=True)
    n = xp.maximum(total, xp.ones_like(total))
    passed, low = after * bins // n, (after - values) * bins // n
    quantiles = passed - low + xp.astype(after == values, xp.int64)
    atom = xp.astype((values >= 2) & (quantiles >= 2), xp.int64)
    place = 2 * xp.minimum(low, xp.full_like(low, bins - 1)) + atom
    sides = []
    for side in (reference, batch):
        own = side[:, :-1]
        found = [xp.sum(xp.where(place == i, own, xp.zeros_like(own)), axis=1) for i in range(2 * bins)]
        sides.append(xp.stack([*found, side[:, -1]], axis=1))
    return sides[0], sides[1]
