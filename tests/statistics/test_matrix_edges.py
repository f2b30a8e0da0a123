"""Joint tests at the edges: far and tiny numbers, few rows, low precisions, and stopping early."""

from __future__ import annotations

from typing import Any, ClassVar, cast

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.backends import Backend, get_backend
from accel_drift.backends._numpy import NumpyBackend
from accel_drift.detectors import get_detector
from accel_drift.errors import ConfigError
from accel_drift.finding import Finding
from accel_drift.statistics import kernel_sums
from accel_drift.statistics.comparison import Plan
from accel_drift.statistics.kernel_test import KernelSums
from accel_drift.statistics.rounding import Precision, rounded
from accel_drift_kernels.spec import Kernels
from bench import level
from tests._strict import StrictBackend

PRECISIONS: tuple[Precision, ...] = ("float64", "float32", "float16", "bfloat16", "int8")
LOW = PRECISIONS[2:]
MODES: tuple[dict[str, Any], ...] = ({"mode": "rows"}, {"mode": "groups"}, {"scale": "calibration"}, {"block": 2})
joint = pytest.mark.parametrize("name", ["mmd", "energy"])
precise = pytest.mark.parametrize("precision", PRECISIONS)


def _finding(name: str, x: Any, y: Any, **options: Any) -> Finding:
    options.setdefault("permutations", 39)
    (found,) = get_detector(name, **options).fit(x, backend="numpy").detect(y).findings
    return found


def _sides(shift: float) -> tuple[Any, Any]:
    rng = np.random.default_rng(95)
    return rng.normal(size=(60, 3)), rng.normal(shift, 1, (50, 3))


EDGES: dict[str, Any] = {
    "offset": lambda side: side + 1e6,
    "scales": lambda side: side * [1e-6, 1.0, 1e6],
    "duplicates": np.round,
    "far and tiny": lambda side: 1e6 + side * 1e-6,
    "one constant": lambda side: side * [1.0, 0.0, 1.0] + 1e6,
}


@joint
@precise
@pytest.mark.parametrize("edge", EDGES)
def test_edges_are_right_in_every_mode_and_precision(name: str, precision: str, edge: str) -> None:
    """A drift of one deviation is found, and none where there is none."""
    for mode in MODES:
        for shift in (0.0, 1.5):
            x, y = (EDGES[edge](side) for side in _sides(shift))
            found = _finding(name, x, y, permutations=99, precision=precision, **mode)
            assert found.status is (ad.Status.DRIFTED if shift else ad.Status.STABLE), mode
            assert found.p_value is not None
            assert 0 < found.p_value <= 1
            assert found.interval is not None
            assert found.statistic is not None
            assert np.isfinite([found.statistic, *found.interval, *(p.contribution for p in found.parts)]).all()


@joint
@precise
def test_constants_and_few_rows_have_a_named_answer(name: str, precision: str) -> None:
    for mode in MODES:
        options = {"precision": precision, **mode}
        same = _finding(name, np.full((40, 2), 1e6), np.full((40, 2), 1e6), **options)
        assert (same.statistic, same.p_value, same.status) == (0.0, 1.0, ad.Status.STABLE)
        few = _finding(name, np.arange(2.0), np.arange(5.0, 7.0), **options)
        assert few.status in (ad.Status.TOO_FEW_ROWS, ad.Status.TOO_FEW_BLOCKS)
        assert few.p_value is None
    for rows in (1, 2, 3):
        alone = get_detector(name, scale="calibration", precision=precision).fit(np.arange(rows) * 1.0, backend="numpy")
        assert alone.detect(np.arange(5.0)).findings[0].status in (ad.Status.TOO_FEW_ROWS, ad.Status.ALL_MISSING)
        assert np.isnan(alone.score(np.arange(5.0))) == (rows == 1)
    # Two against two rows have six labellings: a test where alpha allows it.
    for estimator in ("unbiased", "biased"):
        found = _finding(name, np.arange(2.0), np.arange(5.0, 7.0), precision=precision, alpha=0.5, estimator=estimator)
        assert found.p_value is not None
        assert 1 / 6 <= found.p_value <= 0.6  # two of six labellings are the observed sides
        assert np.isfinite(found.statistic or np.nan)


@joint
@pytest.mark.parametrize("precision", LOW)
def test_low_precisions_are_near(name: str, precision: str) -> None:
    x, y = _sides(0.5)
    for mode in MODES:
        exact, found = _finding(name, x, y, **mode), _finding(name, x, y, precision=precision, **mode)
        assert found.details["precision"] == precision
        assert found.statistic != exact.statistic
        assert found.statistic == pytest.approx(exact.statistic, abs=0.01)
        assert found.interval == pytest.approx(exact.interval, abs=0.01)


@pytest.mark.parametrize("precision", LOW)
@pytest.mark.parametrize("form", ["features", "incomplete"])
def test_linear_forms_of_low_precisions_are_near(form: str, precision: str) -> None:
    x, y = _sides(0.5)
    made = ({"form": form, "tile_rows": 50, "precision": p, "stop_after": 10} for p in (precision, "float64"))
    found, exact = (_finding("mmd", x, y, **options) for options in made)
    assert found.statistic == pytest.approx(exact.statistic, abs=0.01)


