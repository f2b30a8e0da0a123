"""One tile of a kernel matrix: a product by BLAS, then the kernel's values in one pass.

A tile holds a panel of rows J below each other and a strip of rows I beside each other: rows of one strip lie in the
lanes of a vector. Strips are the pieces of work of a thread; what a strip sums up is its own, and is added in the
order of the strips, so no result depends on the number of threads.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import e, log2, sqrt
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.numba_cpu.lanes import aligned, exp2
from accel_drift_kernels.numba_cpu.threads import vectorised
from accel_drift_kernels.spec import slack

STRIP = 128
"""Rows of a strip: the columns of a tile."""

_TILE_BYTES = 1 << 19
"""Half of a core's own cache, on the processors of today."""

LARGE = 1024
"""Rows from which threads pay."""

SPARE = 32
"""Rows below a tile that a table may be built of, but that no label chooses."""

Floats = npt.NDArray[Any]
GAUSSIAN, LAPLACE, DISTANCE = 0, 1, 2
_KINDS = {"gaussian": GAUSSIAN, "laplace": LAPLACE, "distance": DISTANCE}


class Values(NamedTuple):
    """A kernel at one scale, as `tile_values` takes it.

    `factor` multiplies half the squared distance, or its root; `share` is the slack of `spec`, 0 for the Gaussian.
    """

    kind: int
    factor: Any
    share: Any


@dataclass(frozen=True)
class Pooled:
    """Rows ready for tiles: contiguous, of one float type, with half their squared norms."""

    rows: Floats
    half: Floats

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, chosen: Any) -> Pooled:
        """Some of the rows, copied."""
        return Pooled(self.rows[chosen], self.half[chosen])


def pooled(z: Any) -> Pooled:
    """The rows with half their squared norms, which are those of the rows as rounded: the diagonal is then zero."""
    dtype = z.dtype if z.dtype in (np.float32, np.float64) else np.float32
    rows = np.ascontiguousarray(z, dtype=dtype)
    half = 0.5 * np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    return Pooled(rows, half.astype(dtype))


def values(kernel: str, scales: Any, like: Pooled) -> list[Values]:
    """The kernel at every scale."""
    kind, dtype = _KINDS[kernel], like.rows.dtype.type
    share = 0.0 if kind == GAUSSIAN else slack(like.rows.shape[1], float(np.finfo(dtype).eps))
    factors = {
        GAUSSIAN: [float(s) * log2(e) for s in scales],
        LAPLACE: [sqrt(2.0 * float(s)) * log2(e) for s in scales],
        DISTANCE: [sqrt(2.0 * float(s)) for s in scales],
    }
    return [Values(kind, dtype(factor), dtype(share)) for factor in factors[kind]]


def panel_rows(dtype: Any) -> int:
    """Rows of a panel, a multiple of those of a strip."""
    return int(_TILE_BYTES // (STRIP * np.dtype(dtype).itemsize))


_held = threading.local()


def _room(name: str, dtype: Any) -> Floats:
    """Memory of a tile, one for each thread: fresh memory for every strip would cost as much as a small tile."""
    key = f"{name} {np.dtype(dtype).str}"
    made: Floats | None = getattr(_held, key, None)
    if made is None:
        rows = panel_rows(dtype) + SPARE
        made = aligned(rows * STRIP, dtype).reshape(rows, STRIP)
        setattr(_held, key, made)
    return made


class Buffers:
    """Room for a tile, and for its products where several scales are made of them: that of the thread."""

    def __init__(self, dtype: Any, scales: int) -> None:
        self._several = scales > 1
        self._k = _room("k", dtype)
        self._products = _room("products", dtype) if self._several else self._k

    def kernels(
        self, x: Pooled, panel: slice, y: Pooled, strip: slice, how: Sequence[Values], diagonal: bool
    ) -> Iterator[Floats]:
        """The tile (panel of x, strip of y) of the kernel at each scale; the next one overwrites it."""
        rows, columns = x.rows[panel], y.rows[strip]
        k, made = (room[: len(rows), : len(columns)] for room in (self._k, self._products))
        # A copy: NumPy sends a product of two views of the same rows down a slower symmetric path.
        np.matmul(rows.copy() if diagonal else rows, columns.T, out=made if self._several else k)
        for value in how:
            if self._several:
                k[:] = made
            tile_values(k, x.half[panel], y.half[strip], *value, diagonal)
            yield k


def panels(first: int, last: int, dtype: Any) -> Iterator[slice]:
    """Rows first ... last in panels."""
    step = panel_rows(dtype)
    return (slice(start, min(start + step, last)) for start in range(first, last, step))


def strips(rows: int) -> list[slice]:
    """All rows in strips. In a triangle the first meets the most panels: longest first keeps threads busy."""
    return [slice(start, min(start + STRIP, rows)) for start in range(0, rows, STRIP)]


def above(strip: slice, rows: Pooled) -> Iterator[tuple[slice, bool]]:
    """The panels of a strip's tiles in the upper triangle, and whether the tile has a mirror below the diagonal."""
    yield strip, False
    for panel in panels(strip.stop, len(rows), rows.rows.dtype):
        yield panel, True


@vectorised
def row_values(k: Any, mine: Any, theirs: Any, kind: Any, factor: Any, share: Any) -> None:
    """Products of one row become its kernel values; `mine` is half its squared norm, `theirs` those of the strip."""
    zero = k.dtype.type(0.0)
    if kind == GAUSSIAN:
        for i in range(k.size):
            k[i] = exp2(min(factor * (k[i] - mine - theirs[i]), zero))
    elif kind == LAPLACE:
        for i in range(k.size):
            norms = mine + theirs[i]
            half = norms - k[i]
            k[i] = exp2(-factor * np.sqrt(zero if half <= share * norms else half))
    else:
        for i in range(k.size):
            norms = mine + theirs[i]
            half = norms - k[i]
            k[i] = -factor * np.sqrt(zero if half <= share * norms else half)


@vectorised
def tile_values(k: Any, mine: Any, theirs: Any, kind: Any, factor: Any, share: Any, diagonal: Any) -> None:
    """Products of a tile become kernel values, in place; zeros on the diagonal where the tile lies on it."""
    for j in range(k.shape[0]):
        row_values(k[j], mine[j], theirs, kind, factor, share)
        if diagonal:
            k[j, j] = k.dtype.type(0.0)
