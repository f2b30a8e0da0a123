"""Columns of very many categories: which cells they are counted in, and what chance makes of new ones."""

from __future__ import annotations

from functools import partial
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from accel_drift import compare
from accel_drift.detectors import get_detector
from accel_drift.detectors.base import BinnedDetector
from accel_drift.statistics import draws, new_categories, parts, scores
from accel_drift.statistics.alike_cells import AlikeCells, Dealt
from accel_drift.statistics.binned_scores import Terms
from accel_drift.statistics.pairs import CategoryPair, Table, merge_rare

STREAM = draws.key(1, "test")
EVERY = ("psi", "kl", "chi_square", "jensen_shannon", "hellinger")
"""Detectors that count every category."""


def _terms(name: str) -> Terms:
    detector = get_detector(name)
    assert isinstance(detector, BinnedDetector)
    return detector.how.terms


def _columns(weights: list[Any], rows: int, seed: int) -> list[dict[str, pa.DictionaryArray]]:
    """A column of rows drawn by each of some weights of the same categories."""
    rng = np.random.default_rng(seed)
    names = pa.array([f"c{i:06d}" for i in range(len(weights[0]))])
    sides = (np.repeat(np.arange(len(w)), rng.multinomial(rows, w / w.sum())) for w in weights)
    return [{"c": pa.DictionaryArray.from_arrays(pa.array(codes), names)} for codes in sides]


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
def test_drift_in_runs_of_rare_categories_is_found(change: str) -> None:
    """2,000 categories of equal size. A cell for all rare ones would see neither."""
    weight = np.ones(2000)
    if change == "family":
        weight[600:700] = 1.8
    else:
        weight[0::2] = 1.4
    reference, batch = _columns([np.ones(2000), weight], 20_000, 4)
    report = compare(reference, batch, ["total_variation"], kinds={"c": "categorical"}, min_effect=0.0, backend="numpy")
    assert report.findings[0].details["merged_categories"] > 1000
    assert report.drifted_columns == ("c",)


@pytest.mark.parametrize("name", EVERY)
def test_cells_of_one_size_have_the_law_of_all_relabellings(name: str) -> None:
    """Every labelling of 21 rows, enumerated, against the draws: sizes 1, 2 and 3 dealt together, 5 alone."""
    pooled, n = np.array([1, 2, 2, 2, 3, 3, 3, 5]), 4
    nothing = Dealt(np.zeros((1, 1), np.int64), np.zeros((1, 3, 4), np.int64))
    # Together however few they are: the law does not depend on what is cheaper.
    every = AlikeCells(np.array([5]), np.array([1, 2, 3]), np.array([1, 3, 3]), nothing, scores.Whole(n, 17, 8))
    owner, total = np.repeat(np.arange(8), pooled), int(pooled.sum())
    tables = np.array([np.bincount(owner[list(chosen)], minlength=8) for chosen in combinations(range(total), n)])
    assert len(tables) == comb(total, n)
    exact = np.round(scores.total(_terms(name)(tables, pooled - tables)), 9)
    found = np.round(every.score(_terms(name), every.relabelled(STREAM, 0, 40_000)), 9)
    for line in np.unique(exact):
        assert abs((exact <= line).mean() - (found <= line).mean()) < 5 * 0.5 / np.sqrt(len(found))


@pytest.mark.parametrize("name", EVERY)
def test_cells_of_one_size_make_the_score_of_all_cells(name: str) -> None:
    rng = np.random.default_rng(5)
    a, b = rng.poisson(rng.gamma(0.5, 4, (4000, 1)), (4000, 2)).T
    cells, terms = AlikeCells.of(a, b), _terms(name)
    assert len(cells.sizes) > 5
    assert 0 < len(cells.alone) < 500
    score = float(scores.total(terms(a, b)))
    assert cells.score(terms, cells.observed) == pytest.approx(score)
    drawn = cells.relabelled(STREAM, 0, 300)
    assert (drawn.states.sum(axis=2) == cells.many).all()
    held = drawn.alone.sum(axis=1) + (drawn.states * np.arange(drawn.states.shape[2])).sum(axis=(1, 2))
    assert (held == a.sum()).all()
    whole = np.concatenate([cells.relabelled(STREAM, lo, 100).states for lo in (0, 100, 200)])
    assert (whole == drawn.states).all()
    direct = draws.hypergeometric(STREAM[None], 0, 300, (a + b)[None], np.array([a.sum()]))[0]
    one, other = cells.score(terms, drawn), scores.total(terms(direct, (a + b) - direct))
    spread = other.std()
    assert abs(one.mean() - other.mean()) < 5 * spread * np.sqrt(2 / 300)
    assert 0.75 < one.std() / spread < 1.33


def test_without_a_pseudo_count_an_empty_cell_is_infinite() -> None:
    terms = partial(scores.psi_terms, pseudo_count=0.0)
    a = np.array([2] * 20 + [1] * 20)
    cells = AlikeCells.of(a, a)
    assert np.isinf(cells.score(terms, cells.relabelled(STREAM, 0, 50))).all()
    assert cells.score(terms, cells.observed).tolist() == [0.0]


