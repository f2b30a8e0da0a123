"""How often detectors reject where nothing drifts, and where something does: one generator, one runner.

A level study needs thousands of independent pairs of data sets. A detector that looks at columns one by one takes a
wide table as many pairs at once: every column is drawn on its own, so 200 columns are 200 pairs. A joint detector
gets one pair at a time. Raw p-values are counted, before any correction; `min_effect` plays no part in them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from accel_drift.backends import get_backend
from accel_drift.data.read import read_table
from accel_drift.detectors import get_class, get_detector, names
from accel_drift.detectors.base import Detector
from accel_drift.statistics.comparison import Comparison, Plan, pair_tables

ALPHA = 0.05
SIZES = (100, 500, 2000)
WIDTH = 200
"""Pairs in one wide table."""

CATEGORIES = 200
STANDARD_ERRORS = 4.75

DETECTORS: Mapping[str, type[Detector]] = {name: get_class(name) for name in names()}
"""Every detector there is, looked up once."""

ALONE = ("missing", "unseen")
"""Detectors that look for one thing only, and not at values."""

Values: TypeAlias = npt.NDArray[Any]
Draw: TypeAlias = Callable[[np.random.Generator, int], Values]


def _normal(rng: np.random.Generator, rows: int) -> Values:
    return rng.standard_normal(rows)


def _t2(rng: np.random.Generator, rows: int) -> Values:
    return rng.standard_t(2, rows)


def _poisson(rng: np.random.Generator, rows: int) -> Values:
    return rng.poisson(3, rows)


def _zeros(rng: np.random.Generator, rows: int) -> Values:
    return np.where(rng.random(rows) < 0.75, 0.0, rng.standard_normal(rows))


def _zipf(rng: np.random.Generator, rows: int) -> Values:
    mass = 1.0 / np.arange(1, CATEGORIES + 1)
    place = rng.choice(CATEGORIES, rows, p=mass / mass.sum())
    return _NAMES[place]


def _missing(rng: np.random.Generator, rows: int) -> Values:
    return np.where(rng.random(rows) < 0.05, np.nan, rng.standard_normal(rows))


def _zipf_missing(rng: np.random.Generator, rows: int) -> Values:
    values: Values = _zipf(rng, rows).astype(object)
    values[rng.random(rows) < 0.05] = None
    return values


_NAMES = np.array([f"c{i:03d}" for i in range(CATEGORIES)])

COLUMNS: Mapping[str, Draw] = {
    "normal": _normal,
    "t2": _t2,
    "poisson": _poisson,
    "zeros": _zeros,
    "zipf": _zipf,
    "missing": _missing,
    "zipf_missing": _zipf_missing,
}
"""Name -> draw of one column: normal, Student's t with 2 degrees, Poisson(3), 75 % zeros and the rest normal, Zipf over
200 categories, normal with 5 % missing, and the Zipf column with 5 % missing."""

CATEGORICAL = frozenset({"zipf", "zipf_missing"})


@dataclass(frozen=True, slots=True)
class Tally:
    """What a study of one detector on one kind of column counted.

    Attributes:
        rejected: pairs with a p-value of at most alpha.
        tested: pairs with a p-value at all.
        pairs: pairs drawn.
        alpha: the level asked for.
    """

    rejected: int
    tested: int
    pairs: int
    alpha: float = ALPHA

    @property
    def rate(self) -> float:
        """Share of all pairs that was rejected."""
        return self.rejected / self.pairs

    @property
    def bound(self) -> float:
        """The rate that a valid test stays below: 4.75 standard errors above alpha."""
        return self.alpha + STANDARD_ERRORS * sqrt(self.alpha * (1 - self.alpha) / self.pairs)


def applies(detector: str | Detector, column: str) -> bool:
    """Whether a detector tests columns of this kind at all (with nothing missing there is nothing for `missing`)."""
    asked = DETECTORS[detector] if isinstance(detector, str) else type(detector)
    if asked.name == "missing":
        return column.endswith("missing")
    kind = "categorical" if column in CATEGORICAL else "numeric"
    return kind in {str(k) for k in asked.kinds}


def compare(
    reference: Mapping[str, Values], batch: Mapping[str, Values], kind: str, block: int | None = None
) -> Comparison:
    """Two sets of columns side by side; the kind is said, so that no rule about the values decides it."""
    names = tuple(reference)
    a = read_table({n: _arrow(v) for n, v in reference.items()}, kinds=dict.fromkeys(names, kind), name="reference")
    b = read_table({n: _arrow(v) for n, v in batch.items()}, schema=a.schema, columns=names, name="batch")
    return pair_tables(a, b, names, get_backend("numpy"), block)


def wide(
    seed: Sequence[int], names: Sequence[str], n: int, m: int, draw: Draw, other: Draw, kind: str = "numeric",
    block: int | None = None,
) -> Comparison:  # fmt: skip
    """A table in which every column is a pair of samples of its own."""
    rng = np.random.default_rng(list(seed))
    reference = {name: draw(rng, n) for name in names}
    batch = {name: other(rng, m) for name in names}
    return compare(reference, batch, kind, block)


def _arrow(values: Values) -> Any:
    """Texts as Arrow, which reads them sooner; numbers as they are."""
    return values if values.dtype.kind in "fi" else pa.array(values.tolist())


def p_values(
    detector: str | Detector,
    column: str,
    n: int,
    m: int,
    pairs: int,
    seed: int,
    alpha: float = ALPHA,
    change: Draw | None = None,
) -> npt.NDArray[np.float64]:
    """Raw p-values of independent pairs, (pairs,); NaN where nothing was tested.

    Args:
        detector: a detector or its name; its level and seed are replaced.
        column: a name of `COLUMNS`.
        n: rows of each reference.
        m: rows of each batch.
        pairs: how many pairs of data sets.
        seed: decides the data and the permutations.
        alpha: the level.
        change: draws the batch's column instead; None for no drift.
    """
    made = _made(detector, alpha, seed)
    width = 1 if made.joint else WIDTH
    kind = "categorical" if column in CATEGORICAL else "numeric"
    found = []
    for first in range(0, pairs, width):
        names = [f"x{i}" for i in range(first, min(pairs, first + width))]
        place = (seed, n, m, first, sorted(COLUMNS).index(column))
        comparison = wide(place, names, n, m, COLUMNS[column], change or COLUMNS[column], kind)
        # Intervals play no part in a level.
        outcomes = made.outcomes(comparison, Plan(alpha, alpha, seed + first, intervals=False))
        found += [o.p_value for o in sorted(outcomes, key=lambda o: int(o.column[1:]))]
    return np.array(found, dtype=np.float64)


def rejections(
    detector: str | Detector,
    column: str,
    n: int,
    m: int,
    pairs: int,
    seed: int,
    alpha: float = ALPHA,
    change: Draw | None = None,
) -> Tally:
    """Count rejections over independent pairs of data sets. Arguments as in `p_values`."""
    p = p_values(detector, column, n, m, pairs, seed, alpha, change)
    return Tally(int((p <= alpha).sum()), int(np.isfinite(p).sum()), pairs, alpha)


def _made(detector: str | Detector, alpha: float, seed: int) -> Detector:
    made = get_detector(detector) if isinstance(detector, str) else detector
    return replace(made, alpha=alpha, seed=seed)
