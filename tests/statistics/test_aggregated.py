"""Tests of many kernels at once: their formulas, level, power, and what they say of the kernel that is shown."""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pytest
from scipy import stats

import accel_drift as ad
from accel_drift.backends import Backend, get_backend
from accel_drift.errors import ConfigError
from accel_drift.finding import Finding
from accel_drift.statistics import aggregated, matrix_test, tail
from accel_drift.statistics.aggregated import Collection, Laws, fuse, least
from accel_drift.statistics.comparison import Plan, pair_tables
from accel_drift.statistics.distances import distance_quantiles, median_distance
from accel_drift.statistics.kernel_sums import Kernel
from accel_drift.statistics.kernel_test import KernelSums
from bench.power_study import perturbed

both = pytest.mark.parametrize("rule", ["fuse", "agg"])


def _finding(x: Any, y: Any, **options: Any) -> Finding:
    options.setdefault("permutations", 99)
    (found,) = ad.MMD(**options).fit(x, backend="numpy").detect(y).findings
    return found


def _collection(n: int, m: int, scales: tuple[float, ...] = (0.2, 1.0, 4.0), **held: Any) -> Collection:
    z = np.random.default_rng(70).normal(size=(n + m, 2))
    backend = get_backend("numpy")
    shapes: tuple[Kernel, ...] = ("gaussian", "laplace")
    members = tuple(KernelSums(z - z.mean(axis=0), n, backend, 0, kernel=k, scales=scales, **held) for k in shapes)
    return Collection(members, tuple(s**-0.5 for s in scales), 1e-12)


def test_the_soft_maximum_is_the_plain_formula() -> None:
    rng = np.random.default_rng(71)
    values, normaliser = rng.normal(size=(6, 20)), rng.uniform(0.5, 2, 6)
    expected = np.log(np.mean(np.exp(7.0 * values / normaliser[:, None]), axis=0)) / 7.0
    np.testing.assert_allclose(fuse(values, normaliser, 7.0), expected, rtol=1e-12)
    assert np.isfinite(fuse(1e5 * values, normaliser, 1e5)).all()
    assert np.argmax(fuse(values, normaliser, 1e6)) == np.argmax((values / normaliser[:, None]).max(axis=0))


def test_the_normaliser_is_the_deviation_over_all_labellings() -> None:
    """All 126 ways to call 4 of 9 rows the reference: the variance in closed form from the mean centred square."""
    n, m, rows = 4, 5, 9
    kernels = _collection(n, m)
    values = []
    for chosen in combinations(range(rows), n):
        order = [*chosen, *(i for i in range(rows) if i not in chosen)]
        z = kernels.members[0].z[order, :]
        moved = [KernelSums(z, n, k.backend, 0, kernel=k.kernel, scales=k.scales) for k in kernels.members]
        values.append(np.concatenate([k.grid(0, 1, "unbiased")[0][:, 0] for k in moved]))
    assert len(values) == comb(rows, n)
    pairs = 1 / (n * (n - 1)) + 1 / (m * (m - 1)) + 2 / (n * m)
    expected = 2 * kernels.normaliser**2 * pairs * (rows - 1) / (rows - 3)
    assert np.mean(values, axis=0) == pytest.approx(np.zeros(6), abs=1e-14)
    assert np.var(values, axis=0) == pytest.approx(expected, rel=1e-9)


def test_groups_have_a_normaliser_of_their_own() -> None:
    """Whole groups of one size, pairs within them left out: the same formula with groups for rows."""
    ids = np.repeat(np.arange(8), 5)
    kernels = _collection(15, 25, groups=ids, n_groups=(3, 8), blocks=True)
    z = kernels.members[0].z.reshape(8, 5, 2)
    values = []
    for chosen in combinations(range(8), 3):
        order = [*chosen, *(i for i in range(8) if i not in chosen)]
        moved = z[order].reshape(40, 2)
        (one, _), (other, _) = (
            KernelSums(moved, 15, k.backend, 0, ids, (3, 8), k.kernel, True, k.scales).grid(0, 1, "unbiased")
            for k in kernels.members
        )
        values.append(np.concatenate([one[:, 0], other[:, 0]]))
    expected = 2 * kernels.normaliser**2 * (1 / 6 + 1 / 20 + 2 / 15) * 7 / 5
    assert np.var(values, axis=0) == pytest.approx(expected, rel=1e-9)
    assert kernels.sharpness == pytest.approx(6**0.5)


