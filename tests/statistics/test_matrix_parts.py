"""What a joint finding says of rows and columns: planted outliers by their number, the shifted column first."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.backends import Backend, get_backend
from accel_drift.detectors import get_detector
from accel_drift.finding import Finding, Part
from accel_drift.statistics import matrix_parts
from accel_drift.statistics.comparison import Plan
from accel_drift.statistics.kernel_sums import Kernel, ReferenceSums
from accel_drift.statistics.kernel_test import KernelSums

joint = pytest.mark.parametrize("name", ["mmd", "energy"])


def _finding(name: str, x: Any, y: Any, backend: Backend | str = "numpy", **options: Any) -> Finding:
    options.setdefault("permutations", 19)
    (found,) = get_detector(name, **options).fit(x, backend=backend).detect(y).findings
    return found


def _parts(found: Finding, kind: str, side: str = "") -> list[Part]:
    return [p for p in found.parts if p.kind == kind and p.side == side]


def _planted(rng: np.random.Generator, rows: int, many: int) -> tuple[np.ndarray, set[int]]:
    """Three columns of noise, and `many` rows of them elsewhere."""
    data, at = rng.normal(size=(rows, 3)), rng.choice(rows, many, replace=False)
    data[at] += 6.0
    return data, set(at.tolist())


@joint
def test_rows_are_the_planted_ones(name: str) -> None:
    rng = np.random.default_rng(60)
    x, (y, planted) = rng.normal(size=(150, 3)), _planted(rng, 120, 10)
    found = _finding(name, x, y)
    assert {p.row for p in _parts(found, "row", "batch")} == planted
    assert len(_parts(found, "row", "reference")) == matrix_parts.WITNESSES
    for p in _parts(found, "row", "batch"):
        assert p.label == f"row {p.row}"
    values = [p.contribution for p in _parts(found, "row", "batch")]
    assert values == sorted(values, reverse=True)


@joint
def test_rows_keep_their_number_when_rows_are_left_out(name: str, tmp_path: Path) -> None:
    """Through the profile's sample (and its file), the cap, and groups that drop what is left over."""
    rng = np.random.default_rng(61)
    (x, planted), y = _planted(rng, 400, 30), rng.normal(size=(301, 3))
    detector = get_detector(name, permutations=19, max_rows=250, mode="groups", group_size=3)
    profile = ad.Profile.fit(x, [detector], backend="numpy", sample_rows=300)
    profile.save(tmp_path / "it.adp")
    for made in (profile, ad.Profile.load(tmp_path / "it.adp", backend="numpy")):
        (found,) = made.score(y).findings
        rows = {p.row for p in _parts(found, "row", "reference")}
        assert len(rows) == matrix_parts.WITNESSES
        assert rows <= planted


@joint
def test_rows_keep_their_number_where_partial_blocks_are_dropped(name: str) -> None:
    rng = np.random.default_rng(62)
    x, (y, planted) = rng.normal(size=(200, 3)), _planted(rng, 205, 10)
    found = _finding(name, x, y, block=10)
    assert {p.row for p in _parts(found, "row", "batch")} >= {row for row in planted if row < 200}


@joint
def test_witness_values_add_up_to_the_statistic(name: str) -> None:
    rng = np.random.default_rng(63)
    found = _finding(name, rng.normal(size=(9, 2)), rng.normal(1, 1, (8, 2)), alpha=0.05)
    assert len(_parts(found, "row", "batch")) == 8
    sides = [[p.contribution for p in _parts(found, "row", side)] for side in ("reference", "batch")]
    assert sum(np.mean(side) for side in sides) == pytest.approx(found.statistic)


