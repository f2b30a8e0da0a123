"""Gaussian kernel sums over tiles; nothing of size N x N is ever made."""

from __future__ import annotations

from accel_drift_kernels.portable.namespace import namespace, whole, zeros
from accel_drift_kernels.spec import Array

_TILE = 1024


def centred(z: Array) -> tuple[Array, Array]:
    """The rows around their mean, and half their squared norms.

    Distances come from |a|² + |b|² - 2ab: far from the origin that cancels, so the mean goes first (in
    float64). The norms are taken from the rows as rounded, so that the diagonal is zero to the last digit.
    """
    xp = namespace(z)
    wide = xp.astype(z, xp.float64)
    rows = xp.astype(wide - xp.mean(wide, axis=0, keepdims=True), z.dtype)
    exact = xp.astype(rows, xp.float64)
    return rows, xp.astype(0.5 * xp.sum(exact * exact, axis=1), z.dtype)


def unpacked(labels: Array, dtype: object) -> Array:
    """Label bits as zeros and ones of a dtype: (rows, 8 x bytes)."""
    xp = namespace(labels)
    shifts = whole(0, 8, labels, xp.uint8)
    bits = (labels[:, :, None] >> shifts) & 1
    return xp.astype(xp.reshape(bits, (labels.shape[0], labels.shape[1] * 8)), dtype)


def _tile(rows: Array, half: Array, a: slice, b: slice) -> Array:
    """The kernel between two ranges of rows, with zeros on the diagonal of the whole matrix."""
    xp = namespace(rows)
    exponent = rows[a, :] @ xp.matrix_transpose(rows[b, :]) - half[a][:, None] - half[b][None, :]
    k = xp.exp(xp.minimum(exponent, xp.zeros_like(exponent)))
    if a != b:
        return k
    place = whole(0, k.shape[0], rows, xp.int64)
    return xp.where(place[:, None] == place[None, :], xp.zeros_like(k), k)


def _tiles(n: int) -> list[slice]:
    return [slice(start, min(start + _TILE, n)) for start in range(0, n, _TILE)]


def rbf_label_sums(z: Array, labels: Array, count: int, /) -> tuple[Array, Array, Array]:
    """See `spec.OPS["rbf_label_sums"]`."""
    xp = namespace(z)
    quad, linear = zeros((count,), z, xp.float64), zeros((count,), z, xp.float64)
    total = zeros((), z, xp.float64)
    if z.shape[0] == 0:
        return quad, linear, total
    rows, half = centred(z)
    tiles = _tiles(z.shape[0])
    for j, panel in enumerate(tiles):
        ones = unpacked(labels[panel, :], z.dtype)[:, :count]
        for i in range(j + 1):
            k = _tile(rows, half, tiles[i], panel)
            mine = xp.astype(unpacked(labels[tiles[i], :], z.dtype)[:, :count], xp.float64)
            y = xp.astype(k @ ones, xp.float64)
            sums = xp.astype(xp.sum(k, axis=1), xp.float64)
            weight = 1.0 if i == j else 2.0
            quad = quad + weight * xp.sum(mine * y, axis=0)
            linear = linear + xp.sum(mine * sums[:, None], axis=0)
            if i != j:
                # The mirror tile below the diagonal adds the column sums of the panel's labelled columns.
                linear = linear + xp.sum(y, axis=0)
            total = total + weight * xp.sum(sums)
    return quad, linear, total


def rbf_row_sums(z: Array, w: Array, /) -> Array:
    """See `spec.OPS["rbf_row_sums"]`."""
    xp = namespace(z)
    if z.shape[0] == 0:
        return zeros((0, w.shape[1]), z, xp.float64)
    rows, half = centred(z)
    weights = xp.astype(w, z.dtype)
    strips = []
    for strip in _tiles(z.shape[0]):
        out = zeros((strip.stop - strip.start, w.shape[1]), z, xp.float64)
        for panel in _tiles(z.shape[0]):
            out = out + xp.astype(_tile(rows, half, strip, panel) @ weights[panel, :], xp.float64)
        strips.append(out)
    return xp.concat(strips, axis=0)
