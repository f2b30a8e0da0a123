"""Forms of MMD at a linear cost: the plain formulas, sums that merge to the bit, tiles, levels and intervals."""

from __future__ import annotations

from dataclasses import replace
from math import exp
from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.backends import Backend, get_backend
from accel_drift.detectors import matrix
from accel_drift.errors import ConfigError
from accel_drift.statistics import draws, feature_test, matrix_test, random_features
from accel_drift.statistics.feature_test import FeatureSums
from accel_drift.statistics.kernel_sums import ReferenceSums
from accel_drift.statistics.kernel_test import KernelSums
from accel_drift.statistics.random_features import STEPS, FeatureTotals, embed, frequencies
from accel_drift.statistics.tile_test import LEAST, TileSums

SIZES = np.array([5, 10, 4, 4, 7, 3, 9, 8, 1])
N, ROWS = 30, 51


def _pooled(n: int = N, m: int = ROWS - N, d: int = 3, seed: int = 80) -> Any:
    rng = np.random.default_rng(seed)
    z = np.concatenate([rng.normal(size=(n, d)), rng.normal(0.4, 1, (m, d))])
    return z - z.mean(axis=0)


def _sums(mode: str, backend: Backend, z: Any = None, n: int = N, seed: int = 4) -> KernelSums:
    rows = _pooled() if z is None else z
    with backend.scope():
        there = backend.asarray(rows)
    if mode == "rows":
        return KernelSums(there, n, backend, seed)
    return KernelSums(there, n, backend, seed, np.repeat(np.arange(9), SIZES), (5, 9), blocks=mode == "blocks")


def _plain(k: Any, e: Any, left: Any) -> float:
    """MMD² of one labelling from a whole kernel matrix without the pairs that are left out."""
    means = [[(k * ~left)[np.ix_(a, b)].sum() / (~left)[np.ix_(a, b)].sum() for b in (e, ~e)] for a in (e, ~e)]
    return float(means[0][0] + means[1][1] - 2 * means[0][1])


def _labelled(mode: str, count: int) -> tuple[Any, Any]:
    """Labellings of the rows, and the pairs that the unbiased form leaves out."""
    ids = np.arange(ROWS) if mode == "rows" else np.repeat(np.arange(9), SIZES)
    mine, total = (N, ROWS) if mode == "rows" else (5, 9)
    e = draws.labels(draws.key(4, "mmd", "labels"), 0, count, total, mine).astype(bool)[:, ids]
    return e, (ids[:, None] == ids[None, :]) if mode == "blocks" else np.eye(ROWS, dtype=bool)


@pytest.mark.parametrize("mode", ["rows", "groups", "blocks"])
def test_features_are_the_plain_formula_on_their_own_kernel(mode: str, backend: Backend) -> None:
    made = FeatureSums(_sums(mode, backend), 40)
    values, _ = made.mmd2(0, 9, "unbiased")
    phi = _features(_pooled(), frequencies(4, 3, 40))
    e, left = _labelled(mode, 9)
    assert values == pytest.approx([_plain(phi @ phi.T, row, left) for row in e], abs=1e-6)
    assert made.witness[:N].mean() + made.witness[N:].mean() == pytest.approx(values[0], abs=1e-9)
    assert made._by_frequency.mean() == pytest.approx(values[0], abs=1e-9)
    biased, _ = made.mmd2(0, 9, "biased")
    assert biased == pytest.approx([_plain(phi @ phi.T, row, np.zeros_like(left)) for row in e], abs=1e-6)


def _features(z: Any, turns: Any) -> Any:
    numpy = get_backend("numpy")
    return numpy.to_numpy(embed(z, turns, numpy)) / STEPS / np.sqrt(turns.shape[1])


@pytest.mark.parametrize("mode", ["rows", "groups", "blocks"])
def test_more_frequencies_come_near_the_exact_statistic(mode: str) -> None:
    numpy = get_backend("numpy")
    exact, _ = _sums(mode, numpy).mmd2(0, 20, "unbiased")
    few, many = (FeatureSums(_sums(mode, numpy), count).mmd2(0, 20, "unbiased")[0] for count in (20, 20_000))
    assert np.abs(many - exact).max() < 0.01
    assert np.abs(many - exact).mean() < 0.2 * np.abs(few - exact).mean()


