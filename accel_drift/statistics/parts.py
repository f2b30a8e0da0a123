"""What the score of a column is made of: its cells as a reader sees them, the largest term first."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.finding import Part
from accel_drift.statistics.cells import just_below
from accel_drift.statistics.pairs import CategoryPair, Counts

Floats = npt.NDArray[np.float64]

MOST = 30
"""Parts of a finding at most; the cells that matter least are counted together."""


def of_bins(terms: Floats, sides: tuple[Counts, Counts], cuts: npt.NDArray[Any]) -> tuple[Part, ...]:
    """Parts of a numeric column, bins and missing. terms (k,), counts (k,) twice, cuts (k - 2,) ascending."""
    labels = [*bin_labels(cuts), "missing"]
    return _largest_first(labels, ["bin"] * (len(labels) - 1) + ["missing"], terms, sides)


def of_categories(
    terms: Floats, sides: tuple[Counts, Counts], pair: CategoryPair, rows: tuple[int, int] | None = None
) -> tuple[Part, ...]:
    """Parts of a column of categories: each of them, runs of rare ones, and missing.

    Args:
        terms: (k,) what each cell adds to the statistic.
        sides: counts, (k,) twice; the last cell is missing.
        pair: the column, for the names of its categories.
        rows: rows of both sides, where they are not the sums of the counts.
    """
    k, a, b = len(pair.categories), *sides
    kinds = np.where(a[:k] == 0, "unseen", np.where(b[:k] == 0, "vanished", "category")).tolist()
    if pair.runs:
        terms, a, b = (_whole_runs(values, k) for values in (terms, a, b))
    labels = [*pair.categories, *pair.runs, "missing"]
    return _largest_first(labels, [*kinds, *("other" for _ in pair.runs), "missing"], terms, (a, b), rows)


def _whole_runs(values: npt.NDArray[Any], k: int) -> npt.NDArray[Any]:
    """The two cells of every run, which stand between k categories and missing, as one."""
    return np.concatenate([values[:k], values[k:-1].reshape(-1, 2).sum(axis=1), values[-1:]])


def bin_labels(cuts: npt.NDArray[Any]) -> list[str]:
    """Names of the bins between ascending cut points: `<= 1`, `(1, 2]`, `= 3`, `> 4`.

    A bin below an atom, a value with a bin of its own, is named by the atom, `(2, 3)`: its upper end is the number
    just below it, which no reader wants to see.
    """
    text = _texts(cuts)
    values = cuts.tolist()
    # Where a cut stands just below another, what lies between them is the other's value alone.
    heavy = (just_below(cuts[1:]) == cuts[:-1]) & (cuts[:-1] < cuts[1:])
    atoms = set((np.flatnonzero(heavy) + 1).tolist())
    under = {values[i - 1]: text[i] for i in atoms}
    labels = [f"< {under[values[0]]}" if values[0] in under else f"<= {text[0]}"]
    for i in range(1, len(values)):
        end = f"{under[values[i]]})" if values[i] in under else f"{text[i]}]"
        labels.append(f"= {text[i]}" if i in atoms else f"({text[i - 1]}, {end}")
    return [*labels, f"> {text[-1]}"]


def _texts(cuts: npt.NDArray[Any]) -> list[str]:
    """Whole numbers as they are, others with the fewest digits, four or more, that keep them apart."""
    if cuts.dtype.kind != "f":
        return [str(v) for v in cuts.tolist()]
    values = cuts.astype(np.float64).tolist()
    made: list[str] = []
    for digits in (4, 6, 9):
        made = [f"{v:.{digits}g}" for v in values]
        if len(set(made)) == len(set(values)):
            break
    return made


def _largest_first(
    labels: Sequence[str],
    kinds: Sequence[str],
    terms: Floats,
    sides: tuple[Counts, Counts],
    rows: tuple[int, int] | None = None,
) -> tuple[Part, ...]:
    """Parts of the cells that hold rows, the smallest of very many put together as `other`."""
    a, b = sides
    filled = np.flatnonzero(a + b)
    order = filled[np.argsort(-np.abs(terms[filled]), kind="stable")]
    alone = order[: MOST - 1] if len(order) > MOST else order
    merged = order[len(alone) :]
    total = float(terms.sum())
    rows = rows or (int(a.sum()), int(b.sum()))
    cells = [(labels[i], kinds[i], np.array([i])) for i in map(int, alone)]
    if len(merged):
        cells.append(("other", "other", merged))
    made = [
        part(label, kind, float(terms[at].sum()), total, (int(a[at].sum()), int(b[at].sum())), rows)
        for label, kind, at in cells
    ]
    return tuple(sorted(made, key=lambda p: -abs(p.contribution)))


def part(
    label: str, kind: str, contribution: float, total: float, counts: tuple[int, int], rows: tuple[int, int]
) -> Part:
    """One part with its share of the statistic and its direction.

    Args:
        label: what a reader sees.
        kind: see `Part`.
        contribution: its term.
        total: the sum of all terms.
        counts: reference and batch rows in it.
        rows: all reference and batch rows.
    """
    # Cross-multiplied: whole numbers compare exactly.
    gap = counts[1] * rows[0] - counts[0] * rows[1]
    share = contribution / total if total and isfinite(total) else None
    direction = "more" if gap > 0 else ("less" if gap < 0 else "same")
    return Part(label, kind, contribution, share, direction, *counts)