@pytest.mark.parametrize("rule", ["fuse", "agg"])
def test_int8_of_many_kernels_is_near(rule: str) -> None:
    x, y = _sides(0.5)
    found, exact = (_finding("mmd", x, y, bandwidth=rule, precision=p) for p in ("int8", "float64"))
    for name in ("kernel", "bandwidths"):
        assert found.details[name] == exact.details[name]
    assert found.statistic == pytest.approx(exact.statistic, abs=0.01)
    with pytest.raises(ConfigError, match="stop_after=None"):
        ad.MMD(bandwidth=rule, stop_after=10)  # type: ignore[arg-type]


@pytest.mark.parametrize("precision", LOW)
def test_rounding_does_not_see_labels(precision: Precision) -> None:
    """60 pairs of 30 against 45 rows without drift: at most 0.05 and 4.75 standard errors are rejected."""
    rejected = 0
    for seed in range(60):
        rng = np.random.default_rng([96, seed])
        made = ad.MMD(permutations=39, precision=precision, seed=seed)
        comparison = made.fit(rng.standard_t(2, (30, 2)), backend="numpy")._compare(rng.standard_t(2, (45, 2)))
        (found,) = made.outcomes(comparison, Plan(0.05, 0.05, seed, intervals=False))
        assert found.p_value is not None
        rejected += found.p_value <= 0.05
    assert level.Tally(rejected, 60, 60).rate <= level.Tally(rejected, 60, 60).bound


def test_rounding_keeps_the_digits_of_its_type() -> None:
    z = np.random.default_rng(97).normal(size=(200, 3)) * 10.0 ** np.arange(-1, 2)
    for backend in (get_backend("numpy"), StrictBackend()):
        digits_of: dict[Precision, int] = {"float16": 11, "bfloat16": 8}
        for precision, digits in digits_of.items():
            there, unit = rounded(backend.asarray(z), precision, backend)
            made = backend.to_numpy(there)
            assert (str(made.dtype), unit) == ("float32", 1.0)
            fraction, power = np.frexp(made.astype(np.float64))
            assert (fraction * 2.0**digits == np.round(fraction * 2.0**digits)).all()
            assert (np.abs(made - z) <= 2.0 ** (power - digits - 1)).all()
        there, unit = rounded(backend.asarray(z), "int8", backend)
        made = backend.to_numpy(there)
        assert np.abs(made).max() == 127
        np.testing.assert_allclose(made * unit, z, atol=unit / 2 * (1 + 1e-12))


class _Native(NumpyBackend):
    """Says that its kernels take rows of 16 and 8 bits, and shows what they are handed."""

    low_precision = ("float16", "int8")
    handed: ClassVar[list[str]] = []

    def __init__(self) -> None:
        self.kernels = cast("Kernels", self)

    def __getattr__(self, name: str) -> Any:
        made = getattr(NumpyBackend.kernels, name)

        def call(z: Any, *rest: Any) -> Any:
            if name.startswith("pair_") and name != "pair_distances":
                self.handed.append(str(z.dtype))
                return made(z.astype(np.float32), *rest)
            return made(z, *rest)

        return call


@pytest.mark.parametrize("precision", LOW)
def test_kernels_that_take_low_types_get_them(precision: Precision) -> None:
    x, y = _sides(0.5)
    _Native.handed.clear()
    made = ad.MMD(permutations=39, precision=precision)
    (found,), (expected,) = (made.fit(x, backend=b).detect(y).findings for b in (_Native(), "numpy"))
    assert set(_Native.handed) == {precision if precision in _Native.low_precision else "float32"}
    assert (found.statistic, found.p_value) == (expected.statistic, expected.p_value)


def test_rows_too_far_for_a_precision_are_refused() -> None:
    rng = np.random.default_rng(98)
    x, y = rng.normal(size=100), rng.normal(size=99)
    assert _finding("mmd", x, y, precision="bfloat16", bandwidth=1e-5).statistic is not None
    with pytest.raises(ConfigError, match=r'too far for precision="float16": use float32'):
        _finding("mmd", x, y, precision="float16", bandwidth=1e-5)


def _from_differences(x: Any, y: Any) -> float:
    """Unbiased MMD² of one column, the kernel from differences of values and not from products."""
    z, n, m = np.r_[x, y], len(x), len(y)
    d = np.abs(z[:, None] - z[None])
    k = np.exp(-(d**2) / (2 * np.median(d[np.triu_indices(n + m, 1)]) ** 2))
    np.fill_diagonal(k, 0.0)
    return float(k[:n, :n].sum() / (n * (n - 1)) + k[n:, n:].sum() / (m * (m - 1)) - 2 * k[:n, n:].mean())


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize(("far", "share"), [(999_999.0, 0.02), (-(2.0**31), 0.1), (1e12, 0.003), (1e150, 0.003)])
def test_a_few_values_far_out_cost_the_others_no_digits(
    far: float, share: float, precision: Precision, backend: Backend
) -> None:
    rng = np.random.default_rng(99)
    x, y = rng.normal(size=400), rng.normal(0.5, 1, 350)
    x[: round(400 * share)] = y[: round(350 * share)] = far
    for options in ({}, {"mode": "groups", "group_size": 1}):
        made = ad.MMD(permutations=99, precision=precision, **options)  # type: ignore[arg-type]
        (found,) = made.fit(x, backend=backend).detect(y).findings
        assert found.statistic == pytest.approx(_from_differences(x, y), rel=1e-6 if precision == "float64" else 2e-3)
        assert found.p_value == 0.01


