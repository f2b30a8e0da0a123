"""CUSUM and EWMA find what plain loops find, learn the stream in control, and alarm as seldom as published."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import sqrt
from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.backends import Backend
from accel_drift.errors import ConfigError
from accel_drift.streams.events import CHANGE
from tests.streams import checks, shapes
from tests.streams.checks import Told

Run = Callable[[list[float]], tuple[int, float] | None]
"""Given scores, the number of the one at which there is a change and the scores' mean then; None where none is."""


def _cusum(scores: list[float], k: float = 0.5, h: float = 5.0) -> tuple[int, float] | None:
    up = down = 0.0
    rises = falls = 0
    for i, z in enumerate(scores):
        up, down = max(0.0, up + z - k), max(0.0, down - z - k)
        rises, falls = rises + 1 if up else 0, falls + 1 if down else 0
        if up > h:
            return i, k + up / rises
        if down > h:
            return i, -k - down / falls
    return None


def _ewma(scores: list[float], weight: float = 0.1, limit: float = 2.814) -> tuple[int, float] | None:
    mean = 0.0
    for i, z in enumerate(scores):
        mean = weight * z + (1 - weight) * mean
        if abs(mean) > limit * sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * (i + 1)))):
            return i, mean
    return None


def _plain(run: Run, values: list[float], given: tuple[float, float] | None, learned: int) -> Iterator[Told]:
    """Learn from the first values, or take what is given; score the others until a change; begin anew."""
    at, start = 0, 0 if given else learned
    while at + start < len(values):
        mean, deviation = given or (
            float(np.mean(values[at : at + start])),
            float(np.std(values[at : at + start], ddof=1)),
        )
        found = run([(x - mean) / deviation for x in values[at + start :]])
        if found is None:
            return
        at += start + found[0]
        yield at, CHANGE, mean, mean + found[1] * deviation
        at += 1


CHARTS: list[tuple[Any, Run]] = [(ad.CUSUM, _cusum), (ad.EWMA, _ewma)]


@pytest.mark.parametrize(("chart", "run"), CHARTS)
@pytest.mark.parametrize("given", [None, (0.5, 2.0)])
def test_changes_are_those_of_a_plain_loop(chart: Any, run: Run, given: tuple[float, float] | None) -> None:
    values = np.stack([*shapes.streams().values()], axis=1)
    detector = chart(mean=given[0], deviation=given[1]) if given else chart()
    checks.same_as_plain(detector, lambda column: _plain(run, column, given, 100), values, ad.get_backend("numpy"))
    assert len(detector.scan(values).change_points) > 200


@pytest.mark.parametrize(("chart", "run"), CHARTS)
def test_backends_agree_with_a_plain_loop(chart: Any, run: Run, backend: Backend) -> None:
    values = np.stack([*shapes.streams("gaussian", "heavy").values()], axis=1)[900:1200, ::3]
    checks.same_as_plain(chart(warm_start=40), lambda column: _plain(run, column, None, 40), values, backend)


@pytest.mark.parametrize(
    ("chart", "run", "options"),
    [
        (ad.CUSUM, lambda z: _cusum(z, 0.0, 8.0), {"slack": 0, "threshold": 8.0}),
        (ad.CUSUM, lambda z: _cusum(z, 1.0, 2.5), {"slack": 1.0, "threshold": 2.5}),
        (ad.EWMA, lambda z: _ewma(z, 0.4, 3.054), {"weight": 0.4, "limit": 3.054}),
    ],
)
def test_options_mean_what_they_say(chart: Any, run: Run, options: dict[str, float]) -> None:
    values = np.stack([*shapes.streams("gaussian").values()], axis=1)
    detector = chart(mean=1, deviation=1.5, **options)
    checks.same_as_plain(detector, lambda column: _plain(run, column, (1, 1.5), 0), values, ad.get_backend("numpy"))


@pytest.mark.parametrize("chart", [ad.CUSUM, ad.EWMA])
def test_how_streams_are_cut_makes_no_difference(chart: Any, backend: Backend) -> None:
    values = np.stack([*shapes.streams("gaussian").values()], axis=1)[900:1200]
    checks.same_in_pieces(chart(), values, backend)


@pytest.mark.parametrize("chart", [ad.CUSUM, ad.EWMA])
def test_after_equal_values_every_other_value_is_a_change(chart: Any, backend: Backend) -> None:
    values = np.full((60, 3), 0.1)
    assert checks.quiet(chart(warm_start=20).scan(values, backend=backend))
    values[30, 0], values[40, 2] = 0.1 + 1e-9, -7.0
    found = chart(warm_start=20).scan(values, backend=backend)
    assert found.change_points.tolist() == [[30, 0], [40, 2]]
    assert found.before.tolist() == [0.1, 0.1]


@pytest.mark.parametrize(
    ("detector", "published"), [(ad.CUSUM(mean=0, deviation=1), 465), (ad.EWMA(mean=0, deviation=1), 486)]
)
def test_run_lengths_of_normal_values_are_as_published(detector: Any, published: int) -> None:
    """Montgomery 2009 (table 9.4), Lucas & Saccucci 1990; a run's length has about its mean as deviation."""
    moments, streams = 20_000, 256
    changes = len(detector.scan(np.random.default_rng(64).standard_normal((moments, streams))))
    expected = moments * streams / published
    assert abs(changes - expected) < 5 * sqrt(expected)


@pytest.mark.parametrize(
    ("chart", "options", "word"),
    [
        (ad.CUSUM, {"mean": 1.0}, "give both"),
        (ad.EWMA, {"deviation": 1.0}, "give both"),
        (ad.CUSUM, {"mean": float("inf"), "deviation": 1.0}, "mean is inf"),
        (ad.CUSUM, {"mean": 0, "deviation": 0}, "deviation"),
        (ad.EWMA, {"warm_start": 1}, "warm_start"),
        (ad.CUSUM, {"slack": -0.5}, "slack"),
        (ad.CUSUM, {"threshold": 0}, "threshold"),
        (ad.EWMA, {"weight": 1.5}, "weight"),
        (ad.EWMA, {"limit": 0}, "limit"),
    ],
)
def test_options_that_cannot_be_are_refused(chart: Any, options: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        chart(**options)
