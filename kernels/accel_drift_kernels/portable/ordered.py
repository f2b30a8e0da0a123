"""Sorted columns, what two of them have in common, and the law of the largest gap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from accel_drift_kernels.portable.counts import histogram
from accel_drift_kernels.portable.namespace import namespace, whole, zeros
from accel_drift_kernels.spec import Array

Key: TypeAlias = Callable[[Array], Array]
"""Values to values of the same order that are compared in their place."""


def sort_columns(parts: Sequence[tuple[Array, Array | None]], dtype: Any, /) -> Array:
    """See `spec.OPS["sort_columns"]`."""
    xp = namespace(parts[0][0])
    wanted = getattr(xp, str(dtype))
    made = []
    for values, valid in parts:
        x = xp.astype(values, wanted, copy=False)
        if valid is not None:
            x = xp.where(valid, x, xp.full_like(x, _largest(x)))
        made.append(xp.sort(x if x.ndim == 2 else x[:, None], axis=0))
    return made[0] if len(made) == 1 else xp.concat(made, axis=1)


def _largest(x: Array) -> Any:
    xp = namespace(x)
    return xp.inf if xp.isdtype(x.dtype, "real floating") else xp.iinfo(x.dtype).max


def _there(x: Array, n: Array) -> Array:
    """Which rows are among the first n of their column, (rows, d)."""
    return whole(0, x.shape[0], x, namespace(x).int64)[:, None] < n[None, :]


def cdf_distances(x: Array, n: Array, y: Array, m: Array, /) -> tuple[Array, Array, Array, Array]:
    """See `spec.OPS["cdf_distances"]`."""
    return distances(x, n, y, m, _tied_sum, _itself)


def _itself(x: Array) -> Array:
    return x


def distances(
    x: Array, n: Array, y: Array, m: Array, tied_sum: Callable[[Array, Array, Array], Array], key: Key
) -> tuple[Array, Array, Array, Array]:
    """`cdf_distances` with any way to sum over tied rows, see `_tied_sum`, and to compare values."""
    xp = namespace(x)
    if x.shape[0] + y.shape[0] == 0 or x.shape[1] == 0:
        nothing = zeros((x.shape[1],), x, xp.float64)
        return nothing, nothing, nothing, xp.astype(nothing, xp.int64)
    x_mask, y_mask = _there(x, n), _there(y, m)
    z = xp.concat([x, y], axis=0)
    present = xp.concat([x_mask, y_mask], axis=0)
    # Absent rows go to the end with no weight; they may share a tie group with real values, to no effect.
    z = xp.where(present, z, xp.full_like(z, _largest(z)))
    order = xp.argsort(key(z), axis=0)
    z = xp.take_along_axis(z, order, axis=0)
    same = key(z)
    seen_x = _seen(xp.concat([x_mask, xp.zeros_like(y_mask)], axis=0), order)
    seen_y = _seen(xp.concat([xp.zeros_like(x_mask), y_mask], axis=0), order)
    n, m = n[None, :], m[None, :]
    empty = (n == 0) | (m == 0)
    last = xp.concat([same[1:, :] != same[:-1, :], xp.ones_like(present[:1, :])], axis=0)
    distinct = xp.sum(xp.astype(last & _there(z, (n + m)[0, :] - 1), xp.int64), axis=0)
    distinct = distinct + xp.astype((n + m)[0, :] > 0, xp.int64)
    # The gap i/n - j/m as whole numbers over n m: gaps that are equal stay equal on every device. XLA turns a
    # division by a broadcast count into a product with its reciprocal, and then ties are no longer ties.
    gap = xp.where(last & ~empty, xp.abs(seen_x * m - seen_y * n), xp.zeros_like(seen_x))
    whole_gap = xp.astype(xp.max(gap, axis=0), xp.float64)
    pairs = xp.astype(xp.where(empty, xp.ones_like(n), n * m)[0, :], xp.float64)
    share = xp.astype(gap, xp.float64) / pairs[None, :]
    rows = xp.astype(xp.where(empty, xp.ones_like(n), n + m)[0, :], xp.float64)
    square = tied_sum(share * share, seen_x + seen_y, last) / rows
    return whole_gap / pairs, _area(share[:-1, :], z), square, distinct


def _tied_sum(value: Array, seen: Array, last: Array) -> Array:
    """Sum over all rows of the value in the last row of their tie group.

    Args:
        value: (N, d), read where `last`.
        seen: (N, d) rows up to here.
        last: (N, d) whether the row is the last of its group.

    Returns:
        (d,).
    """
    xp = namespace(value)
    at = whole(0, value.shape[0], value, xp.int64)[:, None]
    ends = xp.sort(xp.where(last, at, xp.full_like(at, value.shape[0] - 1)), axis=0)
    met = xp.take_along_axis(seen, ends, axis=0)
    size = xp.concat([met[:1, :], met[1:, :] - met[:-1, :]], axis=0)
    return xp.sum(xp.take_along_axis(value, ends, axis=0) * xp.astype(size, xp.float64), axis=0)


def _area(share: Array, z: Array) -> Array:
    """Sum of share times the step to the next value; in halves, since no step between two floats overflows then."""
    xp = namespace(share)
    if xp.isdtype(z.dtype, "real floating"):
        finite = xp.isfinite(z)
        half = xp.astype(xp.where(finite, z, xp.zeros_like(z)), xp.float64) * 0.5
        step = half[1:, :] - half[:-1, :]
        step = xp.where(finite[1:, :] & finite[:-1, :], step, xp.full_like(step, xp.inf))
    else:
        # A step beyond the largest int64 wraps round to a negative one.
        wrapped = z[1:, :] - z[:-1, :]
        step = xp.astype(wrapped, xp.float64) * 0.5
        step = xp.where(wrapped < 0, step + 2.0**63, step)
    # Also within tie groups share is 0, so that no step between infinities counts.
    half_area = xp.sum(xp.where(share > 0, share, 1.0) * xp.where(share > 0, step, 0.0), axis=0)
    most = xp.finfo(xp.float64).max / 2
    return xp.where(xp.isinf(half_area), half_area, xp.clip(half_area, 0.0, most) * 2.0)


def _seen(side: Array, order: Array) -> Array:
    """How many rows of one side have been met, going up in the pooled order."""
    xp = namespace(side)
    return xp.cumulative_sum(xp.take_along_axis(xp.astype(side, xp.int64), order, axis=0), axis=0)


def pooled_cells(x: Array, n: Array, y: Array, m: Array, distinct: Array, limit: int, /) -> tuple[Array, Array]:
    """See `spec.OPS["pooled_cells"]`."""
    return cells(x, n, y, m, distinct, limit, _itself)


def cells(x: Array, n: Array, y: Array, m: Array, distinct: Array, limit: int, key: Key) -> tuple[Array, Array]:
    """`pooled_cells` with any way to compare values."""
    xp = namespace(x)
    rows, total = x.shape[0] + y.shape[0], (n + m)[None, :]
    if rows == 0 or x.shape[1] == 0:
        return zeros((x.shape[1], limit - 1), x, x.dtype), zeros((x.shape[1], limit), x, x.dtype)
    z = xp.concat([xp.where(_there(s, k), s, xp.full_like(s, _largest(s))) for s, k in ((x, n), (y, m))], axis=0)
    z = xp.take_along_axis(z, xp.argsort(key(z), axis=0), axis=0)
    same, at = key(z), whole(0, rows, x, xp.int64)[:, None]
    ended = (at < total) & ((at == total - 1) | (same != xp.concat([same[1:, :], same[:1, :]], axis=0)))
    ends = xp.sort(xp.where(ended, at, xp.full_like(at, rows)), axis=0)[: min(limit, rows), :]
    if ends.shape[0] < limit:
        ends = xp.concat([ends, xp.full_like(zeros((limit - ends.shape[0], ends.shape[1]), x, xp.int64), rows)], axis=0)
    few = distinct[None, :] <= limit
    i = whole(0, limit, x, xp.int64)[:, None]
    cut = xp.where(few, ends, -(-(i + 1) * total // limit) - 1)[:-1, :]
    middle = xp.where(few, ends, (2 * i + 1) * total // (2 * limit))
    # Beyond the last distinct value the last row stands again.
    chosen = (xp.where(place < total, place, total - 1) for place in (cut, middle))
    zero = xp.zeros_like(z[:1, :])
    cuts, middles = (
        xp.where(total > 0, xp.take_along_axis(z, xp.maximum(at, xp.zeros_like(at)), axis=0), zero) for at in chosen
    )
    return xp.permute_dims(cuts, (1, 0)), xp.permute_dims(middles, (1, 0))


def sorted_counts(x: Array, n: Array, cuts: Array, /) -> Array:
    """See `spec.OPS["sorted_counts"]`."""
    return histogram(x, cuts, _there(x, n))[:, :-1]


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
