"""Embeddings on their principal components or projected at random, in tests of all columns together."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist
from scipy.stats import binom

import accel_drift as ad
from accel_drift.backends import get_backend
from accel_drift.data import read_table
from accel_drift.errors import AccelDriftError, ConfigError
from accel_drift.statistics import encoding, matrix_kernel, reduction
from accel_drift.statistics.comparison import Comparison, Plan
from accel_drift.statistics.distances import median_distance
from accel_drift.statistics.encoding import Encoded, encode, sorts_of
from accel_drift.statistics.reduction import Reduction
from tests._strict import StrictBackend

HOST = get_backend("numpy")
WAYS: tuple[Any, ...] = ("pca", "random")
SPREAD = np.arange(1, 25) ** -1.0


def _vectors(rows: int, seed: int, shift: float = 0.0) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng([17, seed])
    return 3.0 + rng.normal(size=(rows, 24)) * SPREAD + shift * SPREAD


def _encode(columns: dict[str, Any], way: Any, k: int, seed: int = 0, backend: Any = HOST) -> Encoded:
    table = read_table(columns)
    return encode([table], tuple(table.columns), table.rows, seed, backend, reduction=Reduction(way, k))


def _finding(x: Any, y: Any, detector: ad.Detector, backend: str = "numpy") -> Any:
    (found,) = detector.fit(x, backend=backend).detect(y).findings
    return found


def test_components_are_those_of_a_singular_value_decomposition() -> None:
    v = _vectors(200, 1)
    made = _encode({"e": v}, "pca", 5)
    u, s, _ = np.linalg.svd(v - v.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(made.matrix), np.abs((u * s)[:, :5]), atol=1e-10)
    assert made.rules[0].axes.variance == pytest.approx((s[:5] ** 2).sum() / (s**2).sum())
    axes = made.rules[0].axes.matrix
    np.testing.assert_allclose(axes.T @ axes, np.eye(5), atol=1e-12)
    assert (axes.max(axis=0) >= -axes.min(axis=0)).all(), "their largest number is positive"


@pytest.mark.parametrize("size", [1e-100, 1.0, 1e99])
def test_all_components_leave_distances_as_they_are(size: float) -> None:
    v = _vectors(60, 2) * size
    made = _encode({"e": v}, "pca", 24)
    np.testing.assert_allclose(pdist(made.matrix / size), pdist(v / size), rtol=1e-9)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31 - 1), k=st.sampled_from([200, 400]), scale=st.sampled_from([1e-3, 1.0, 1e6]))
def test_random_projections_keep_distances(seed: int, k: int, scale: float) -> None:
    """Squared lengths are chi-squared of k over k: any of 45 beyond 7 deviations in less than 1 of a million runs."""
    rng = np.random.default_rng(seed)
    v = rng.standard_t(2, size=(10, 500)) * scale
    made = _encode({"e": v}, "random", k, seed)
    assert made.matrix.shape == (10, k)
    ratio = (pdist(made.matrix) / pdist(v)) ** 2
    assert np.abs(ratio - 1.0).max() < 7.0 * np.sqrt(2.0 / k)


@pytest.mark.parametrize("way", WAYS)
def test_only_embeddings_are_reduced_and_each_on_its_own(way: Any) -> None:
    columns = {"x": np.arange(300.0), "e": _vectors(300, 3), "f": _vectors(300, 4)[:, :4], "c": ["a", "b"] * 150}
    made, plain = _encode(columns, way, 6), _encode(columns, way, 100)
    assert made.columns == ("x", "e", "f", "c")
    assert made.owner.tolist() == [0] + [1] * 6 + [2] * 4 + [3] * 2
    for own in (0, 3):
        np.testing.assert_array_equal(made.matrix[:, made.owner == own], plain.matrix[:, plain.owner == own])
    for own in (1, 2):
        assert float(np.median(pdist(made.matrix[:, made.owner == own]))) == pytest.approx(1.0)
    alone = _encode({"f": columns["f"], "e": columns["e"]}, way, 6)
    np.testing.assert_array_equal(alone.matrix[:, alone.owner == 1], made.matrix[:, made.owner == 1])


def test_projections_differ_by_column_and_seed() -> None:
    v = _vectors(20, 5)
    both = _encode({"e": v, "f": v}, "random", 6)
    assert not np.allclose(both.matrix[:, :6], both.matrix[:, 6:])
    one, other = (_encode({"e": v}, "random", 6, seed).matrix for seed in (0, 1))
    assert not np.allclose(one, other)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["strict", "jax"])
def test_backends_agree(way: Any, name: str) -> None:
    columns = {"e": _vectors(120, 6), "x": np.arange(120.0)}
    backend = StrictBackend() if name == "strict" else get_backend("jax")
    made, there = _encode(columns, way, 6), _encode(columns, way, 6, backend=backend)
    assert made.slots == there.slots
    np.testing.assert_allclose(backend.to_numpy(there.matrix), made.matrix, rtol=1e-9, atol=1e-9)


def test_a_finding_is_the_same_on_another_backend() -> None:
    x, y = {"e": _vectors(90, 7)}, {"e": _vectors(60, 8, 0.2)}
    for way in WAYS:
        one, other = (
            _finding(x, y, ad.MMD(reduce=way, components=4, permutations=99), backend=b) for b in ("numpy", "jax")
        )
        assert one.effect == pytest.approx(other.effect, rel=1e-6)
        assert one.p_value == other.p_value


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("rows", [90, 41])
def test_pooled_components_do_not_know_which_side_a_row_is_on(
    way: Any, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same pooled rows cut elsewhere are the same matrix, so relabelled rows are as likely as those observed."""
    monkeypatch.setattr(reduction, "_DECIDING", 50)
    v = _vectors(130, 9, 0.1)
    tables = [read_table({"e": part}) for part in (v[:rows], v[rows:])]
    cut = encode(tables, ("e",), 130, 3, HOST, reduction=Reduction(way, 5))
    np.testing.assert_array_equal(cut.matrix, _encode({"e": v}, way, 5, 3).matrix)


