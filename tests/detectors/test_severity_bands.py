"""Bands of one's own: how severe a drift is called, never whether there is a difference."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.detectors import get_class
from accel_drift.errors import ConfigError
from tests.detectors import cases

RNG = np.random.default_rng(11)
REFERENCE = {"x": RNG.normal(size=2_000)}
MOVED = {"x": RNG.normal(size=1_000) + 0.45}


def found(detector: ad.PSI | ad.MMD) -> ad.Finding:
    (finding,) = ad.compare(REFERENCE, MOVED, [detector], seed=0, backend="numpy").findings
    return finding


def test_they_move_the_severity_and_leave_every_number() -> None:
    plain = found(ad.PSI())
    assert plain.effect is not None
    assert plain.severity is ad.Severity.WARNING  # 0.2 to 0.25
    for bands, severity in {
        (plain.effect / 2, plain.effect * 2, plain.effect * 3): ad.Severity.WATCH,
        (plain.effect / 4, plain.effect / 3, plain.effect / 2): ad.Severity.CRITICAL,
    }.items():
        other = found(ad.PSI(severity_bands=bands))
        assert other.severity is severity
        assert other.details["min_effect"] == bands[0]
        kept: dict[str, Any] = {"severity": plain.severity, "details": plain.details}
        assert replace(other, **kept) == plain


def test_the_first_is_the_effect_that_a_drift_must_reach() -> None:
    small = found(ad.PSI(severity_bands=(10, 20, 30)))
    assert (small.status, small.severity) == (ad.Status.SIGNIFICANT_SMALL, ad.Severity.NONE)
    assert found(ad.PSI(severity_bands=(10, 20, 30), min_effect=0.0)).status is ad.Status.DRIFTED


def test_a_scale_without_bands_can_have_some() -> None:
    assert ad.MMD.bands == ()
    assert found(ad.MMD(permutations=199)).severity is ad.Severity.WARNING
    assert found(ad.MMD(permutations=199, severity_bands=(1e-4, 1e-3, 2e-3))).severity is ad.Severity.CRITICAL


def test_reports_profiles_and_health_know_them(tmp_path: Path) -> None:
    bands = (0.01, 0.02, 0.03)
    profile = ad.Profile.fit(REFERENCE, [ad.PSI(severity_bands=bands), ad.KS()], backend="numpy")
    profile.save(tmp_path / "a.adp")
    report = ad.Profile.load(tmp_path / "a.adp", backend="numpy").score(MOVED)
    assert report.settings["bands"] == {"psi": [*bands], "ks": [0.1, 0.2, 0.3]}
    assert report.bands(report.explain("x").findings[0]) in {bands, (0.1, 0.2, 0.3)}
    assert json.loads(report.to_json())["settings"]["bands"]["psi"] == [*bands]


@pytest.mark.parametrize("name", cases.NAMES)
def test_every_detector_takes_them(name: str) -> None:
    made = get_class(name)(severity_bands=(0.1, 0.2, 0.3))
    assert made.grades == (0.1, 0.2, 0.3)
    assert get_class(name)().grades == get_class(name).bands


@pytest.mark.parametrize("bands", [0.1, (), (0.1, 0.2), (0.3, 0.2, 0.1), (-1, 0, 1), (0.1, 0.2, float("nan")), "abc"])
def test_what_is_no_rising_three_is_refused(bands: Any) -> None:
    with pytest.raises(ConfigError, match=r"severity_bands is .* three effects of 0 or more in rising order"):
        ad.PSI(severity_bands=bands)
