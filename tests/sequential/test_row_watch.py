"""What a watch of rows says of itself, and references and bandwidths by which chance cannot be told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

import accel_drift as ad
from accel_drift.errors import ConfigError, DataError, SchemaError, SourceError
from tests.sequential.test_online_mmd import moved, normal
from tests.sequential.test_picture import drawn, marks

DETECTOR = ad.OnlineMMD(arl=500, window=20)
BOTH = (DETECTOR, ad.KernelCUSUM(arl=500, window=20))


def test_columns_left_out_are_told_and_kept(tmp_path: Path) -> None:
    reference = {
        "when": np.arange(200).astype("datetime64[h]"),
        "x": normal(200, 1, 0)[:, 0],
        "never": pa.nulls(200, pa.float64()),
        "y": normal(200, 1, 1)[:, 0],
    }
    watch = DETECTOR.open(reference, label="y", backend="numpy")
    expected = {
        "y": "label",
        "when": "timestamp: it says when a row was made, not what it looks like",
        "never": "no value in the rows drawn from the reference",
    }
    assert watch.excluded == expected
    watch.save(tmp_path / "w")
    assert ad.RowWatch.load(tmp_path / "w").excluded == expected
    with pytest.raises(TypeError):
        watch.excluded["x"] = "no"  # type: ignore[index]


def test_a_watch_tells_what_it_is() -> None:
    watch = DETECTOR.open(normal(200, 2, 0), backend="numpy")
    watch.update(normal(1000, 2, 1))
    said = r"<RowWatch by online_mmd: 1,000 rows, threshold 0\.\d+, 500 rows to a false alarm, 2 columns>"
    assert re.fullmatch(said, repr(watch))
    assert watch.guarantee.startswith("if rows are independent of one another, about 500 without drift to an alarm")
    other = BOTH[1].open({"x": normal(200, 1, 0)[:, 0], "y": ["a"] * 200}, drop=["y"], backend="numpy")
    assert repr(other).startswith("<RowWatch by kernel_cusum: 0 rows, threshold ")
    assert repr(other).endswith(" rows to a false alarm, 1 column, 1 excluded>")
    assert other.columns == ("x",)


def test_the_statistic_is_drawn_with_its_alarms(tmp_path: Path) -> None:
    watch = DETECTOR.open(normal(200, 2, 0), backend="numpy")
    before, found = watch.update(moved(2)[:100]), watch.update(moved(2)[100:380])
    image = found.to_svg(tmp_path / "rows.svg")
    assert (tmp_path / "rows.svg").read_text() == image
    spoken, texts, path = drawn(image)
    assert f"{len(found)} alarms, the first at row {found.row[0]:,}" in spoken
    assert marks(image) == len(found) >= 3
    assert {"statistic", "row", "100", "379"} <= set(texts)
    assert path.count("M") == 1 + np.count_nonzero(found.row < 379 - 20)  # a gap as long as the window
    assert "no alarm" in drawn(before.to_svg())[0]


@pytest.mark.parametrize("rows", [0, 1, 19, 50_000])
def test_any_number_of_rows_is_drawn(rows: int) -> None:
    found = DETECTOR.open(normal(200, 2, 0), backend="numpy").update(normal(rows, 2, 1))
    image = found.to_svg()
    assert len(image) < 60_000
    assert drawn(image)[0].startswith(f"statistic of {rows:,} row")


@pytest.mark.parametrize("detector", BOTH, ids=lambda d: d.name)
@pytest.mark.parametrize("bandwidth", [1e-300, 1e-9, 1e6, 1e12, 1e200])
def test_bandwidths_by_which_rows_are_all_the_same_are_refused(detector: Any, bandwidth: float) -> None:
    made = type(detector)(arl=500, window=20, bandwidth=bandwidth)
    with pytest.raises(ConfigError, match=r"bandwidth is 1.*median distance is 1\.\d+; give a length near that"):
        made.open(normal(200, 2, 0), backend="numpy")


@pytest.mark.parametrize("detector", BOTH, ids=lambda d: d.name)
@pytest.mark.parametrize("bandwidth", ["median", 1e-9])
@pytest.mark.parametrize("others", [0, 1])
def test_references_without_chance_are_refused(detector: Any, bandwidth: Any, others: int) -> None:
    x = np.ones(100)
    x[detector._dealt(100)[0][:others]] = 2.0
    with pytest.raises(DataError, match="are all equal, so nothing says what chance alone does"):
        type(detector)(arl=500, window=20, bandwidth=bandwidth).open({"x": x, "c": ["a"] * 100}, backend="numpy")


def test_small_bandwidths_compare_categories_as_they_are() -> None:
    reference = {"c": np.random.default_rng(0).choice(["a", "b", "c"], 400).tolist()}
    watch = ad.OnlineMMD(arl=500, window=20, bandwidth=1e-6).open(reference, backend="numpy")
    assert len(watch.update({"c": ["a"] * 40})) > 0


def test_run_lengths_that_no_threshold_has() -> None:
    coin = {"x": np.random.default_rng(0).integers(0, 2, 200)}
    with pytest.raises(ConfigError, match=r"run length of 5,000 rows .* largest comes every \d+ rows even without"):
        ad.OnlineMMD(arl=5000, window=2).open(coin, backend="numpy")
    rare = np.zeros(400)
    rare[[rows[0] for rows in DETECTOR._dealt(400)]] = 1.0  # one of 200 rows: two in a window come every 2,000
    with pytest.warns(UserWarning, match=r"run length of 500 .*: the next longer one, [\d,]+, is taken") as said:
        watch = DETECTOR.open({"x": rare}, backend="numpy")
    assert said[0].filename == __file__
    assert watch.run_length.mean > 1000
    assert "about 500 " not in watch.guarantee


@pytest.mark.parametrize("types", [("f8", "f4"), ("f4", "f8"), ("f8", "f2"), ("f2", "f4")], ids=str)
def test_the_same_number_in_another_type_is_no_drift(tmp_path: Path, types: tuple[str, str]) -> None:
    mine, other = types

    def rows(seed: int, k: float, dtype: str) -> dict[str, npt.NDArray[Any]]:
        x = np.random.default_rng(seed).choice([0.1, 0.3, 0.7], 400)
        x[::7] = np.nan
        return {"x": x.astype(dtype), "k": np.full(400, k, dtype)}

    watch = ad.OnlineMMD(arl=5000, window=20).open(rows(0, 0.1, mine), backend="numpy")
    watch.save(tmp_path / "w")
    same = rows(1, 0.1, other)
    for each in (watch, ad.RowWatch.load(tmp_path / "w", "numpy")):
        assert len(each.update(same)) == 0
    assert len(watch.update({**same, "k": np.full(400, 0.125, other)})) > 5


def test_a_number_that_is_near_is_another() -> None:
    """Types are made equal only where they differ."""
    watch = DETECTOR.open({"x": normal(200, 1, 0)[:, 0], "k": np.full(200, 0.1)}, backend="numpy")
    assert len(watch.update({"x": normal(40, 1, 1)[:, 0], "k": np.full(40, np.nextafter(0.1, 1.0))})) > 0


def test_one_row_without_its_axis_is_refused() -> None:
    watch = DETECTOR.open(normal(200, 2, 0), backend="numpy")
    with pytest.raises(SchemaError, match=r"lacks 'x1'.*give one row as x\[None\]"):
        watch.update(np.zeros(2))
    assert watch.seen == 0


def test_paths_that_are_none() -> None:
    watch: Any = DETECTOR.open(normal(200, 2, 0), backend="numpy")
    uses: tuple[Any, ...] = (watch.save, ad.RowWatch.load, watch.update(normal(30, 2, 1)).to_svg)
    for use in uses:
        with pytest.raises(SourceError, match="path is 7; it is the name of a file"):
            use(7)


@pytest.mark.parametrize("option", [{"columns": 3}, {"drop": 3}, {"backend": None}, {"backend": 7}], ids=str)
def test_options_of_a_wrong_type(option: Any) -> None:
    with pytest.raises(ConfigError, match=next(iter(option))):
        DETECTOR.open(normal(200, 2, 0), **option)


@pytest.mark.parametrize("bandwidth", [np.array([1.0, 2.0]), np.ones(1), None])
def test_bandwidths_that_are_no_number(bandwidth: Any) -> None:
    with pytest.raises(ConfigError, match='it is "median" or a length above 0'):
        ad.OnlineMMD(bandwidth=bandwidth)


def test_windows_longer_than_any_run() -> None:
    with pytest.raises(ConfigError, match="window is 50,000; it is below 50,000"):
        ad.OnlineMMD(window=50_000)
