"""Binning, counting, and the distances of distribution functions with the law of the largest gap."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from accel_drift_kernels.portable.namespace import namespace, whole, zeros
from accel_drift_kernels.spec import Array, Bits, Valid


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


def _unpacked(bits: Bits, n: int) -> Array:
    """Arrow's bits as (n,) bool."""
    buffer, first = bits
    xp = namespace(buffer)
    at = whole(first, first + n, buffer, xp.int64)
    byte = xp.take(buffer, at // 8)
    return (byte >> xp.astype(at % 8, xp.uint8)) & 1 == 1


def _present(valid: Valid, n: int, like: Array) -> Array:
    """Which rows have a value, (n,) bool."""
    if valid is None:
        return whole(0, n, like, namespace(like).int64) >= 0
    return _unpacked(valid, n) if isinstance(valid, tuple) else valid


def column_counts(columns: Sequence[tuple[Array, Valid]], cuts: Sequence[Array], /) -> list[Array]:
    """See `spec.OPS["column_counts"]`."""
    return [_counted(values, valid, edges) for (values, valid), edges in zip(columns, cuts, strict=True)]


def _counted(values: Array, valid: Valid, edges: Array) -> Array:
    xp = namespace(values)
    present = _present(valid, values.shape[0], values)
    number = present
    if xp.isdtype(values.dtype, "real floating"):
        number = present & ~xp.isnan(values)
    inside = histogram(values[:, None], edges[None, :], number[:, None])[0, :-1]
    null = xp.sum(xp.astype(~present, xp.int64))
    nan = xp.sum(xp.astype(present ^ number, xp.int64))
    return xp.concat([inside, xp.stack([nan, null])])


def code_counts(codes: Array, valid: Valid, total: int, /) -> Array:
    """See `spec.OPS["code_counts"]`."""
    xp = namespace(codes)
    # A code beyond the largest int64 wraps round to a negative one.
    place = xp.astype(codes, xp.int64)
    inside = _present(valid, codes.shape[0], codes) & (place >= 0) & (place < total)
    return count_codes(xp.where(inside, place, xp.full_like(place, total)), total + 1)


def bit_counts(bits: Bits, valid: Valid, n: int, /) -> Array:
    """See `spec.OPS["bit_counts"]`."""
    xp = namespace(bits[0])
    present, one = _present(valid, n, bits[0]), _unpacked(bits, n)
    return xp.stack([xp.sum(xp.astype(rows, xp.int64)) for rows in (present & ~one, present & one, ~present)])


def count_codes(codes: Array, total: int, /) -> Array:
    """See `spec.OPS["count_codes"]`."""
    xp = namespace(codes)
    edges = whole(0, total + 1, codes, xp.int64)
    places = xp.searchsorted(xp.sort(codes), edges)
    return xp.astype(places[1:] - places[:-1], xp.int64)


def cdf_distances(x: Array, x_mask: Array, y: Array, y_mask: Array, /) -> tuple[Array, Array, Array]:
    """See `spec.OPS["cdf_distances"]`."""
    return distances(x, x_mask, y, y_mask, _tied_sum)


def distances(
    x: Array, x_mask: Array, y: Array, y_mask: Array, tied_sum: Callable[[Array, Array, Array], Array]
) -> tuple[Array, Array, Array]:
    """`cdf_distances` with any way to sum over tied rows; see `_tied_sum` for what that is."""
    xp = namespace(x)
    if x.shape[0] == 0 or y.shape[0] == 0 or x.shape[1] == 0:
        nothing = zeros((x.shape[1],), x, xp.float64)
        return nothing, nothing, nothing
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
    share = xp.astype(gap, xp.float64) / pairs[None, :]
    rows = xp.astype(xp.where(empty, xp.ones_like(n), n + m)[0, :], xp.float64)
    square = tied_sum(share * share, seen_x + seen_y, last) / rows
    return whole_gap / pairs, _area(share[:-1, :], z), square


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
