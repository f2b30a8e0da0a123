"""HDDM-A finds what river's finds, and by Hoeffding's bound what a plain loop finds."""

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
@pytest.mark.parametrize(("options", "changes"), [({}, 20), (LOOSE, 100)])
def test_river_reports_the_same_indices(options: dict[str, Any], changes: int, two_sided_test: bool) -> None:
    detector = ad.HDDM_A(variant="river", two_sided_test=two_sided_test, **options)
    river = partial(binary.HDDMA, two_sided_test=two_sided_test, **options)
    checks.same_as_river(detector, river, checks.shares(), changes, 100)


def _plain(values: list[float], drift: float, warning: float, sides: int) -> Iterator[Told]:
    """The published test of the mean after the cut against the mean before it, by Hoeffding's bound of two means."""
    start = 0
    cuts: dict[int, tuple[int, float]] = {}
    warned = False
    for i in range(len(values)):
        n, warns = i + 1 - start, False
        now = float(np.mean(values[start : i + 1]))
        for side, sign in enumerate((1, -1)[:sides]):
            cut, bound = cuts.get(side), sqrt(log(1 / drift) / (2 * n))
            if cut is None or sign * cut[1] + sqrt(log(1 / drift) / (2 * cut[0])) >= sign * now + bound - 1e-12:
                cuts[side] = n, now
                continue
            before, after = cut[1], float(np.mean(values[start + cut[0] : i + 1]))
            chance = sqrt((1 / cut[0] + 1 / (n - cut[0])) / 2)
            if sign * (after - before) >= chance * sqrt(log(sides / drift)):
                yield i, CHANGE, before, after
                start, cuts, warns = i + 1, {}, False
                break
            if sign * (after - before) >= chance * sqrt(log(sides / warning)):
                if not warned:
                    yield i, WARNING, before, after
                warns = True
        warned = warns


@pytest.mark.parametrize("sides", [1, 2])
def test_the_published_bound_is_that_of_a_plain_loop(sides: int, backend: Backend) -> None:
    plain = partial(_plain, drift=0.05, warning=0.2, sides=sides)
    detector = ad.HDDM_A(two_sided_test=sides == 2, **LOOSE)
    checks.same_as_plain(detector, plain, checks.shares()[900:1200, ::3], backend)


def test_how_streams_are_cut_makes_no_difference(backend: Backend) -> None:
    checks.same_in_pieces(ad.HDDM_A(two_sided_test=True), checks.shares()[900:1200, ::2], backend)


@pytest.mark.parametrize("value", [0, 0.3, 1])
def test_a_constant_stream_never_changes(value: float, backend: Backend) -> None:
    assert checks.quiet(ad.HDDM_A(two_sided_test=True).scan(np.full((200, 3), value), backend=backend))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"drift_confidence": 0.0}, "drift_confidence"),
        ({"warning_confidence": 1.0}, "warning_confidence"),
        ({"drift_confidence": 0.1}, "a warning comes before a change"),
        ({"two_sided_test": 1}, "two_sided_test"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        ad.HDDM_A(**options)
