"""How many rows come in an hour or a day, by every timestamp of a comparison: told, and not tested.

A rate is no property of the rows: a random tenth of a data set has a tenth of its rate. So it takes part in no verdict,
and neither do the gaps between times unless they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, log, sqrt

import numpy as np
import numpy.typing as npt

from accel_drift.data.calendar import UNITS
from accel_drift.data.schema import Kind
from accel_drift.data.table import NumericColumn, Table

MOST = 3
"""Timestamps that are told of."""

FEW = 10
"""Whole units that the reference must span: else a shorter one is taken, or nothing is told."""

_LONG = 1_000_000
"""Units that a side may span at most."""

_Z = 1.959963984540054


def rate_notes(reference: Table, batch: Table, sizes: tuple[int, int]) -> Iterator[str]:
    """A line a timestamp column: rows a day on both sides, and their ratio with its 95 % interval.

    The unit is a day where the reference spans ten whole ones, else an hour. The interval takes units as independent,
    and goes by how much their counts vary, however much that is.

    Args:
        reference: rows of the reference, perhaps a sample.
        batch: rows of the batch, perhaps a sample.
        sizes: rows of the whole reference and of the whole batch.
    """
    names = [n for n in reference.schema.of(Kind.TIMESTAMP) if n in batch.schema.of(Kind.TIMESTAMP)]
    for name in names[:MOST]:
        for unit in ("day", "hour"):
            a, b = (_counts(side, name, unit) for side in (reference, batch))
            if len(a) >= FEW and len(b) > 1 and a.any() and b.any():
                every = "a day" if unit == "day" else "an hour"
                told = _compared(a * (sizes[0] / reference.rows), b * (sizes[1] / batch.rows))
                yield f"rows {every} by {name}: {told} {unit}s"
                break


def _counts(side: Table, name: str, unit: str) -> npt.NDArray[np.float64]:
    """Rows in each whole unit (of UTC) between the first row's and the last row's, empty ones too."""
    column, known = side.columns[name], side.schema.get(name)
    of_day = known is not None and known.type.startswith(("time32", "time64"))
    if not isinstance(column, NumericColumn) or column.missing == column.rows or of_day:
        return np.zeros(0)
    instants = column.present_values().astype(np.int64).view(f"M8[{column.unit or 's'}]")
    units = instants.astype(f"M8[{UNITS[unit]}]").astype(np.int64)
    first, last = int(units.min()), int(units.max())
    # The first and the last are rarely whole.
    return np.bincount(units - first)[1:-1].astype(np.float64) if last - first <= _LONG else np.zeros(0)


def _compared(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> str:
    ratio = float(b.mean() / a.mean())
    spread = sqrt(sum(float(side.var(ddof=1)) / len(side) / float(side.mean()) ** 2 for side in (a, b)))
    low, high = (exp(log(ratio) + sign * _Z * spread) for sign in (-1, 1))
    return (
        f"{a.mean():,.4g} in the reference, {b.mean():,.4g} in the batch; ratio {ratio:.3g}, 95 % interval "
        f"{low:.3g} to {high:.3g}, from {len(a):,} and {len(b):,}"
    )
