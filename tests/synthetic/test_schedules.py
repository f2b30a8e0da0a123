"""Schedules: how strong a drift is in each row, however the stream is cut into batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accel_drift import synthetic as sy
from accel_drift.errors import ConfigError

RNG = np.random.default_rng(0)
WITHOUT_DRAWS = [
    sy.Sudden(0.4),
    sy.Sudden(10, until=60),
    sy.Incremental(0.2, 0.8),
    sy.Incremental(7, 90, steps=4),
    sy.Recurring(0.25),
    sy.Recurring(period=9, share=0.3, start=11),
]


@pytest.mark.parametrize("schedule", WITHOUT_DRAWS)
@given(cut=st.integers(0, 100))
def test_how_a_stream_is_cut_makes_no_difference(schedule: Any, cut: int) -> None:
    whole = schedule.strength(0, 100, 100, RNG)
    parts = [schedule.strength(0, cut, 100, RNG), schedule.strength(cut, 100 - cut, 100, RNG)]
    assert np.array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("schedule", [*WITHOUT_DRAWS, sy.Gradual(0.2, 0.5)])
def test_the_onset_is_the_first_row_that_may_be_drifted(schedule: Any) -> None:
    seen = np.max([schedule.strength(0, 100, 100, np.random.default_rng(seed)) for seed in range(500)], axis=0)
    assert 0 <= seen.min() <= seen.max() <= 1
    onset = schedule.onset(100)
    assert not seen[:onset].any()
    # At the onset of the gradual one a row is drifted with a chance of 1/30: in none of 500 with one of 4e-8.
    assert seen[onset] > 0


@pytest.mark.statistical
@pytest.mark.parametrize("seed", range(3))
def test_the_share_of_a_gradual_drift_grows_linearly_and_rows_are_drifted_wholly_or_not(seed: int) -> None:
    total = 100_000
    strength = sy.Gradual(0.2, 0.7).strength(0, total, total, np.random.default_rng(seed))
    assert set(np.unique(strength)) == {0.0, 1.0}
    assert not strength[: total // 5].any()
    assert strength[total * 7 // 10 :].all()
    shares = strength[20_000:70_000].reshape(10, 5_000).mean(axis=1)
    wanted = (np.arange(10) + 0.5) / 10
    assert np.abs(shares - wanted).max() < 5 * np.sqrt(0.25 / 5_000), "five standard errors"


def test_an_incremental_drift_grows_with_every_row_or_in_steps() -> None:
    rows = sy.Incremental(0.25, 0.75).strength(0, 8, 8, RNG)
    assert rows.tolist() == [0, 0, 0.25, 0.5, 0.75, 1, 1, 1]
    steps = sy.Incremental(200, 1_200, steps=10).strength(0, 1_500, 1_500, RNG).reshape(15, 100)
    assert np.array_equal(steps.min(axis=1), steps.max(axis=1)), "a batch of 100 rows is one step"
    np.testing.assert_allclose(steps[:, 0], [0, 0, *np.arange(1, 11) / 10, 1, 1, 1])


def test_a_recurring_drift_ends_each_period() -> None:
    assert sy.Recurring(period=4, share=0.5).strength(0, 10, 10, RNG).tolist() == [0, 0, 1, 1] * 2 + [0, 0]
    assert sy.Recurring(period=4, share=0.5, start=2).strength(0, 8, 8, RNG).tolist() == [0, 0, 0, 0, 1, 1, 0, 0]
    assert sy.Recurring(period=0.5, share=0.001).strength(0, 4, 4, RNG).tolist() == [0, 1, 0, 1]
    assert sy.Recurring(period=3, share=1.0).strength(0, 4, 4, RNG).tolist() == [1] * 4


def test_a_whole_number_is_a_row_and_a_fraction_a_share() -> None:
    assert sy.Sudden(1).onset(100) == 1
    assert sy.Sudden(0.5).onset(100) == 50
    whole: Any = np.int64(3)
    assert sy.Sudden(whole).onset(100) == 3
    assert sy.Sudden(np.float64(0.25)).onset(100) == 25
    assert sy.Sudden(0.25).summary() == {"schedule": "Sudden", "at": 0.25, "until": None}


@pytest.mark.parametrize(
    "make",
    [
        lambda: sy.Sudden(-1),
        lambda: sy.Sudden(1.5),
        lambda: sy.Sudden(np.nan),
        lambda: sy.Sudden(True),
        lambda: sy.Sudden("x"),  # type: ignore[arg-type]
        lambda: sy.Sudden(None),  # type: ignore[arg-type]
        lambda: sy.Sudden(0.5, until=-0.5),
        lambda: sy.Gradual(0.8, 0.2),
        lambda: sy.Incremental(50, 10),
        lambda: sy.Incremental(steps=0),
        lambda: sy.Recurring(period=0),
        lambda: sy.Recurring(share=0),
        lambda: sy.Recurring(share=1.5),
    ],
)
def test_a_place_that_cannot_be_is_told(make: Any) -> None:
    with pytest.raises(ConfigError, match=" is "):
        make()


def test_a_stretch_that_is_over_before_it_begins_is_told() -> None:
    with pytest.raises(ConfigError, match="so never"):
        sy.Scenario(sy.Population(), changes=[(sy.CovariateShift(1.0), sy.Sudden(0.5, until=10))])
