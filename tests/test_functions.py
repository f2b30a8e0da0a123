"""The number alone is the detector's number; what has none is told in words."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import accel_drift as ad
from accel_drift import functions
from accel_drift.detectors import get_detector
from accel_drift.errors import ConfigError, DataError

Function = Callable[..., float]
PUBLIC: list[Any] = [
    value for name, value in vars(functions).items() if inspect.isfunction(value) and not name.startswith("_")
]
NAMES = [f.__name__ for f in PUBLIC]
JOINT = [f for f in PUBLIC if get_detector(f.__name__).joint]
OF_COLUMNS = [f for f in PUBLIC if f not in JOINT]
OF_TEXTS = [f for f in OF_COLUMNS if "categorical" in get_detector(f.__name__).kinds]

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=300), RNG.normal(size=200) * 1.5 + 0.4
A, B = RNG.choice(["a", "b", "c"], 300), RNG.choice(["b", "c", "d"], 200)


def each(functions_: list[Function]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("function", functions_, ids=lambda f: str(f.__name__))


def detected(name: str, reference: Any, batch: Any) -> float:
    """What the detector of that name gives for the only column, or for all of them."""
    fitted = get_detector(name).fit(reference, backend="numpy")
    return float(np.asarray(fitted.score(batch)).reshape(()))


def test_every_function_is_public_and_has_its_detectors_name() -> None:
    assert {"psi", "chi_square", "ks", "mmd"} <= set(NAMES) <= set(ad.__all__)
    assert [getattr(ad, name) for name in NAMES] == PUBLIC


@each(OF_COLUMNS)
def test_numbers_give_the_detectors_statistic(function: Function) -> None:
    assert function(X, Y) == detected(function.__name__, {"x": X}, {"x": Y}) > 0


@each(OF_TEXTS)
def test_texts_give_the_detectors_statistic(function: Function) -> None:
    assert function(A, B) == detected(function.__name__, {"x": A}, {"x": B}) > 0
    assert function([True, False, True], [True, False, False]) > 0


@each(JOINT)
def test_matrices_give_the_detectors_statistic(function: Function) -> None:
    x, y = X.reshape(-1, 3), Y[:198].reshape(-1, 3)
    want = detected(function.__name__, x, y)
    assert function(x, y) == function(x.tolist(), y.tolist()) == want != 0
    assert function(pd.DataFrame(x), pd.DataFrame(y)) == pytest.approx(want, rel=1e-12)
    assert function(X, Y) == function(X.tolist(), Y.tolist())
    table = {"x": X, "c": A}, {"c": B, "x": Y}
    assert function(*table) == detected(function.__name__, *table)


@each(OF_COLUMNS)
@pytest.mark.parametrize(
    "form", [list, tuple, pa.array, pd.Series, pl.Series, lambda v: pa.chunked_array([v[:9], v[9:]])]
)
def test_every_form_of_a_column_gives_the_same(function: Function, form: Callable[[Any], Any]) -> None:
    assert function(form(X), form(Y)) == function(X, Y)


@each(OF_COLUMNS)
def test_columns_that_look_like_row_numbers_are_values(function: Function) -> None:
    assert math.isfinite(function(np.arange(50), np.arange(25, 90)))


@each(PUBLIC)
def test_a_constant_is_no_distance_from_itself(function: Function) -> None:
    assert function([3.0] * 5, [3.0] * 7) == 0.0


def test_known_values() -> None:
    assert ad.psi(list("ab"), list("ab")) == 0.0
    shares = 0.3 * math.log(0.8 / 0.5) - 0.3 * math.log(0.2 / 0.5)
    assert ad.psi([0] * 5 + [1] * 5, [0] * 8 + [1] * 2, pseudo_count=0) == pytest.approx(shares)
    assert ad.ks([1, 2], [3, 4]) == 1.0
    assert ad.chi_square(list("aabb"), list("aabb")) == 0.0


def test_missing_values_are_treated_as_the_detector_treats_them() -> None:
    holes = [None, *X.tolist()]
    assert ad.ks(holes, Y) == ad.ks(X, Y)
    assert ad.psi(holes, Y) > 0
    assert ad.psi(holes, Y) == detected("psi", {"x": holes}, {"x": Y})


@each(PUBLIC)
@pytest.mark.parametrize(
    ("side", "message"),
    [
        ([], "reference has no rows"),
        ([None, None], "reference has no value"),
        ([float("nan")] * 3, "reference has no value"),
        ([1, "a"], "reference: .* mixes int and str"),
        ([1 + 2j, 3j], "reference: .* not supported"),
        (7, "reference: "),
        ({"values": 3}, "reference: "),
        ([True, False], "different sorts of values: bool and double"),
    ],
    ids=str,
)
def test_what_has_no_number_is_told_which_side_and_why(function: Function, side: Any, message: str) -> None:
    expected = message.replace("reference", "expected") if function is ad.psi else message
    with pytest.raises(DataError, match=expected):
        function(side, [1.5, 2.5, 4.0])
    if message.startswith("reference"):
        other = "actual" if function is ad.psi else "batch"
        with pytest.raises(DataError, match=message.replace("reference", other)):
            function([1.5, 2.5, 4.0], side)


@each(OF_COLUMNS)
def test_a_matrix_is_no_column(function: Function) -> None:
    with pytest.raises(DataError, match="2 dimensions"):
        function(np.ones((4, 2)), np.ones(4))


@each(JOINT)
def test_tables_must_have_the_same_columns_and_two_rows(function: Function) -> None:
    with pytest.raises(DataError, match="reference has the columns x0, x1, and batch x0"):
        function(np.ones((4, 2)), np.ones(4))
    with pytest.raises(DataError, match=r"reference has 1 row; .* needs at least 2"):
        function([1.0], [1.0, 2.0])
    with pytest.raises(DataError, match="differ in length"):
        function([[1.0, 2.0], [1.0]], [[1.0]])


def test_options_out_of_range() -> None:
    with pytest.raises(ConfigError, match="bins"):
        ad.psi(X, Y, 1)
    with pytest.raises(ConfigError, match="pseudo_count"):
        ad.psi(X, Y, pseudo_count=-1)
    with pytest.raises(ConfigError, match="bandwidth"):
        ad.mmd(X, Y, bandwidth=0)


def test_times_are_refused() -> None:
    days = np.array(["2020-01-01", "2020-01-02"], "M8[D]")
    for function in OF_COLUMNS:
        with pytest.raises(DataError, match="timestamp"):
            function(days, days)
