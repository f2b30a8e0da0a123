"""Bets on a bounded mean keep what they promise, exactly where it can be counted, and find what has moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from math import sqrt
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest

import accel_drift as ad
from accel_drift.backends import Backend
from accel_drift.errors import ConfigError, DataError
from accel_drift.streams.events import CHANGE
from tests.streams import checks
from tests.streams.checks import Told
from tests.streams.examples import told

Floats = npt.NDArray[np.float64]
Guarantee = Literal["ever", "run_length"]
SIDES: tuple[Literal["above", "below", "both"], ...] = ("above", "below", "both")
FAR = 1e-60
"""An alpha at which short streams have no change."""


def bets(detector: ad.BoundedMean, x: float) -> Floats:
    """What the five bets pay at a value for a stake of 1."""
    high, low, paid = detector.mean + detector.tolerance, detector.mean - detector.tolerance, []
    above = {"above": 5, "both": 3, "below": 0}[detector.side]
    for mean, value, count in ((high, x, above), (1 - low, 1 - x, 5 - above)):
        least = 0.03 * sqrt(mean / (1 - mean))
        paid += [1 + least ** ((i + 0.5) / count) * (value / mean - 1) for i in range(count)]
    return np.array(paid)


def _plain(detector: ad.BoundedMean, values: list[float]) -> Iterator[Told]:
    """What each bet has won since each value at which it began, one beside the other."""
    begun, start = np.empty((0, 5)), 0
    for i, x in enumerate(values):
        n, stake, rest = i + 1 - start, 1.0, 0.0
        if detector.guarantee == "ever":
            stake, rest = 1 / sqrt(n) - 1 / sqrt(n + 1), 1 / sqrt(n + 1)
        begun = np.concatenate([begun, np.full((1, 5), stake / 5)]) * bets(detector, x)
        if begun.sum() + rest >= 1 / detector.alpha:
            weights = begun[:, begun.sum(axis=0).argmax()]
            ages, sums = np.arange(n, 0, -1), np.cumsum(values[i : start - 1 if start else None : -1])[::-1]
            yield i, CHANGE, detector.mean, float((weights @ sums) / (weights @ ages))
            begun, start = np.empty((0, 5)), i + 1


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("guarantee", ["ever", "run_length"])
def test_changes_are_those_of_a_plain_loop(side: Any, guarantee: Guarantee, backend: Backend) -> None:
    for alpha in (0.05, 0.8):
        detector = ad.BoundedMean(mean=0.4, tolerance=0.02, alpha=alpha, side=side, guarantee=guarantee)
        checks.same_as_plain(detector, partial(_plain, detector), checks.shares()[900:1100, ::6], backend)


@pytest.mark.parametrize("guarantee", ["ever", "run_length"])
def test_how_streams_are_cut_makes_no_difference(guarantee: Guarantee, backend: Backend) -> None:
    detector = ad.BoundedMean(mean=0.5, alpha=0.02, side="both", guarantee=guarantee)
    checks.same_in_pieces(detector, checks.shares()[900:1200, ::2], backend)


def test_a_stake_that_is_put_in_bit_by_bit_goes_on_from_a_file(tmp_path: Path) -> None:
    detector, values = ad.BoundedMean(mean=0.5, alpha=0.02, side="both"), checks.shares()[900:1200]
    whole, stream = detector.scan(values), detector.open(values.shape[1])
    first = stream.update(values[:160])
    stream.save(tmp_path / "s.ads")
    loaded = ad.Stream.load(tmp_path / "s.ads")
    assert loaded.detector == detector
    assert told(first, loaded.update(values[160:])) == told(whole)


# What is promised


def evidence(detector: ad.BoundedMean, values: Floats) -> Floats:
    """Of each stream after its last value, none of which has had a change."""
    stream = detector.open(values.shape[1], backend="numpy")
    assert len(stream.update(values)) == 0
    rest = 1 / sqrt(len(values) + 1) if detector.guarantee == "ever" else 0.0
    found: Floats = stream._state.fields[1:6].sum(axis=0) / 5 + rest
    return found


def every_stream(length: int, share: float) -> tuple[Floats, Floats]:
    """(T, 2^T) streams of errors, and the chance of each."""
    values = np.array([*product([0.0, 1.0], repeat=length)]).T
    return values, np.prod(np.where(values == 1, share, 1 - share), axis=0)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("mean", [0.001, 0.05, 0.5, 0.8])
def test_on_average_bets_win_nothing(side: Any, mean: float) -> None:
    """Exactly, over all streams of errors: one stake is still there, or one for each value."""
    for length in (1, 4, 11):
        values, chances = every_stream(length, mean)
        ever = ad.BoundedMean(mean=mean, alpha=FAR, side=side)
        assert chances @ evidence(ever, values) == pytest.approx(1, rel=1e-11)
        at_each = replace(ever, guarantee="run_length")
        assert chances @ evidence(at_each, values) == pytest.approx(length, rel=1e-11)


@pytest.mark.parametrize("side", SIDES)
def test_within_the_tolerance_they_lose(side: Any) -> None:
    detector = ad.BoundedMean(mean=0.3, tolerance=0.1, alpha=FAR, side=side)
    inside, edges = np.linspace(0.21, 0.39, 7), {"above": [0.4], "below": [0.2], "both": [0.2, 0.4]}[side]
    left = [chances @ evidence(detector, values) for values, chances in (every_stream(9, p) for p in inside)]
    assert max(left) < 1
    for p in edges:
        values, chances = every_stream(9, p)
        assert chances @ evidence(detector, values) <= 1 + 1e-12


def drawn(law: str, moments: int, streams: int, seed: int) -> tuple[float, Floats]:
    """The mean, and streams whose every value has it, whatever came before."""
    rng = np.random.default_rng([71, seed])
    if law == "beta":
        return 0.05, rng.beta(2, 38, (moments, streams))
    p = float(law) if law != "by what came before" else 0.2
    values = (rng.random((moments, streams)) < p).astype(np.float64)
    if law == "by what came before":  # after an error certainty, then chance again
        values = np.where(np.roll(values, 1, axis=0) == 1, p, values)
    return p, values


LAWS = ("0.05", "0.5", "beta", "by what came before")


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("side", SIDES)
def test_false_alarms_are_as_rare_as_promised_however_long_one_looks(law: str, side: Any) -> None:
    mean, values = drawn(law, 20_000, 400, 1)
    found = ad.BoundedMean(mean=mean, alpha=0.1, side=side).scan(values)
    alarmed = len(np.unique(found.stream)) / 400
    assert alarmed < 0.1 + 3 * sqrt(0.1 * 0.9 / 400)
    assert alarmed > 0.01  # it does look


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("side", SIDES)
def test_false_alarms_are_as_far_apart_as_promised(law: str, side: Any) -> None:
    mean, values = drawn(law, 10_000, 400, 2)
    found = ad.BoundedMean(mean=mean, alpha=1 / 500, side=side, guarantee="run_length").scan(values)
    first = np.full(400, len(values))
    streams, at = np.unique(found.stream, return_index=True)
    first[streams] = found.index[at] + 1
    assert first.mean() > 500 * (1 - 3 / sqrt(400))  # those without an alarm would go on
    assert first.mean() < 5000
    assert len(found) < 1.05 * values.size / 500


# What is found


def moved(shares: tuple[float, float], at: int, moments: int, streams: int = 200) -> Floats:
    now = np.where(np.arange(moments) < at, *shares)[:, None]
    return np.asarray(np.random.default_rng(72).random((moments, streams)) < now, np.float64)


@pytest.mark.parametrize(
    ("side", "shares", "delay"),
    [
        ("above", (0.05, 0.1), 1200),
        ("above", (0.05, 0.5), 60),
        ("below", (0.5, 0.35), 700),
        ("both", (0.5, 0.35), 800),
        ("both", (0.5, 0.9), 120),
        ("above", (0.001, 0.02), 900),
    ],
)
@pytest.mark.parametrize("guarantee", ["ever", "run_length"])
def test_a_late_change_is_found_soon(side: Any, shares: tuple[float, float], delay: int, guarantee: Guarantee) -> None:
    before, after = shares
    alpha = 0.01 if guarantee == "ever" else 1e-5
    values = moved(shares, 10_000, 12_500)
    found = ad.BoundedMean(mean=before, alpha=alpha, side=side, guarantee=guarantee).scan(values)
    late = found.index >= 10_000
    streams, first = np.unique(found.stream[late], return_index=True)
    assert len(streams) == 200
    assert found.index[late][first].mean() - 10_000 < delay
    assert (found.before == before).all()
    assert abs(np.median(found.after[late][first]) - after) < 0.6 * abs(after - before)


def test_without_a_side_nothing_is_found_there() -> None:
    values = moved((0.5, 0.2), 100, 2000, 50)
    assert checks.quiet(ad.BoundedMean(mean=0.5, alpha=1e-4).scan(values))
    assert checks.quiet(ad.BoundedMean(mean=0.5, alpha=1e-4, side="below").scan(1 - values))
    within = ad.BoundedMean(mean=0.35, tolerance=0.16, alpha=1e-4, side="both")
    assert checks.quiet(within.scan(values))


@pytest.mark.parametrize("guarantee", ["ever", "run_length"])
def test_losing_for_long_leaves_numbers_that_can_be_reckoned_with(guarantee: Guarantee, backend: Backend) -> None:
    detector = ad.BoundedMean(mean=1 - 1e-9, alpha=1e-99, guarantee=guarantee)
    stream = detector.open(backend="numpy")
    for _ in range(20):
        assert len(stream.update(np.zeros(20_000))) == 0
    assert stream._state.fields[1:6].min() > 1e-12
    rare = ad.BoundedMean(mean=1e-9, alpha=1e-99, guarantee=guarantee).scan(np.ones(40), backend=backend)
    assert rare.change_points[0] < 15
    assert np.isfinite(rare.after).all()


# A reference


@pytest.mark.parametrize("guarantee", ["ever", "run_length"])
def test_the_error_of_a_reference_is_made_up_for(guarantee: Guarantee) -> None:
    rng, alpha = np.random.default_rng(73), {"ever": 0.1, "run_length": 1 / 40_000}[guarantee]
    broken = kept = 0
    for _ in range(40):
        reference, values = ((rng.random(shape) < 0.05).astype(np.float64) for shape in ((1000,), (20_000, 20)))
        options: dict[str, Any] = {"alpha": alpha, "guarantee": guarantee}
        known = ad.BoundedMean.from_reference(reference, **options)
        assert known.mean == reference.mean()
        assert 0.01 < known.tolerance < 0.05
        found, naive = known.scan(values), ad.BoundedMean(mean=known.mean, **options).scan(values)
        ever = guarantee == "ever"
        kept += len(np.unique(found.stream)) if ever else len(found)
        broken += len(np.unique(naive.stream)) if ever else len(naive)
    allowed = 40 * 20 * (alpha if guarantee == "ever" else 20_000 * alpha)
    assert 2 * kept < allowed < broken / 1.5


def test_alpha_pays_for_the_reference() -> None:
    reference = np.random.default_rng(74).random(2000)
    ever = ad.BoundedMean.from_reference([*reference.tolist(), None, float("nan")], alpha=0.04, side="both")
    assert (ever.alpha, ever.side, ever.guarantee) == (0.02, "both", "ever")
    above = ad.BoundedMean.from_reference(reference, alpha=0.04)
    assert ever.mean == above.mean == pytest.approx(reference.mean())
    assert above.tolerance < ever.tolerance < 0.05
    length = ad.BoundedMean.from_reference(reference, alpha=0.001, guarantee="run_length")
    assert length.alpha == pytest.approx(0.00099)
    wide = ad.BoundedMean.from_reference(reference, tolerance=0.2)
    assert wide.tolerance == 0.2
    said = rf"tolerance is 0.01, and the mean of 2,000 values is known to {above.tolerance:.3g}: give at least that"
    with pytest.raises(ConfigError, match=said):
        ad.BoundedMean.from_reference(reference, tolerance=0.01, alpha=0.04)


@pytest.mark.parametrize("values", [[], [0.5], [0.5, None], np.full((5, 2), 0.5)])
def test_a_reference_that_says_nothing_is_refused(values: Any) -> None:
    with pytest.raises(DataError, match="missing: give two or more of one stream"):
        ad.BoundedMean.from_reference(values)


def test_a_reference_of_other_values_is_refused() -> None:
    with pytest.raises(DataError, match="reads numbers from 0 to 1, and the value at index 2 is 3"):
        ad.BoundedMean.from_reference([0.1, 0.2, 3.0])
    with pytest.raises(ConfigError, match="alpha is 2"):
        ad.BoundedMean.from_reference([0.1, 0.2, 0.3], alpha=2)
    with pytest.raises(ConfigError, match="tolerance is 'a'"):
        ad.BoundedMean.from_reference([0.1, 0.2, 0.3], tolerance="a")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"means below 0 .* choose another side"):
        ad.BoundedMean.from_reference(np.zeros(100), side="below")


@pytest.mark.parametrize("name", ["mean", "means", "reference"])
def test_what_is_no_option_beside_a_reference_is_refused(name: str) -> None:
    said = "that of the values" if name == "mean" else "there are variant, alpha, side, guarantee"
    with pytest.raises(ConfigError, match=f"from_reference has no option '{name}': .*{said}"):
        ad.BoundedMean.from_reference([0.1, 0.2, 0.3], **{name: 0.1})


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"mean": 0.0}, "mean is 0 and tolerance 0: means above 0 would"),
        ({"mean": 1.0, "side": "below"}, "means below 1 would"),
        ({"mean": 0.9, "tolerance": 0.2, "side": "both"}, "means above 1.1 would"),
        ({"mean": 0.1, "tolerance": 0.2, "side": "both"}, "means below -0.1 would"),
        ({"mean": float("nan")}, "mean is nan"),
        ({"mean": 2}, "mean is 2"),
        ({"tolerance": -0.1}, "tolerance is -0.1"),
        ({"alpha": 0.0}, "alpha is 0.0"),
        ({"alpha": 1}, "alpha is 1"),
        ({"alpha": 1e-101}, "alpha is 1e-101"),
        ({"side": "up"}, "'above', 'below' and 'both'"),
        ({"guarantee": "never"}, "'ever' and 'run_length'"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        ad.BoundedMean(**options)


@pytest.mark.parametrize("guarantee", ["ever", "run_length"])
def test_a_mean_beside_an_end_of_the_range_is_watched(guarantee: Any) -> None:
    """Below rare errors, and above nearly nothing but errors, there is no mean to look for."""
    for errors in (np.zeros(1000), (np.arange(500) < 10) * 1.0):
        for side, values in (("above", errors), ("both", errors), ("below", 1 - errors)):
            made = ad.BoundedMean.from_reference(values, side=side, guarantee=guarantee)
            assert made.side == ("below" if side == "below" else "above")
            calm, moved = np.full(3000, values[-1]), 1 - np.full(100, values[-1])
            found = made.scan(np.concatenate([calm, moved]))
            assert len(found.change_points) >= 1
            assert found.index[0] >= 3000
    assert ad.BoundedMean.from_reference(np.ones(1000), side="both").side == "below"
    assert ad.BoundedMean.from_reference(np.tile([0.0, 1.0], 500), side="both").side == "both"
