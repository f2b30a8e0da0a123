"""The kernel test's own laws: levels of its modes, degenerate data, what is said of what was left out, its memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import accel_drift as ad
from accel_drift.backends import Backend, get_backend
from accel_drift.finding import Finding
from accel_drift.statistics.distances import median_distance


def _finding(x: Any, y: Any, **options: Any) -> Finding:
    options.setdefault("permutations", 99)
    (found,) = ad.MMD(**options).fit(x, backend="numpy").detect(y).findings
    return found


@pytest.mark.statistical
@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"mode": "rows"},
        {"mode": "groups"},
        {"mode": "groups", "group_size": 2},
        {"scale": "calibration"},
        {"estimator": "biased"},
        {"precision": "float32"},
        {"form": "features", "frequencies": 30},
        {"form": "features", "frequencies": 30, "mode": "groups"},
        {"form": "incomplete", "tile_rows": 50},
        {"form": "incomplete", "tile_rows": 50, "mode": "groups"},
    ],
    ids=str,
)
def test_p_values_are_uniform_without_drift(options: dict[str, Any]) -> None:
    """Over 120 pairs with heavy tails, 60 against 90 rows in three columns."""
    p = []
    for seed in range(120):
        rng = np.random.default_rng([40, seed])
        x, y = rng.standard_t(2, (60, 3)), rng.standard_t(2, (90, 3))
        p.append(_finding(x, y, alpha=0.05, seed=seed, **options).p_value)
    # Largest gap from the uniform law, of 120 draws: above 0.25 less than once in a million.
    assert stats.kstest(np.array(p, dtype=float) - 0.005, "uniform").statistic < 0.25


@pytest.mark.statistical
@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize(("n", "m", "shift"), [(5, 4, 0.0), (4, 6, 1.0), (7, 3, 1.5), (6, 6, 0.8)])
def test_rows_agree_with_scipy_on_every_labelling(n: int, m: int, shift: float, precision: str) -> None:
    """SciPy deals the rows in all ways there are; ours are 20,000 of them: within five standard errors.

    One column, whose scale falls out of the kernel.
    """
    rng = np.random.default_rng([n, m])
    z = np.concatenate([rng.normal(size=n), rng.normal(shift, 1, m)])
    found = _finding(z[:n], z[n:], permutations=19_999, precision=precision)
    distances = np.abs(z[:, None] - z[None])
    k = np.exp(-(distances**2) / (2 * np.median(distances[np.triu_indices(n + m, 1)]) ** 2))
    np.fill_diagonal(k, 0.0)

    def mmd2(one: Any, other: Any) -> float:
        a, b = one.astype(int), other.astype(int)
        within = k[np.ix_(a, a)].sum() / (n * (n - 1)) + k[np.ix_(b, b)].sum() / (m * (m - 1))
        return float(within - 2 * k[np.ix_(a, b)].mean())

    exact = stats.permutation_test(
        (np.arange(n), np.arange(n, n + m)), mmd2, n_resamples=10_000, alternative="greater", vectorized=False
    )
    assert found.statistic == pytest.approx(exact.statistic, rel=1e-5, abs=1e-7)
    error = float(exact.pvalue * (1 - exact.pvalue) / 20_000) ** 0.5
    assert found.p_value == pytest.approx(exact.pvalue, abs=5 * error)


@pytest.mark.parametrize("mode", ["rows", "groups"])
def test_a_drift_is_found_in_every_mode(mode: str) -> None:
    rng = np.random.default_rng(41)
    found = _finding(rng.normal(size=(200, 2)), rng.normal(1, 1, (150, 2)), mode=mode)
    assert found.status is ad.Status.DRIFTED
    assert found.p_value == 0.01


def test_p_value_is_never_zero_and_further_rounds_follow_the_need() -> None:
    rng = np.random.default_rng(42)
    found = _finding(rng.normal(size=60), rng.normal(5, 1, 60), alpha=1e-3)
    assert found.details["permutations"] == 999
    assert found.p_value == 1e-3


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_constant_data_is_no_drift(offset: float, backend: Backend) -> None:
    x = np.full((40, 2), offset)
    found = ad.MMD().fit(x, backend=backend).detect(x[:30])
    assert found.statistic == 0.0
    assert found.p_value == 1.0
    assert found.findings[0].note == "no two rows differ"


@pytest.mark.parametrize("estimator", ["unbiased", "biased"])
def test_identical_sides(estimator: str) -> None:
    x = np.random.default_rng(43).normal(size=(80, 2))
    found = _finding(x, x, estimator=estimator)
    assert found.p_value == 1.0
    assert found.status is ad.Status.STABLE
    if estimator == "biased":
        assert found.statistic == pytest.approx(0.0, abs=1e-12)
    else:
        assert found.statistic is not None
        assert found.statistic < 0  # never clipped


def test_an_offset_moves_nothing() -> None:
    rng = np.random.default_rng(44)
    x, y = (np.round(rng.normal(size=(rows, 2)) * 2**20) / 2**20 for rows in (70, 50))
    near, far = _finding(x, y), _finding(x + 1e6, y + 1e6)
    assert far.statistic == pytest.approx(near.statistic, rel=1e-9)
    assert far.p_value == near.p_value


def test_scales_come_from_where_they_should() -> None:
    """Pooled: which side is which does not matter. Calibration: its rows take no part, and the batch has no say."""
    rng = np.random.default_rng(45)
    x, y = rng.normal(size=(100, 2)), rng.normal(0.2, 3, (80, 2))
    assert _finding(x, y).details["bandwidth"] == _finding(y, x).details["bandwidth"]
    assert _finding(x, y).statistic == pytest.approx(_finding(y, x).statistic, rel=1e-10)
    apart = _finding(x, y, scale="calibration")
    assert apart.n_reference == 80
    assert apart.details["bandwidth"] == _finding(x, 5 * y, scale="calibration").details["bandwidth"]
    by_reference = _finding(x, y, scale="reference")
    assert by_reference.p_method == "approximate"
    assert by_reference.details["bandwidth"] == _finding(x, 5 * y, scale="reference").details["bandwidth"]


def test_median_of_many_rows_is_near_the_median_of_all() -> None:
    z = np.random.default_rng(46).normal(size=(2500, 3))
    d2 = ((z[:, None, :] - z[None, :, :]) ** 2).sum(axis=2)
    exact = float(np.median(np.sqrt(d2[np.triu_indices(2500, 1)])))
    assert median_distance(z, 0, get_backend("numpy")) == pytest.approx(exact, rel=5e-3)
    assert median_distance(z, 0, get_backend("numpy")) == median_distance(z, 0, get_backend("numpy"))
    assert median_distance(z, 0, get_backend("numpy")) != median_distance(z, 1, get_backend("numpy"))


def test_mostly_equal_rows_still_have_a_bandwidth() -> None:
    x = np.r_[np.zeros(90), np.random.default_rng(47).normal(size=10)]
    found = _finding(x, np.r_[np.zeros(60), np.full(30, 2.0)])
    assert found.details["bandwidth"] > 0
    assert found.p_value == 0.01


def test_max_rows_is_kept_and_said() -> None:
    rng = np.random.default_rng(48)
    x, y = rng.normal(size=(300, 2)), rng.normal(size=(90, 2))
    found = _finding(x, y, max_rows=100)
    assert (found.n_reference, found.n_batch) == (100, 90)
    assert "100 of 300 reference rows" in found.note
    assert _finding(x, y, max_rows=None).note == ""


def test_groups_say_how_many_rows_were_dropped() -> None:
    rng = np.random.default_rng(49)
    found = _finding(rng.normal(size=103), rng.normal(size=98), mode="groups", group_size=10)
    assert "19 groups of 10 rows" in found.note
    assert "11 rows left over" in found.note


@pytest.mark.parametrize(("rows", "size"), [(10, 5), (100, 1000), (12, 4), (30, 15)])
def test_too_few_groups_is_never_stable(rows: int, size: int) -> None:
    """Fewer than 1 / alpha ways to deal the groups: no p-value could reject."""
    rng = np.random.default_rng(50)
    found = _finding(rng.normal(size=rows), rng.normal(9, 1, rows), mode="groups", group_size=size, alpha=0.01)
    assert found.status in {ad.Status.TOO_FEW_ROWS, ad.Status.TOO_FEW_BLOCKS}
    assert found.p_value is None
    assert "groups can be dealt" in found.note or "each side needs 2" in found.note


def test_too_few_rows_for_alpha_says_what_they_allow() -> None:
    rng = np.random.default_rng(54)
    sides = rng.normal(size=(2, 4, 2))
    few = _finding(*sides)
    assert few.status is ad.Status.TOO_FEW_ROWS
    assert few.note.startswith("8 rows can be dealt to the sides in 70 ways, so no p-value could be below 0.0143, ")
    assert _finding(*sides, alpha=0.05).p_value is not None
    one = _finding(rng.normal(size=200), np.array([0.5]))
    assert one.note == "200 reference and 1 batch rows, and each side needs 2"


def test_labels_are_the_same_on_every_backend(backend: Backend) -> None:
    rng = np.random.default_rng(51)
    x, y = rng.normal(size=(50, 2)), rng.normal(0.3, 1, (41, 2))
    for options in ({}, {"mode": "groups"}, {"scale": "calibration"}):
        fitted = ad.MMD(permutations=199, **options)  # type: ignore[arg-type]
        plain = fitted.fit(x, backend="numpy").detect(y)
        other = fitted.fit(x, backend=backend).detect(y)
        assert plain.p_value == other.p_value
        assert other.statistic == pytest.approx(plain.statistic, rel=1e-9)


def test_a_column_without_spread_is_dropped_by_name() -> None:
    rng = np.random.default_rng(52)
    found = _finding({"a": rng.normal(size=40), "b": np.ones(40)}, {"a": rng.normal(size=30), "b": np.ones(30)})
    assert found.columns == ("a",)
    assert list(found.details["dropped_columns"]) == ["b"]


def test_columns_that_the_batch_lacks_are_named() -> None:
    rng = np.random.default_rng(55)
    one, other = (dict(zip("abc", rng.normal(size=(3, 60)), strict=True)) for _ in range(2))
    assert _finding(one, other).note == ""
    found = _finding(one, {"a": other["a"]})
    assert found.note == "2 columns that were learned are left out: 'b', 'c'"
    assert found.details["dropped_columns"] == dict.fromkeys("bc", "not in the batch")
    found = _finding(one, {**other, "c": ["text"] * 60})
    assert found.note == "without c: double in the reference, string in the batch"
    assert found.columns == ("a", "b")
    assert found.p_value == _finding({n: one[n] for n in "ab"}, other).p_value


def test_many_categories_are_hashed_without_regard_to_the_sides() -> None:
    rng = np.random.default_rng(53)
    x, y = ({"c": rng.integers(0, 60, rows).astype(str)} for rows in (200, 150))
    one, other = _finding(x, y), _finding(y, x)
    assert one.statistic == pytest.approx(other.statistic, rel=1e-10)
    assert one.statistic != _finding(x, y, seed=1).statistic


def test_infinite_values_lie_just_outside() -> None:
    rng = np.random.default_rng(54)
    x, y = rng.normal(size=100), rng.normal(size=80)
    y[:40] = np.inf
    found = _finding(x, y)
    assert found.status is ad.Status.DRIFTED
    assert found.statistic is not None
    assert np.isfinite(found.statistic)


@pytest.mark.parametrize("scale", [1e300, 1e-300])
def test_extreme_scales(scale: float) -> None:
    rng = np.random.default_rng(55)
    x, y = rng.normal(size=60), rng.normal(size=50)
    assert _finding(x * scale, y * scale).statistic == pytest.approx(_finding(x, y).statistic, rel=1e-6)


@pytest.mark.parametrize("values", [["a", "b"] * 50, list(np.arange(100.0))], ids=["text", "numbers"])
def test_values_on_one_side_only_are_no_stable_joint_test(values: list[Any]) -> None:
    assert _finding({"x": values}, {"x": [None] * 100}).status is ad.Status.DRIFTED


@pytest.mark.parametrize("values", [["a", "b"] * 50, list(np.arange(100.0))], ids=["text", "numbers"])
def test_nor_on_the_other(values: list[Any]) -> None:
    assert _finding({"x": [None] * 100}, {"x": values}).status is not ad.Status.STABLE


MEMORY = """
import sys
import numpy as np
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
import accel_drift as ad
rng = np.random.default_rng(0)
small = ad.MMD(permutations=19).fit(rng.normal(size=(50, 32)), backend=sys.argv[1])
small.detect(rng.normal(size=(50, 32)))
x, y = rng.normal(size=(10_000, 32)), rng.normal(size=(10_000, 32))
before = peak()
found = ad.MMD(permutations=499, max_rows=None).fit(x, backend=sys.argv[1]).detect(y)
assert 0.001 < found.p_value <= 1
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize("name", ["numpy", "jax"])
def test_memory_of_ten_thousand_rows_a_side(name: str) -> None:
    """Less than 400 MB above its input, where the kernel matrix alone would take 3.2 GB."""
    get_backend(name)
    root = Path(__file__).parents[2]
    code = f"import sys; sys.path[:0] = [{str(root)!r}, {str(root / 'kernels')!r}]\n" + MEMORY
    done = subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 400