def test_features_are_unbiased_over_seeds_and_over_labellings() -> None:
    """The mean over frequencies is the exact statistic, that over all labellings of the same rows is 0."""
    numpy = get_backend("numpy")
    exact = float(_sums("rows", numpy).mmd2(0, 1, "unbiased")[0][0])
    over = np.array([FeatureSums(_sums("rows", numpy, seed=s), 10).mmd2(0, 1, "unbiased")[0][0] for s in range(300)])
    assert abs(over.mean() - exact) < 5 * over.std() / np.sqrt(len(over))
    assert over.std() > 0
    null = FeatureSums(_sums("rows", numpy), 10).mmd2(1, 2000, "unbiased")[0]
    assert abs(null.mean()) < 5 * null.std() / np.sqrt(len(null))


def test_features_of_a_row_are_cosines_and_do_not_depend_on_the_rows_beside_it() -> None:
    turns = frequencies(0, 4, 300)
    z = np.random.default_rng(1).normal(size=(200, 4)) * np.repeat([1.0, 1e3, 1e7, 1e300], 50)[:, None]
    numpy = get_backend("numpy")
    made = numpy.to_numpy(embed(z, turns, numpy))
    angle = 2 * np.pi * z[:50] @ turns
    np.testing.assert_allclose(made[:50] / STEPS, np.hstack([np.cos(angle), np.sin(angle)]), atol=3e-4)
    for part in (slice(0, 7), slice(60, 61), slice(99, 163), slice(150, 200)):
        assert (numpy.to_numpy(embed(z[part], turns, numpy)) == made[part]).all()
    assert (np.abs(made) <= STEPS).all()
    np.testing.assert_array_equal(frequencies(0, 4, 20), turns[:, :20])


def test_summaries_of_parts_merge_to_the_bit(backend: Backend) -> None:
    """Associative, commutative, zero is neutral, and a concatenation's update is the merge of the updates."""
    rng = np.random.default_rng(2)
    z, ids, turns = rng.normal(size=(90, 3)) * 3, rng.integers(0, 5, 90), frequencies(0, 3, 30)
    zero = FeatureTotals.zero(turns, 5)
    with backend.scope():
        there = backend.asarray(z)
    a, b, c = (zero.update(there[part, :], backend, ids[part]) for part in (slice(0, 1), slice(1, 40), slice(40, 90)))
    whole = zero.update(there, backend, ids)
    for other in (
        a.merge(b).merge(c),
        a.merge(b.merge(c)),
        c.merge(b).merge(a).merge(zero),
        a.update(there[1:, :], backend, ids[1:]),
        whole.merge(zero),
        zero.update(z[::-1], get_backend("numpy"), ids[::-1]),
    ):
        assert other.sums.tolist() == whole.sums.tolist()
        assert other.rows.tolist() == whole.rows.tolist() == np.bincount(ids, minlength=5).tolist()
    expected = _features(z, turns)
    sums = [expected[ids == g].sum(axis=0) for g in range(5)]
    np.testing.assert_allclose(whole.finish(), sums, atol=1e-9)
    assert zero.update(there[:0, :], backend).sums.tolist() == zero.sums.tolist()


def test_summaries_of_many_groups_are_made_in_several_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    z, ids, turns = _pooled(), np.repeat(np.arange(9), SIZES), frequencies(0, 3, 8)
    whole = FeatureTotals.zero(turns, 12).update(z, get_backend("numpy"), ids)
    monkeypatch.setattr(random_features, "_GROUPS", 2)
    assert FeatureTotals.zero(turns, 12).update(z, get_backend("numpy"), ids).sums.tolist() == whole.sums.tolist()


@pytest.mark.parametrize("other", [(1, 8, 2), (0, 9, 2), (0, 8, 3)])
def test_summaries_that_differ_do_not_merge(other: tuple[int, int, int]) -> None:
    seed, count, groups = other
    with pytest.raises(ConfigError, match="do not merge"):
        FeatureTotals.zero(frequencies(0, 3, 8), 2).merge(FeatureTotals.zero(frequencies(seed, 3, count), groups))


