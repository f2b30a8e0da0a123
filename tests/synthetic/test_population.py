"""Populations: fresh rows of a known law."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from accel_drift import synthetic as sy
from accel_drift.errors import ConfigError

N = 40_000
FAR = 5.0
"""Standard errors that chance alone passes less than once in a million."""


def test_a_seed_gives_the_same_rows_and_another_gives_others() -> None:
    law = sy.Population(numbers=2, categories=1, label=True)
    one, again, other = law.draw(50, seed=1), law.draw(50, seed=1), law.draw(50, seed=2)
    assert all(np.array_equal(one[name], again[name]) for name in one)
    assert not any(np.array_equal(one[name], other[name]) for name in one)
    assert law.draw(0)["x0"].shape == (0,)


@pytest.mark.statistical
@pytest.mark.parametrize("correlation", [-0.2, 0.0, 0.6])
def test_numbers_are_normal_with_the_correlation_of_every_pair(correlation: float) -> None:
    rows = sy.Population(numbers=5, correlation=correlation).draw(N, seed=3)
    x = np.stack([rows[f"x{j}"] for j in range(5)])
    assert np.abs(x.mean(axis=1)).max() < FAR / np.sqrt(N)
    assert np.abs(x.var(axis=1) - 1).max() < FAR * np.sqrt(2 / N)
    found = np.corrcoef(x)[np.triu_indices(5, 1)]
    assert np.abs(found - correlation).max() < FAR / np.sqrt(N)
    assert abs((np.abs(x[0]) < 1.0).mean() - 0.682689) < FAR * np.sqrt(0.2166 / N)


@pytest.mark.statistical
def test_categories_halve_their_share_one_by_one() -> None:
    rows = sy.Population(numbers=0, categories=1, levels=3).draw(N, seed=1)
    shares = [(rows["c0"] == f"v{i}").mean() for i in range(3)]
    assert np.abs(np.array(shares) - np.array([4, 2, 1]) / 7).max() < FAR * np.sqrt(0.25 / N)
    assert set(rows) == {"c0"}


def test_mixed_margins_are_of_five_shapes() -> None:
    rows = sy.Population(numbers=5, margins="mixed", correlation=0.5).draw(N, seed=1)
    shapes = {name: (values.min(), values.max()) for name, values in rows.items()}
    assert shapes["x1"][0] > 0
    assert 0 <= shapes["x2"][0] <= shapes["x2"][1] <= 1
    assert shapes["x3"][1] > 12
    assert np.array_equal(rows["x4"], np.floor(rows["x4"]))
    np.testing.assert_allclose(np.quantile(rows["x2"], (0.1, 0.5, 0.9)), (0.1, 0.5, 0.9), atol=0.02)
    np.testing.assert_allclose(np.median(rows["x1"]), 1.0, atol=0.03)


@pytest.mark.statistical
@pytest.mark.parametrize("margins", ["normal", "mixed"])
def test_the_label_has_the_chance_that_the_population_says(margins: Any) -> None:
    law = sy.Population(numbers=3, label=True, margins=margins, correlation=0.2)
    rows = law.draw(N, seed=2)
    chances = law.chances(rows)
    assert 0 <= chances.min() < 0.05 < 0.95 < chances.max() <= 1
    for low in (0.0, 0.25, 0.5, 0.75):
        part = (chances >= low) & (chances < low + 0.25)
        assert abs((rows["label"] - chances)[part].mean()) < FAR * np.sqrt(0.25 / part.sum())
    best = np.maximum(chances, 1 - chances).mean()
    assert 0.75 < best < 0.95


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"numbers": -1}, "numbers"),
        ({"numbers": 0}, "at least one column"),
        ({"numbers": 0, "categories": 1, "label": True}, "label"),
        ({"categories": 1.5}, "categories"),
        ({"levels": 1}, "levels"),
        ({"correlation": 1.0}, "correlation"),
        ({"correlation": -0.25}, "above -0.25"),
        ({"correlation": "high"}, "correlation"),
        ({"margins": "odd"}, "'normal' and 'mixed'"),
        ({"label": 1}, "label"),
    ],
)
def test_options_that_cannot_work_are_told(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        sy.Population(**options)


@pytest.mark.parametrize(("rows", "seed"), [(-1, 0), (2.5, 0), ("5", 0), (5, -1), (5, None)])
def test_rows_and_seeds_that_cannot_be_are_told(rows: Any, seed: Any) -> None:
    with pytest.raises(ConfigError, match="whole number"):
        sy.Population().draw(rows, seed=seed)


def test_chances_without_a_label_are_told() -> None:
    with pytest.raises(ConfigError, match="label=True"):
        sy.Population().chances({"x0": np.ones(1)})
