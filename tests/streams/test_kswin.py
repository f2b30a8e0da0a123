"""KSWIN finds what river's finds with river's draws, and by its own draws what a plain loop finds."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from river import drift
from scipy import stats

import accel_drift as ad
from accel_drift.backends import Backend
from accel_drift.errors import ConfigError
from accel_drift.statistics import draws
from tests.streams import shapes

DRAWS = 1_000


def _recorded(window_size: int, stat_size: int, seed: int) -> list[list[int]]:
    """The positions that river's tests use from an empty window on."""
    rng = random.Random(seed)  # noqa: S311
    return [rng.sample(range(window_size - stat_size), stat_size) for _ in range(DRAWS)]


@pytest.mark.parametrize(
    ("options", "length"),
    [
        ({}, 350),
        ({"alpha": 0.05, "window_size": 45, "stat_size": 20}, 250),
        ({"alpha": 0.2, "window_size": 8, "stat_size": 4}, 100),
        # Of this many values p is small long before the distance is above 0.1.
        ({"alpha": 0.98, "window_size": 150, "stat_size": 75}, 250),
    ],
)
def test_river_reports_the_same_indices(options: dict[str, Any], length: int) -> None:
    given = {name: values[850 : 850 + length] for name, values in shapes.streams().items()}
    theirs = [shapes.seen_by_river(drift.KSWIN(seed=4, **options), values)[0] for values in given.values()]
    samples = _recorded(options.get("window_size", 100), options.get("stat_size", 30), 4)
    found = ad.KSWIN(variant="river", samples=samples, **options).scan(np.stack([*given.values()], axis=1))
    assert sum(map(len, theirs)) > 25
    for s, changes in enumerate(theirs):
        assert found.of_stream(s).change_points.tolist() == changes
    assert len(found.warnings) == 0


def test_the_first_row_follows_the_last() -> None:
    values = np.stack([*shapes.streams("gaussian").values()], axis=1)
    few = _recorded(100, 30, 1)[:3]
    found = [ad.KSWIN(samples=rows).scan(values).change_points.tolist() for rows in (few, few * 2, few[:2])]
    assert found[0] == found[1] != found[2]


def _plain(values: np.ndarray, alpha: float, size: int, recent: int) -> list[tuple[int, float, float]]:
    """The window in order of time, the sample by the words of its counters, the test by SciPy."""
    key, found = draws.key(3, "kswin"), []
    window: list[float] = []
    for i, x in enumerate(values.tolist()):
        window = [*window[-size + 1 :], x]
        if len(window) < size:
            continue
        words = draws.words(key, i, 1, (recent + 1) // 2).reshape(-1)
        deck = list(range(size - recent))
        for k in range(recent):
            j = k + int(words[k]) * (len(deck) - k) // 2**32
            deck[k], deck[j] = deck[j], deck[k]
        old, new = [window[p] for p in deck[:recent]], window[-recent:]
        if stats.ks_2samp(old, new).pvalue <= alpha:
            found.append((i, float(np.mean(old)), float(np.mean(new))))
            window = new
    return found


@pytest.mark.parametrize("kind", shapes.KINDS)
def test_its_own_draws_are_those_of_a_plain_loop(kind: str, backend: Backend) -> None:
    values = np.stack([shapes.stream(kind, s, 7)[850:1_200] for s in ("sudden", "gradual", "recurring")], axis=1)
    found = ad.KSWIN(alpha=0.05, window_size=60, stat_size=25, seed=3).scan(values, backend=backend)
    wanted = [_plain(values[:, s], 0.05, 60, 25) for s in range(3)]
    assert sum(map(len, wanted)) > 1
    for s, changes in enumerate(wanted):
        own = found.of_stream(s)
        assert own.change_points.tolist() == [i for i, _, _ in changes]
        assert own.before.tolist() == pytest.approx([before for _, before, _ in changes])
        assert own.after.tolist() == pytest.approx([after for _, _, after in changes])


@pytest.mark.parametrize("variant", ["paper", "river"])
def test_windows_of_values_may_be_cut_anywhere(variant: Any, backend: Backend) -> None:
    values = np.stack([shapes.stream(k, "recurring", 1)[400:1_100] for k in shapes.KINDS], axis=1)
    values[np.random.default_rng(0).random(values.shape) < 0.05] = np.nan
    detector = ad.KSWIN(variant=variant, alpha=0.05, window_size=50, stat_size=20)
    whole = detector.scan(values, backend=backend)
    stream = detector.open(3, backend=backend)
    parts = [stream.update(part) for part in np.split(values, [1, 1, 49, 50, 51, 230, 640])]
    assert len(whole) > 10
    for name in ("index", "stream", "before", "after"):
        np.testing.assert_array_equal(np.concatenate([getattr(p, name) for p in parts]), getattr(whole, name))


def test_missing_values_are_passed_over() -> None:
    values = shapes.stream("heavy", "recurring", 2)
    there = np.random.default_rng(1).random(2 * len(values)) < 0.45
    with_gaps = np.full(2 * len(values), np.nan)
    with_gaps[there] = values[: there.sum()]
    found, wanted = ad.KSWIN().scan(with_gaps), ad.KSWIN().scan(values[: there.sum()])
    assert len(wanted) > 2
    assert found.index.tolist() == np.flatnonzero(there)[wanted.index].tolist()
    assert found.before.tolist() == wanted.before.tolist()


def test_draws_belong_to_the_seed_and_to_no_other_stream() -> None:
    values = np.stack([*shapes.streams("heavy").values()], axis=1)[:1_200]
    found = ad.KSWIN().scan(values)
    assert len(found) > 20
    for s in (0, 7, 19):
        assert found.of_stream(s).change_points.tolist() == ad.KSWIN().scan(values[:, s]).change_points.tolist()
    assert found.change_points.tolist() != ad.KSWIN(seed=1).scan(values).change_points.tolist()


def test_every_sample_of_the_older_values_is_as_likely() -> None:
    """Two of four older values are drawn; which two, their mean before a change tells."""
    values = np.tile([1.0, 2.0, 4.0, 8.0, 100.0, 100.0], 6_000)
    found = ad.KSWIN(alpha=0.4, window_size=6, stat_size=2, variant="river").scan(values)
    assert found.change_points.tolist() == list(range(5, len(values), 6))
    means, counts = np.unique(found.before, return_counts=True)
    assert means.tolist() == [1.5, 2.5, 3.0, 4.5, 5.0, 6.0]
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"alpha": 0}, "alpha"),
        ({"alpha": 1}, "alpha"),
        ({"stat_size": 51}, "window_size"),
        ({"stat_size": 5}, "never have so small a p-value"),
        ({"alpha": 1e-300, "stat_size": 40, "window_size": 90}, "never have so small a p-value"),
        ({"seed": -1}, "seed"),
        ({"samples": []}, "shape"),
        ({"samples": [[1, 2], [3]]}, "samples"),
        ({"samples": [[1.5] * 30]}, "float64"),
        ({"samples": [range(30), range(41, 71)]}, "row 1"),
        ({"samples": [[*range(29), 0]]}, "row 0"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ad.KSWIN(**options)


def test_few_and_constant_values() -> None:
    assert len(ad.KSWIN().scan(np.zeros((0, 2)))) == 0
    assert len(ad.KSWIN().scan(np.arange(99.0))) == 0
    assert len(ad.KSWIN().scan(np.full(1_000, 3.0))) == 0
    assert ad.KSWIN().scan(np.arange(100.0)).change_points.tolist() == [99]
    assert ad.KSWIN(samples=[range(30)]) == ad.KSWIN(samples=np.arange(30)[None])
