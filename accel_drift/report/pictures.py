"""The numbers that the report's pictures are drawn from: aggregates only, never a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from accel_drift.report.plain import plain


@dataclass(frozen=True, slots=True)
class Distribution:
    """How the rows of one column fall into cells, in the reference and in the batch.

    Attributes:
        column: the column's name.
        kind: numeric, categorical or boolean.
        labels: one per cell, in order; "other" and "missing" may come last.
        edges: the cut points between numeric cells, one fewer than there are such cells; () for categories.
        reference: reference rows in each cell.
        batch: batch rows in each cell.
    """

    column: str
    kind: str
    labels: tuple[str, ...]
    edges: tuple[float, ...]
    reference: tuple[int, ...]
    batch: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """The counts as plain JSON values; an infinite edge becomes the text "inf" or "-inf"."""
        return {
            "column": self.column,
            "kind": self.kind,
            "labels": list(self.labels),
            "edges": plain(self.edges),
            "reference": plain(self.reference),
            "batch": plain(self.batch),
        }


@dataclass(frozen=True, slots=True)
class NullPicture:
    """What a statistic looks like where nothing has drifted, beside the value that was observed.

    Attributes:
        detector: the detector's name.
        column: the column, or for a joint detector the columns joined with ", ".
        edges: ascending ends of the histogram's bars, one more than there are bars.
        counts: draws of the null in each bar.
        observed: the statistic of the data.
        p_value: the share of the null at or above it, counting the observed one.
    """

    detector: str
    column: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    observed: float
    p_value: float

    def to_dict(self) -> dict[str, Any]:
        """The histogram as plain JSON values."""
        return {
            "detector": self.detector,
            "column": self.column,
            "edges": plain(self.edges),
            "counts": plain(self.counts),
            "observed": plain(self.observed),
            "p_value": plain(self.p_value),
        }
