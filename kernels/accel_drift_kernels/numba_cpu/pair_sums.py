"""Sums of kernel matrices over tiles: BLAS products, vectorised exp or root, nothing of size N x N.

Work goes by panels of rows J. A panel's labels are unpacked once and serve every strip of rows I <= J, so
each pair of tiles is visited once. Each panel has its own sums; they are added in the order of the panels,
so the result does not depend on the number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.numba_cpu.threads import compiled, on_threads, one_blas_thread, thread_count
from accel_drift_kernels.spec import slack

_STRIP = 256
_PANEL = 1024
_LARGE = 2048
"""Rows from which threads pay."""

Floats = npt.NDArray[Any]


def _centred(z: Floats, scale: float) -> tuple[Floats, Floats]:
    rows = np.ascontiguousarray(z * np.sqrt(scale), dtype=z.dtype)
    half = 0.5 * np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    return rows, half.astype(z.dtype)


@compiled
def _negated_distances(k: Any, first: Any, second: Any, share: Any) -> None:
    """Products ab in k become -|a - b|; `first` and `second` are half the squared norms, `share` is the slack."""
    two = k.dtype.type(2.0)
    zero = k.dtype.type(0.0)
    for i in range(k.shape[0]):
        for j in range(k.shape[1]):
            norms = first[i] + second[j]
            half = norms - k[i, j]
            k[i, j] = -np.sqrt(two * (zero if half <= share * norms else half))


def _tile(rows: Floats, half: Floats, strip: slice, panel: slice, buffer: Floats, kernel: str) -> Floats:
    """The kernel between a strip and a panel; its diagonal is left as it comes."""
    height, width = strip.stop - strip.start, panel.stop - panel.start
    k = buffer[: height * width].reshape(height, width)
    # A copy of the strip: NumPy sends a product of two views of the same rows down a slower symmetric path.
    np.matmul(rows[strip].copy() if strip == panel else rows[strip], rows[panel].T, out=k)
    if kernel != "gaussian":
        share = k.dtype.type(slack(rows.shape[1], float(np.finfo(k.dtype).eps)))
        _negated_distances(k, half[strip], half[panel], share)
        return np.exp(k, out=k) if kernel == "laplace" else k
    k -= half[strip, None]
    k -= half[None, panel]
    np.minimum(k, 0.0, out=k)
    np.exp(k, out=k)
    return k


@compiled
def _label_sums(y: Any, labels: Any, sums: Any, above: bool, quad: Any, linear: Any) -> None:
    """Add one tile: `y` = K @ (labels of the panel), `sums` = row sums of K, `labels` those of the strip."""
    count = quad.size
    weight = 2.0 if above else 1.0
    for i in range(y.shape[0]):
        row = float(sums[i])
        for p in range(count):
            one = float(labels[i, p])
            value = float(y[i, p])
            quad[p] += weight * one * value
            linear[p] += one * row
        if above:
            # The mirror tile below the diagonal adds the column sums of the panel's labelled columns.
            for p in range(count):
                linear[p] += y[i, p]


def _unpacked(labels: Any, count: int) -> npt.NDArray[np.uint8]:
    return np.unpackbits(labels, axis=1, count=count, bitorder="little")


def pair_label_sums(z: Any, labels: Any, count: int, kernel: str, scales: Any, /) -> tuple[Floats, Floats, Floats]:
    """See `spec.OPS["pair_label_sums"]`."""
    made = [_label_sums_at(z, labels, count, kernel, scale) for scale in scales]
    return np.stack([m[0] for m in made]), np.stack([m[1] for m in made]), np.stack([m[2] for m in made])


def pair_row_sums(z: Any, w: Any, kernel: str, scales: Any, /) -> Floats:
    """See `spec.OPS["pair_row_sums"]`."""
    return np.stack([_row_sums_at(z, w, kernel, scale) for scale in scales])


def _label_sums_at(z: Any, labels: Any, count: int, kernel: str, scale: float) -> tuple[Floats, Floats, Floats]:
    n = z.shape[0]
    rows, half = _centred(z, scale)

    def work(start: int) -> tuple[Floats, Floats, float]:
        stop = min(start + _PANEL, n)
        ones = _unpacked(labels[start:stop], count).astype(z.dtype)
        quad, linear, total = np.zeros(count), np.zeros(count), 0.0
        buffer = np.empty(_STRIP * _PANEL, dtype=z.dtype)
        product = np.empty((_STRIP, count), dtype=z.dtype)
        for top in range(0, stop, _STRIP):
            bottom = min(top + _STRIP, stop)
            strip = slice(top, bottom)
            mine = _unpacked(labels[strip], count)
            y = product[: bottom - top]
            pieces = [(strip, False), (slice(bottom, stop), True)] if top >= start else [(slice(start, stop), True)]
            for panel, above in pieces:
                if panel.start == panel.stop:
                    continue
                k = _tile(rows, half, strip, panel, buffer, kernel)
                if not above:
                    np.fill_diagonal(k, 0.0)
                np.matmul(k, ones[panel.start - start : panel.stop - start], out=y)
                sums = k.sum(axis=1)
                _label_sums(y, mine, sums, above, quad, linear)
                total += (2.0 if above else 1.0) * float(np.sum(sums, dtype=np.float64))
        return quad, linear, total

    # The last panel meets the most strips: longest first keeps the threads busy to the end.
    panels = list(range(0, n, _PANEL))[::-1]
    with one_blas_thread:
        parts = on_threads(work, panels, large=n >= _LARGE)
    quad, linear, total = np.zeros(count), np.zeros(count), 0.0
    for part in reversed(parts):
        quad += part[0]
        linear += part[1]
        total += part[2]
    return quad, linear, np.asarray(total)


def _row_sums_at(z: Any, w: Any, kernel: str, scale: float) -> Floats:
    n = z.shape[0]
    rows, half = _centred(z, scale)
    weights = np.ascontiguousarray(w, dtype=z.dtype)
    out = np.zeros((n, w.shape[1]))

    def work(start: int) -> Floats:
        """What the tiles of one panel, at and above the diagonal, add to the rows up to its end."""
        stop = min(start + _PANEL, n)
        panel = slice(start, stop)
        part = np.zeros((stop, w.shape[1]))
        buffer = np.empty(_STRIP * _PANEL, dtype=z.dtype)
        for top in range(0, stop, _STRIP):
            strip = slice(top, min(top + _STRIP, stop))
            k = _tile(rows, half, strip, panel, buffer, kernel)
            if top >= start:
                # Strips divide panels, so the whole of the strip's diagonal lies in this one.
                np.fill_diagonal(k[:, top - start :], 0.0)
            part[strip] += k @ weights[panel]
            if top < start:
                part[panel] += k.T @ weights[strip]
        return part

    # A few panels at a time bound the memory; added in their order, whatever the number of threads.
    panels = list(range(0, n, _PANEL))
    wave = 2 * thread_count()
    with one_blas_thread:
        for first in range(0, len(panels), wave):
            for part in on_threads(work, panels[first : first + wave], large=n >= _LARGE):
                out[: len(part)] += part
    return out
