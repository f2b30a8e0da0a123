"""Binning, counting, and the Kolmogorov-Smirnov gap with its law."""

from __future__ import annotations

from accel_drift_kernels.portable.namespace import namespace, whole, zeros
from accel_drift_kernels.spec import Array


def bin_index(x: Array, cuts: Array, mask: Array, /) -> Array:
    """See `spec.OPS["bin_index"]`."""
    xp = namespace(x)
    c = cuts.shape[1]
    index = zeros(x.shape, x, xp.int32)
    # One pass a cut: an (n, d, c) comparison would need c times the memory of the rows.
    for k in range(c):
        index = index + xp.astype(x > cuts[:, k][None, :], xp.int32)
    return xp.where(mask, index, xp.full_like(index, c + 1))


def histogram(x: Array, cuts: Array, mask: Array, /) -> Array:
    """See `spec.OPS["histogram"]`."""
    xp = namespace(x)
    n, d = x.shape
    present = xp.sum(xp.astype(mask, xp.int64), axis=0)
    above = [xp.sum(xp.astype((x > cuts[:, k][None, :]) & mask, xp.int64), axis=0) for k in range(cuts.shape[1])]
    reached = xp.stack([present, *above, zeros((d,), x, xp.int64)], axis=1)
    return xp.concat([reached[:, :-1] - reached[:, 1:], (n - present)[:, None]], axis=1)


def count_codes(codes: Array, total: int, /) -> Array:
    """See `spec.OPS["count_codes"]`."""
    xp = namespace(codes)
    edges = whole(0, total + 1, codes, xp.int64)
    places = xp.searchsorted(xp.sort(codes), edges)
    return xp.astype(places[1:] - places[:-1], xp.int64)


def cdf_gap(x: Array, x_mask: Array, y: Array, y_mask: Array, /) -> Array:
    """See `spec.OPS["cdf_gap"]`."""
    xp = namespace(x)
    if x.shape[0] == 0 or y.shape[0] == 0 or x.shape[1] == 0:
        return zeros((x.shape[1],), x, xp.float64)
    z = xp.concat([x, y], axis=0)
    present = xp.concat([x_mask, y_mask], axis=0)
    # Masked rows go to the end with no weight; they may share a tie group with real values, to no effect.
    highest = xp.inf if xp.isdtype(z.dtype, "real floating") else xp.iinfo(z.dtype).max
    z = xp.where(present, z, xp.full_like(z, highest))
    order = xp.argsort(z, axis=0)
    z = xp.take_along_axis(z, order, axis=0)
    seen_x = _seen(xp.concat([x_mask, xp.zeros_like(y_mask)], axis=0), order)
    seen_y = _seen(xp.concat([xp.zeros_like(x_mask), y_mask], axis=0), order)
    n, m = seen_x[-1:, :], seen_y[-1:, :]
    empty = (n == 0) | (m == 0)
    last = xp.concat([z[1:, :] != z[:-1, :], xp.ones_like(present[:1, :])], axis=0)
    # The gap i/n - j/m as whole numbers over n m: gaps that are equal stay equal on every device. XLA turns a
    # division by a broadcast count into a product with its reciprocal, and then ties are no longer ties.
    gap = xp.where(last & ~empty, xp.abs(seen_x * m - seen_y * n), xp.zeros_like(seen_x))
    whole_gap = xp.astype(xp.max(gap, axis=0), xp.float64)
    pairs = xp.astype(xp.where(empty, xp.ones_like(n), n * m)[0, :], xp.float64)
    return whole_gap / pairs


def _seen(side: Array, order: Array) -> Array:
    """How many rows of one side have been met, going up in the pooled order."""
    xp = namespace(side)
    return xp.cumulative_sum(xp.take_along_axis(xp.astype(side, xp.int64), order, axis=0), axis=0)


def lattice_tail(width: Array, n: Array, m: Array, /) -> Array:
    """See `spec.OPS["lattice_tail"]`."""
    xp = namespace(width)
    lanes = [_touching(int(width[k]), int(n[k]), int(m[k]), width) for k in range(width.shape[0])]
    return xp.stack(lanes) if lanes else zeros((0,), width, xp.float64)


def _touching(width: int, n: int, m: int, like: Array) -> Array:
    """One lane. left[i] is the share of paths to (i, t - i) that have touched, a mean of its two neighbours.

    So it neither overflows nor loses the digits of a tiny share, as counts of paths, and one minus the share that
    stayed inside, would. Bands are decided in whole numbers.
    """
    xp = namespace(like)
    i = whole(0, n + 1, like, xp.int64)
    share = xp.astype(i, xp.float64)
    one = xp.ones_like(share[:1])
    left = xp.where((i == 0) & (width > 0), xp.zeros_like(share), xp.ones_like(share))
    for t in range(1, n + m + 1):
        inside = (i >= t - m) & (i <= t) & (xp.abs(i * (n + m) - t * n) < width)
        before = xp.concat([one, left[:-1]], axis=0)
        left = xp.where(inside, left * ((t - share) / t) + before * (share / t), xp.ones_like(left))
    return left[n]
