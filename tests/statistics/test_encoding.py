"""Embeddings beside other columns in one matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from accel_drift.backends import get_backend
from accel_drift.data import CategoricalColumn, EmbeddingColumn, NumericColumn, Table, TableColumn, read_table
from accel_drift.data.schema import Schema
from accel_drift.statistics import distances
from accel_drift.statistics.distances import median_distance
from accel_drift.statistics.encoding import encode, sorts_of

HOST = get_backend("numpy")
RNG = np.random.default_rng(5)
VECTORS = RNG.normal(3.0, 40.0, (300, 5))


def _encode(columns: dict[str, Any]) -> Any:
    table = read_table(columns)
    return encode([table], tuple(table.columns), table.rows, 0, HOST)


def test_alone_an_embedding_stays_as_it_is() -> None:
    made = _encode({"e": VECTORS})
    np.testing.assert_allclose(made.matrix, VECTORS - VECTORS.mean(axis=0), atol=1e-12)


def test_beside_other_columns_it_weighs_like_one() -> None:
    made = _encode({"x": np.arange(300.0), "e": VECTORS, "c": ["a", "b", "c"] * 100})
    assert made.columns == ("x", "e", "c")
    assert made.owner.tolist() == [0, 1, 1, 1, 1, 1, 2, 2, 2]
    part = made.matrix[:, made.owner == 1]
    assert float(np.median(pdist(part))) == pytest.approx(1.0)
    # Dimensions keep their proportions.
    np.testing.assert_allclose(part.std(axis=0) / part[:, 0].std(), VECTORS.std(axis=0) / VECTORS[:, 0].std())


@pytest.mark.parametrize("alone", [True, False])
def test_missing_rows_are_the_centre_and_an_indicator(alone: bool) -> None:
    holed = VECTORS.copy()
    holed[::3, 1] = np.nan
    holed[1, 0] = np.inf
    made = _encode({"e": holed} if alone else {"e": holed, "x": np.arange(300.0)})
    part = made.matrix[:, made.owner == 0]
    assert part.shape == (300, 6)
    assert np.isfinite(part).all()
    assert not part[::3, :5].any()
    np.testing.assert_array_equal(part[:, 5] > 0, np.arange(300) % 3 == 0)
    assert part[1, 0] > np.delete(part[:, 0], 1).max()
    # As far from the centre as two typical rows are from each other.
    there = part[np.arange(300) % 3 != 0, :5]
    assert part[0, 5] == pytest.approx(float(np.median(pdist(there))))


def test_scale_comes_from_the_rows_named() -> None:
    table = read_table({"e": np.concatenate([VECTORS[:100], VECTORS[100:] * 50]), "x": np.arange(300.0)})
    made = encode([table], ("e", "x"), 100, 0, HOST)
    part = made.matrix[:100][:, made.owner == 0]
    assert float(np.median(pdist(part))) == pytest.approx(1.0)


def test_what_cannot_enter_is_named() -> None:
    assert _encode({"e": np.ones((9, 4)), "x": np.arange(9.0)}).dropped == {"e": "no spread to scale by"}
    columns: list[TableColumn] = [
        NumericColumn("e", np.zeros(4)),
        CategoricalColumn("e", np.zeros(4, np.int32), ("a",)),
        EmbeddingColumn("e", np.zeros((4, 2))),
        EmbeddingColumn("e", np.zeros((4, 3))),
    ]
    for i, one in enumerate(columns):
        for other in columns[i + 1 :]:
            tables = [Table(4, {"e": column}, Schema(())) for column in (one, other)]
            said = encode(tables, ("e",), 8, 0, HOST).dropped["e"]
            assert "on one side" in said or said == "embeddings of 2 and of 3 numbers"


def test_a_side_without_values_misses_what_the_other_holds() -> None:
    nothing = NumericColumn("e", np.zeros(50), np.zeros(50, bool), 50)
    full = EmbeddingColumn("e", VECTORS[:50])
    tables = [Table(50, {"e": column}, Schema(())) for column in (nothing, full)]
    made = encode(tables, ("e",), 100, 0, HOST)
    assert made.matrix.shape == (100, 6)
    assert made.matrix[:50, 5].all()
    assert not made.matrix[50:, 5].any()


def test_median_of_many_rows_is_near_the_exact_one_whatever_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    # Wide, and the first columns tie: sorting has to look further.
    z = np.concatenate([np.zeros((2500, 9)), RNG.normal(size=(2500, 20))], axis=1)
    monkeypatch.setattr(distances, "_PAIRS", 100_000)
    found = median_distance(z, 3, HOST)
    assert found == pytest.approx(float(np.median(pdist(z))), rel=5e-3)
    assert found == median_distance(z[RNG.permutation(2500)], 3, HOST)


FAR = 2**62
APART: dict[str, tuple[Any, Any]] = {
    "whole": ([FAR, FAR + 1, FAR + 3], [FAR - 5, FAR, FAR + 2]),
    "the widest range": ([-(2**63), 0, 5], [2**63 - 1, -(2**63), 1]),
    "unsigned": (np.array([2**63, 2**63 + 2, 2**63 + 4], np.uint64), np.array([3, 2**63 + 1, 2**64 - 1], np.uint64)),
    "fractions beside whole numbers": ([1, 2, 4], [0.5, 2.0, -3.0]),
    "whole numbers beside fractions": ([0.5, 2.0, 7.0], [1, 2, -4]),
    "large": ([1e200, -1e200, 2e200], [1e201, 0.0, np.inf]),
    "holes": ([1.0, np.nan, 3.0, 4.0], [np.nan, 2.0, -np.inf]),
    "no number here": ([1.0, 2.0, 4.0], [np.nan, np.nan]),
    "no number there": ([np.nan, np.nan], [1.0, 2.0]),
    "vectors": ([[1.0, 2.0], [3.0, 5.0], [4.0, 4.0]], [[0.0, np.inf], [np.nan, 1.0], [1e3, 1.0]]),
    "large vectors": ([[1e150, 2.0], [-1e150, 5.0]], [[1e155, 1.0], [0.0, 1.0]]),
    "categories": (["a", "b", "b", None], ["c", "a", None]),
}


@pytest.mark.parametrize("case", APART)
def test_by_the_rules_of_rows_no_longer_here(case: str) -> None:
    """The same numbers as beside the rows that decide, column for column."""
    first, other = (read_table({"x": side if case == "categories" else np.asarray(side)}) for side in APART[case])
    sorts = sorts_of([first, other], ("x",))
    whole = encode([first, other], ("x",), first.rows, 0, HOST, sorts)
    rules = encode([first], ("x",), first.rows, 0, HOST, sorts).rules
    alone = encode([other], ("x",), 0, 0, HOST, sorts, rules)
    beside = {slot: whole.matrix[first.rows :, j] for j, slot in enumerate(whole.slots)}
    assert set(alone.slots) <= set(beside)
    for slot, column in beside.items():
        found = alone.matrix[:, alone.slots.index(slot)] if slot in alone.slots else np.zeros(other.rows)
        np.testing.assert_allclose(found, column, rtol=1e-13, atol=1e-13)


def test_neighbouring_large_numbers_stay_apart_by_the_rules() -> None:
    sides = [read_table({"x": np.array(side)}) for side in APART["whole"]]
    rules = encode(sides[:1], ("x",), 3, 0, HOST, sorts_of(sides, ("x",))).rules
    made = encode(sides[1:], ("x",), 0, 0, HOST, sorts_of(sides, ("x",)), rules).matrix[:, 0]
    np.testing.assert_allclose(np.diff(made) / np.diff(made)[0], [1.0, 0.4], rtol=1e-12)
