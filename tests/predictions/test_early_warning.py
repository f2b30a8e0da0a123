"""The score is the sum of its parts, its mean without a lead is the one stated, and drift alone earns nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import log10
from typing import Any

import numpy as np
import pytest

from accel_drift.errors import ConfigError, DataError
from accel_drift.predictions import early_warning, lead_lag
from accel_drift.predictions.early_warning import FORMULA, MAXIMA
from tests.predictions.pairs_of_series import WITHOUT, led, noise

EXPECTED = 100 * float(np.mean(np.minimum(1, -np.log10(np.arange(1, 201) / 200) / 3)))
"""At 199 permutations."""


def rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def scores(make: Callable[[np.random.Generator, int], Any], n: int, pairs: int, seed: int) -> Any:
    made = [early_warning(*make(rng(seed, i), n), permutations=199, seed=i) for i in range(pairs)]
    assert all(one.expected == pytest.approx(EXPECTED) for one in made)
    return np.array([one.value for one in made])


@pytest.mark.statistical
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_without_a_lead_the_mean_is_the_one_stated(seed: int) -> None:
    values = scores(noise, 60, 300, seed)
    assert abs(values.mean() - EXPECTED) < 4 * values.std() / np.sqrt(300)
    assert values.min() >= 0


def drift_alone(generator: np.random.Generator, n: int) -> Any:
    x, y = generator.normal(size=(2, n))
    return x, y + np.linspace(0, 30, n) ** 1.5


def fall_alone(generator: np.random.Generator, n: int) -> Any:
    x, y = generator.normal(size=(2, n))
    return x - np.linspace(0, 30, n), y


@pytest.mark.statistical
@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [drift_alone, fall_alone, WITHOUT["shared ramp"], WITHOUT["autoregressive 0.9"]],
    ids=["drift alone", "fall alone", "both at once", "both remember"],
)
def test_drift_or_a_fall_alone_or_both_at_once_earn_nothing(make: Any) -> None:
    values = scores(make, 60, 200, 5)
    assert values.mean() < EXPECTED + 4 * values.std() / np.sqrt(200) + 1


@pytest.mark.statistical
def test_the_chance_of_the_score_is_that_of_chance() -> None:
    made = [early_warning(*noise(rng(i, 6), 60), permutations=99, seed=i).p_value or 0.0 for i in range(200)]
    assert np.mean(np.array(made) <= 0.05) <= 0.125
    assert 0.4 < np.mean(made) < 0.6


def test_a_planted_lead_has_a_high_score_and_its_mirror_a_low_one() -> None:
    first, second = led(3, 1.0)(rng(1), 150)
    found = early_warning(first, second)
    assert found.value == pytest.approx(100)
    assert found.p_value == 0.001
    assert found.text == "100 of 100 (where confidence leads nothing the mean is 14, and the p-value of this 0.001)"
    mirrored = early_warning(second, first)
    assert mirrored.value is not None
    assert mirrored.value < 40
    assert {part.name: part.value for part in mirrored.parts}["asymmetry"] < 20
    rises = early_warning(-first, second)
    assert rises.value is not None
    assert rises.value < 40
    assert early_warning(-first, second, alternative="positive").value == pytest.approx(100)


def test_a_lead_that_gives_no_notice_lacks_that_part() -> None:
    first, second = led(1, 1.0)(rng(1), 150)
    found = {part.name: part.value for part in early_warning(first, second).parts}
    assert found["lead"] == pytest.approx(40)
    assert found["notice"] < 10
    assert {part.name: part.value for part in early_warning(first, second, notice=1).parts}["notice"] == 20


@pytest.mark.parametrize("seed", range(5))
def test_the_value_is_the_sum_of_its_parts_by_the_formula(seed: int) -> None:
    first, second = noise(rng(seed, 9), 50)
    found = early_warning(first, second, seed=seed)
    assert found.value == pytest.approx(sum(part.value for part in found.parts))
    assert {part.name: part.maximum for part in found.parts} == MAXIMA
    for part in found.parts:
        assert part.value == pytest.approx(part.maximum * min(1.0, -log10(part.p_value) / 3))
    lead = lead_lag(first, second, seed=seed, alternative="negative")
    assert found.parts[0].p_value == lead.p_first
    assert found.formula == FORMULA
    assert "40 g(lead), 40 g(asymmetry), 20 g(notice)" in FORMULA


def test_what_cannot_be_tested_has_no_score_and_says_why() -> None:
    found = early_warning([0.9] * 40, list(range(40)))
    assert (found.value, found.expected, found.p_value, found.parts) == (None, None, None, ())
    assert found.text == "not tested: of the first series, it is constant"
    short = early_warning(*noise(rng(1), 22), most=20, notice=20)
    assert short.text == "not tested: lags from 20 steps on have too few points that meet"
    json.dumps(found.to_dict(), allow_nan=False)


def test_wrong_input_is_refused() -> None:
    x, y = noise(rng(1), 40)
    with pytest.raises(ConfigError, match="notice is 11, and lags up to most=10 are looked at"):
        early_warning(x, y, notice=11)
    with pytest.raises(ConfigError, match="notice is 0; it is a whole number of at least 1"):
        early_warning(x, y, notice=0)
    with pytest.raises(DataError, match="give both at each time"):
        early_warning(x, y[1:])


def test_it_is_plain_json() -> None:
    made = json.loads(json.dumps(early_warning(*noise(rng(1), 40)).to_dict(), allow_nan=False))
    assert [part["name"] for part in made["parts"]] == list(MAXIMA)
    assert made["text"].endswith(")")
