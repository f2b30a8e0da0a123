"""What is asked of every rule: river's events, a plain loop's events, no difference from how streams are cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.streams.base import StreamDetector
from accel_drift.streams.events import CHANGE, Events
from tests.streams import shapes

Told = tuple[int, int, float, float]
"""Index, kind, before, after."""


def bernoulli() -> npt.NDArray[np.float64]:
    """(2000, 36) errors: rarer and more frequent, on the way up and down."""
    given = [*shapes.streams("bernoulli").values()]
    for seed, shape in enumerate(shapes.SHAPES * 4):
        rng, moved = np.random.default_rng([62, seed]), shapes.level(shape)
        given.append((rng.random(len(moved)) < 0.5 + (0.3 if seed < 8 else -0.4) * moved).astype(np.float64))
    return np.stack(given, axis=1)


def shares() -> npt.NDArray[np.float64]:
    """(2000, 44) numbers in [0, 1], errors among them."""
    given = [*bernoulli().T]
    for seed, shape in enumerate(shapes.SHAPES * 2):
        rng, moved = np.random.default_rng([63, seed]), shapes.level(shape)
        given.append(np.clip(0.5 + 0.1 * rng.standard_normal(len(moved)) + (0.2 if seed < 4 else -0.2) * moved, 0, 1))
    return np.stack(given, axis=1)


def same_as_river(detector: StreamDetector, make: Callable[[], Any], values: Any, least: int, warned: int = 0) -> None:
    """Change points and beginnings of warnings at river's indices, at least so many of them in all."""
    found, changed, warns = detector.scan(values), 0, 0
    for s, column in enumerate(values.T):
        changes, warnings = shapes.seen_by_river(make(), column)
        mine = found.of_stream(s)
        assert mine.change_points.tolist() == changes
        assert mine.warnings.tolist() == warnings
        changed, warns = changed + len(changes), warns + len(warnings)
    assert changed >= least
    assert warns >= warned


def same_as_plain(
    detector: StreamDetector, plain: Callable[[list[float]], Iterable[Told]], values: Any, backend: Backend
) -> None:
    """The events that a plain loop over the values of each stream gives, and estimates as near as sums are."""
    found = detector.scan(values, backend=backend)
    kinds = set()
    for s, column in enumerate(values.T):
        wanted, mine = [*plain(column.tolist())], found.of_stream(s)
        assert [*zip(mine.index.tolist(), mine.kind.tolist(), strict=True)] == [told[:2] for told in wanted]
        np.testing.assert_allclose(mine.before, [told[2] for told in wanted], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(mine.after, [told[3] for told in wanted], rtol=1e-9, atol=1e-12)
        kinds |= set(mine.kind.tolist())
    assert CHANGE in kinds


def same_in_pieces(detector: StreamDetector, values: Any, backend: Backend) -> None:
    """Cut anywhere, with missing values in between: the same to the bit, as if missing values were not there."""
    whole = detector.scan(values, backend=backend)
    assert len(whole.change_points) > 0
    gaps = np.full((2 * len(values), values.shape[1]), np.nan)
    gaps[::2] = values
    stream = detector.open(values.shape[1], backend=backend)
    found = [stream.update(gaps[a:b]) for a, b in [(0, 1), (1, 1), (1, 260), (260, None)]]
    for name in ("index", "stream", "kind", "before", "after"):
        pieces = np.concatenate([getattr(events, name) for events in found])
        np.testing.assert_array_equal(pieces, getattr(whole, name) * (2 if name == "index" else 1))


def quiet(found: Events) -> bool:
    """Whether there is no event."""
    return len(found) == 0
