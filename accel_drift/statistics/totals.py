"""Counts of a whole reference, kept where only a sample of its rows is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from accel_drift.data.block import sorted_values
from accel_drift.data.schema import Kind
from accel_drift.data.table import CategoricalColumn, NumericColumn, Table
from accel_drift.statistics import cells


@dataclass(frozen=True, slots=True)
class Bins:
    """Quantile bins of one numeric column: cut points of its own dtype and rows in each bin, missing last."""

    cuts: tuple[Any, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """What the whole reference counted.

    Attributes:
        rows: rows of the reference.
        missing: column -> missing rows.
        tied: numeric columns in which some rows tie.
        categories: column -> category -> rows.
        bins: column -> number of bins -> the bins.
    """

    rows: int
    missing: Mapping[str, int] = field(default_factory=dict)
    tied: frozenset[str] = frozenset()
    categories: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    bins: Mapping[str, Mapping[int, Bins]] = field(default_factory=dict)

    @classmethod
    def of(cls, table: Table, bins: frozenset[int]) -> Totals:
        """Count a table; `bins` are the numbers of quantile bins that the detectors use."""
        missing = {name: int(c.missing) for name, c in table.columns.items()}
        categories, binned, tied = {}, {}, set()
        for name, c in table.columns.items():
            if isinstance(c, CategoricalColumn):
                categories[name] = {t: k for t, k in zip(c.categories, c.counts().tolist(), strict=True) if k}
            elif isinstance(c, NumericColumn) and c.kind is Kind.NUMERIC:
                ordered = sorted_values(c)
                binned[name] = {k: _bins(ordered, k, missing[name]) for k in sorted(bins)}
                if len(ordered) and bool((ordered[1:] == ordered[:-1]).any()):
                    tied.add(name)
        return cls(table.rows, missing, frozenset(tied), categories, binned)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "rows": self.rows,
            "missing": dict(self.missing),
            "tied": sorted(self.tied),
            "categories": {n: dict(c) for n, c in self.categories.items()},
            "bins": {
                n: {str(k): {"cuts": [plain(v) for v in b.cuts], "counts": list(b.counts)} for k, b in by.items()}
                for n, by in self.bins.items()
            },
        }

    @classmethod
    def from_dict(cls, made: Mapping[str, Any]) -> Totals:
        """What `to_dict` gave."""
        return cls(
            int(made["rows"]),
            {n: int(v) for n, v in made["missing"].items()},
            frozenset(made["tied"]),
            {n: {t: int(k) for t, k in c.items()} for n, c in made["categories"].items()},
            {
                n: {int(k): Bins(tuple(map(number_of, b["cuts"])), tuple(map(int, b["counts"]))) for k, b in by.items()}
                for n, by in made["bins"].items()
            },
        )


def _bins(ordered: Any, bins: int, missing: int) -> Bins:
    n = len(ordered)
    if n == 0:
        return Bins((), (0,) * (2 * bins - 1) + (missing,))
    places = cells.quantile_places(np.array([n]), bins)
    cuts = cells.bin_cuts(ordered[places], places)[0]
    # The bin of x is the number of cuts below x; equal cut points make empty bins between them.
    counts = np.diff(np.searchsorted(ordered, cuts, side="right"), prepend=0, append=n)
    return Bins(tuple(cuts.tolist()), (*map(int, counts), missing))


def plain(value: Any) -> Any:
    """A number as JSON holds it, which has no infinities."""
    return value if isinstance(value, int) or np.isfinite(value) else str(value)


def number_of(value: Any) -> Any:
    """What `plain` gave."""
    return float(value) if isinstance(value, str) else value