@pytest.mark.parametrize("equal", [True, False])
def test_the_p_value_of_mmdagg_is_the_smallest_level_at_which_it_rejects(*, equal: bool) -> None:
    """Against the test as its paper states it: all kernels at levels u w, u the largest that keeps alpha."""
    rng = np.random.default_rng(72)
    weights = np.full(4, 0.25) if equal else np.array([0.1, 0.2, 0.3, 0.4])
    for shift in (0.0, 1.0, 2.0):
        values = rng.normal(size=(4, 40)) @ np.diag(rng.uniform(0.5, 1.5, 40))
        values[:, 0] += shift
        single = Laws.of(values).p_values(values, np.zeros(4))
        made = least(single, weights)
        p = np.count_nonzero(made <= made[0]) / 40
        for alpha in np.arange(1, 40) / 40:
            assert _rejects(single, weights, float(alpha)) == (p <= alpha + 1e-12)


def _rejects(single: Any, weights: Any, alpha: float) -> bool:
    """Whether some kernel rejects the observed labelling at u w, with the largest u that keeps alpha."""
    rejected = np.zeros(single.shape[1], dtype=bool)
    for u in sorted((single / weights[:, None]).ravel()):
        now = (single <= u * (1 + 1e-12) * weights[:, None]).any(axis=0)
        if now.mean() > alpha + 1e-12:
            break
        rejected = now
    return bool(rejected[0])


def test_a_fitted_law_is_a_gamma_law_that_one_value_far_out_does_not_move() -> None:
    rng = np.random.default_rng(73)
    values = rng.gamma(3.0, 1.0, (2, 20_000))
    values[1] -= 50
    expected = stats.gamma(3.0).sf(9.0)
    at = np.array([[9.0], [-41.0]])
    made = Laws.of(values).p_values(at, np.zeros(2))
    assert (made < expected).all()
    assert (made > expected / 4).all()
    few = values[:, :1000].copy()
    before = Laws.of(few).p_values(at, np.zeros(2))
    few[[0, 1], np.argmax(few, axis=1)] = 1e6
    assert Laws.of(few).p_values(at, np.zeros(2)) == pytest.approx(before)
    assert Laws.of(few).p_values(np.full((2, 1), 1e6), np.zeros(2)).max() < 1e-100
    constant = np.ones((2, 100))
    assert Laws.of(constant).p_values(constant, np.full(2, 1e-12)).tolist() == constant.tolist()


def test_a_fitted_tail_without_skewness_is_normal() -> None:
    z = np.array([-1.0, 0.0, 2.0])
    expected = stats.norm.sf(z)
    assert tail.skewed_tail(z, np.zeros(3)) == pytest.approx(expected)
    assert tail.skewed_tail(z, np.full(3, -0.5)) == pytest.approx(expected)
    assert tail.skewed_tail(z, np.full(3, 2e-3)) == pytest.approx(expected, rel=1e-2)
    assert tail.skewed_tail(z, np.full(3, 2.0)) == pytest.approx(stats.expon.sf(z + 1))


def _p(rule: str, x: Any, y: Any, seed: int, block: Any = None, **options: Any) -> float:
    """The p-value alone."""
    detector = ad.MMD(bandwidth=rule, permutations=39, **options)  # type: ignore[arg-type]
    fitted = detector.fit(x, backend="numpy")
    table = fitted._compare(y)
    comparison = pair_tables(table.reference, table.batch, table.names, fitted.backend, block)
    (found,) = detector.outcomes(comparison, Plan(0.05, 0.05, seed, intervals=False))
    assert found.p_value is not None
    return found.p_value


@pytest.mark.statistical
@pytest.mark.parametrize("block", [None, 4])
@both
def test_level(rule: str, block: int | None) -> None:
    """200 pairs, 16 against 28 rows: rejected at 0.05 and at 0.25. 30 and 83 or more are rarer than once in 10^6."""
    p = []
    for seed in range(200):
        x, y = (np.random.default_rng([73, seed, side]).standard_t(3, (rows, 2)) for side, rows in ((0, 16), (1, 28)))
        if block:
            x, y = (np.repeat(side[::block], block, axis=0) + 0.1 * side for side in (x, y))
        p.append(_p(rule, x, y, seed, block))
    assert np.count_nonzero(np.array(p) <= 0.05) < 30
    assert np.count_nonzero(np.array(p) <= 0.25) < 83


@pytest.mark.parametrize("mode", ["rows", "groups"])
@both
def test_a_change_on_a_small_scale_that_the_median_bandwidth_misses(rule: str, mode: str) -> None:
    rng = np.random.default_rng(74)
    x, y = rng.random((400, 1)), perturbed(rng, 400, 1, 5)
    assert _finding(x, y, permutations=199, mode=mode).p_value > 0.05  # type: ignore[operator]
    found = _finding(x, y, permutations=199, mode=mode, bandwidth=rule)
    assert found.status is ad.Status.DRIFTED
    assert found.p_value == pytest.approx(0.005, abs=0.003)
    assert found.details["bandwidth"] < median_distance(x, 0, get_backend("numpy")) / 2


