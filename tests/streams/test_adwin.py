"""ADWIN cuts where river's does, and by the paper where a plain list of all values is cut."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from river import drift

import accel_drift as ad
from accel_drift.backends import Backend, get_backend
from accel_drift.errors import ConfigError
from accel_drift.streams.base import state_arrays
from tests.streams import shapes

OPTIONS: list[dict[str, Any]] = [
    {},
    {"delta": 0.05},
    {"clock": 1},
    {"clock": 7, "max_buckets": 3, "grace_period": 200, "min_window_length": 20},
    {"clock": 1, "max_buckets": 2, "delta": 0.05, "min_window_length": 1},
    {"clock": 3, "max_buckets": 9, "delta": 0.9, "min_window_length": 1, "grace_period": 0},
]


def _by_river(values: shapes.Values, options: dict[str, Any]) -> list[tuple[int, float]]:
    """Index of each change of river's, and its estimate of the mean then."""
    detector: Any = drift.ADWIN(**options)  # type: ignore[no-untyped-call]
    found = []
    for i, x in enumerate(values.tolist()):
        detector.update(x)
        if detector.drift_detected:
            found.append((i, detector.estimation))
    return found


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_river_cuts_at_the_same_indices_and_keeps_the_same_mean(options: dict[str, Any]) -> None:
    given = shapes.streams()
    found = ad.ADWIN(variant="river", **options).scan(np.stack([*given.values()], axis=1))
    wanted = [_by_river(values, options) for values in given.values()]
    assert sum(map(len, wanted)) > 60
    for s, changes in enumerate(wanted):
        own = found.of_stream(s)
        assert [*zip(own.change_points.tolist(), own.after.tolist(), strict=True)] == changes
    assert len(found.warnings) == 0


@pytest.mark.parametrize("grace", [7, 10, 12])
def test_the_first_look_comes_when_the_window_is_longer_than_the_grace_period(grace: int) -> None:
    values = np.repeat([0.0, 100.0], [4, 20])
    options = {"clock": 1, "min_window_length": 1, "delta": 0.5, "grace_period": grace}
    found = ad.ADWIN(variant="river", **options).scan(values)  # type: ignore[arg-type]
    assert found.index.tolist() == [i for i, _ in _by_river(values, options)] == [grace]


def _can_be_cut(buckets: Sequence[Any], delta: float, least: int) -> bool:
    window = np.concatenate(buckets)
    log = np.log(2 * np.log(len(window)) / delta)
    for n in np.cumsum([len(b) for b in buckets])[:-1]:
        older, newer = window[:n], window[n:]
        if min(len(older), len(newer)) >= least:
            q = 1 / (len(older) - least + 1) + 1 / (len(newer) - least + 1)
            bound = np.sqrt(2 * q * window.var() * log) + 2 / 3 * q * log
            if abs(older.mean() - newer.mean()) > bound:
                return True
    return False


def _plain(values: shapes.Values, delta: float, clock: int, most: int, least: int) -> list[tuple[int, float, float]]:
    """The paper's detector with every value kept: where it dropped some, their mean, and that of the rest."""
    buckets: list[Any] = []
    found = []
    for i, x in enumerate(values):
        buckets.append(np.array([x]))
        size = 1
        while sum(len(b) == size for b in buckets) > most:
            first = [len(b) for b in buckets].index(size)
            buckets[first : first + 2] = [np.concatenate(buckets[first : first + 2])]
            size *= 2
        lost: list[Any] = []
        looks = (i + 1) % clock == 0 and sum(map(len, buckets)) > 10
        while looks and _can_be_cut(buckets, delta, least):
            lost.append(buckets.pop(0))
        if lost:
            found.append((i, float(np.concatenate(lost).mean()), float(np.concatenate(buckets).mean())))
    return found


