"""Tests of "is the drift more than this": their level where it is just that much, their power at twice as much."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

from accel_drift.detectors import get_class, get_detector
from accel_drift.detectors.base import BinnedDetector
from accel_drift.statistics import draws, nulls
from accel_drift.statistics.pairs import Table
from tests import oracles
from tests.detectors import cases

pytestmark = [pytest.mark.statistical, pytest.mark.slow]

REFERENCE = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
OTHER = np.array([0.09, 0.045, 0.36, 0.27, 0.235])
"""Where the batch moves to: rare categories become frequent, which is where a bootstrap is worst."""

EPS = {"kl": 0.05}
"""The first band of each scale; 0.1 where nothing else is said."""


def _true_effect(name: str, batch: Any, rows: tuple[int, int]) -> float:
    """The effect in the populations, by the oracle: in so many rows nothing is chance."""
    share = rows[1] / rows[0]
    n = 10**9
    cells = [(round(n * p), round(n * share * q)) for p, q in zip(REFERENCE, batch, strict=True)]
    return oracles.cramers_v(cells) if name == "chi_square" else oracles.binned(name, cells)


def _batch(name: str, effect: float, rows: tuple[int, int]) -> Any:
    """Shares of a batch whose effect is `effect`."""
    at = brentq(lambda t: _true_effect(name, (1 - t) * REFERENCE + t * OTHER, rows) - effect, 0.0, 1.0, xtol=1e-6)
    return (1 - at) * REFERENCE + at * OTHER


def _rate(name: str, effect: float, rows: tuple[int, int], pairs: int) -> float:
    """How often p <= 0.05 where the effect is `effect` and the tolerance the first band."""
    detector = get_detector(name)
    assert isinstance(detector, BinnedDetector)
    how, shares, rejected = detector.how, _batch(name, effect, rows), 0
    rng = np.random.default_rng([40, *rows])
    for i in range(pairs):
        a, b = rng.multinomial(rows[0], REFERENCE), rng.multinomial(rows[1], shares)
        column = Table(a[None, None], b[None, None])
        again = nulls.resample(column, False, draws.keys(i, "tolerance", [name]), 1000)
        p = how.bootstrap(column, again).p_beyond(how.truth(EPS.get(name, 0.1), (a + b)[None]))
        rejected += bool(p[0] <= 0.05)
    return rejected / pairs


@pytest.mark.parametrize("rows", [(2000, 2000), (2000, 500)])
@pytest.mark.parametrize("name", cases.BINNED)
def test_level_at_the_tolerance_and_power_at_twice_that(name: str, rows: tuple[int, int]) -> None:
    eps = EPS.get(name, 0.1)
    assert get_class(name).bands[:1] == (eps,)
    assert _rate(name, eps, rows, 120) <= 0.05 + 4.75 * sqrt(0.05 * 0.95 / 120)
    # Over 0.97 and over 0.65 in 250 pairs; the bounds lie 4.75 standard errors of these runs below.
    assert _rate(name, 2 * eps, rows, 60) >= (0.8 if rows[1] == 2000 else 0.35)


@pytest.mark.parametrize(
    ("rows", "share", "eps"),
    [((2000, 2000), 0.0, 0.01), ((2000, 500), 0.0, 0.01), ((100, 100), 0.0, 0.05), ((2000, 500), 0.3, 0.05)],
)
def test_level_of_a_difference_of_shares(rows: tuple[int, int], share: float, eps: float) -> None:
    """Also where the reference misses nothing at all."""
    (n, m), rng = rows, np.random.default_rng([41, *rows])
    pairs = np.stack([rng.binomial(n, share, 600), rng.binomial(m, share + eps, 600)], axis=1)
    for counts in (pairs, pairs[:, ::-1]):  # a fall is held to the same as a rise
        sides = (n, m) if counts is pairs else (m, n)
        p = [nulls.share_beyond((int(a), sides[0]), (int(b), sides[1]), eps) for a, b in counts]
        assert np.mean(np.array(p) <= 0.05) <= 0.05 + 4.75 * sqrt(0.05 * 0.95 / 600)


def test_power_of_a_difference_of_shares() -> None:
    """One per cent is put up with, two are found in 2,000 rows where the reference misses nothing."""
    rng = np.random.default_rng(42)
    p = [nulls.share_beyond((0, 2000), (int(b), 2000), 0.01) for b in rng.binomial(2000, 0.02, 200)]
    assert np.mean(np.array(p) <= 0.05) >= 0.85
