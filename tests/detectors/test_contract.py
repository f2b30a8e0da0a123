"""What every detector promises. A new detector file falls under all of this at once."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.backends import Backend, get_backend, why_not
from accel_drift.detectors import get_class, get_detector, names
from accel_drift.detectors.base import Detection, Detector
from accel_drift.errors import ConfigError
from tests._strict import StrictBackend
from tests.detectors import cases

every = pytest.mark.parametrize("name", cases.NAMES)


def _detect(name: str, reference: Any, batch: Any, backend: str | Backend = "numpy", **options: Any) -> Detection:
    options.setdefault("permutations", 199)
    return get_detector(name, **options).fit(reference, backend=backend).detect(batch)


def _statistics(found: Detection) -> Any:
    return np.atleast_1d(found.statistic)


def _p(found: Detection) -> Any:
    return np.atleast_1d(found.p_value)


def _by_column(found: Detection) -> dict[str, Any]:
    return {f.column: f for f in found.findings}


@every
def test_score_and_detect_say_the_same(name: str, backend: Backend) -> None:
    reference, batch = cases.table(name, 150, 1), cases.table(name, 90, 2, 0.3)
    fitted = get_detector(name, permutations=99).fit(reference, backend=backend)
    found = fitted.detect(batch)
    # One labelling or a hundred in a product: a matrix library may add up in another order.
    assert np.atleast_1d(fitted.score(batch)) == pytest.approx(_statistics(found), rel=1e-11, abs=1e-14)
    assert isinstance(fitted.score(batch), float) == get_class(name).joint
    assert found.drifted == any(f.status is ad.Status.DRIFTED for f in found.findings)
    by_column = _by_column(found)
    order = [n for n in reference if n in by_column] if not get_class(name).joint else list(by_column)
    assert [by_column[n].statistic for n in order] == pytest.approx(list(_statistics(found)), abs=0)
    assert [by_column[n].p_value for n in order] == pytest.approx(list(_p(found)), abs=0)


@every
def test_what_a_finding_promises(name: str) -> None:
    found = _detect(name, cases.table(name, 300, 3), cases.table(name, 200, 4, 0.6))
    assert found.findings
    for f in found.findings:
        assert f.detector == name
        assert f.unit
        assert f.status is ad.Status.DRIFTED
        assert f.severity is not ad.Severity.NONE
        assert f.p_value is not None
        assert 0 < f.p_value <= (f.adjusted_p_value or 0) <= 0.01
        assert f.p_method in {"exact", "permutation", "monte-carlo", "asymptotic", "approximate"}
        assert f.effect is not None
        assert f.interval is not None
        assert f.interval[0] <= f.effect <= f.interval[1]
        assert (f.n_reference, f.n_batch) == (300, 200)
        json.dumps(f.to_dict(), allow_nan=False)


@every
def test_power_grows_with_the_shift(name: str, backend: Backend) -> None:
    reference = cases.table(name, 400, 5)
    runs = [_detect(name, reference, cases.table(name, 300, 6, shift), backend) for shift in (0.0, 0.15, 0.4, 1.0)]
    statistics = np.array([np.abs(_statistics(r)) for r in runs])
    assert (np.diff(statistics[1:], axis=0) > 0).all()
    p_values = np.array([_p(r) for r in runs])
    assert (np.diff(p_values[1:], axis=0) <= 0).all()
    assert (p_values[0] > 0.001).all()
    assert (p_values[-1] <= 1 / 200).all()


@every
def test_row_order_does_not_move_a_statistic(name: str, backend: Backend) -> None:
    reference, batch = cases.table(name, 240, 7), cases.table(name, 170, 8, 0.2)
    straight = _detect(name, reference, batch, backend)
    mixed = _detect(name, cases.shuffled(reference, 1), cases.shuffled(batch, 2), backend)
    exact = not get_class(name).joint
    assert _statistics(mixed) == pytest.approx(
        _statistics(straight), rel=0 if exact else 1e-10, abs=0 if exact else 1e-12
    )
    # A p-value may move by its own Monte-Carlo error: at most half of sqrt(1 / 199) in one standard deviation, twice.
    assert _p(mixed) == pytest.approx(_p(straight), abs=5 * 0.5 * np.sqrt(2 / 199))


@pytest.mark.parametrize("name", [n for n in cases.NAMES if n not in cases.COUNTS_MISSING])
def test_masked_is_absent(name: str, backend: Backend) -> None:
    """Appending rows of nothing changes nothing at all where missing rows stay out."""
    reference, batch = cases.table(name, 160, 9), cases.table(name, 110, 10, 0.2)
    without = _detect(name, reference, batch, backend)
    padded = _detect(name, cases.padded(reference, 7), cases.padded(batch, 40), backend)
    # More rows, of nothing, may be added up in another order.
    assert _statistics(padded) == pytest.approx(_statistics(without), rel=1e-12, abs=0)
    for f, g in zip(without.findings, padded.findings, strict=True):
        assert (f.n_reference, f.n_batch) == (g.n_reference, g.n_batch)
        assert f.p_method == g.p_method
        if f.p_method == "exact":
            assert f.p_value == g.p_value


@pytest.mark.parametrize("name", [n for n in cases.NAMES if n in cases.COUNTS_MISSING])
def test_what_stands_in_a_masked_row_is_not_seen(name: str, backend: Backend) -> None:
    """Null and NaN are one, and so is whatever number lies beneath the mask."""
    reference, batch = cases.table(name, 160, 9), cases.table(name, 110, 10, 0.2)
    a, b = cases.padded(reference, 9), cases.padded(batch, 20)
    found = _detect(name, a, b, backend)
    for beneath in (np.nan, 1e300):
        other = _detect(name, _masked(reference, 9, beneath), _masked(batch, 20, beneath), backend)
        assert np.array_equal(_statistics(found), _statistics(other))
        assert np.array_equal(_p(found), _p(other))


def _masked(columns: Any, rows: int, beneath: float) -> Any:
    import pyarrow as pa

    made = {}
    for name, values in columns.items():
        if values.dtype.kind != "f":
            made[name] = pa.array(values.tolist() + [None] * rows)
            continue
        numbers = np.concatenate([values, np.full(rows, beneath)])
        mask = np.r_[np.zeros(len(values), bool), np.full(rows, not np.isnan(beneath))]
        made[name] = pa.array(numbers, mask=mask)
    return pa.table(made)


@every
def test_backends_agree(name: str, backend: Backend) -> None:
    reference, batch = cases.table(name, 260, 11), cases.table(name, 140, 12, 0.12)
    plain, other = _detect(name, reference, batch), _detect(name, reference, batch, backend)
    assert _statistics(other) == pytest.approx(_statistics(plain), rel=1e-9, abs=1e-13)
    assert np.array_equal(_p(plain), _p(other))
    assert [(f.column, f.status, f.severity) for f in plain.findings] == [
        (f.column, f.status, f.severity) for f in other.findings
    ]
    for f, g in zip(plain.findings, other.findings, strict=True):
        assert g.effect == pytest.approx(f.effect, rel=1e-9, abs=1e-13)
        assert g.interval == pytest.approx(f.interval, rel=1e-9, abs=1e-13)


@every
def test_one_seed_one_answer(name: str, backend: Backend) -> None:
    reference, batch = cases.table(name, 120, 13), cases.table(name, 120, 14, 0.05)
    one, again = (_detect(name, reference, batch, backend, seed=5) for _ in range(2))
    assert [f.to_dict() for f in one.findings] == [f.to_dict() for f in again.findings]


@every
def test_another_seed_other_draws(name: str) -> None:
    reference, batch = cases.table(name, 120, 13), cases.table(name, 120, 14, 0.05)
    runs = [_detect(name, reference, batch, seed=seed) for seed in range(6)]
    assert len({tuple(_statistics(r)) for r in runs}) == 1  # no random choice enters a statistic at this size
    drawn = [[f.p_value for f in r.findings if f.p_method in {"permutation", "monte-carlo"}] for r in runs]
    if any(drawn):
        assert len({tuple(sorted(p)) for p in drawn if None not in p}) > 1  # type: ignore[type-var]


@every
def test_nothing_touches_the_global_random_state(name: str) -> None:
    np.random.seed(1)  # noqa: NPY002  the very state that must stay as it is
    before = repr(np.random.get_state())  # noqa: NPY002
    _detect(name, cases.table(name, 60, 1), cases.table(name, 60, 2))
    assert repr(np.random.get_state()) == before  # noqa: NPY002


@every
def test_state_survives_save_and_load(name: str, tmp_path: Path) -> None:
    reference, batch = cases.table(name, 200, 15), cases.table(name, 150, 16, 0.2)
    detector = get_detector(name, permutations=199, min_effect=0.003)
    profile = ad.Profile.fit(reference, [detector], backend="numpy", seed=3)
    profile.save(tmp_path / "it.adp")
    loaded = ad.Profile.load(tmp_path / "it.adp", backend="numpy")
    assert loaded.detectors == profile.detectors == (replace(detector, seed=3),)
    assert [f.to_dict() for f in loaded.score(batch).findings] == [f.to_dict() for f in profile.score(batch).findings]


@every
def test_options_are_frozen(name: str) -> None:
    detector = get_detector(name)
    with pytest.raises(FrozenInstanceError):
        detector.alpha = 0.5  # type: ignore[misc]
    fitted = detector.fit(cases.table(name, 30, 1), backend="numpy")
    with pytest.raises(FrozenInstanceError):
        fitted.detector = detector  # type: ignore[misc]


@every
def test_summary_is_plain_json(name: str) -> None:
    fitted = get_detector(name, alpha=0.02).fit(cases.table(name, 30, 1), backend="numpy")
    summary = fitted.summary()
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert summary["detector"] == name
    assert summary["alpha"] == 0.02
    assert summary["n_reference"] == 30
    assert summary["backend"] == "numpy"
    assert {f.name for f in fields(fitted.detector)} <= summary.keys()


@every
def test_class_says_what_it_is(name: str) -> None:
    kind = get_class(name)
    assert issubclass(kind, Detector)
    assert kind.name == name
    assert kind.source
    assert kind.unit
    assert kind.kinds
    assert kind.bands == () or (len(kind.bands) == 3 and list(kind.bands) == sorted(set(kind.bands)))


WRONG: list[dict[str, Any]] = [
    {"alpha": 0.0},
    {"alpha": 1.0},
    {"alpha": -0.1},
    {"alpha": float("nan")},
    {"alpha": "0.05"},
    {"alpha": True},
    {"permutations": 0},
    {"permutations": 18},
    {"permutations": 99.5},
    {"permutations": True},
    {"min_effect": -0.1},
    {"min_effect": float("nan")},
    {"tolerance": -0.1},
    {"tolerance": "0.1"},
    {"seed": 1.5},
    {"seed": "1"},
    {"seed": None},
]

OWN: dict[str, list[dict[str, Any]]] = {
    **{name: [{"bins": 1}, {"bins": 0}, {"bins": 2.5}, {"bins": "10"}, {"bins": None}] for name in cases.BINNED},
    "mmd": [
        {"bandwidth": 0},
        {"bandwidth": -1.0},
        {"bandwidth": float("inf")},
        {"bandwidth": float("nan")},
        {"bandwidth": "mean"},
        {"mode": "columns"},
        {"scale": "batch"},
        {"estimator": "best"},
        {"precision": "half"},
        {"form": "linear"},
        {"frequencies": 0},
        {"tile_rows": 0},
        {"stop_after": 0},
        {"time_budget_s": -1.0},
        {"group_size": 0},
        {"max_rows": 1},
    ],
}


@every
def test_wrong_options_are_refused_by_name(name: str) -> None:
    for options in WRONG + OWN.get(name, []):
        (option,) = options
        with pytest.raises(ConfigError, match=option) as refused:
            get_detector(name, **options)
        assert "\n" not in str(refused.value)


# What is let through today and should not be.
LET_THROUGH: list[dict[str, Any]] = [{"min_effect": "0.1"}, {"min_effect": float("inf")}, {"block": 1.5}, {"block": 0}]


@pytest.mark.parametrize("options", LET_THROUGH, ids=str)
def test_more_wrong_options(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        ad.KS(**options)


@pytest.mark.parametrize("pseudo_count", ["0.5", float("inf"), float("nan"), -1])
@pytest.mark.parametrize("kind", [ad.PSI, ad.KL])
def test_wrong_pseudo_counts(kind: Any, pseudo_count: Any) -> None:
    with pytest.raises(ConfigError, match="pseudo_count"):
        kind(pseudo_count=pseudo_count)
    with pytest.raises(ConfigError, match=r"tolerance.*pseudo_count"):
        kind(pseudo_count=0, tolerance=0.1)


def test_unknown_detector_and_option() -> None:
    with pytest.raises(ConfigError, match=r"no detector 'psy'.*psi"):
        get_detector("psy")
    with pytest.raises(ConfigError, match=r"no option 'bin'.*bins"):
        get_detector("psi", bin=3)


def test_every_detector_is_public() -> None:
    for name in names():
        assert get_class(name).__name__ in ad.__all__


def _backends() -> list[str | Backend]:
    others: list[str | Backend] = [n for n in ("jax", "cupy") if why_not(n) is None]
    return [*others, StrictBackend()]


def test_whole_reports_agree_over_backends() -> None:
    """STATISTICS section 9: statistics within 1e-9, p-values equal, one verdict, and the very same words."""
    rng = np.random.default_rng(17)
    reference = _mixed(rng, 260, 0.0)
    batch = _mixed(rng, 200, 0.5)
    detectors = [get_detector(name, permutations=199) for name in cases.NAMES]
    plain = ad.compare(reference, batch, detectors, backend="numpy", seed=4, alpha=0.05).to_dict()
    assert plain["drifted"]
    for name in _backends():
        other = ad.compare(reference, batch, detectors, backend=name, seed=4, alpha=0.05).to_dict()
        _same(_without_place(plain), _without_place(other))


def _mixed(rng: np.random.Generator, rows: int, shift: float) -> dict[str, Any]:
    return {
        "normal": rng.normal(size=rows) + shift,
        "single": rng.normal(size=rows).astype(np.float32),
        "count": rng.poisson(3, rows),
        "holes": np.where(rng.random(rows) < 0.05 + shift / 3, np.nan, rng.normal(size=rows)),
        "infinite": np.where(rng.random(rows) < 0.1, np.inf, rng.normal(size=rows)),
        "letter": rng.choice(LETTERS, rows),
        "flag": rng.random(rows) < 0.4,
        "same": np.ones(rows),
    }


LETTERS = list("abcdef")


def _without_place(report: dict[str, Any]) -> dict[str, Any]:
    varies = ("backend", "device", "backend_reason")
    settings = {k: v for k, v in report["settings"].items() if k not in varies}
    return {**{k: v for k, v in report.items() if k not in ("created_at", "elapsed_s")}, "settings": settings}


def _same(a: Any, b: Any) -> None:
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            _same(a[key], b[key])
    elif isinstance(a, list):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            _same(x, y)
    elif isinstance(a, float):
        assert b == pytest.approx(a, rel=1e-9, abs=1e-12)
    else:
        assert a == b


def test_backend_is_opened_once() -> None:
    assert get_backend("numpy") is get_backend("numpy")


def test_a_derived_column_is_found_in_the_batch() -> None:
    rows = {"text": ["x" * (3 + i % 17) for i in range(60)], "a": np.arange(60.0)}
    fitted = ad.KS().fit(rows, kinds={"text": "length"}, backend="numpy")
    assert sorted(f.column for f in fitted.detect(rows).findings) == ["a", "length of text"]
    assert sorted(f.column for f in fitted.detect(fitted.reference).findings) == ["a", "length of text"]