@joint
def test_the_shifted_column_comes_first(name: str, backend: Backend) -> None:
    rng = np.random.default_rng(64)
    x = {"a": rng.normal(size=300), "c": rng.choice(list("pqr"), 300), "b": rng.normal(size=300)}
    y = {"a": rng.normal(size=200), "c": rng.choice(list("pqr"), 200), "b": rng.normal(1.0, 1, 200)}
    found = _finding(name, x, y, backend)
    parts = _parts(found, "column")
    assert parts[0].label == "b"
    assert {p.label for p in parts} == {"a", "b", "c"}
    assert parts[0].share == pytest.approx(parts[0].contribution / found.statistic)  # type: ignore[operator]
    assert parts[0].share > 0.5  # type: ignore[operator]
    without = _finding(name, _less(x, "b"), _less(y, "b"), **_same_bandwidth(found))
    assert parts[0].contribution == pytest.approx(found.statistic - without.statistic, rel=1e-9)  # type: ignore[operator]


def _less(columns: dict[str, Any], name: str) -> dict[str, Any]:
    return {n: v for n, v in columns.items() if n != name}


def _same_bandwidth(found: Finding) -> dict[str, Any]:
    return {"bandwidth": found.details["bandwidth"]} if found.detector == "mmd" else {}


@joint
def test_a_category_counts_as_one_column(name: str) -> None:
    rng = np.random.default_rng(65)
    x = {"a": rng.normal(size=200), "c": rng.choice(list("pqrs"), 200)}
    y = {"a": rng.normal(size=150), "c": rng.choice(list("pqst"), 150)}
    parts = _parts(_finding(name, x, y), "column")
    assert [p.label for p in parts] == ["c", "a"]


@joint
def test_columns_that_say_the_same_share(name: str) -> None:
    rng = np.random.default_rng(66)
    x, y = rng.normal(size=(300, 3)), rng.normal(size=(250, 3))
    y[:, 0] += 0.7
    one = _parts(_finding(name, x, y), "column")
    twice, other = (np.column_stack([side, side[:, :1]]) for side in (x, y))
    both = {p.label: p.contribution for p in _parts(_finding(name, twice, other), "column")}
    assert one[0].label == "x0"
    assert both["x0"] == pytest.approx(both["x3"])
    assert both["x0"] < one[0].contribution


@joint
def test_no_share_of_nothing(name: str) -> None:
    x = np.random.default_rng(67).normal(size=(80, 2))
    found = _finding(name, x, x)
    assert found.statistic is not None
    assert found.statistic < 0
    assert all(p.share is None for p in found.parts)


