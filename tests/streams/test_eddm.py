"""EDDM finds what river's finds, and by the published distances what a plain loop finds."""

from __future__ import annotations

from collections.abc import Iterator
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


@pytest.mark.parametrize(
    ("options", "changes"), [({}, 200), ({"warm_start": 5}, 1000), ({"alpha": 0.9, "beta": 0.7}, 30)]
)
def test_river_reports_the_same_indices(options: dict[str, Any], changes: int) -> None:
    detector = ad.EDDM(variant="river", **options)
    checks.same_as_river(detector, lambda: binary.EDDM(**options), checks.bernoulli(), changes, 100)


def _plain(values: list[float]) -> Iterator[Told]:
    """The published test on all distances between two errors since the last change."""
    errors: list[int] = []
    top, p_top, warned = 0.0, 0.0, False
    for i, x in enumerate(values):
        if x == 0:
            continue
        errors.append(i)
        if len(errors) < 30:
            continue
        distances = np.diff(errors)
        p, s = float(distances.mean()), float(distances.std(ddof=1))
        if p + 2 * s > top:
            top, p_top = p + 2 * s, p
        share = (p + 2 * s) / top
        if share < 0.9:
            yield i, CHANGE, p_top, p
            errors, top, p_top, warned = [], 0.0, 0.0, False
            continue
        if share < 0.95 and not warned:
            yield i, WARNING, p_top, p
        warned = share < 0.95


def test_the_published_test_is_that_of_a_plain_loop(backend: Backend) -> None:
    checks.same_as_plain(ad.EDDM(), _plain, checks.bernoulli()[900:1300, ::2], backend)


def test_how_streams_are_cut_makes_no_difference(backend: Backend) -> None:
    checks.same_in_pieces(ad.EDDM(), checks.bernoulli()[900:1300, ::2], backend)


@pytest.mark.parametrize("value", [0, 1])
@pytest.mark.parametrize("variant", ["paper", "river"])
def test_a_constant_stream_never_changes(value: int, variant: Any, backend: Backend) -> None:
    assert checks.quiet(ad.EDDM(warm_start=0, variant=variant).scan(np.full((200, 3), value), backend=backend))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"warm_start": 1.5}, "warm_start"),
        ({"alpha": 1.0}, "alpha"),
        ({"beta": 0}, "beta"),
        ({"alpha": 0.8}, "a warning comes before a change"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        ad.EDDM(**options)