def test_features_do_not_depend_on_how_many_rows_or_labellings_are_made_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = FeatureSums(_sums("rows", get_backend("numpy")), 16)
    whole, witness = made.mmd2(0, 50, "unbiased")[0], made.witness
    monkeypatch.setattr(random_features, "_AT_ONCE", 200)
    monkeypatch.setattr(random_features, "_CACHED", 100)
    monkeypatch.setattr(feature_test, "_LABELLINGS", 7)
    again = FeatureSums(_sums("rows", get_backend("numpy")), 16)
    assert again.mmd2(0, 50, "unbiased")[0].tolist() == whole.tolist()
    np.testing.assert_allclose(again.witness, witness, atol=1e-13)


def test_tiles_part_the_rows_and_make_a_weighted_mean() -> None:
    _check_tiles(get_backend("numpy"), groups=False)


def test_tiles_part_whole_groups(backend: Backend) -> None:
    _check_tiles(backend, groups=True)


def _check_tiles(backend: Backend, *, groups: bool) -> None:
    z = _pooled(200, 150)
    with backend.scope():
        there = backend.asarray(z)
    ids = np.repeat(np.arange(70), 5) if groups else None
    kernel = KernelSums(there, 200, backend, 3, ids, (40, 70) if groups else (0, 0))
    made = TileSums(kernel, 120)
    tiles = made.tiles
    assert len(tiles) == 2
    assert np.sort(np.concatenate([t.rows for t in tiles])).tolist() == list(range(350))
    assert sum(t.weight for t in tiles) == pytest.approx(1.0)
    assert made.pairs == sum(len(t.rows) * (len(t.rows) - 1) // 2 for t in tiles)
    values, mean = made.mmd2(0, 30, "unbiased")
    whole = np.zeros(30)
    for tile in tiles:
        k = np.exp(-((z[tile.rows][:, None] - z[tile.rows][None]) ** 2).sum(axis=2) / 2)
        assert [tile.kernel.n, len(tile.rows)] == [(tile.rows < 200).sum(), tile.kernel.rows]
        if ids is not None:
            counts = np.unique(ids[tile.rows], return_counts=True)[1]
            assert (counts == 5).all()
            assert tile.kernel.n_groups == ((tile.rows < 200).sum() // 5, len(counts))
        observed = _plain(k, tile.rows < 200, np.eye(len(tile.rows), dtype=bool))
        assert tile.kernel.mmd2(0, 1, "unbiased")[0][0] == pytest.approx(observed, abs=1e-12)
        whole += tile.weight * tile.kernel.mmd2(0, 30, "unbiased")[0]
    np.testing.assert_allclose(values, whole, atol=1e-13)
    assert 0 < mean < 1
    assert made.witness[:200].mean() + made.witness[200:].mean() == pytest.approx(values[0], abs=0.01)
    assert made.standard_error() > kernel.standard_error()


def test_tiles_are_dealt_by_the_seed_and_keep_both_sides() -> None:
    numpy, z = get_backend("numpy"), _pooled(400, 70)
    for size, expected in ((32, 70 // LEAST), (100, 4), (300, 1), (10_000, 1)):
        tiles = TileSums(KernelSums(z, 400, numpy, 5), size).tiles
        assert len(tiles) == expected
        assert min(min(t.kernel.n, t.kernel.rows - t.kernel.n) for t in tiles) >= LEAST
    one, other = (TileSums(KernelSums(z, 400, numpy, seed), 100).tiles for seed in (5, 6))
    assert one[0].rows.tolist() != other[0].rows.tolist()
    assert len({t.kernel.seed for t in one}) == 4
    # Rows with other values are dealt the same way: the design does not look at them.
    again = TileSums(KernelSums(z[::-1] * 3, 400, numpy, 5), 100).tiles
    assert [t.rows.tolist() for t in again] == [t.rows.tolist() for t in one]


def test_tiles_are_unbiased_over_labellings() -> None:
    made = TileSums(KernelSums(_pooled(100, 60), 100, get_backend("numpy"), 0), 40)
    null = made.mmd2(1, 2000, "unbiased")[0]
    assert abs(null.mean()) < 5 * null.std() / np.sqrt(len(null))


def test_one_tile_is_the_quadratic_form() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(60, 2)), rng.normal(size=(50, 2))
    one, other = (
        made.fit(x, backend="numpy").detect(y).findings[0]
        for made in (ad.MMD(permutations=99, form="incomplete"), ad.MMD(permutations=99))
    )
    assert one.p_value == other.p_value
    assert one.statistic == other.statistic
    assert one.interval == other.interval
    assert (one.details["tiles"], one.details["pairs"]) == (1, 110 * 109 // 2)


FORMS: list[dict[str, Any]] = [
    {"form": "features", "frequencies": 40},
    {"form": "features", "frequencies": 40, "mode": "groups"},
    {"form": "incomplete", "tile_rows": 60},
    {"form": "incomplete", "tile_rows": 60, "mode": "groups"},
]


@pytest.mark.parametrize("options", FORMS[::2], ids=str)
def test_every_backend_finds_the_same(options: dict[str, Any], backend: Backend) -> None:
    rng = np.random.default_rng(51)
    x, y = rng.normal(size=(90, 2)), rng.normal(0.9, 1, (70, 2))
    detector = ad.MMD(permutations=199, **options)
    plain = detector.fit(x, backend="numpy").detect(y).findings[0]
    other = detector.fit(x, backend=backend).detect(y).findings[0]
    assert plain.status is ad.Status.DRIFTED
    assert plain.p_value == other.p_value
    assert other.statistic == pytest.approx(plain.statistic, rel=1e-9)
    assert other.interval == pytest.approx(plain.interval, rel=1e-6)
    assert other.details["form"] == options["form"]
    assert [p.label for p in other.parts] == [p.label for p in plain.parts]
    assert plain.interval is not None
    assert plain.statistic is not None
    assert plain.interval[0] < plain.statistic < plain.interval[1]


@pytest.mark.parametrize("options", FORMS, ids=str)
def test_edges_are_right_or_named(options: dict[str, Any]) -> None:
    rng = np.random.default_rng(52)
    x = rng.normal(size=(60, 2))
    made = ad.MMD(permutations=19, alpha=0.2, **options)

    def finding(a: Any, b: Any) -> Any:
        return made.fit(a, backend="numpy").detect(b).findings[0]

    constant = finding(np.ones((40, 2)), np.ones((30, 2)))
    assert (constant.statistic, constant.p_value) == (0.0, 1.0)
    assert constant.details["form"] == options["form"]
    assert finding(x, x).p_value > 0.2
    near, far = finding(np.round(x * 2**20) / 2**20, x[:40] + 3), finding(np.round(x * 2**20) / 2**20 + 1e6, x[:40] + 3)
    assert near.status is far.status is ad.Status.DRIFTED
    for rows in (2, 3):
        small = finding(x[:rows], x[10 : 10 + rows])
        assert small.status in {ad.Status.TOO_FEW_ROWS, ad.Status.STABLE, ad.Status.DRIFTED}
        assert small.statistic is None or np.isfinite(small.statistic)
    wide = finding(x * [1e-6, 1e6], x[:40] * [1e-6, 1e6])
    assert wide.p_value > 0
    assert np.isfinite(wide.interval).all()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"form": "linear"}, "quadratic, features, incomplete"),
        ({"form": "features", "frequencies": 1}, "at least 2"),
        ({"form": "incomplete", "tile_rows": 31}, "at least 32"),
        ({"frequencies": True}, "whole number"),
        ({"tile_rows": 1e3}, "whole number"),
        ({"form": "incomplete", "estimator": "biased"}, "unbiased"),
        ({"form": "features", "bandwidth": "fuse"}, 'or form="quadratic"'),
        ({"form": "incomplete", "bandwidth": "agg"}, 'or form="quadratic"'),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        ad.MMD(**options)


def test_a_tolerance_is_held_against_the_estimate() -> None:
    rng = np.random.default_rng(53)
    x, y = rng.normal(size=(400, 2)), rng.normal(1, 1, (400, 2))
    forms: list[dict[str, Any]] = [{"form": "features"}, {"form": "incomplete", "tile_rows": 200}]
    for options in forms:
        low, high = (
            ad.MMD(tolerance=t, permutations=99, **options).fit(x, backend="numpy").detect(y).findings[0].p_value
            for t in (0.01, 0.9)
        )
        assert low is not None
        assert high is not None
        assert low < 0.01 < 0.5 < high


@pytest.mark.statistical
@pytest.mark.parametrize("form", ["features", "incomplete"])
def test_blocks_keep_the_level_where_days_differ(form: str) -> None:
    """240 pairs of 20 against 20 days of four rows, a level of each day; p at most 0.1 is to be in a tenth of them."""
    hits = 0
    for seed in range(240):
        rng = np.random.default_rng([54, seed])
        z = rng.normal(size=(160, 2)) + np.repeat(rng.normal(size=(40, 2)), 4, axis=0)
        ids = np.repeat(np.arange(40), 4)
        kernel = KernelSums((z - z.mean(axis=0)) / 2, 80, get_backend("numpy"), seed, ids, (20, 40), blocks=True)
        made = FeatureSums(kernel, 10) if form == "features" else TileSums(kernel, 80)
        values = made.mmd2(0, 40, "unbiased")[0]
        hits += bool((values[1:] >= values[0] - 1e-12).sum() + 1 <= 4)
    # Binomial (240, 0.1): more than 50 or fewer than 4 less than once in a million.
    assert 4 <= hits <= 50


@pytest.mark.statistical
@pytest.mark.parametrize("form", ["features", "incomplete"])
def test_intervals_hold_the_true_value(form: str) -> None:
    """Of two normal laws, whose MMD² is known; with a hundred frequencies their own chance is a part of the error."""
    shift, hits = 0.8, 0
    true = 2 * (1 / 3) * (1 - exp(-(shift**2) / 6))
    for seed in range(120):
        rng = np.random.default_rng([55, seed])
        z = np.concatenate([rng.normal(size=(150, 2)), rng.normal([shift, 0.0], 1.0, (150, 2))])
        kernel = KernelSums(z, 150, get_backend("numpy"), seed)
        made = FeatureSums(kernel, 100) if form == "features" else TileSums(kernel, 100)
        values = made.mmd2(0, 100, "unbiased")[0]
        low, high = matrix_test.interval_of(float(values[0]), made.standard_error(), values[1:])
        hits += low <= true <= high
    # 95 %: below 101 of 120 less than once in a million.
    assert hits >= 101


@pytest.mark.parametrize("mode", ["rows", "groups"])
def test_features_of_a_kept_reference_are_summed_once(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batch after batch the very numbers that all rows at once give."""
    b, summed, plain = get_backend("numpy"), [], FeatureTotals.update
    x, wider = _pooled()[:N], np.zeros((N, 1))

    def counted(self: FeatureTotals, z: Any, *args: Any) -> FeatureTotals:
        summed.append(len(z))
        return plain(self, z, *args)

    reference = ReferenceSums(x, b, "gaussian")
    for seed in (1, 2):
        whole = FeatureSums(_sums(mode, b, np.concatenate([x, _pooled(seed=seed)[N:]])), 40)
        kept = FeatureSums(replace(whole.kernel, reference=reference), 40)
        expected = whole.mmd2(0, 9, "unbiased"), whole.witness, whole.standard_error()
        monkeypatch.setattr(FeatureTotals, "update", counted)
        made = kept.mmd2(0, 9, "unbiased"), kept.witness, kept.standard_error()
        monkeypatch.setattr(FeatureTotals, "update", plain)
        for one, other in zip((*made[0], *made[1:]), (*expected[0], *expected[1:]), strict=True):
            np.testing.assert_array_equal(one, other)
    assert summed == [N, ROWS - N, ROWS - N]
    # A column more before theirs: other frequencies, so nothing kept is of use.
    z = np.concatenate([np.concatenate([wider, x], axis=1), np.ones((ROWS - N, 4))])
    whole = FeatureSums(_sums(mode, b, z), 40)
    kept = FeatureSums(replace(whole.kernel, reference=reference), 40)
    np.testing.assert_array_equal(kept.mmd2(0, 9, "unbiased")[0], whole.mmd2(0, 9, "unbiased")[0])


def test_rows_are_left_out_only_where_the_cost_is_that_of_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "MOST_ROWS", 60)
    rng = np.random.default_rng(85)
    x, y = rng.normal(size=(90, 2)), rng.normal(size=(70, 2))

    def taken(**options: Any) -> tuple[int, int]:
        (found,) = ad.MMD(permutations=19, **options).fit(x, backend="numpy").detect(y).findings
        return found.n_reference, found.n_batch

    assert taken() == taken(form="features", max_rows=60) == (60, 60)
    assert taken(form="features") == taken(form="incomplete") == taken(max_rows=None) == (90, 70)