@both
def test_the_finding_is_of_the_kernel_that_it_names(rule: str) -> None:
    """Statistic, interval and parts are those of that kernel; score and another order of rows give the same."""
    rng = np.random.default_rng(75)
    x, y = rng.normal(size=(60, 2)), rng.normal(0.4, 1.6, (50, 2))
    fitted = ad.MMD(bandwidth=rule, permutations=99).fit(x, backend="numpy")  # type: ignore[arg-type]
    (found,) = fitted.detect(y).findings
    assert found.statistic == pytest.approx(fitted.score(y), rel=1e-12)
    assert found.statistic == pytest.approx(fitted.score(y[::-1]), rel=1e-12)
    assert ad.mmd(x, y, bandwidth=rule) == pytest.approx(found.statistic, rel=1e-12)  # type: ignore[arg-type]
    assert found.details["kernel"] in found.note
    assert found.details["bandwidth"] in found.details["bandwidths"]
    assert found.interval is not None
    assert found.statistic is not None
    assert found.interval[0] < found.statistic < found.interval[1]
    if found.details["kernel"] == "gaussian":
        alone = _finding(x, y, bandwidth=found.details["bandwidth"])
        assert alone.statistic == pytest.approx(found.statistic, rel=1e-10)
        assert [p.label for p in alone.parts] == [p.label for p in found.parts]


@pytest.mark.parametrize(("rule", "mode"), [("fuse", "rows"), ("agg", "groups")])
def test_a_kept_reference_changes_nothing(rule: str, mode: str) -> None:
    """With calibration rows the reference's sums are kept, of both shapes at all widths; they decide the widths."""
    rng = np.random.default_rng(82)
    made = ad.MMD(bandwidth=rule, mode=mode, scale="calibration", permutations=99)  # type: ignore[arg-type]
    x = rng.normal(size=(90, 2))
    fitted, found = made.fit(x, backend="numpy"), []
    for rows in (50, 40, 50):
        y = rng.normal(0.2, 1.5, (rows, 2))
        (kept,), (fresh,) = fitted.detect(y).findings, made.fit(x, backend="numpy").detect(y).findings
        for name in ("statistic", "p_value", "interval", "parts", "details"):
            assert getattr(kept, name) == getattr(fresh, name), name
        assert fitted.score(y) == pytest.approx(fresh.statistic, rel=1e-12)
        found.append(kept)
    assert len({tuple(f.details["bandwidths"]) for f in found}) == 1
    assert len({f.statistic for f in found}) == 3


def test_both_shapes_can_be_foremost() -> None:
    kernels = _collection(20, 15)
    observed = np.full(6, 0.01)
    for place, shape in ((0, "gaussian"), (2, "gaussian"), (4, "laplace")):
        moved = observed.copy()
        moved[place] = 100 * kernels.normaliser[place]
        assert kernels.foremost(moved) == place
        assert kernels.facts(place)["kernel"] == shape
        assert kernels.one(place).kernel == shape
        assert kernels.one(place).scales == (kernels.members[0].scales[place % 3],)
        assert kernels.one(place).unbiased == pytest.approx(kernels.grid(0, 1)[0][place, 0], abs=1e-12)


@pytest.mark.parametrize(("rule", "options"), [("fuse", {}), ("agg", {"mode": "groups", "group_size": 3})])
def test_every_backend_says_the_same(rule: str, options: dict[str, Any], backend: Backend) -> None:
    rng = np.random.default_rng(76)
    x, y = rng.normal(size=(40, 2)), rng.normal(0.5, 1.3, (31, 2))
    made = ad.MMD(bandwidth=rule, permutations=99, **options)  # type: ignore[arg-type]
    plain, other = (made.fit(x, backend=b).detect(y) for b in ("numpy", backend))
    assert other.p_value == plain.p_value
    assert other.statistic == pytest.approx(plain.statistic, rel=1e-9)


@both
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_data_that_say_nothing(rule: str, precision: str) -> None:
    """Constant, identical, all rows equally far apart, two rows a side: p is right or there is a named status."""
    constant = _finding(np.ones((30, 2)), np.ones((20, 2)), bandwidth=rule, precision=precision)
    assert (constant.p_value, constant.statistic) == (1.0, 0.0)
    x = np.random.default_rng(77).normal(size=(40, 2))
    assert _finding(x, x, bandwidth=rule, precision=precision).p_value == 1.0
    apart = [f"name {i}" for i in range(30)]
    found = _finding({"c": apart[:16]}, {"c": apart[16:]}, bandwidth=rule, precision=precision)
    assert found.p_value == 1.0
    few = _finding(x[:2], x[2:4], bandwidth=rule, alpha=0.4, precision=precision)
    assert few.p_value is None or 0 < few.p_value <= 1