def test_calibration_components_come_from_calibration_rows_alone() -> None:
    apart, mine, theirs = (read_table({"e": _vectors(50, seed)}) for seed in (10, 11, 12))
    sorts = sorts_of((apart, mine, theirs), ("e",))
    one = encode((apart, mine), ("e",), 50, 0, HOST, sorts, reduction=Reduction("pca", 5))
    other = encode((apart, theirs), ("e",), 50, 0, HOST, sorts, reduction=Reduction("pca", 5))
    np.testing.assert_array_equal(one.matrix[:50], other.matrix[:50])
    by_rule = encode((theirs,), ("e",), 0, 0, HOST, sorts, one.rules)
    np.testing.assert_allclose(by_rule.matrix, other.matrix[50:], atol=1e-12)


@pytest.mark.parametrize("scale", ["pooled", "calibration"])
@pytest.mark.parametrize("way", WAYS)
def test_level_is_exact_where_rows_are_few_and_dimensions_many(way: Any, scale: Any) -> None:
    """100 pairs for each of three seeds; more than the bound in 1 of 10,000 such runs if alpha is kept."""
    found = 0
    for seed in range(3):
        rng = np.random.default_rng([seed, 55])
        detector = ad.MMD(reduce=way, components=3, permutations=19, scale=scale, seed=seed)
        for _ in range(100):
            x, y = (read_table({"e": rng.normal(size=(n, 24)) * SPREAD}) for n in (30, 20))
            comparison = Comparison(x, y, ("e",), HOST)
            (outcome,) = detector.outcomes(comparison, Plan(0.1, 0.1, seed, intervals=False))
            assert outcome.p_value is not None
            found += outcome.p_value <= 0.1
    assert found <= binom.ppf(1 - 1e-4, 300, 0.1)


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "groups", "group_size": 4},
        {"bandwidth": "fuse"},
        {"bandwidth": "agg"},
        {"form": "features", "frequencies": 300},
        {"form": "incomplete", "tile_rows": 100},
        {"precision": "float32"},
        {"precision": "float16"},
        {"precision": "int8"},
        {"scale": "calibration"},
        {"scale": "reference"},
        {"mode": "auto"},
        {"estimator": "biased"},
        {"stop_after": 10},
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_it_goes_with_every_other_option(way: Any, options: dict[str, Any]) -> None:
    x, y = ({"e": _vectors(rows, seed, shift), "x": np.arange(rows) % 7.0} for rows, seed, shift in
            ((300, 13, 0.0), (200, 14, 1.0)))  # fmt: skip
    found = _finding(x, y, ad.MMD(reduce=way, components=8, permutations=199, **options))
    assert found.p_value <= 0.01
    assert found.details["reduce"] == way
    assert found.details["components"] == {"e": 8}
    assert set(found.details.get("variance_kept", ())) == ({"e"} if way == "pca" else set())
    assert {part.label for part in found.parts if part.kind == "column"} == {"e", "x"}


