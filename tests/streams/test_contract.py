"""What every detector of streams keeps to, also those to come."""

from __future__ import annotations

import json
import re
from dataclasses import FrozenInstanceError, fields
from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.backends import Backend, get_backend
from accel_drift.errors import ConfigError, DataError
from accel_drift.streams import get_class, names
from accel_drift.streams.base import StreamDetector
from accel_drift.streams.events import CHANGE, WARNING
from accel_drift.streams.values import KINDS
from tests.streams.examples import DETECTORS, by_stream, label, told, values

every = pytest.mark.parametrize("detector", DETECTORS, ids=label)
every_name = pytest.mark.parametrize("name", names())
T, S = 400, 70
"""More streams than go down time together, and no multiple of that."""


@every_name
def test_says_what_it_is_what_its_options_mean_and_where_it_comes_from(name: str) -> None:
    kind = get_class(name)
    assert kind.name == name
    assert getattr(ad, kind.__name__) is kind
    assert kind.source
    assert kind.reads in KINDS
    own = {f.name for f in fields(kind)} - {f.name for f in fields(StreamDetector)}
    assert all(f"    {option}: " in (kind.__doc__ or "") for option in own)


@every
def test_its_options_make_it_again(detector: StreamDetector) -> None:
    options = json.loads(json.dumps(detector.summary(), allow_nan=False))
    assert options.pop("detector") == detector.name
    assert type(detector)(**options) == detector
    with pytest.raises(FrozenInstanceError):
        detector.variant = "paper"  # type: ignore[misc]


@every_name
def test_another_variant_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="'paper' and 'river'"):
        get_class(name)(variant="mine")  # type: ignore[arg-type]


@every
def test_sees_what_anyone_would_see(detector: StreamDetector) -> None:
    found = detector.scan(values(detector, T, S))
    assert set(found.kind.tolist()) <= {WARNING, CHANGE}
    order = found.index * S + found.stream
    assert (np.diff(order) >= 0).all()
    changes = found.changes()
    late = {int(s) for s in changes.stream[changes.index >= T // 2] if s % 3}
    # Some learn anew after a false alarm, and may do so just when the stream moves.
    assert len(late) >= 0.9 * sum(s % 3 > 0 for s in range(S))
    assert np.isfinite([changes.before, changes.after]).all()


@every
def test_windows_make_no_difference(detector: StreamDetector) -> None:
    x = values(detector, T, S)
    whole = detector.scan(x)
    cuts = np.random.default_rng(1).choice(T, 9).tolist()
    stream = detector.open(S)
    parts = [stream.update(part) for part in np.split(x, sorted([0, 1, *cuts, cuts[0], cuts[0] + 1, T]))]
    assert told(*parts) == told(whole)
    assert stream.seen == T
    one = x[:, 1]
    stream = detector.open()
    assert told(*(stream.update([v]) for v in one.tolist())) == told(detector.scan(one))


@every
def test_missing_values_are_passed_over(detector: StreamDetector) -> None:
    x = values(detector, T, 8)
    rng = np.random.default_rng(2)
    there = np.sort(rng.permuted(np.tile(np.arange(2 * T), (8, 1)), axis=1)[:, :T], axis=1).T
    gaps = np.full((2 * T, 8), np.nan)
    np.put_along_axis(gaps, there, x, axis=0)
    whole, found = detector.scan(x), detector.scan(gaps)
    for s in range(8):
        a, b = whole.of_stream(s), found.of_stream(s)
        assert b.index.tolist() == there[a.index, s].tolist()
        assert [b.kind.tolist(), b.before.tolist(), b.after.tolist()] == [
            a.kind.tolist(), a.before.tolist(), a.after.tolist(),
        ]  # fmt: skip
    nulls = [None if np.isnan(v) else v for v in gaps[:, 1].tolist()]
    assert told(detector.scan(nulls)) == told(detector.scan(gaps[:, 1]))


@every
def test_backends_agree(detector: StreamDetector, backend: Backend) -> None:
    x = values(detector, 160, 5)
    x[3, 2] = np.nan
    for given in (x, x[:1], x[:0], x[:0, 0]):
        host, found = (detector.scan(given, backend=b) for b in (get_backend("numpy"), backend))
        assert len(host) or len(given) < 2
        assert found.change_points.shape == host.change_points.shape
        for field in ("index", "stream", "kind"):
            assert getattr(found, field).tolist() == getattr(host, field).tolist()
        np.testing.assert_allclose([found.before, found.after], [host.before, host.after], rtol=1e-9, atol=1e-12)


@every
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_constant_stream_does_not_change(detector: StreamDetector, value: float) -> None:
    stays = getattr(detector, "mean", None)  # to be elsewhere than at a known mean is a change
    assert len(detector.scan(np.full((T, 2), value if stays is None else stays)).change_points) == 0


@every
def test_streams_of_one_value_and_of_none(detector: StreamDetector) -> None:
    for shape in ((0,), (1,), (0, 3), (1, 3)):
        found = detector.scan(np.ones(shape))
        assert len(found.changes()) == 0
        assert found.change_points.shape == ((0,) if len(shape) == 1 else (0, 2))
    with pytest.raises(ConfigError, match="streams is 0"):
        detector.open(0)


@every
def test_how_values_lie_makes_no_difference(detector: StreamDetector) -> None:
    x = values(detector, T, 6).astype(np.float32).astype(np.float64)
    whole = told(detector.scan(x))
    wide = np.repeat(x, 2, axis=1)
    for other in (np.asfortranarray(x), x.astype(np.float32), wide[:, ::2], x.tolist()):
        assert told(detector.scan(other)) == whole
    single, column = detector.scan(x[:, 0]), detector.scan(x[:, :1])
    assert told(single) == told(column)
    assert single.change_points.tolist() == column.change_points[:, 0].tolist()
    assert column.change_points.ndim == 2


@every
@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int64])
def test_whole_numbers_and_truth_values_are_numbers(detector: StreamDetector, dtype: Any) -> None:
    x = values(detector, T, 6) >= 0.4
    whole = detector.scan(x.astype(np.float64))
    assert len(whole)
    assert told(detector.scan(x.astype(dtype))) == told(whole)