@pytest.mark.parametrize("name", EVERY)
def test_rows_that_vanish_with_a_tenth_of_the_categories_are_found(name: str) -> None:
    """10,000 of 20,000 rows a side: runs of categories that lose a tenth of their members each look as before."""
    gone = np.ones(10_000)
    gone[np.random.default_rng(6).permutation(10_000)[:1000]] = 0.0
    reference, batch = _columns([np.ones(10_000), gone], 20_000, 7)
    report = compare(reference, batch, [name], kinds={"c": "categorical"}, min_effect=0.03, backend="numpy")
    assert report.drifted_columns == ("c",)
    (finding,) = report.findings
    assert finding.interval is not None
    assert finding.effect is not None
    assert 0.0 < finding.interval[0] < finding.effect < finding.interval[1] < 2 * finding.effect
    assert "merged_categories" not in finding.details
    assert {p.kind for p in finding.parts} <= {"category", "vanished", "unseen", "other"}
    reference, batch = _columns([np.ones(10_000)] * 2, 20_000, 8)
    again = compare(reference, batch, [name], kinds={"c": "categorical"}, backend="numpy")
    assert again.drifted_columns == ()
    assert again.findings[0].interval is not None
    assert again.findings[0].interval[0] <= 0.0


def test_a_tolerance_holds_for_very_many_categories() -> None:
    gone = np.ones(10_000)
    gone[:1000] = 0.0
    reference, batch = _columns([np.ones(10_000), gone], 20_000, 9)
    p_values = []
    for tolerance in (0.05, 0.1, 0.17, 0.25):
        detector = get_detector("jensen_shannon", tolerance=tolerance)
        (finding,) = compare(reference, batch, [detector], kinds={"c": "categorical"}, backend="numpy").findings
        assert finding.p_method == "approximate"
        p_values.append(finding.p_value or 0.0)
    assert p_values == sorted(p_values)
    assert p_values[1] < 1e-3 < 0.01 < p_values[2] < 0.99 < p_values[3]


@pytest.mark.parametrize("side", [0, 1])
def test_chance_leaves_out_as_many_categories_as_all_relabellings_do(side: int) -> None:
    pooled, rows = np.array([1, 1, 2, 3, 5]), (5, 7)
    owner = np.repeat(np.arange(5), pooled)
    absent = [
        int((np.bincount(owner[list(chosen)], minlength=5) == 0).sum())
        for chosen in combinations(range(12), rows[side])
    ]
    mean, variance = new_categories.by_chance(pooled, rows, side)
    assert mean == pytest.approx(np.mean(absent))
    assert variance >= np.var(absent)


def test_mass_not_met_is_what_further_rows_find() -> None:
    weight = 1.0 / np.arange(1, 30_001)
    known, further = (np.random.default_rng(seed).multinomial(40_000, weight / weight.sum()) for seed in (14, 15))
    met = further[known == 0].sum() / 40_000
    assert new_categories.mass_not_met(known, 40_000) == pytest.approx(met, rel=0.05)


def test_effect_of_unseen_rows_is_what_chance_does_not_make() -> None:
    weight = 1.0 / np.arange(1, 30_001)
    new = np.where(np.random.default_rng(12).random(30_000) < 0.2, weight, 0.0)
    for left, true in ((weight, 0.0), (weight - new, new.sum() / weight.sum())):
        reference, batch = _columns([left, weight], 20_000, 13)
        (finding,) = compare(reference, batch, ["unseen"], kinds={"c": "categorical"}, backend="numpy").findings
        assert finding.statistic is not None
        assert finding.effect is not None
        assert finding.statistic > 0.04
        assert finding.effect == pytest.approx(true, abs=0.01)


@pytest.mark.parametrize("drifts", [False, True])
def test_vanished_categories_are_told_where_they_are_more_than_chance(drifts: bool) -> None:
    """Of 30,000 categories after Zipf a third is absent from any batch of 20,000 rows."""
    weight = 1.0 / np.arange(1, 30_001)
    left = weight.copy()
    if drifts:
        left[np.random.default_rng(10).permutation(30_000)[:3000]] = 0.0
    reference, batch = _columns([weight, left], 20_000, 11)
    (finding,) = compare(reference, batch, ["unseen"], kinds={"c": "categorical"}, backend="numpy").findings
    details = finding.details
    assert details["vanished_by_chance"] > 3000
    assert len(details["most_frequent_vanished"]) == 20
    assert ("not in the batch" in finding.note) is drifts
    if drifts:
        count = details["vanished_categories"]
        assert count > details["vanished_by_chance"] + 200
        assert f" and {count - 5:,} more ({details['vanished_rows']:,} rows" in finding.note
        assert f"chance alone: about {details['vanished_by_chance']:,.0f} categories)" in finding.note


def test_new_and_gone_categories_are_named_with_their_rows() -> None:
    reference = ["a"] * 60 + ["gone"] * 30 + ["rare"] * 1 + [f"{'x' * 70}{i}" for i in range(9)]
    batch = ["a"] * 80 + [f"new{i}" for i in range(7) for _ in range(i + 1)]
    report = compare({"c": reference}, {"c": batch}, ["unseen"], kinds={"c": "categorical"}, backend="numpy")
    (finding,) = report.findings
    assert finding.details["unseen_categories"] == 7
    assert finding.details["unseen_rows"] == 28
    assert finding.details["most_frequent_unseen"] == [f"new{i}" for i in range(6, -1, -1)]
    assert finding.details["vanished_categories"] == 11
    assert finding.details["vanished_rows"] == 40
    assert (
        "not in the reference: new6, new5, new4, new3, new2 and 2 more (28 rows, 0.26 of the batch; chance"
        in finding.note
    )
    # Single rows are absent by chance; a category of 30 is not.
    assert finding.note.endswith("not in the batch: gone (30 rows, 0.3 of the reference)")


def test_long_names_are_cut_in_the_note() -> None:
    reference, batch = ["a"] * 50, ["a"] * 30 + ["y" * 500] * 20
    report = compare({"c": reference}, {"c": batch}, ["unseen"], kinds={"c": "categorical"}, backend="numpy")
    assert max(map(len, report.findings[0].note.split())) == 60
