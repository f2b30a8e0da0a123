"""Binning and counting."""

from __future__ import annotations

from collections.abc import Sequence

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


def code_counts(columns: Sequence[tuple[Array, Valid]], totals: Sequence[int], /) -> list[Array]:
    """See `spec.OPS["code_counts"]`."""
    return [_codes(codes, valid, total) for (codes, valid), total in zip(columns, totals, strict=True)]


def _codes(codes: Array, valid: Valid, total: int) -> Array:
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
