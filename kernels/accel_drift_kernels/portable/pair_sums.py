"""Sums of kernel matrices over tiles; nothing of size N x N is ever made."""

from __future__ import annotations

from collections.abc import Iterator

from accel_drift_kernels.portable.namespace import namespace, whole, zeros
from accel_drift_kernels.spec import Array, slack

_TILE = 1024


def halves(rows: Array) -> Array:
    """Half the squared norms of the rows as they are rounded, so that the diagonal is zero to the last digit."""
    xp = namespace(rows)
    exact = xp.astype(rows, xp.float64)
    return xp.astype(0.5 * xp.sum(exact * exact, axis=1), rows.dtype)


def unpacked(labels: Array, dtype: object) -> Array:
    """Label bits as zeros and ones of a dtype: (rows, 8 x bytes)."""
    xp = namespace(labels)
    shifts = whole(0, 8, labels, xp.uint8)
    bits = (labels[:, :, None] >> shifts) & 1
    return xp.astype(xp.reshape(bits, (labels.shape[0], labels.shape[1] * 8)), dtype)


def half_distances(product: Array, norms: Array, columns: int, kernel: str) -> Array:
    """Half the squared distances from products ab and the sums |a|²/2 + |b|²/2 of the same shape.

    Where a root follows, what is within rounding of 0 is 0.
    """
    xp = namespace(product)
    half = norms - product
    least = 0.0 if kernel == "gaussian" else slack(columns, float(xp.finfo(product.dtype).eps)) * norms
    return xp.where(half <= least, xp.zeros_like(half), half)


def kernel_of(half: Array, kernel: str, scale: Array) -> Array:
    """The kernel from half the squared distances and one scale."""
    xp = namespace(half)
    if kernel == "gaussian":
        return xp.exp(-scale * half)
    root = xp.sqrt((2.0 * scale) * half)
    return xp.exp(-root) if kernel == "laplace" else -root


def _tile(x: tuple[Array, Array], y: tuple[Array, Array], kernel: str) -> Array:
    product = x[0] @ transposed(y[0])
    return half_distances(product, x[1][:, None] + y[1][None, :], x[0].shape[1], kernel)


def transposed(rows: Array) -> Array:
    """Rows as columns."""
    return namespace(rows).matrix_transpose(rows)


def _diagonal(size: int, like: Array) -> Array:
    place = whole(0, size, like, namespace(like).int64)
    return place[:, None] == place[None, :]


def _tiles(n: int) -> list[slice]:
    return [slice(start, min(start + _TILE, n)) for start in range(0, n, _TILE)]


def _upper(z: Array, kernel: str, scales: Array) -> Iterator[tuple[int, slice, slice, Array]]:
    """(place of the scale, rows, columns, kernel) of every tile at and above the diagonal, whose cells are 0."""
    xp = namespace(z)
    half, tiles = halves(z), _tiles(z.shape[0])
    for j, b in enumerate(tiles):
        for a in tiles[: j + 1]:
            near = _tile((z[a, :], half[a]), (z[b, :], half[b]), kernel)
            for s in range(scales.shape[0]):
                k = kernel_of(near, kernel, xp.astype(scales[s], z.dtype))
                yield s, a, b, xp.where(_diagonal(k.shape[0], z), xp.zeros_like(k), k) if a == b else k


def pair_label_sums(z: Array, labels: Array, count: int, kernel: str, scales: Array, /) -> tuple[Array, Array, Array]:
    """See `spec.OPS["pair_label_sums"]`."""
    xp, many = namespace(z), scales.shape[0]
    quad, linear = ([zeros((count,), z, xp.float64)] * many for _ in range(2))
    total = [zeros((), z, xp.float64)] * many
    for s, a, b, k in _upper(z, kernel, scales):
        ones = unpacked(labels[b, :], z.dtype)[:, :count]
        mine = xp.astype(unpacked(labels[a, :], z.dtype)[:, :count], xp.float64)
        y = xp.astype(k @ ones, xp.float64)
        sums = xp.astype(xp.sum(k, axis=1), xp.float64)
        weight = 1.0 if a == b else 2.0
        quad[s] = quad[s] + weight * xp.sum(mine * y, axis=0)
        linear[s] = linear[s] + xp.sum(mine * sums[:, None], axis=0)
        if a != b:
            # The mirror tile below the diagonal adds the column sums of the panel's labelled columns.
            linear[s] = linear[s] + xp.sum(y, axis=0)
        total[s] = total[s] + weight * xp.sum(sums)
    return xp.stack(quad), xp.stack(linear), xp.stack(total)


