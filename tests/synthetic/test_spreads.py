"""Kinds that move numbers: what they promise holds, to the bit where it can."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from accel_drift import synthetic as sy
from accel_drift.errors import ConfigError, DataError, SchemaError

KINDS: list[Any] = [sy.CovariateShift, sy.VarianceChange, sy.TailChange, sy.Noise, sy.Perturbation]
ODD = np.array([1.5, np.nan, np.inf, -np.inf, -0.0, 0.0, 1e300, 5e-324])
"""Values that arithmetic would not keep."""


def same_bits(a: Any, b: Any) -> bool:
    return bool(a.dtype == b.dtype and a.tobytes() == b.tobytes())


def rows(n: int, seed: int = 0) -> dict[str, Any]:
    return sy.Population(numbers=3, categories=1, correlation=0.5, label=True).draw(n, seed=seed)


@pytest.mark.parametrize("kind", KINDS)
@given(values=hnp.arrays(np.float64, st.integers(0, 20), elements=st.floats(allow_nan=True)), seed=st.integers(0, 9))
@settings(max_examples=30, deadline=None)
def test_magnitude_0_keeps_every_bit(kind: Any, values: Any, seed: int) -> None:
    reference = {"x": np.array([1.0, 2.0, 4.0])}
    assert same_bits(kind(0.0).apply({"x": values}, reference, seed=seed)["x"], values)
    assert same_bits(kind(0.7).apply({"x": values}, reference, seed=seed, strength=0.0)["x"], values)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_strength_0_keep_every_bit_and_what_is_missing_or_infinite_stays(kind: Any) -> None:
    batch, reference = {"x": ODD.copy()}, {"x": np.array([1.0, 2.0, 4.0])}
    strength = np.arange(8) % 2 * 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = kind(0.5, columns="x").apply(batch, reference, strength=strength)["x"]
    assert same_bits(made[::2], ODD[::2])
    assert np.isnan(made[1])
    assert made[3] == -np.inf
    if kind in (sy.VarianceChange, sy.TailChange):
        assert kind(-0.5, columns="x").apply(batch, reference)["x"][2] == np.inf, "not inf - inf"
    assert same_bits(batch["x"], ODD), "what is given is not written to"


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_columns_named_change(kind: Any) -> None:
    batch, reference = rows(300, 1), rows(300)
    made = kind(0.5, columns=["x1"]).apply(batch, reference)
    assert list(made) == list(batch)
    assert {name for name in batch if made[name] is not batch[name]} == {"x1"}
    assert not np.array_equal(made["x1"], batch["x1"])


@pytest.mark.parametrize("kind", KINDS)
def test_without_names_the_numbers_change_and_label_categories_and_constants_do_not(kind: Any) -> None:
    batch = {**rows(300, 1), "one": np.ones(300), "zero": np.zeros(300), "none": np.full(300, np.nan)}
    made = kind(0.5).apply(batch, batch)
    changed = {name for name in batch if made[name] is not batch[name]}
    assert changed <= {"x0", "x1", "x2"}
    assert len(changed) == (2 if kind is sy.Perturbation else 3)


@pytest.mark.parametrize("magnitude", [0.5, -1.25])
def test_a_covariate_shift_moves_the_mean_in_deviations_of_the_reference_and_nothing_else(magnitude: float) -> None:
    reference = {"x": np.random.default_rng(0).normal(7, 3, 5000)}
    batch = np.random.default_rng(1).normal(7, 3, 400)
    made = sy.CovariateShift(magnitude).apply({"x": batch}, reference)["x"]
    np.testing.assert_allclose(made - batch, magnitude * reference["x"].std(), rtol=1e-12)


def test_a_change_of_variance_keeps_the_reference_mean_and_scales_the_distance_from_it() -> None:
    reference = {"x": np.random.default_rng(0).normal(7, 3, 5000)}
    mean = reference["x"].mean()
    made = sy.VarianceChange(0.5).apply(reference, reference)["x"]
    np.testing.assert_allclose(made - mean, 1.5 * (reference["x"] - mean), rtol=1e-9, atol=1e-12)
    assert abs(made.mean() - mean) < 1e-12
    assert sy.VarianceChange(-0.5).apply(reference, reference)["x"].std() == pytest.approx(reference["x"].std() / 2)


def test_a_change_of_tails_keeps_the_middle_half_to_the_bit_and_so_the_quartiles() -> None:
    reference = rows(5000)
    low, high = np.quantile(reference["x0"], (0.25, 0.75))
    made, before = sy.TailChange(2.0).apply(reference, reference)["x0"], reference["x0"]
    middle = (before >= low) & (before <= high)
    assert same_bits(made[middle], before[middle])
    np.testing.assert_allclose(np.quantile(made, (0.25, 0.5, 0.75)), np.quantile(before, (0.25, 0.5, 0.75)), atol=5e-3)
    np.testing.assert_allclose((made - high)[before > high], 3 * (before - high)[before > high], rtol=1e-9)
    np.testing.assert_allclose((made - low)[before < low], 3 * (before - low)[before < low], rtol=1e-9)


@pytest.mark.statistical
@pytest.mark.parametrize("seed", range(5))
def test_noise_has_mean_0_and_the_deviation_it_says_in_every_column_on_its_own(seed: int) -> None:
    reference, n = rows(2000), 20_000
    batch = rows(n, seed + 1)
    made = sy.Noise(1.5).apply(batch, reference, seed=seed)
    noise = np.array([(made[x] - batch[x]) / reference[x].std() for x in ("x0", "x1", "x2")])
    # Five standard errors: less than 1e-6 of chance for each of the nine numbers.
    assert np.abs(noise.mean(axis=1)).max() < 5 * 1.5 / np.sqrt(n)
    assert np.abs(noise.std(axis=1) - 1.5).max() < 5 * 1.5 / np.sqrt(2 * n)
    assert np.abs(np.corrcoef(noise) - np.eye(3)).max() < 5 / np.sqrt(n)


def test_a_perturbation_takes_a_share_of_the_columns_the_same_in_every_batch() -> None:
    reference = {f"x{j}": np.arange(5.0) for j in range(10)}
    anchor = sy.Anchor(reference)
    assert len(sy.Perturbation(1.0, share=0.3).affected(anchor)) == 3
    assert len(sy.Perturbation(1.0, share=0.0).affected(anchor)) == 1
    assert sy.Perturbation(1.0, columns=["x7"]).affected(anchor) == ("x7",)
    picked = {sy.Perturbation(1.0, share=0.3, seed=seed).affected(anchor) for seed in range(20)}
    assert len(picked) > 10
    kind = sy.Perturbation(1.0)
    changed = [
        {name for name, values in kind.apply(reference, anchor, seed=seed).items() if values is not reference[name]}
        for seed in range(5)
    ]
    assert changed == [set(kind.affected(anchor))] * 5


@pytest.mark.parametrize("kind", KINDS)
def test_a_larger_magnitude_is_the_same_drift_and_more_of_it(kind: Any) -> None:
    reference, batch = rows(500), rows(100, 1)
    less, more = (kind(m, columns=["x0"]).apply(batch, reference, seed=3)["x0"] - batch["x0"] for m in (0.25, 0.5))
    np.testing.assert_allclose(2 * less, more, rtol=1e-9, atol=1e-12)


def test_types_and_forms_are_kept_where_they_can_be() -> None:
    whole = np.array([1, 2, 2**40])
    reference = {"i": whole, "f": whole.astype(np.float32)}
    assert sy.CovariateShift(0.0).apply(reference, reference)["i"] is whole
    made = sy.CovariateShift(0.5).apply(reference, reference)
    assert (made["i"].dtype, made["f"].dtype) == (np.float64, np.float32)
    matrix = np.random.default_rng(0).normal(size=(50, 3))
    shifted = sy.CovariateShift(1.0, columns=("x2",)).apply(matrix, matrix)
    assert isinstance(shifted, np.ndarray)
    assert same_bits(shifted[:, :2].copy(), matrix[:, :2].copy())
    np.testing.assert_allclose(shifted[:, 2] - matrix[:, 2], matrix[:, 2].std())
    assert sy.CovariateShift(1.0).apply(matrix[:0], matrix).shape == (0, 3)


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e200])
def test_a_spread_whose_square_no_float_holds_is_measured(scale: float) -> None:
    reference = {"x": scale * np.array([1.0, 2.0, 3.0])}
    made = sy.CovariateShift(1.0).apply(reference, reference)["x"]
    np.testing.assert_allclose((made - reference["x"]) / scale, np.sqrt(2 / 3))


MATRIX = np.arange(6.0).reshape(3, 2)
GOOD = {"x": np.arange(3.0), "c": np.array(["a", "b", None], dtype=object)}


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        (sy.CovariateShift, {"magnitude": np.nan}, "finite"),
        (sy.CovariateShift, {"magnitude": "1"}, "finite"),
        (sy.CovariateShift, {"magnitude": None}, "finite"),
        (sy.VarianceChange, {"magnitude": -1.0}, "above -1"),
        (sy.TailChange, {"magnitude": -2}, "above -1"),
        (sy.Noise, {"magnitude": -0.1}, "at least 0"),
        (sy.Perturbation, {"magnitude": 1, "share": 1.5}, "from 0 to 1"),
        (sy.Perturbation, {"magnitude": 1, "seed": -1}, "seed"),
        (sy.CovariateShift, {"magnitude": 1, "columns": []}, "names columns"),
        (sy.CovariateShift, {"magnitude": 1, "columns": 3}, "names columns"),
        (sy.CovariateShift, {"magnitude": 1, "columns": ("x", "x")}, "each once"),
    ],
)
def test_options_that_cannot_work_are_told(kind: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        kind(**options)


@pytest.mark.parametrize(
    ("columns", "batch", "reference", "error", "words"),
    [
        (["y"], GOOD, GOOD, SchemaError, "no column 'y' in the reference; there are x, c"),
        (["x"], {"c": GOOD["c"]}, GOOD, SchemaError, "no column 'x' in the batch"),
        (["x"], {"x": GOOD["c"]}, GOOD, SchemaError, "holds categories in the batch and numbers"),
        (["c"], GOOD, GOOD, ConfigError, "holds categories"),
        (["x"], {"x": np.ones(3)}, {"x": np.ones(3)}, ConfigError, "constant"),
        (["x"], {"x": np.ones(1)}, {"x": np.ones(1)}, ConfigError, "constant"),
        (["x"], {"x": np.ones(3)}, {"x": np.full(3, np.nan)}, ConfigError, "no finite value"),
        (None, {"c": GOOD["c"]}, {"c": GOOD["c"]}, ConfigError, "finds no column"),
        (None, GOOD, {"x": np.ones(0)}, DataError, "no rows"),
        (None, {}, GOOD, DataError, "no columns"),
        (None, {"x": np.ones(3), "y": np.ones(2)}, GOOD, DataError, "different lengths"),
        (None, {"x": np.ones((3, 2))}, GOOD, DataError, "shape"),
        (None, {"x": [[1], [1, 2]]}, GOOD, DataError, "cannot be made an array"),
        (None, {3: np.ones(3)}, GOOD, DataError, "names are texts"),
        (None, {"x": np.ma.masked_array([1.0], [True])}, GOOD, DataError, "masked"),
        (None, np.ones(3), GOOD, DataError, r"\(n, d\)"),
        (None, MATRIX.astype(str), MATRIX, DataError, "numbers"),
        (None, [1, 2], GOOD, DataError, "dict of NumPy arrays"),
        (None, None, GOOD, DataError, "dict of NumPy arrays"),
    ],
)
def test_rows_that_cannot_be_used_are_told(
    columns: Any, batch: Any, reference: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        sy.CovariateShift(0.5, columns=columns).apply(batch, reference)


@pytest.mark.parametrize("strength", [1.5, -0.1, np.nan, "x", [0.5, 0.5]])
def test_a_strength_is_a_share_for_all_rows_or_for_each(strength: Any) -> None:
    with pytest.raises(ConfigError, match="strength"):
        sy.CovariateShift(0.5).apply(GOOD, GOOD, strength=strength)