@every
def test_streams_do_not_know_of_one_another(detector: StreamDetector) -> None:
    x = values(detector, T, S)
    order = np.random.default_rng(3).permutation(S)
    whole, shuffled = detector.scan(x), detector.scan(x[:, order])
    assert by_stream(shuffled, range(S)) == by_stream(whole, order.tolist())
    assert by_stream(detector.scan(x[:, 4:5]), [0]) == by_stream(whole, [4])


_WRONG = {
    "numbers": ((np.inf, "finite numbers"), (-np.inf, "finite numbers"), (-3e199, "below 1e150")),
    "shares": ((1.5, "from 0 to 1"), (-1e-9, "from 0 to 1"), (np.inf, "from 0 to 1")),
    "errors": ((0.5, "0 or 1"), (-1.0, "0 or 1"), (np.inf, "0 or 1")),
}


@every
def test_values_that_it_does_not_read_change_nothing(detector: StreamDetector) -> None:
    x = values(detector, 160, 5)
    stream = detector.open(5)
    first = stream.update(x[:90])
    for value, words in _WRONG[detector.reads]:
        for late in (x[90:].copy(), np.asfortranarray(x[90:])):
            late[[17, 30], [3, 0]] = value
            kind = type(detector).__name__
            with pytest.raises(
                DataError,
                match=rf"{kind} reads .*{words}.* index 107 of stream 3 is {re.escape(str(value))}; (give|bring) ",
            ):
                stream.update(late)
    assert stream.seen == 90
    assert told(first, stream.update(x[90:])) == told(detector.scan(x))


@every_name
def test_another_number_of_streams_is_refused(name: str) -> None:
    stream = get_class(name)().open(3)
    with pytest.raises(DataError, match="values are of 2 streams, and 3 are watched"):
        stream.update(np.zeros((4, 2)))