def pair_row_sums(z: Array, w: Array, kernel: str, scales: Array, /) -> Array:
    """See `spec.OPS["pair_row_sums"]`."""
    xp = namespace(z)
    weights, tiles = xp.astype(w, z.dtype), _tiles(z.shape[0])
    out = [[zeros((t.stop - t.start, w.shape[1]), z, xp.float64) for t in tiles] for _ in range(scales.shape[0])]
    for s, a, b, k in _upper(z, kernel, scales):
        i, j = a.start // _TILE, b.start // _TILE
        out[s][i] = out[s][i] + xp.astype(k @ weights[b, :], xp.float64)
        if a != b:
            # The mirror tile below the diagonal.
            out[s][j] = out[s][j] + xp.astype(transposed(k) @ weights[a, :], xp.float64)
    if not tiles:
        return zeros((scales.shape[0], 0, w.shape[1]), z, xp.float64)
    return xp.stack([xp.concat(parts, axis=0) for parts in out])


def _runs(ends: Array, rows: int, like: Array) -> Array:
    """The indicators of runs of rows, (rows, G) float64."""
    xp = namespace(like)
    place = whole(0, rows, like, xp.int64)[:, None]
    starts = xp.concat([zeros((1,), like, xp.int64), ends[:-1]]) if ends.shape[0] else ends
    return xp.astype((place >= starts[None, :]) & (place < ends[None, :]), xp.float64)


def pair_group_sums(z: Array, ends: Array, kernel: str, scales: Array, /) -> Array:
    """See `spec.OPS["pair_group_sums"]`."""
    runs = _runs(ends, z.shape[0], z)
    made = transposed(runs)[None, :, :] @ pair_row_sums(z, runs, kernel, scales)
    return (made + transposed(made)) / 2.0


def cross_row_sums(x: Array, y: Array, w: Array, v: Array, kernel: str, scales: Array, /) -> tuple[Array, Array]:
    """See `spec.OPS["cross_row_sums"]`."""
    xp = namespace(x)
    across, along, mine, theirs = xp.astype(w, x.dtype), xp.astype(v, x.dtype), halves(x), halves(y)
    made: tuple[list[Array], list[Array]] = [], []
    for s in range(scales.shape[0]):
        scale, rows = xp.astype(scales[s], x.dtype), [zeros((0, w.shape[1]), x, xp.float64)]
        columns = [zeros((b.stop - b.start, v.shape[1]), x, xp.float64) for b in _tiles(y.shape[0])]
        for a in _tiles(x.shape[0]):
            part = zeros((a.stop - a.start, w.shape[1]), x, xp.float64)
            for j, b in enumerate(_tiles(y.shape[0])):
                k = kernel_of(_tile((x[a, :], mine[a]), (y[b, :], theirs[b]), kernel), kernel, scale)
                part = part + xp.astype(k @ across[b, :], xp.float64)
                columns[j] = columns[j] + xp.astype(transposed(k) @ along[a, :], xp.float64)
            rows.append(part)
        made[0].append(xp.concat(rows, axis=0))
        made[1].append(xp.concat([zeros((0, v.shape[1]), x, xp.float64), *columns], axis=0))
    return xp.stack(made[0]), xp.stack(made[1])


def cross_group_sums(x: Array, x_ends: Array, y: Array, y_ends: Array, kernel: str, scales: Array, /) -> Array:
    """See `spec.OPS["cross_group_sums"]`."""
    none = zeros((x.shape[0], 0), x, namespace(x).float64)
    sums, _ = cross_row_sums(x, y, _runs(y_ends, y.shape[0], y), none, kernel, scales)
    return transposed(_runs(x_ends, x.shape[0], x))[None, :, :] @ sums


def subset_pair_sums(z: Array, subsets: Array, kernel: str, scales: Array, /) -> Array:
    """See `spec.OPS["subset_pair_sums"]`."""
    xp = namespace(z)
    made = [zeros((scales.shape[0], 0), z, xp.float64)]
    for p in range(subsets.shape[0]):
        rows = xp.take(z, subsets[p, :], axis=0)
        ones = zeros((rows.shape[0], 1), z, xp.float64) + 1.0
        made.append(xp.sum(pair_row_sums(rows, ones, kernel, scales), axis=1))
    return xp.concat(made, axis=1)