@both
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_duplicates_offsets_and_scales(rule: str, offset: float) -> None:
    x = np.r_[np.zeros(90), np.random.default_rng(78).normal(size=10)] + offset
    found = _finding(x, np.r_[np.zeros(60), np.full(30, 2.0)] + offset, bandwidth=rule)
    assert found.p_value == pytest.approx(0.01)
    assert found.details["bandwidths"][0] > 0
    rng = np.random.default_rng(79)
    a, b = (np.round(rng.normal(size=(rows, 2)) * 2**20) / 2**20 for rows in (60, 50))
    plain = _finding(a, b, bandwidth=rule)
    moved = _finding((a + offset) * [1e-6, 1e6], (b + offset) * [1e-6, 1e6], bandwidth=rule)
    assert moved.p_value == plain.p_value
    assert moved.statistic == pytest.approx(plain.statistic, rel=1e-6)


@both
def test_further_rounds_follow_the_need(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labellings looked at in pieces or at once; where they are too dear the tail is fitted, and named so."""
    rng = np.random.default_rng(80)
    x, y = rng.normal(size=(40, 1)), rng.normal(3, 1, (40, 1))
    found = _finding(x, y, bandwidth=rule, alpha=1e-3)
    assert found.details["permutations"] == 999
    assert found.p_value == pytest.approx(1e-3)
    near = _finding(x, x + 0.3, bandwidth=rule, alpha=1e-3, permutations=99)
    monkeypatch.setattr(aggregated, "_AT_ONCE", 64)
    assert _finding(x, x + 0.3, bandwidth=rule, alpha=1e-3, permutations=99).p_value == near.p_value
    monkeypatch.setattr(matrix_test, "_WORK", 0.0)
    fitted = _finding(x, y, bandwidth=rule, alpha=1e-3)
    assert fitted.p_method == "approximate"
    assert fitted.p_value is not None
    assert tail.FITTED <= fitted.p_value < 0.01


def test_laws_of_a_later_round_are_those_of_all_labellings() -> None:
    kernels = _collection(20, 15)
    kernels.members[0].z[:20] += 0.4
    found = aggregated.test(kernels, "agg", 19, 1e-3, lambda upto: upto <= 1999)
    values, slack = kernels.grid(0, 1 + found.permutations)
    made = least(Laws.of(values).p_values(values, slack), kernels.weights)
    assert found.p_value == np.count_nonzero(made <= made[0]) / (1 + found.permutations)
    assert found.first.shape == (6, 20)
    assert found.permutations > 19


@pytest.mark.parametrize("option", [{"tolerance": 0.1}, {"estimator": "biased"}])
@both
def test_what_a_collection_cannot_do_is_refused(rule: str, option: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(option))} is .* and bandwidth '{rule}'"):
        ad.MMD(bandwidth=rule, **option)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match='"median", "fuse", "agg" or a length'):
        ad.MMD(bandwidth="mean")  # type: ignore[arg-type]


def test_quantiles_of_distances() -> None:
    backend, rng = get_backend("numpy"), np.random.default_rng(81)
    z = rng.normal(size=(300, 2))
    d = np.sqrt(((z[:, None, :] - z[None, :, :]) ** 2).sum(axis=2))[np.triu_indices(300, 1)]
    assert distance_quantiles(z, (0.05, 0.95), 0, backend) == pytest.approx(np.quantile(d, [0.05, 0.95]))
    many = rng.normal(size=(2200, 2))
    low, high = distance_quantiles(many, (0.05, 0.95), 0, backend)
    assert (low, high) == pytest.approx((2 * np.sqrt(-np.log(0.95)), 2 * np.sqrt(-np.log(0.05))), rel=0.05)
    assert distance_quantiles(np.ones((5, 2)), (0.05, 0.95), 0, backend) == (0.0, 0.0)
    assert distance_quantiles(np.ones((1, 2)), (0.05,), 0, backend) == (0.0,)
    half = np.r_[np.zeros(50), np.ones(50)][:, None]
    assert distance_quantiles(half, (0.05, 0.95), 0, backend) == (1.0, 1.0)
    made = aggregated.widths(1.0, 4.0)
    assert (made[0], made[-1], len(made)) == pytest.approx((0.5, 8.0, 10))
    np.testing.assert_allclose(np.diff(np.log(made)), np.log(16) / 9)
