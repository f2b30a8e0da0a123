"""Streams that are columns of a table keep their names; single streams begin anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import accel_drift as ad
from accel_drift.backends import Backend
from accel_drift.errors import ConfigError, DataError
from accel_drift.streams.base import StreamDetector
from tests.streams.examples import DETECTORS, by_stream, label, told, values

DETECTOR = ad.PageHinkley(threshold=20)


def table(*names: str) -> Any:
    return pa.table(dict(zip(names, values(DETECTOR, 300, len(names)).T, strict=True)))


def test_events_name_the_columns_that_they_are_of(tmp_path: Path) -> None:
    given = table("a", "b", "c")
    whole, stream = DETECTOR.scan(given), DETECTOR.open(3)
    assert whole.names == ("a", "b", "c")
    assert stream.names is None
    assert stream.update(given.slice(0, 100)).names == stream.names == ("a", "b", "c")
    stream.save(tmp_path / "s.ads")
    stream = ad.Stream.load(tmp_path / "s.ads")
    later = stream.update(np.stack([*map(np.asarray, given.slice(100).columns)], axis=1))
    assert told(later) == told(whole)
    rows = later.changes().to_arrow().to_pylist()
    assert [(row["stream"], row["name"]) for row in rows] == [(2, "c"), (1, "b")]
    assert later.of_stream(2).names == later.names
    plain = DETECTOR.scan(np.zeros((3, 2)))
    assert plain.names is None
    assert "name" not in plain.to_arrow().column_names


def test_frames_have_names() -> None:
    for library in ("polars", "pandas"):
        frame = pytest.importorskip(library).DataFrame({"x": [1.0, 2.0], "y": [3.0, None]})
        assert DETECTOR.scan(frame).names == ("x", "y")


@pytest.mark.parametrize("names", [("b", "a"), ("a", "x")])
def test_other_columns_than_those_of_the_first_table_are_refused(names: tuple[str, str]) -> None:
    stream = DETECTOR.open(2)
    stream.update(table("a", "b"))
    with pytest.raises(DataError, match=rf"column \d is '{names[0] if names[0] != 'a' else 'x'}', and .* first table"):
        stream.update(table(*names))
    assert (stream.seen, stream.names) == (300, ("a", "b"))


def test_a_table_that_is_refused_gives_no_names() -> None:
    stream = DETECTOR.open(2)
    with pytest.raises(DataError, match="is inf"):
        stream.update(pa.table({"a": [np.inf], "b": [1.0]}))
    assert stream.names is None


def test_a_name_of_two_columns_is_refused() -> None:
    twice = pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0])], names=["x", "x"])
    with pytest.raises(DataError, match="two columns 'x'"):
        DETECTOR.scan(twice)


def test_a_number_is_one_value_of_one_stream() -> None:
    x = values(DETECTOR, 300, 1)[:, 0] + np.repeat([0, 8], 150)
    stream, whole = DETECTOR.open(), DETECTOR.scan(x)
    found = [stream.update(v) for v in (float(x[0]), np.float64(x[1]), np.array(x[2]), *x[3:].tolist())]
    assert told(*found) == told(whole)
    assert [int(events.index[0]) for events in found if events] == whole.change_points.tolist() != []
    with pytest.raises(DataError, match="values are of 1 streams, and 2 are watched"):
        DETECTOR.open(2).update(1.0)
    with pytest.raises(DataError, match="values are"):
        stream.update("x")


@pytest.mark.parametrize("detector", DETECTORS, ids=label)
def test_streams_that_are_reset_go_on_as_new_ones(detector: StreamDetector, backend: Backend, tmp_path: Path) -> None:
    x, some, others = values(detector, 200, 7, at=0.25), [5, 1], [0, 2, 3, 4, 6]
    stream, new = detector.open(7, backend=backend), detector.open(7, backend=backend)
    first = stream.update(x[:75])
    stream.reset(some)
    later = stream.update(x[75:])
    whole, anew = detector.scan(x, backend=backend), new.update(x[75:])
    assert [
        {k: a[k] + b[k] for k in a} for a, b in zip(by_stream(first, others), by_stream(later, others), strict=True)
    ] == by_stream(whole, others)
    for s in some:
        mine, wanted = later.of_stream(s), anew.of_stream(s)
        assert (mine.index - 75).tolist() == wanted.index.tolist()
        assert mine.after.tobytes() == wanted.after.tobytes()
    stream.reset()
    new = detector.open(7, backend=backend)
    for one in (stream, new):
        one.update(x)
        one.seen = 0
        one.save(tmp_path / f"{one is new}.ads")
    assert (tmp_path / "True.ads").read_bytes() == (tmp_path / "False.ads").read_bytes()


def test_streams_are_reset_by_name_and_what_is_none_is_refused() -> None:
    stream = ad.BoundedMean(mean=0.5, alpha=0.01).open(2)
    for wrong in (["a"], [2], [-1], [True], [0.0], [None]):
        with pytest.raises(ConfigError, match=r"there is no stream .*: give numbers from 0 to 1; they have no names"):
            stream.reset(wrong)  # type: ignore[arg-type]
    for no_list in (1, "a"):
        with pytest.raises(ConfigError, match="give a list of numbers or names"):
            stream.reset(no_list)  # type: ignore[arg-type]
    stream.update(pa.table({"a": np.ones(30), "b": np.ones(30)}))
    stream.reset(["a"])
    evidence = stream.log_evidence()
    assert isinstance(evidence, dict)
    assert evidence["a"] == 0
    assert evidence["b"] > 4
    with pytest.raises(ConfigError, match=r"or one of Stream\.names"):
        stream.reset(["b", "c"])
    assert stream.log_evidence() == evidence
    stream.reset(np.array([1]))  # type: ignore[arg-type]
    assert stream.log_evidence() == {"a": 0, "b": 0}
