"""What is made of a reference's numeric columns once, and serves every batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accel_drift.backends import HOST
from accel_drift.data.block import Columns
from accel_drift.statistics import cells, spread

Counts = npt.NDArray[np.int64]

_FEW_CUTS = 64
"""Cuts up to which rows are not sorted to be counted."""


class Bins(NamedTuple):
    """Quantile bins: cut points (d, 2 bins - 2), see `cells.bin_cuts`, and the reference's rows in them, missing last.

    Shapes: (d, 2 bins - 2), (d, 2 bins).
    """

    cuts: npt.NDArray[Any]
    counts: Counts


@dataclass(frozen=True, eq=False)
class ReferenceColumns:
    """Numeric columns of one type of a reference; each piece is made when it is first asked for."""

    columns: Columns
    _bins: dict[int, Bins] = field(default_factory=dict, init=False, repr=False)

    def bins(self, bins: int) -> Bins:
        """The bins of the rows at hand."""
        if bins not in self._bins:
            present = self.columns.present
            places = cells.quantile_places(present, bins)
            cuts = cells.bin_cuts(self._at(places), places)
            self._bins[bins] = Bins(cuts, counted(self.columns, cuts))
        return self._bins[bins]

    @cached_property
    def half_spread(self) -> npt.NDArray[np.float64]:
        """Half of the spread of the finite values, (d,); see `accel_drift.statistics.spread`."""
        present = self.columns.present
        below = above = np.zeros_like(present)
        if self.columns.dtype.kind == "f":
            ends = np.array([-np.inf, np.finfo(self.columns.dtype).max], self.columns.dtype)
            found = counted(self.columns, np.broadcast_to(ends, (len(present), 2)))
            below, above = found[:, 0], found[:, 2]
        finite = present - below - above
        taken = self._at(below[:, None] + spread.places(finite))
        return spread.of_order_statistics(taken, finite, lambda j: self._column(j)[below[j] : below[j] + finite[j]])

    def _at(self, places: Counts) -> npt.NDArray[Any]:
        """Values at places among the sorted ones of each column, both (d, k)."""
        backend, ordered = self.columns.backend, self.columns.ordered.values
        with backend.scope():
            at = backend.asarray(np.clip(places.T, 0, max(ordered.shape[0] - 1, 0)))
            return backend.to_numpy(backend.xp.take_along_axis(ordered, at, axis=0)).T

    def _column(self, j: int) -> npt.NDArray[Any]:
        """The rows of one column in order, on the host."""
        backend = self.columns.backend
        with backend.scope():
            return backend.to_numpy(self.columns.ordered.values[:, j])


def counted(columns: Columns, cuts: npt.NDArray[Any]) -> Counts:
    """Rows between any cut points (d, c), missing last: (d, c + 2).

    In sorted columns a cut is found by halving. For a few cuts the host's columns need not be sorted: they are counted
    where they lie, in a tenth of the time.
    """
    backend = columns.backend
    kernels = backend.kernels
    alike = all(c.dtype == columns.dtype for c in columns.columns)
    if backend.name == HOST and cuts.shape[1] <= _FEW_CUTS and alike and not columns.is_sorted and len(cuts):
        rows = [(c.values, c.present) for c in (column.on_host() for column in columns.columns)]
        found = np.stack(kernels.column_counts(rows, list(np.ascontiguousarray(cuts))))
        return np.concatenate([found[:, :-2], found[:, -2:].sum(axis=1, keepdims=True)], axis=1)
    with backend.scope():
        at = backend.asarray(np.ascontiguousarray(cuts))
        inside = backend.to_numpy(kernels.sorted_counts(*columns.ordered, at))
    return np.concatenate([inside, (columns.rows - columns.present)[:, None]], axis=1)
