"""What values may be is said once for all detectors: by its first wrong value, wherever the memory is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import accel_drift as ad
from accel_drift.backends import Backend, get_backend
from accel_drift.errors import ConfigError, DataError
from accel_drift.streams.page_hinkley import PageHinkley
from accel_drift.streams.values import check, window
from tests.streams.examples import told


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares(PageHinkley):
    reads = "shares"


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors(PageHinkley):
    reads = "errors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing(PageHinkley):
    reads = "tea leaves"


HOST = get_backend("numpy")


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (PageHinkley, [np.nan, 1e149, -5e-324]),
        (PageHinkley, np.array([-(2**63), 2**63 - 1])),
        (Shares, [0.0, np.nan, 1.0, 0.3]),
        (Shares, np.array([0, 1], np.uint8)),
        (Errors, [0.0, np.nan, 1.0, -0.0]),
        (Errors, np.array([True, False])),
        (Errors, np.zeros((0, 4))),
    ],
)
def test_what_is_read(kind: Any, values: Any) -> None:
    kind().scan(values)


@pytest.mark.parametrize("values", [[1, None, 3], [[1, None, 3]], np.array([[1], [None], [3]], object)])
def test_none_is_missing_wherever_it_stands(values: Any) -> None:
    given = window(values, HOST).values
    np.testing.assert_array_equal(given.ravel(), [1, np.nan, 3])


@pytest.mark.parametrize("values", [["1", "2"], [1, "2"], [None, "2"], [[1, 2], [3]], [[1, None], "x"], {"x": 1}])
def test_what_is_no_number_is_refused(values: Any) -> None:
    with pytest.raises(DataError, match=r"values (are|cannot)"):
        ad.PageHinkley().scan(values)


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        (PageHinkley, [0.0, np.nan, np.inf], "reads finite numbers below 1e150, and the value at index 2 is inf; "),
        (Shares, [[0.5, 0.5], [0.5, 1.01]], "Shares reads numbers from 0 to 1, and the value at index 1 of stream 1 "),
        (Shares, np.array([0, 1, 2], np.uint8), "at index 2 is 2; bring values between known bounds to that range"),
        (Errors, np.array([0, -1], np.int8), "at index 1 is -1; give 1 where the prediction was wrong and 0 where"),
        (Errors, [0.0, 1.0, 1e-300], "Errors reads errors as 0 or 1, and the value at index 2 is 1e-300; "),
        (Errors, np.array([0, np.inf], np.float32), "at index 1 is inf"),
    ],
)
def test_what_is_refused(kind: Any, values: Any, said: str) -> None:
    with pytest.raises(DataError) as refused:
        kind().scan(values)
    assert said in str(refused.value)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("places", [[(0, 0)], [(70_000, 1)], [(9, 2), (8, 1), (69_000, 0)], [(70_000, 2), (1, 1)]])
def test_the_first_in_time_is_named_however_long_the_window(order: Any, places: list[tuple[int, int]]) -> None:
    x = np.zeros((70_001, 3), order=order)
    for place in places:
        x[place] = -np.inf
    t, s = min(places)
    with pytest.raises(DataError, match=rf"index {1000 + t:,} of stream {s} is -inf"):
        check(ad.PageHinkley(), x, HOST, 1000, False)


@pytest.mark.parametrize(("kind", "value"), [(PageHinkley, np.inf), (Shares, 2.0), (Errors, 0.25)])
def test_values_that_a_backend_holds_are_looked_at_there(kind: Any, value: float, backend: Backend) -> None:
    x = np.ones((7, 3))
    kind().scan(backend.asarray(x), backend=backend)
    x[5, 2] = value
    with pytest.raises(DataError, match=rf"index 5 of stream 2 is {value}"):
        kind().scan(backend.asarray(x), backend=backend)
    whole = backend.asarray(np.ones((7, 3), np.int32))
    kind().scan(whole, backend=backend)


def test_a_detector_that_reads_something_else_is_told_what_there_is() -> None:
    with pytest.raises(ConfigError, match=r"Nothing.reads is 'tea leaves'; there are 'numbers', 'shares', 'errors'"):
        Nothing().scan([1.0])


def test_truth_values_of_arrow_are_numbers() -> None:
    wrong = np.random.default_rng(0).random(300) < np.repeat([0.05, 0.6], 150)
    whole, given = ad.DDM().scan(wrong), pa.array(wrong.tolist())
    assert len(whole.change_points)
    for column in (given, pa.chunked_array([given[:7], given[7:]]), pa.table({"wrong": given})):
        assert told(ad.DDM().scan(column)) == told(whole)
    gaps = ad.DDM().scan(pa.array([None, *wrong.tolist()]))
    assert (gaps.index - 1).tolist() == whole.index.tolist()


@pytest.mark.parametrize("kind", [pa.timestamp("s"), pa.duration("ms"), pa.date32(), pa.time32("s")])
def test_times_are_no_numbers(kind: Any) -> None:
    column = pa.array(range(20), pa.int32() if kind.bit_width == 32 else pa.int64())
    with pytest.raises(DataError, match=r"column 'at' holds .*, and a stream is watched as numbers: leave it out"):
        PageHinkley().scan(pa.table({"at": column.cast(kind), "x": column}))