@pytest.mark.parametrize("precision", ["float64", "float32", "float16", "int8"])
@pytest.mark.parametrize("detector", ["mmd", "energy"])
def test_what_lies_beyond_all_reach_counts_as_less_far(detector: str, precision: Precision) -> None:
    """No answer is nan or an error; a bounded kernel's is not that of the outermost values alone, either."""
    rng = np.random.default_rng(100)
    x, y = rng.normal(size=300), rng.normal(1, 1, 250)
    near = _finding(detector, x, y, precision=precision, permutations=99)
    for far in (1e9, 1e200):
        # Some of the reference's rows may be calibration rows, which take no part.
        for scale, known in (("pooled", {3}), ("calibration", {1, 2, 3})):
            far_x, far_y = np.r_[x, far, -far], np.r_[y, far]
            found = _finding(detector, far_x, far_y, precision=precision, scale=scale, permutations=99)
            assert found.p_value is not None
            assert found.statistic is not None
            assert abs(found.statistic) < np.inf
            assert 0.01 <= found.p_value <= (near.p_value if detector == "mmd" else 1.0)  # type: ignore[operator]
            assert found.details["far_values"] in known
            assert "from the middle, beyond which nothing is told apart" in found.note
    assert near.p_value == 0.01
    assert "far_values" not in near.details


def test_one_value_far_out_stops_no_report() -> None:
    rng = np.random.default_rng(101)
    x, y = ({"a": rng.normal(size=500), "b": rng.normal(size=500)} for _ in range(2))
    x["a"][0] = 1e16
    report = ad.compare(x, y, backend="numpy")
    (found,) = (f for f in report.findings if f.detector == "mmd")
    assert found.status is ad.Status.STABLE
    assert found.details["far_values"] == 1


def test_an_early_stop_gives_the_exceedances_over_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without drift a few dozen relabellings do, and the p-value is that of the sequence cut at the tenth of them."""
    x, y = _sides(0.0)
    made = ad.MMD(permutations=999, stop_after=10)
    fitted = made.fit(x, backend="numpy")
    plain = ad.MMD(permutations=999).fit(x, backend="numpy")
    (outcome,) = plain.detector.outcomes(plain._compare(y), Plan(0.05, 0.05, 0))
    assert outcome.null is not None
    assert outcome.statistic is not None
    tenth = int(np.flatnonzero(outcome.null >= outcome.statistic)[9]) + 1
    asked: list[int] = []
    whole = KernelSums.mmd2

    def noted(self: KernelSums, first: int, count: int, estimator: kernel_sums.Estimator) -> Any:
        asked.append(first + count - 1)
        return whole(self, first, count, estimator)

    monkeypatch.setattr(KernelSums, "mmd2", noted)
    (found,) = fitted.detect(y).findings
    assert found.statistic == outcome.statistic
    assert found.p_value == 10 / tenth
    assert found.details["permutations"] == tenth
    assert f"stopped after {tenth} relabellings" in found.note
    assert max(asked) < max(65, 2 * tenth)
    assert found.interval is not None


def test_an_early_stop_does_not_hide_a_drift() -> None:
    x, y = _sides(1.0)
    found, plain = (_finding("mmd", x, y, permutations=999, stop_after=h) for h in (10, None))
    assert (found.p_value, found.note, found.details["permutations"]) == (plain.p_value, "", 999)


def test_level_with_an_early_stop() -> None:
    """Chances of p <= 0.05 and p <= 0.3 over 300 pairs without drift."""
    p = []
    for seed in range(300):
        rng = np.random.default_rng([99, seed])
        made = ad.MMD(permutations=199, stop_after=5, seed=seed)
        comparison = made.fit(rng.standard_t(2, 25), backend="numpy")._compare(rng.standard_t(2, 30))
        (found,) = made.outcomes(comparison, Plan(0.05, 0.05, seed, intervals=False))
        p.append(found.p_value)
    values = np.array(p, dtype=float)
    for rate in (0.05, 0.3):
        assert (values <= rate).mean() <= rate + 4.75 * np.sqrt(rate * (1 - rate) / len(p))
    assert (values <= 0.3).mean() > 0.15


@pytest.mark.parametrize("value", [0, -1, 2.5, True, "ten"])
def test_a_wrong_stop_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match="stop_after is"):
        ad.MMD(stop_after=value)