@pytest.mark.parametrize(
    ("delta", "clock", "most", "least"), [(0.002, 32, 5, 5), (0.3, 5, 2, 1)], ids=["defaults", "other"]
)
def test_the_published_window_is_that_of_a_plain_list(delta: float, clock: int, most: int, least: int) -> None:
    given = [values[::4] for values in shapes.streams().values()]
    detector = ad.ADWIN(delta=delta, clock=clock, max_buckets=most, min_window_length=least)
    found = detector.scan(np.stack(given, axis=1))
    wanted = [_plain(values, delta, clock, most, least) for values in given]
    assert sum(map(len, wanted)) > 60
    for s, changes in enumerate(wanted):
        own = found.of_stream(s)
        assert own.index.tolist() == [index for index, *_ in changes]
        np.testing.assert_allclose(own.before, [mean for _, mean, _ in changes], atol=1e-12)
        np.testing.assert_allclose(own.after, [mean for *_, mean in changes], atol=1e-12)


def _some() -> shapes.Values:
    values = np.stack([*shapes.streams().values()][::3], axis=1)
    values[np.random.default_rng(5).random(values.shape) < 0.1] = np.nan
    return values


@pytest.mark.parametrize("variant", ["paper", "river"])
def test_any_cutting_into_windows_is_the_same_to_the_bit(variant: Any, backend: Backend) -> None:
    values, detector = _some(), ad.ADWIN(variant=variant, clock=20, delta=0.1)
    whole = detector.scan(values, backend=get_backend("numpy"))
    assert len(whole) > 30
    ends = [0, 1, 2, 40, 45, 911, 1500, 2000]
    own = backend.asarray(values)
    state, pieces = detector.start(values.shape[1], backend), []
    for first, last in pairwise(ends):
        state, events = detector.advance(state, own[first:last, :], backend)
        pieces.append((events, first))
    for name in ("index", "stream", "before", "after"):
        got = np.concatenate([getattr(e, name) + (first if name == "index" else 0) for e, first in pieces])
        np.testing.assert_array_equal(got, getattr(whole, name))
    at_once, _ = detector.advance(detector.start(values.shape[1], backend), own, backend)
    for name, array in state_arrays(state).items():
        np.testing.assert_array_equal(backend.to_numpy(array), backend.to_numpy(state_arrays(at_once)[name]))


def test_missing_values_are_passed_over() -> None:
    values = shapes.stream("gaussian", "recurring", 3)
    there = np.random.default_rng(6).random(len(values)) < 0.8
    with_gaps = ad.ADWIN().scan(np.where(there, values, np.nan))
    without = ad.ADWIN().scan(values[there])
    assert len(without) > 1
    assert with_gaps.index.tolist() == np.flatnonzero(there)[without.index].tolist()


@pytest.mark.parametrize("variant", ["paper", "river"])
def test_values_that_do_not_vary(variant: Any) -> None:
    constant = np.full(3_000, 0.1)
    assert len(ad.ADWIN(variant=variant, clock=1).scan(constant)) == 0
    assert len(ad.ADWIN(variant=variant).scan(np.array([]))) == 0
    assert len(ad.ADWIN(variant=variant).scan([1.0])) == 0
    # Its squares are then made of rounding alone, and may be below 0.
    steps = np.repeat([0.1, 0.7, 0.3, 1e6 + 0.1], 1_000)
    found = ad.ADWIN(variant=variant).scan(steps)
    assert [i // 1_000 for i in found.index] == sorted(i // 1_000 for i in found.index)
    assert {i // 1_000 for i in found.index.tolist()} == {1, 2, 3}


def test_after_a_cut_the_published_window_keeps_what_is_new() -> None:
    values = np.repeat([0.0, 1.0], 512)
    paper, river = (ad.ADWIN(variant=v).scan(values) for v in ("paper", "river"))
    assert paper.index[0] == river.index[0]
    assert paper.before[0] == 0.0
    assert 1.0 > paper.after[-1] > paper.after[0] == river.after[0]
    assert len(paper) > len(river) == 1


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"delta": 0}, "delta"),
        ({"delta": 1}, "delta"),
        ({"clock": 0}, "clock"),
        ({"max_buckets": 1}, "max_buckets"),
        ({"min_window_length": 0}, "min_window_length"),
        ({"grace_period": -1}, "grace_period"),
        ({"variant": "moa"}, "variant"),
    ],
)
def test_options_that_are_refused(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        ad.ADWIN(**wrong)
