"""HDDM-W finds what river's finds, and by McDiarmid's bound what a plain loop finds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import log, sqrt
from typing import Any

import numpy as np
import pytest
from river.drift import binary

import accel_drift as ad
from accel_drift.backends import Backend
from accel_drift.errors import ConfigError
from accel_drift.streams.events import CHANGE, WARNING
from tests.streams import checks
from tests.streams.checks import Told

LOOSE: dict[str, Any] = {"drift_confidence": 0.05, "warning_confidence": 0.2}


@pytest.mark.parametrize("two_sided_test", [False, True])
@pytest.mark.parametrize(("options", "changes"), [({}, 20), (LOOSE, 200), ({"lambda_val": 0.2, **LOOSE}, 20)])
def test_river_reports_the_same_indices(options: dict[str, Any], changes: int, two_sided_test: bool) -> None:
    detector = ad.HDDM_W(variant="river", two_sided_test=two_sided_test, **options)
    river = partial(binary.HDDMW, two_sided_test=two_sided_test, **options)
    checks.same_as_river(detector, river, checks.shares(), changes, 100)


def _weighted(values: list[float]) -> tuple[float, float]:
    """The exponentially weighted mean of values, the first of which begins it, and its sum of squared weights."""
    weights = 0.05 * 0.95 ** np.arange(len(values))[::-1]
    weights[0] /= 0.05
    return float(weights @ values), float(weights @ weights)


def _plain(values: list[float], drift: float, warning: float, sides: int) -> Iterator[Told]:
    """The published test of the weighted mean after the cut against that up to it, by McDiarmid's bound."""
    start = 0
    cuts: dict[int, tuple[int, float, float, float]] = {}
    warned = False
    for i in range(len(values)):
        warns = False
        now, squares = _weighted(values[start : i + 1])
        for side, sign in enumerate((1, -1)[:sides]):
            cut, edge = cuts.get(side), sign * now + sqrt(squares * log(1 / drift) / 2)
            if cut is None or edge < cut[3]:
                cuts[side] = i + 1, now, squares, edge
                continue
            after, added = _weighted(values[cut[0] : i + 1])
            gap, chance = sign * (after - cut[1]), sqrt((cut[2] + added) / 2)
            if gap > chance * sqrt(log(sides / drift)):
                yield i, CHANGE, cut[1], after
                start, cuts, warns = i + 1, {}, False
                break
            if gap > chance * sqrt(log(sides / warning)):
                if not warned:
                    yield i, WARNING, cut[1], after
                warns = True
        warned = warns


@pytest.mark.parametrize("sides", [1, 2])
def test_the_published_bound_is_that_of_a_plain_loop(sides: int, backend: Backend) -> None:
    plain = partial(_plain, drift=0.05, warning=0.2, sides=sides)
    detector = ad.HDDM_W(two_sided_test=sides == 2, **LOOSE)
    checks.same_as_plain(detector, plain, checks.shares()[900:1200, ::3], backend)


def test_how_streams_are_cut_makes_no_difference(backend: Backend) -> None:
    checks.same_in_pieces(ad.HDDM_W(two_sided_test=True, **LOOSE), checks.shares()[900:1200, ::2], backend)


@pytest.mark.parametrize("value", [0, 0.3, 1])
def test_a_constant_stream_never_changes(value: float, backend: Backend) -> None:
    assert checks.quiet(ad.HDDM_W(two_sided_test=True).scan(np.full((200, 3), value), backend=backend))


@pytest.mark.parametrize(
    ("options", "word"), [({"lambda_val": 1.0}, "lambda_val"), ({"drift_confidence": True}, "drift_confidence")]
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        ad.HDDM_W(**options)
