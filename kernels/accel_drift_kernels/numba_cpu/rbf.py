"""Gaussian kernel sums over tiles: BLAS products, NumPy's vectorised exp, nothing of size N x N.

Work goes by panels of rows J. A panel's labels are unpacked once and serve every strip of rows I <= J, so
each pair of tiles is visited once. Each panel has its own sums; they are added in the order of the panels,
so the result does not depend on the number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.numba_cpu.threads import compiled, on_threads, one_blas_thread

_STRIP = 256
_PANEL = 1024
_LARGE = 2048
"""Rows from which threads pay."""

Floats = npt.NDArray[Any]


def _centred(z: Floats) -> tuple[Floats, Floats]:
    """The rows around their mean, and half their squared norms.

    Distances come from |a|² + |b|² - 2ab: far from the origin that cancels, so the mean goes first (in
    float64). The norms are taken from the rows as rounded, so that the diagonal is zero to the last digit.
    """
    centre = np.mean(z, axis=0, dtype=np.float64) if z.shape[0] else 0.0
    rows = np.ascontiguousarray(z - centre, dtype=z.dtype)
    half = 0.5 * np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    return rows, half.astype(z.dtype)


def _tile(rows: Floats, half: Floats, strip: slice, panel: slice, buffer: Floats) -> Floats:
    """The kernel between a strip and a panel; its diagonal is left at one."""
    height, width = strip.stop - strip.start, panel.stop - panel.start
    k = buffer[: height * width].reshape(height, width)
    # A copy of the strip: NumPy sends a product of two views of the same rows down a slower symmetric path.
    np.matmul(rows[strip].copy() if strip == panel else rows[strip], rows[panel].T, out=k)
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


def rbf_label_sums(z: Any, labels: Any, count: int, /) -> tuple[Floats, Floats, Floats]:
    """See `spec.OPS["rbf_label_sums"]`."""
    n = z.shape[0]
    rows, half = _centred(z)

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
                k = _tile(rows, half, strip, panel, buffer)
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


def rbf_row_sums(z: Any, w: Any, /) -> Floats:
    """See `spec.OPS["rbf_row_sums"]`."""
    n = z.shape[0]
    rows, half = _centred(z)
    weights = np.ascontiguousarray(w, dtype=z.dtype)
    out = np.zeros((n, w.shape[1]))

    def work(top: int) -> None:
        bottom = min(top + _STRIP, n)
        strip = slice(top, bottom)
        buffer = np.empty(_STRIP * _PANEL, dtype=z.dtype)
        for start in range(0, n, _PANEL):
            panel = slice(start, min(start + _PANEL, n))
            k = _tile(rows, half, strip, panel, buffer)
            if start <= top < panel.stop:
                # Strips divide panels, so the whole of the strip's diagonal lies in this one.
                np.fill_diagonal(k[:, top - start : bottom - start], 0.0)
            out[strip] += k @ weights[panel]

    with one_blas_thread:
        on_threads(work, range(0, n, _STRIP), large=n >= _LARGE)
    return out