@joint
def test_columns_are_explained_on_as_many_rows_as_the_budget_allows(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(68)
    x, y = rng.normal(size=(400, 4)), rng.normal(size=(200, 4))
    y[:, 2] += 1.0
    whole = _finding(name, x, y)
    assert whole.details["rows_of_column_parts"] == [400, 200]
    monkeypatch.setattr(matrix_parts, "_BUDGET", 300.0**2 * 4)
    found = _finding(name, x, y)
    assert found.details["rows_of_column_parts"] == [150, 150]
    assert found.statistic == whole.statistic
    parts = [{p.label: p.share for p in _parts(f, "column")} for f in (found, whole)]
    assert max(parts[0], key=lambda label: parts[0][label] or 0) == "x2"
    assert parts[0]["x2"] == pytest.approx(parts[1]["x2"], abs=0.15)


@joint
def test_nothing_is_explained_where_no_interval_is_wanted(name: str) -> None:
    rng = np.random.default_rng(69)
    fitted = get_detector(name, permutations=19).fit(rng.normal(size=40), backend="numpy")
    comparison = fitted._compare(rng.normal(size=30))
    (found,) = fitted.detector.outcomes(comparison, Plan(0.05, 0.05, 0, intervals=False))
    assert found.parts == ()
    assert found.interval is None


def test_parts_cost_no_more_than_a_cheap_test_and_name_the_column() -> None:
    """Of 32 columns one moved by 0.3 deviations, which 750 rows against a kept reference of 18,000 never miss."""
    n, m, d, b = 18_000, 750, 32, get_backend("numpy")
    rng, names = np.random.default_rng(70), [str(j) for j in range(d)]
    x = rng.normal(size=(n, d)).astype(np.float32) / 8
    reference, owner, first = ReferenceSums(x, b, "gaussian"), np.arange(d), []
    for column in range(12):
        y = rng.normal(size=(m, d)).astype(np.float32) / 8
        y[:, column] += 0.3 / 8
        made = KernelSums(np.concatenate([x, y]), n, b, column, reference=reference)
        parts, held = matrix_parts.columns(made, names, owner, column)
        assert held == (500, 500)
        assert sum(held) ** 2 * (d + 1) < 1.3 * made.pairs
        first.append(parts[0].label == str(column))
    assert sum(first) >= 10


def _wide(kernel: Kernel, *, blocks: bool, far: float = 0.0) -> tuple[KernelSums, np.ndarray]:
    """70 rows of 30 columns, of which one is a category of three matrix columns; one row is far along the fifth."""
    rng, b = np.random.default_rng(71), get_backend("numpy")
    z = rng.normal(size=(70, 32)) / 6
    z[40:, 7] += 0.5
    z[3, 6] += far
    ids = np.r_[np.arange(40) // 4, 10 + np.arange(30) // 3] if blocks else None
    units = (10, 20) if blocks else (0, 0)
    made = KernelSums(z, 40, b, 0, ids, units, kernel=kernel, blocks=blocks, scales=(0.7, 2.0), unit=1.3)
    return made, np.sort(np.r_[np.arange(30), 2, 2])


@pytest.mark.parametrize("kernel", get_args(Kernel))
@pytest.mark.parametrize("blocks", [False, True])
def test_many_columns_are_explained_alike(kernel: Kernel, blocks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    made, owner = _wide(kernel, blocks=blocks)
    names = [f"x{j}" for j in range(30)]
    one, held = matrix_parts.columns(made, names, owner, 0)
    monkeypatch.setattr(matrix_parts, "_WIDE", 30)
    for at_once in (1, 100, 1 << 20):
        monkeypatch.setattr(matrix_parts, "_AT_ONCE", at_once)
        other, others = matrix_parts.columns(made, names, owner, 0)
        assert others == held == (40, 30)
        assert [part.label for part in other] == [part.label for part in one]
        assert other[0].label == "x5"
        for what in ("contribution", "share"):
            values = [[getattr(part, what) for part in parts] for parts in (one, other)]
            np.testing.assert_allclose(values[1], values[0], rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("kernel", get_args(Kernel))
def test_of_many_columns_one_row_far_away_hides_nothing(kernel: Kernel) -> None:
    """Without the column along which a row is far it is as near as any other."""
    made, owner = _wide(kernel, blocks=False, far=1e9)
    near, _ = _wide(kernel, blocks=False)
    whole, without = matrix_parts._by_differences(made, owner)
    # Of distances as long as that the differences have nine digits less.
    digits = 1e-6 if kernel == "distance" else 1e-12
    assert whole == pytest.approx(made.unbiased, abs=digits)
    for j in (0, 2):
        assert without[j] == pytest.approx(matrix_parts._without(made, owner != j), abs=digits)
    assert without[4] == pytest.approx(matrix_parts._by_differences(near, owner)[1][4], rel=1e-9)


@joint
@pytest.mark.parametrize("options", [{}, {"block": 5, "precision": "float32"}], ids=str)
def test_wide_tables_name_the_column(name: str, options: dict[str, Any], backend: Backend) -> None:
    rng = np.random.default_rng(72)
    x, y = rng.normal(size=(60, 220)), rng.normal(size=(45, 220))
    y[:, 211] += 3.0
    assert x.shape[1] > matrix_parts._WIDE
    parts = _parts(_finding(name, x, y, backend, **options), "column")
    assert len(parts) == 220
    assert parts[0].label == "x211"