def test_blocks_are_permuted_whole() -> None:
    x, y = {"e": _vectors(120, 15)}, {"e": _vectors(120, 16, 1.0)}
    found = _finding(x, y, ad.Energy(reduce="pca", components=4, permutations=199, block=6))
    assert found.p_value <= 0.01
    assert found.details["components"] == {"e": 4}


@pytest.mark.parametrize("way", WAYS)
def test_a_saved_profile_finds_the_same(way: Any, tmp_path: Path) -> None:
    x, y = {"e": _vectors(150, 17)}, {"e": _vectors(80, 18, 0.3)}
    detector = ad.MMD(reduce=way, components=6, scale="calibration", permutations=99)
    profile = ad.Profile.fit(x, [detector], backend="numpy")
    first = profile.score(y).findings
    for again in (profile, pickle.loads(pickle.dumps(profile))):  # noqa: S301
        assert again.score(y).findings[0].p_value == first[0].p_value
    profile.save(tmp_path / "reference.adp")
    loaded = ad.Profile.load(tmp_path / "reference.adp", backend="numpy")
    assert loaded.score(y).findings[0].effect == first[0].effect
    assert loaded.score(y).findings[0].details == first[0].details


def test_a_kept_reference_is_told_apart_by_reduction() -> None:
    x, y = read_table({"e": _vectors(150, 19)}), read_table({"e": _vectors(80, 20, 0.3)})
    comparison = Comparison(x, y, ("e",), HOST)
    plain = ad.MMD(scale="calibration")
    made = [plain, *(replace(plain, reduce=way, components=k) for way in WAYS for k in (2, 5)), plain]
    first, *found, last = (detector.statistics(comparison)[""] for detector in made)
    assert first == last
    assert len({first, *found}) == 5


def test_what_changes_outside_the_components_is_not_seen() -> None:
    moved = _vectors(300, 22)
    moved[:, 23] += 8.0 * SPREAD[23]
    x = {"e": _vectors(300, 21)}
    found = {k: _finding(x, {"e": moved}, ad.MMD(reduce="pca", components=k)) for k in (3, 24)}
    assert found[24].p_value <= 0.01 < found[3].p_value
    assert found[3].details["variance_kept"]["e"] < 0.9


def test_more_components_than_numbers_is_all_and_said() -> None:
    x, y = {"e": _vectors(60, 23)}, {"e": _vectors(40, 24)}
    plain = _finding(x, y, ad.MMD(permutations=99))
    for way in WAYS:
        found = _finding(x, y, ad.MMD(reduce=way, components=25, permutations=99))
        assert found.details["components"] == {"e": 24}
        assert "'e' has fewer than 25 numbers" in found.note
        assert found.p_value == plain.p_value
        assert "fewer than" not in _finding(x, y, ad.MMD(reduce=way, components=24, permutations=99)).note


def test_components_are_at_most_the_directions_that_vary() -> None:
    v = _vectors(60, 25)
    v[:, 4:] = 1.0
    assert _encode({"e": v}, "pca", 20).matrix.shape == (60, 4)
    assert _encode({"e": _vectors(3, 25)}, "pca", 20).matrix.shape == (3, 2)


