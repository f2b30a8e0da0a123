"""Columns of very many categories: which cells they are counted in, and what chance makes of new ones."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest

from accel_drift import compare
from accel_drift.statistics import draws, new_categories, parts
from accel_drift.statistics.pairs import CategoryPair, Table, merge_rare

STREAM = draws.key(1, "test")


def _pair(reference: list[int], batch: list[int], missing: tuple[int, int] = (0, 0)) -> CategoryPair:
    names = tuple(f"c{i:05d}" for i in range(len(reference)))
    sides = (np.array([[*side, absent]]) for side, absent in zip((reference, batch), missing, strict=True))
    return CategoryPair("c", names, Table(*sides))


def test_new_categories_have_the_law_of_all_relabellings() -> None:
    """Every labelling of nine rows, enumerated, against the draws."""
    pooled, rows = np.array([1, 1, 2, 2, 3]), (4, 5)
    owner = np.repeat(np.arange(5), pooled)
    every = []
    for chosen in combinations(range(9), rows[1]):
        whole = np.bincount(owner[list(chosen)], minlength=5) == pooled
        every.append(int(pooled[whole].sum()))
    alike = new_categories.sizes(pooled, rows)
    assert [part.tolist() for part in alike] == [[1, 2, 3], [2, 2, 1]]
    found = new_categories.relabelled(alike, rows, STREAM, 0, 40_000)
    exact = np.bincount(every, minlength=10) / len(every)
    seen = np.bincount(found, minlength=10) / len(found)
    assert np.abs(seen - exact).max() < 5 * 0.5 / np.sqrt(len(found))


def test_missing_rows_are_dealt_with_the_others() -> None:
    """One category of one row among 99 missing ones: it falls to the batch as often as the batch has rows."""
    alike = new_categories.sizes(np.array([1]), (75, 25))
    found = new_categories.relabelled(alike, (75, 25), STREAM, 0, 20_000)
    assert found.mean() == pytest.approx(0.25, abs=5 * 0.5 / np.sqrt(20_000))


def test_draws_of_new_categories_do_not_depend_on_their_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    alike = new_categories.sizes(np.repeat([1, 2, 5], 40), (150, 170))
    whole = new_categories.relabelled(alike, (150, 170), STREAM, 0, 50)
    monkeypatch.setattr(new_categories, "_LANES", 8)
    assert new_categories.relabelled(alike, (150, 170), STREAM, 0, 50).tolist() == whole.tolist()
    assert new_categories.relabelled(alike, (150, 170), STREAM, 20, 30).tolist() == whole[20:].tolist()


def test_categories_that_chance_cannot_take_are_not_drawn() -> None:
    alike = new_categories.sizes(np.array([100_000, 3]), (60_000, 60_000))
    assert alike[0].tolist() == [3]
    nothing = new_categories.sizes(np.array([100_000]), (60_000, 60_000))
    assert new_categories.relabelled(nothing, (60_000, 60_000), STREAM, 0, 9).tolist() == [0] * 9


def test_runs_depend_on_pooled_counts_alone() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.integers(0, 9, (2, 500))
    made, other = (merge_rare(_pair(x.tolist(), y.tolist()), 40) for x, y in ((a, b), (b, a)))
    assert (made.categories, made.runs, made.merged) == (other.categories, other.runs, 500 - 20)
    assert [side.tolist() for side in made.counts] == [side.tolist() for side in reversed(other.counts)]


def test_runs_hold_every_row_and_about_as_many_each() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.integers(1, 9, (2, 5000))
    pair = _pair(a.tolist(), b.tolist(), (7, 8))
    made = merge_rare(pair, 100)
    assert [side.shape for side in made.counts] == [(1, 101)] * 2
    for before, after in zip(pair.counts.sides, made.counts.sides, strict=True):
        assert before.sum() == after.sum()
        assert before[-1] == after[-1]
    pooled = np.add(*made.counts.sides)[50:-1].reshape(-1, 2).sum(axis=1)
    assert pooled.max() < 1.1 * pooled.min()
    assert len(made.runs) == 25
    assert made.runs[0].startswith("c00000 ... c00")
    assert made.runs[-1].endswith("... c04999")


def test_few_categories_stay_as_they_are() -> None:
    pair = _pair([1, 2, 3], [3, 2, 1])
    assert merge_rare(pair, 3) is pair


def test_the_parts_of_runs_are_named_by_their_ends() -> None:
    """Rows that move within a run move between its two cells, and the part shows both together."""
    a = [50] * 10 + [4] * 200
    b = [50] * 10 + [4] * 100 + [8] * 100
    made = merge_rare(_pair(a, b), 20)
    reference, batch = made.counts.sides
    terms = (batch - reference).astype(float)
    found = parts.of_categories(terms, (reference, batch), made)
    runs = [p for p in found if p.kind == "other"]
    assert len(runs) == 5
    assert sum(p.contribution for p in found) == terms.sum()
    assert sum(p.reference or 0 for p in found) == sum(a)
    assert runs[0].label == "c00110 ... c00143"
    assert runs[0].direction == "more"


@pytest.mark.parametrize("change", ["family", "neighbours"])
def test_drift_among_rare_categories_is_found(change: str) -> None:
    """2,000 categories of equal size. A cell for all rare ones would see neither."""
    rng = np.random.default_rng(4)
    k, rows = 2000, 20_000
    weight = np.ones(k)
    if change == "family":
        weight[600:700] = 1.8
    else:
        weight[0::2] = 1.4
    names = pa.array([f"c{i:05d}" for i in range(k)])
    sides = (rng.choice(k, rows, p=w / w.sum()) for w in (np.ones(k), weight))
    reference, batch = (pa.DictionaryArray.from_arrays(pa.array(s), names) for s in sides)
    report = compare(
        {"c": reference}, {"c": batch}, ["chi_square"], kinds={"c": "categorical"}, min_effect=0.0, backend="numpy"
    )
    assert report.drifted_columns == ("c",)


def test_new_and_gone_categories_are_named_with_their_rows() -> None:
    reference = ["a"] * 60 + ["gone"] * 30 + ["rare"] * 1 + [f"{'x' * 70}{i}" for i in range(9)]
    batch = ["a"] * 80 + [f"new{i}" for i in range(7) for _ in range(i + 1)]
    report = compare({"c": reference}, {"c": batch}, ["unseen"], kinds={"c": "categorical"}, backend="numpy")
    (finding,) = report.findings
    assert finding.details["unseen_categories"] == 7
    assert finding.details["unseen_rows"] == 28
    assert finding.details["most_frequent_unseen"] == ["new6", "new5", "new4", "new3", "new2"]
    assert finding.details["vanished_categories"] == 11
    assert finding.details["vanished_rows"] == 40
    assert "not in the reference: new6, new5, new4, new3, new2 and 2 more (28 rows, 0.26 of the batch)" in finding.note
    # Single rows are absent by chance; a category of 30 is not.
    assert finding.note.endswith("not in the batch: gone (30 rows, 0.3 of the reference)")


def test_long_names_are_cut_in_the_note() -> None:
    reference, batch = ["a"] * 50, ["a"] * 30 + ["y" * 500] * 20
    report = compare({"c": reference}, {"c": batch}, ["unseen"], kinds={"c": "categorical"}, backend="numpy")
    assert max(map(len, report.findings[0].note.split())) == 60
