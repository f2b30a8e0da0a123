"""Sums of kernel matrices over tiles; nothing of size N x N is ever made."""

from __future__ import annotations

from accel_drift_kernels.portable.namespace import namespace, whole, zeros
from accel_drift_kernels.spec import Array, slack

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


def kernel_of(product: Array, norms: Array, columns: int, kernel: str) -> Array:
    """The kernel from products ab and the sums |a|²/2 + |b|²/2 of the same shape."""
    xp = namespace(product)
    zero = xp.zeros_like(product)
    if kernel == "gaussian":
        return xp.exp(xp.minimum(product - norms, zero))
    near = norms - product <= slack(columns, float(xp.finfo(product.dtype).eps)) * norms
    return -xp.sqrt(2.0 * xp.where(near, zero, norms - product))


def _tile(rows: Array, half: Array, a: slice, b: slice, kernel: str) -> Array:
    """The kernel between two ranges of rows, with zeros on the diagonal of the whole matrix."""
    xp = namespace(rows)
    product = rows[a, :] @ xp.matrix_transpose(rows[b, :])
    k = kernel_of(product, half[a][:, None] + half[b][None, :], rows.shape[1], kernel)
    if a != b:
        return k
    place = whole(0, k.shape[0], rows, xp.int64)
    return xp.where(place[:, None] == place[None, :], xp.zeros_like(k), k)


def _tiles(n: int) -> list[slice]:
    return [slice(start, min(start + _TILE, n)) for start in range(0, n, _TILE)]


def pair_label_sums(z: Array, labels: Array, count: int, kernel: str, /) -> tuple[Array, Array, Array]:
    """See `spec.OPS["pair_label_sums"]`."""
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
            k = _tile(rows, half, tiles[i], panel, kernel)
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


def pair_row_sums(z: Array, w: Array, kernel: str, /) -> Array:
    """See `spec.OPS["pair_row_sums"]`."""
    xp = namespace(z)
    if z.shape[0] == 0:
        return zeros((0, w.shape[1]), z, xp.float64)
    rows, half = centred(z)
    weights = xp.astype(w, z.dtype)
    tiles = _tiles(z.shape[0])
    out = [zeros((t.stop - t.start, w.shape[1]), z, xp.float64) for t in tiles]
    for j, panel in enumerate(tiles):
        for i in range(j + 1):
            k = _tile(rows, half, tiles[i], panel, kernel)
            out[i] = out[i] + xp.astype(k @ weights[panel, :], xp.float64)
            if i != j:
                # The mirror tile below the diagonal.
                out[j] = out[j] + xp.astype(xp.matrix_transpose(k) @ weights[tiles[i], :], xp.float64)
    return xp.concat(out, axis=0)