def test_numbers_alone_are_left_as_they_are_and_that_is_said() -> None:
    x, y = _vectors(60, 26), _vectors(40, 27)
    found = _finding(x, y, ad.MMD(reduce="pca", permutations=99))
    assert found.p_value == _finding(x, y, ad.MMD(permutations=99)).p_value
    assert "no column holds any" in found.note
    assert found.details["components"] == {}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", ["one number", "constant", "missing", "infinite", "two rows", "rare", "no vector"])
def test_awkward_vectors(way: Any, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reduction, "_DECIDING", 50)
    x, y = _vectors(80, 28), _vectors(60, 29)
    if case == "one number":
        x, y = x[:, :1], y[:, :1]
    elif case == "constant":
        x[:], y[:] = 1.5, 1.5
    elif case == "missing":
        x[::3, 1], y[:50] = np.nan, np.nan
    elif case == "infinite":
        x[3, 4], y[5, :] = np.inf, -np.inf
    elif case == "two rows":
        x, y = x[:2], y[:2]
    elif case == "rare":
        x[:], y[:] = 0.0, 0.0
        x[0, 0], y[0, 0] = 1.0, -1.0
    else:
        x[:], y[:] = np.nan, np.nan
    for scale in ("pooled", "calibration", "reference"):
        detector = ad.MMD(reduce=way, components=3, permutations=99, scale=scale)
        found = _finding({"e": x, "z": np.arange(len(x))}, {"e": y, "z": np.arange(len(y))}, detector)
        assert found.p_value is None or 0.0 < found.p_value <= 1.0
        assert found.effect is None or np.isfinite(found.effect)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("reduce", "svd", "no reduce 'svd'; it is 'pca', 'random' or None"),
        ("reduce", True, "no reduce True"),
        ("reduce", ["pca"], "no reduce"),
        *(("components", value, "components is") for value in (0, -1, True, 2.0, "8", None)),
        ("components", 8, "components is 8 and reduce is None, so .*give reduce='pca'"),
    ],
)
def test_wrong_options_are_refused(option: str, value: Any, said: str) -> None:
    for kind in (ad.MMD, ad.Energy):
        with pytest.raises(ConfigError, match=said):
            kind(**{option: value})


def test_a_profile_of_counts_refuses_it() -> None:
    sample = {"x": np.arange(100.0)}
    with pytest.raises(AccelDriftError, match="reduce='pca'"):
        ad.Profile.plan(sample, [ad.MMD(reduce="pca")])


@pytest.mark.parametrize("way", [None, *WAYS])
@pytest.mark.parametrize("scale", ["pooled", "calibration", "reference"])
def test_the_median_distance_of_a_lone_embedding_is_taken_once(
    way: Any, scale: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where each row has a vector; the bandwidth is what it is when it is taken of the encoded rows once more."""
    taken: list[float] = []

    def counted(*args: Any) -> float:
        taken.append(median_distance(*args))
        return taken[-1]

    for module in (encoding, matrix_kernel):
        monkeypatch.setattr(module, "median_distance", counted)
    x, y = _vectors(120, 21), _vectors(80, 22)
    size: dict[str, Any] = {} if way is None else {"components": 5}
    made = ad.MMD(reduce=way, scale=scale, permutations=19, **size)
    whole = _finding({"e": x}, {"e": y}, made)
    assert taken == [whole.details["bandwidth"]]
    if scale == "pooled":
        matrix = encode(
            [read_table({"e": side}) for side in (x, y)], ("e",), 200, 0, HOST, reduction=way and Reduction(way, 5)
        ).matrix
        assert whole.details["bandwidth"] == median_distance(matrix, 0, HOST)
    taken.clear()
    _finding({"e": [None, *x]}, {"e": y}, made)
    _finding({"e": x, "f": x}, {"e": y, "f": y}, made)
    assert len(taken) == 5, "of a hole, and beside another column, the encoded rows are asked"
