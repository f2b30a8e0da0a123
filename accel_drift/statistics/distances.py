"""How far apart rows are: the length by which a kernel's bandwidth and the weight of an embedding are chosen."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.statistics import draws

EXACT_MEDIAN_ROWS = 2000
_PAIRS = 1_000_000
_SORT_COLUMNS = 8


def median_distance(z: Any, seed: int, backend: Backend) -> float:
    """Median of the distances between different rows of z (N, d): the bandwidth by the usual rule.

    All pairs up to 2,000 rows, a million seeded pairs above (relative error below 1e-3). What comes to the host are
    those rows or the distances of those pairs.
    Source: Gretton et al. 2012, section 8.
    """
    distances = _distances(z, seed, backend)
    middle = float(np.median(distances)) if len(distances) else 0.0
    if middle == 0.0 and distances.any():
        # More than half of the pairs are equal rows: take the median of those that are not.
        middle = float(np.median(distances[distances > 0]))
    return middle


def distance_quantiles(z: Any, shares: tuple[float, ...], seed: int, backend: Backend) -> tuple[float, ...]:
    """Quantiles of the distances between different rows of z (N, d), of the same pairs as the median.

    Where the smallest would be 0, since many rows are equal, those of the distances that are not; 0 where all are.
    """
    distances = _distances(z, seed, backend)
    if not distances.any():
        return (0.0,) * len(shares)
    found = np.quantile(distances, shares)
    if not found.all():
        found = np.quantile(distances[distances > 0], shares)
    return tuple(float(q) for q in found)


def _distances(z: Any, seed: int, backend: Backend) -> npt.NDArray[np.float64]:
    """Distances of all pairs of rows, or of a million seeded pairs where there are more than 2,000 rows."""
    with backend.scope():
        if z.shape[0] <= EXACT_MEDIAN_ROWS:
            from scipy.spatial.distance import pdist

            return np.asarray(pdist(backend.to_numpy(z)))
        return np.asarray(backend.to_numpy(_some_distances(z, draws.key(seed, "mmd", "pairs"), backend)))


def _some_distances(z: Any, stream: npt.NDArray[np.uint32], backend: Backend) -> Any:
    """Distances of seeded pairs of different rows; of sorted rows, so that their order does not matter."""
    xp, rows = backend.xp, z.shape[0]
    order = _row_order(z, backend)
    # A 32-bit word times the number of rows: high half. The second row is any but the first.
    high, low = draws.words(stream, 0, 1, _PAIRS)[:, 0, :].astype(np.uint64)
    i = ((high * np.uint64(rows)) >> np.uint64(32)).astype(np.int64)
    j = (i + 1 + ((low * np.uint64(rows - 1)) >> np.uint64(32)).astype(np.int64)) % rows
    one, other = (xp.take(order, backend.asarray(place), axis=0) for place in (i, j))
    return backend.kernels.pair_distances(z, one, other)


def _row_order(z: Any, backend: Backend) -> Any:
    """Places of the rows in sorted order. Columns after the first few are looked at only where those tie."""
    xp, width = backend.xp, z.shape[1]
    order = _sorted_by(z, min(width, _SORT_COLUMNS), backend)
    if width <= _SORT_COLUMNS:
        return order
    first = xp.take(z[:, :_SORT_COLUMNS], order, axis=0)
    tied = xp.any(xp.all(first[1:, :] == first[:-1, :], axis=1))
    return _sorted_by(z, width, backend) if backend.to_numpy(tied) else order


def _sorted_by(z: Any, columns: int, backend: Backend) -> Any:
    xp = backend.xp
    order = backend.asarray(np.arange(z.shape[0], dtype=np.int64))
    for column in range(columns):
        order = xp.take(order, xp.argsort(xp.take(z[:, column], order, axis=0), stable=True), axis=0)
    return order
