"""Joint tests of rows on a device: the host's findings, and the matrix never leaves."""

from __future__ import annotations

from typing import Any

import array_api_strict
import jax.numpy as jnp
import numpy as np
import pytest

import accel_drift as ad
from accel_drift.backends import Backend, get_backend
from accel_drift.data import read_table
from accel_drift.statistics import distances
from accel_drift.statistics.encoding import encode, home
from tests._strict import StrictBackend

ROWS, WIDTH = 80, 48


class Spy(StrictBackend):
    """Notes what leaves the device, and lets nothing out by another door."""

    def __init__(self) -> None:
        self.fetched: list[tuple[int, ...]] = []

    def asarray(self, x: Any, /, dtype: Any = None) -> Any:
        assert not isinstance(x, type(array_api_strict.zeros(1))), "it is there already"
        return super().asarray(x, dtype)

    def to_numpy(self, x: Any, /) -> Any:
        found = super().to_numpy(x)
        self.fetched.append(found.shape)
        return found


def _strict(array: Any) -> Any:
    return array_api_strict.asarray(np.array(array))


def _sides(dtype: str, *, holes: bool) -> list[Any]:
    rng = np.random.default_rng(11)
    sides = [(rng.normal(size=(ROWS, WIDTH)) * 3 + shift).astype(dtype) for shift in (0.0, 0.1)]
    for side in sides:
        side[:, 0] = rng.integers(0, 2, ROWS) * (rng.random(ROWS) < 0.1)  # no interquartile range
        side[:, 1] = 0.1  # no spread
        side[:, 2] = rng.random(ROWS) < 0.01  # a standard deviation alone
        if holes:
            side[rng.random((ROWS, WIDTH)) < 0.05] = np.nan
            side[3, 4], side[5, 4] = np.inf, -np.inf
    return sides


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances, "EXACT_MEDIAN_ROWS", 50)
    monkeypatch.setattr(distances, "_PAIRS", 500)
    # What looks for alike rows reads a few columns whatever the detectors do.
    monkeypatch.setattr("accel_drift.profiles.screening._MEASURED_COLUMNS", 1)


def _matrix(side: Any) -> Any:
    return side


def _vectors(side: Any) -> Any:
    return {"e": side}


def _beside(side: Any) -> Any:
    return {"e": side[:, 3:], "x": side[:, 0], "c": ["a", "b"] * (ROWS // 2)}


@pytest.mark.parametrize(("dtype", "holes"), [("f4", True), ("f8", True), ("f8", False)])
@pytest.mark.parametrize("shaped", [_matrix, _vectors, _beside])
@pytest.mark.parametrize(
    "detector",
    [
        ad.MMD(permutations=19, max_rows=70),
        ad.MMD(permutations=19, mode="groups", group_size=16, scale="calibration"),
        ad.Energy(permutations=19),
        ad.Energy(permutations=19, mode="groups", group_size=16, precision="float32"),
    ],
    ids=["mmd", "mmd groups", "energy", "energy groups"],
)
def test_the_matrix_stays_and_the_findings_are_those_of_the_host(
    detector: ad.Detector, shaped: Any, holes: bool, dtype: str
) -> None:
    sides = _sides(dtype, holes=holes)
    if shaped is not _matrix and holes:
        # A vector with a hole is missing as a whole: not all of them are to be.
        sides = [np.where(np.arange(ROWS)[:, None] % 5 == 0, side, np.nan_to_num(side, posinf=9.0)) for side in sides]
    spy = Spy()
    there, here = ([shaped(turned(side)) for side in sides] for turned in (_strict, np.asarray))
    (found,) = ad.compare(there[0], there[1], [detector], backend=spy).findings
    (expected,) = ad.compare(here[0], here[1], [detector], backend="numpy").findings
    # Of arrays as long as a side there are flags and sums over rows or groups, never columns; bins are shorter.
    held = [shape[1:] if len(shape) == 3 else shape for shape in spy.fetched]  # sums come with their scale first
    long = [shape for shape in held if shape and shape[0] >= 60]
    assert max((shape[1] for shape in long if len(shape) > 1), default=0) <= 10
    assert sum(len(shape) == 1 for shape in long) < 20
    near = 1e-9 if expected.details["precision"] == "float64" else 1e-4
    assert found.statistic == pytest.approx(expected.statistic, rel=near)
    assert found.interval == pytest.approx(expected.interval, rel=near)
    assert (found.p_value, found.columns, found.note) == (expected.p_value, expected.columns, expected.note)
    assert found.details["dropped_columns"] == expected.details["dropped_columns"]
    parts, others = ({part.label: part.contribution for part in f.parts} for f in (found, expected))
    assert len(parts) > 10
    assert parts == pytest.approx(others, rel=near, abs=near)


def test_jax_arrays_are_encoded_where_they_are() -> None:
    jax = get_backend("jax")
    sides = [{**_beside(side), "x": 2**62 + np.arange(ROWS) % 7} for side in _sides("f8", holes=False)]
    with jax.scope():
        there = [read_table({**s, "e": jnp.asarray(s["e"]), "x": jnp.asarray(s["x"])}, backend=jax) for s in sides]
    here = [read_table(side) for side in sides]
    names = tuple(here[0].columns)
    assert home(there, names, jax) is jax
    assert home(here, names, jax).name == "numpy"
    found, expected = (encode(tables, names, 2 * ROWS, 0, home(tables, names, jax)) for tables in (there, here))
    assert isinstance(found.matrix, type(jnp.zeros(1)))
    assert (found.columns, found.dropped) == (expected.columns, expected.dropped)
    np.testing.assert_array_equal(found.owner, expected.owner)
    np.testing.assert_allclose(jax.to_numpy(found.matrix), expected.matrix, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("backend", [get_backend("numpy"), StrictBackend()])
def test_whole_numbers_beyond_floats_keep_their_differences(backend: Backend) -> None:
    values = 2**62 + np.arange(40) % 7
    table = read_table({"x": values, "u": values.astype(np.uint64), "y": -values})
    made = encode([table], ("x", "u", "y"), 40, 0, backend)
    columns = backend.to_numpy(made.matrix).T
    small = np.arange(40) % 7 - 3.0
    expected = (small - np.median(small)) / np.subtract(*np.quantile(small, [0.75, 0.25]))
    for column, sign in zip(columns, (1, 1, -1), strict=True):
        np.testing.assert_allclose(column, sign * expected)


def test_a_device_column_against_categories_is_named() -> None:
    backend = StrictBackend()
    tables = [read_table({"x": x}, backend=backend) for x in (_strict(np.arange(4.0)), ["a", "b", "a", "b"])]
    said = encode(tables, ("x",), 8, 0, backend).dropped["x"]
    assert said == "numbers on one side, categories on the other"
