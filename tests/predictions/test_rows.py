"""Probabilities are read from whatever holds them, and what they say of rows is what its formula says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.stats import entropy

import accel_drift as ad
from accel_drift import predictions as pr
from accel_drift.backends import Backend
from accel_drift.errors import ConfigError, DataError, SourceError
from accel_drift.predictions.rows import of_rows

RNG = np.random.default_rng(5)
P = RNG.dirichlet([1.0, 2.0, 0.5], 200)
NAMES = ["cat", "dog", "hen"]


def lists(p: Any) -> Any:
    return pa.FixedSizeListArray.from_arrays(pa.array(p.ravel()), p.shape[1])


def told(table: Any) -> dict[str, Any]:
    return {name: np.asarray(table[name].to_pylist()) for name in table.column_names}


def test_columns_follow_their_formulas() -> None:
    got = told(pr.predicted(P, classes=NAMES))
    ordered = np.sort(P, axis=1)
    np.testing.assert_allclose(got["confidence"], ordered[:, -1])
    np.testing.assert_allclose(got["entropy"], entropy(P, axis=1), rtol=1e-9)
    np.testing.assert_allclose(got["margin"], ordered[:, -1] - ordered[:, -2])
    assert got["predicted"].tolist() == [NAMES[i] for i in P.argmax(axis=1)]


@pytest.mark.parametrize("type_", [np.float64, np.float32])
def test_every_backend_says_the_same(backend: Backend, type_: Any) -> None:
    p = P.astype(type_)
    want, given = of_rows(p, backend="numpy"), backend.asarray(p)
    for source in (p, given):
        got = of_rows(source, backend=backend)
        np.testing.assert_allclose(got.entropy, want.entropy, rtol=1e-12)
        np.testing.assert_array_equal(got.confidence, want.confidence)
        np.testing.assert_array_equal(got.predicted, want.predicted)


@pytest.mark.parametrize(
    "given",
    [
        P.tolist(),
        np.asfortranarray(P),
        lists(P),
        pa.chunked_array([lists(P[:50]), lists(P[50:])]),
        pa.array(P.tolist()),
        pa.table({"p": lists(P)}),
        pa.table(dict(zip("abc", P.T, strict=True))),
        pl.DataFrame(P, schema=["a", "b", "c"]),
        pd.DataFrame(P, columns=["a", "b", "c"]),
        dict(zip("abc", P.T.tolist(), strict=True)),
        np.ma.MaskedArray(P, mask=np.zeros_like(P, dtype=bool)),
    ],
    ids=[
        "list",
        "column-order",
        "fixed-lists",
        "chunks",
        "lists",
        "one-column",
        "arrow",
        "polars",
        "pandas",
        "dict",
        "masked",
    ],
)
def test_the_same_from_every_source(given: Any) -> None:
    got, want = pr.predicted(given, classes=NAMES), pr.predicted(P, classes=NAMES)
    assert got.to_pydict() == want.to_pydict()


def test_a_table_names_its_classes_and_a_file_does_too(tmp_path: Any) -> None:
    table = pa.table(dict(zip(NAMES, P.T, strict=True)))
    pq.write_table(table, tmp_path / "p.parquet")
    for source in (table, tmp_path / "p.parquet", str(tmp_path / "p.parquet")):
        assert of_rows(source).classes == tuple(NAMES)
    with pytest.raises(SourceError, match="no file"):
        pr.predicted("nowhere.parquet")


@pytest.mark.parametrize(
    "make", [np.asarray, list, pa.array, pl.Series, pd.Series], ids=["numpy", "list", "arrow", "polars", "pandas"]
)
def test_scores_are_chances_of_the_second_class(make: Any) -> None:
    scores = P[:, 0]
    got, want = pr.predicted(make(scores)), pr.predicted(np.stack([1 - scores, scores], axis=1))
    assert got.to_pydict() == want.to_pydict()


def test_what_has_an_array_is_read_by_it() -> None:
    class Series:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return P

    assert pr.predicted(Series()).to_pydict() == pr.predicted(P).to_pydict()


def test_samples_are_averaged_and_their_disagreement_is_told(backend: Backend) -> None:
    samples = RNG.dirichlet([1.0, 1.0, 1.0], (7, 60))
    mean = samples.mean(axis=0)
    for source in (samples, backend.asarray(samples)):
        got = of_rows(source, backend=backend)
        np.testing.assert_allclose(got.confidence, mean.max(axis=1), rtol=1e-12)
        assert got.mutual_information is not None
        want = entropy(mean, axis=1) - entropy(samples, axis=2).mean(axis=0)
        np.testing.assert_allclose(got.mutual_information, want, rtol=1e-9, atol=1e-12)


def test_samples_that_agree_tell_nothing_and_those_that_do_not_tell_all() -> None:
    same = of_rows(np.stack([P] * 4)).mutual_information
    assert same is not None
    assert same.max() < 1e-12
    torn = of_rows(np.stack([np.tile([1.0, 0.0], (5, 1)), np.tile([0.0, 1.0], (5, 1))])).mutual_information
    np.testing.assert_allclose(np.asarray(torn), np.log(2.0), rtol=1e-12)


@pytest.mark.parametrize("as_arrow", [False, True])
def test_missing_rows_stay_in_place_and_are_null(as_arrow: bool) -> None:
    p = P.copy()
    p[3, 1] = np.nan
    rows: Any = pa.array([None if i == 5 else row.tolist() for i, row in enumerate(p)]) if as_arrow else p
    got = pr.predicted(rows)
    gone = {3, 5} if as_arrow else {3}
    for name in got.column_names:
        assert {i for i, value in enumerate(got[name].to_pylist()) if value is None} == gone
    made = pr.confidence(rows)
    assert (made.rows, made.missing) == (200 - len(gone), len(gone))


def test_a_sample_that_is_missing_makes_its_row_missing() -> None:
    samples = RNG.dirichlet([1.0, 1.0], (3, 10))
    samples[1, 4] = np.nan
    assert np.flatnonzero(~of_rows(samples).present).tolist() == [4]


def test_widths_of_intervals_are_a_column() -> None:
    got = pr.predicted(widths=[0.5, None, 2.0, np.inf])
    assert got.to_pydict() == {"interval_width": [0.5, None, 2.0, np.inf]}
    both = pr.predicted(P, widths=np.ones(200))
    assert both.column_names == ["confidence", "entropy", "margin", "predicted", "interval_width"]


def test_drift_of_predictions_is_drift_of_these_columns() -> None:
    surer = P**3 / (P**3).sum(axis=1, keepdims=True)
    report = ad.compare(pr.predicted(P), pr.predicted(surer), ["ks", "chi_square"], backend="numpy")
    assert {"confidence", "entropy", "margin"} <= set(report.drifted_columns)
    assert "predicted" not in report.drifted_columns
    again = ad.compare(pr.predicted(P[:100]), pr.predicted(P[100:]), ["ks"], backend="numpy")
    assert not again.drifted


def test_no_rows_are_no_rows_and_ties_go_to_the_first_class() -> None:
    assert pr.predicted(np.zeros((0, 3))).num_rows == 0
    assert pr.predicted([0.5, 0.5])["predicted"].to_pylist() == ["0", "0"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([[0.5, 0.6]], r"sum to 1.1 in row 0 .*1e-06: 1\)"),
        ([[0.5, 0.5], [2.0, -1.0]], r"have -1.0 in row 1 .*softmax"),
        ([[np.inf, 0.5]], "have inf in row 0"),
        ([0.5, 1.3], "have the score 1.3 in row 1 .*sigmoid"),
        ([[0.5], [0.5]], r"the shape \(2, 1\).*p\[:, 0\]"),
        (np.zeros((4, 0)), r"the shape \(4, 0\)"),
        (np.zeros((1, 1, 1, 1)), "4 dimensions"),
        (np.array(0.5), "0 dimensions"),
        (np.zeros((0, 3, 2)), "no sample"),
        (["a", "b"], "type <U1"),
        ([[0.5, 0.5], [0.5]], "cannot be read as an array"),
        (np.array([1j]), "type complex128"),
        ({"a": ["x", "y"], "b": ["u", "v"]}, "column 'a' .* categorical"),
        (pa.table({"a": [[0.5, 0.5]], "b": [0.5]}), "holds"),
        (pa.array(["a"]), "categorical"),
        (pa.array([{"a": 1}]), "probabilities"),
        (pa.table({}), "without columns"),
        (None, "nothing to look at"),
        (7, "cannot read rows"),
        (np.array([[[0.5, 0.5]], [[0.7, 0.7]]]), "in row 0 of sample 1"),
    ],
)
def test_what_is_no_probability_is_refused(given: Any, says: str) -> None:
    with pytest.raises(DataError, match=says):
        pr.predicted(given)


def test_rounded_numbers_are_taken_where_the_caller_says_so() -> None:
    rounded = P.round(2)
    with pytest.raises(DataError, match=r"rounding=0\.01"):
        pr.predicted(rounded)
    assert pr.predicted(rounded, rounding=0.02).num_rows == 200
    half = P.astype(np.float16)
    named = dict(zip(NAMES, half.T, strict=True))
    for short in (half, P.astype(np.float32), lists(half), pa.table(named)):
        assert pr.predicted(short).num_rows == 200
    with pytest.raises(DataError, match=r"rounding=0\.01"):
        pr.predicted(half.tolist())
    for wrong in (-0.1, 1.0, np.nan, "0.1"):
        with pytest.raises(ConfigError, match="rounding"):
            pr.predicted(P, rounding=wrong)  # type: ignore[arg-type]


def test_a_rounding_error_below_0_counts_as_0(backend: Backend) -> None:
    p = np.array([[1.0 + 2e-16, -2e-16], [0.5, 0.5], [np.nan, 1.0]])
    for given in (p, p[:, 0]):
        got = of_rows(backend.asarray(given), backend=backend)
        assert got.confidence[0] == pytest.approx(1.0)
        assert (got.entropy[0] < 1e-15, got.missing) == (True, 1)
    with pytest.raises(DataError, match=r"-1e-05 in row 0"):
        pr.predicted([[1.0 + 1e-5, -1e-5]])


def test_classes_are_as_many_as_columns() -> None:
    wrongs: list[Any] = [["a", "b"], ["a", "a", "b"], "abc", 3]
    for wrong in wrongs:
        with pytest.raises(ConfigError, match="classes"):
            pr.predicted(P, classes=wrong)


@pytest.mark.parametrize(
    ("widths", "says"), [([-1.0] * 200, "-1.0 in row 0"), ([1.0], "differ in length"), (["a"] * 200, "no numbers")]
)
def test_widths_that_are_none_are_refused(widths: Any, says: str) -> None:
    with pytest.raises(DataError, match=says):
        pr.predicted(P, widths=widths)
