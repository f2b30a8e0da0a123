"""DDM finds what river's finds and what a plain loop finds."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import Any

import numpy as np
import pytest
from river.drift import binary

import accel_drift as ad
from accel_drift.backends import Backend
from accel_drift.errors import ConfigError
from accel_drift.streams.base import Variant
from accel_drift.streams.events import CHANGE, WARNING
from tests.streams import checks
from tests.streams.checks import Told


@pytest.mark.parametrize("variant", ["paper", "river"])
@pytest.mark.parametrize(
    ("options", "changes"),
    [({}, 30), ({"warm_start": 0}, 100), ({"warning_threshold": 1.0, "drift_threshold": 1.5}, 500)],
)
def test_river_reports_the_same_indices(options: dict[str, Any], changes: int, variant: Variant) -> None:
    detector = ad.DDM(variant=variant, **options)
    checks.same_as_river(detector, lambda: binary.DDM(**options), checks.bernoulli(), changes, 200)


def _plain(values: list[float]) -> Iterator[Told]:
    """The published test on the share of errors since the last change."""
    n = errors = 0.0
    best, warned = (2.0, 0.0), False
    for i, x in enumerate(values):
        n, errors = n + 1, errors + x
        p = errors / n
        s = sqrt(p * (1 - p) / n)
        if n <= 30:
            continue
        if p + s <= sum(best) + 1e-12:
            best = p, s
        if p + s > best[0] + 3 * best[1]:
            yield i, CHANGE, best[0], p
            n = errors = 0.0
            best, warned = (2.0, 0.0), False
            continue
        warns = p + s > best[0] + 2 * best[1]
        if warns and not warned:
            yield i, WARNING, best[0], p
        warned = warns


def test_the_published_test_is_that_of_a_plain_loop(backend: Backend) -> None:
    checks.same_as_plain(ad.DDM(), _plain, checks.bernoulli()[900:1300, ::2], backend)


def test_how_streams_are_cut_makes_no_difference(backend: Backend) -> None:
    checks.same_in_pieces(ad.DDM(), checks.bernoulli()[900:1300, ::2], backend)


@pytest.mark.parametrize("value", [0, 1])
def test_a_constant_stream_never_changes(value: int, backend: Backend) -> None:
    assert checks.quiet(ad.DDM(warm_start=0).scan(np.full((200, 3), value), backend=backend))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"warm_start": -1}, "warm_start"),
        ({"warning_threshold": 0.0}, "warning_threshold"),
        ({"drift_threshold": float("nan")}, "drift_threshold"),
        ({"warning_threshold": 4.0}, "a warning comes before a change"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        ad.DDM(**options)
