"""Relabelled counts against what relabelling the rows themselves gives."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from accel_drift.statistics import draws, nulls, scores
from accel_drift.statistics.cells import rebin
from accel_drift.statistics.drawn import Drawn
from accel_drift.statistics.pairs import Table
from tests import oracles

Values = npt.NDArray[Any]


def _table(values: Values, n: int) -> Table:
    """One cell a distinct value of one column, missing (NaN) last, the first n rows the reference."""
    known = np.unique(values[~np.isnan(values)])
    cell = np.where(np.isnan(values), len(known), np.searchsorted(known, values))
    a, b = (np.bincount(side, minlength=len(known) + 1).astype(np.int64) for side in (cell[:n], cell[n:]))
    return Table(a[None, None], b[None, None])


def _psi_by_hand(values: Values, mark: npt.NDArray[np.bool_], bins: int) -> float:
    return oracles.psi(oracles.quantile_cells(list(values[mark]), list(values[~mark]), bins))


def _same_law(one: Values, other: Values, cells: int = 12) -> float:
    """P-value of a chi-square test that two samples of a statistic have one law."""
    cuts = np.unique(np.quantile(np.concatenate([one, other]), np.arange(1, cells) / cells))
    counts = [np.bincount(np.searchsorted(cuts, np.round(s, 9)), minlength=len(cuts) + 1) for s in (one, other)]
    table = np.array(counts)
    return float(stats.chi2_contingency(table[:, table.sum(axis=0) > 0])[1])


@pytest.mark.statistical
@pytest.mark.parametrize(
    ("n", "m", "missing", "bins"), [(30, 12, 0, 5), (9, 40, 0, 10), (4, 6, 0, 10), (40, 40, 7, 4), (6, 30, 25, 3)]
)
def test_untied_bins_are_relabelled_rows(n: int, m: int, missing: int, bins: int) -> None:
    rng = np.random.default_rng([1, n, m])
    values = rng.normal(size=n + m)
    values[:missing] = np.nan
    brute = np.empty(3000)
    for i in range(len(brute)):
        mark = np.zeros(n + m, bool)
        mark[rng.permutation(n + m)[:n]] = True
        brute[i] = _psi_by_hand(values, mark, bins)
    a, b = (
        side[0] for side in nulls.untied_bins((n, m), np.array([missing]), bins, draws.keys(5, "u", [str(n)]), 0, 6000)
    )
    assert (a.sum(axis=1) == n).all()
    assert (b.sum(axis=1) == m).all()
    assert _same_law(brute, scores.psi(a, b, 0.5)) > 1e-6


@pytest.mark.statistical
@pytest.mark.parametrize("bins", [2, 3, 5])
def test_relabelled_bins_with_ties_are_every_relabelling(bins: int) -> None:
    """All 462 relabellings of eleven rows, one by one: the same tables with the same chances."""
    values = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 3.0, 3.0, 5.0, np.nan, np.nan])
    rows, n = len(values), 6
    exact: Counter[float] = Counter()
    for chosen in combinations(range(rows), n):
        mark = np.zeros(rows, bool)
        mark[list(chosen)] = True
        exact[round(_psi_by_hand(values, mark, bins), 9)] += 1
    a, b = (side[0] for side in Drawn(False).relabel_bins(_table(values, n), bins, bins, ["t"], 0, 20_000))
    drawn = Counter(np.round(scores.psi(a, b, 0.5), 9).tolist())
    assert drawn.keys() <= exact.keys()
    common = [v for v, ways in exact.items() if ways / comb(rows, n) > 5e-4]
    rest = 20_000 - sum(drawn[v] for v in common)
    share = [exact[v] / comb(rows, n) for v in common]
    expected = [20_000 * s for s in share]
    counted = [drawn[v] for v in common]
    if 1 - sum(share) > 1e-9:
        expected.append(20_000 * (1 - sum(share)))
        counted.append(rest)
    assert stats.chisquare(counted, expected).pvalue > 1e-6


@pytest.mark.parametrize("bins", [2, 4, 10, 40])
def test_fine_cells_make_the_bins_of_the_rows(bins: int) -> None:
    """Cells of every distinct value, put together, are the quantile bins cut on the rows."""
    rng = np.random.default_rng(7)
    for n in (1, 3, 20, 61):
        values = rng.integers(0, 25, n + 30).astype(float)
        values[rng.random(len(values)) < 0.1] = np.nan
        if np.isnan(values[:n]).all():
            continue
        a, b = (side[0] for side in rebin(*_table(values, n), bins))
        found = sorted((int(x), int(y)) for x, y in zip(a[0], b[0], strict=True) if x or y)
        assert found == sorted(oracles.quantile_cells(list(values[:n]), list(values[n:]), bins))


@pytest.mark.statistical
def test_relabelled_categories_are_permuted_rows() -> None:
    rng = np.random.default_rng(8)
    values = rng.choice(9, 60, p=[0.4, 0.2, 0.1, 0.1, 0.05, 0.05, 0.05, 0.03, 0.02]).astype(float)
    brute = []
    for _ in range(4000):
        mixed = rng.permutation(values)
        brute.append(oracles.psi(oracles.category_cells(list(mixed[:40]), list(mixed[40:]))))
    a, b = (side[0] for side in nulls.relabel(_table(values, 40), False, draws.keys(9, "c", [""]), 0, 8000))
    assert _same_law(np.array(brute), scores.psi(a, b, 0.5)) > 1e-6


def test_whole_blocks_move_together() -> None:
    """Of every column the same ones."""
    rng = np.random.default_rng(10)
    table = Table(rng.integers(0, 9, (3, 2, 4)), rng.integers(0, 9, (4, 2, 4)))
    by_block = np.concatenate(table)
    possible = {tuple(by_block[list(c)].sum(axis=0).ravel()) for c in combinations(range(7), 3)}
    a, b = nulls.relabel(table, True, draws.keys(11, "b", [""]), 0, 500)
    assert {tuple(row.ravel()) for row in a.transpose(1, 0, 2)} == possible
    assert (a + b == by_block.sum(axis=0)[:, None]).all()


def test_columns_of_a_table_are_drawn_as_they_are_alone() -> None:
    rng = np.random.default_rng(12)
    table, streams = Table(*rng.integers(0, 30, (2, 1, 3, 5))), draws.keys(1, "x", "abc")

    def draw(places: npt.NDArray[np.intp]) -> list[Any]:
        own, missing = streams[places], np.array([0, 9, 30])[places]
        return [
            *nulls.relabel(table.columns(places), False, own, 7, 40),
            *nulls.resample(table.columns(places), False, own, 40),
            *nulls.untied_bins((90, 60), missing, 4, own, 7, 40),
        ]

    for whole, part in zip(draw(np.arange(3)), draw(np.array([2, 0])), strict=True):
        assert np.array_equal(whole[[2, 0]], part)


def test_labellings_are_counted() -> None:
    for n, total in ((0, 5), (1, 5), (3, 6), (10, 20)):
        assert nulls.labellings(n, total) == comb(total, n)
    assert nulls.labellings(500, 1000) == 10**9
    assert nulls.labellings(1, 3 * 10**9) == 10**9
    assert nulls.labellings(7, 5) == 0


@pytest.mark.parametrize(
    ("a", "n", "b", "m"), [(0, 5, 0, 9), (5, 5, 9, 9), (0, 30, 30, 30), (1, 1, 0, 1), (40, 10**6, 90, 10**6)]
)
def test_missing_tail_at_the_ends(a: int, n: int, b: int, m: int) -> None:
    found = nulls.missing_tail((a, b), (n, m))
    assert 0 < found <= 1
    if n < 100:
        assert found == pytest.approx(oracles.missing_p(a, n, b, m), rel=1e-9)
