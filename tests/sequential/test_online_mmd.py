"""Rows against a reference, one window after the other: the numbers, the promise, and what cuts and files change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

import accel_drift as ad
from accel_drift.backends import Backend, get_backend
from accel_drift.errors import ConfigError, DataError, SchemaError, SourceError
from accel_drift.sequential.held_out import HeldOut, run_length
from accel_drift.sequential.kernel_windows import Summed, kept_rows, latest, scan
from accel_drift.sequential.online import OnlineDetector
from accel_drift.sequential.row_watch import RowAlarms

Floats = npt.NDArray[np.float64]

DETECTORS: tuple[OnlineDetector, ...] = (ad.OnlineMMD(arl=200, window=12), ad.KernelCUSUM(arl=200, window=15))


def kernel(x: Floats, y: Floats) -> Floats:
    return np.asarray(np.exp(-0.5 * ((x[:, None, :] - y) ** 2).sum(axis=2)))


def mmd2(x: Floats, y: Floats) -> float:
    """Squared MMD, unbiased, from its definition."""
    n, m = len(x), len(y)
    within = (kernel(x, x).sum() - n) / (n * (n - 1)) + (kernel(y, y).sum() - m) / (m * (m - 1))
    return float(within - 2 * kernel(x, y).mean())


def normal(rows: int, columns: int, seed: int, mean: float = 0.0) -> Floats:
    return np.random.default_rng(seed).normal(mean, 1.0, (rows, columns))


def told(parts: list[RowAlarms]) -> list[Floats]:
    """Everything that was said of a stream in some parts."""
    fields = ("row", "start", "statistic", "path")
    return [np.concatenate([getattr(part, field) for part in parts]) for field in fields]


def moved(columns: int) -> Floats:
    """A stream that drifts twice for longer than any window."""
    x = normal(1200, columns, 1)
    x[300:420] += 1.5
    x[800:] += 1.0
    return x


@pytest.mark.parametrize(("window", "first"), [(2, 0), (7, 5), (33, 64), (50, 1000)])
def test_the_statistic_is_that_of_its_window_alone(backend: Backend, window: int, first: int) -> None:
    reference, x = normal(60, 3, 0), normal(kept_rows(window) + 40, 3, 1)
    summed = Summed.of(reference, backend)
    before = len(x) - 40
    means = np.concatenate([summed.means(x[:before], 0)[-(window - 1) :], summed.means(x[before:], first)])
    units = np.arange(1.0, window)
    units[: (window - 1) // 2] = np.inf
    found = scan(latest(x, first, window), means, summed.within, units)
    for i in range(40):
        here = before + i + 1
        each = [mmd2(reference, x[here - rows : here]) / units[rows - 2] for rows in range(2, window + 1)]
        assert found.statistic[i] == pytest.approx(max(each[(window - 1) // 2 :]), abs=1e-11)
        assert each[found.length[i] - 2] == pytest.approx(found.statistic[i], abs=1e-11)


def test_it_is_the_plain_loop(backend: Backend) -> None:
    detector = ad.OnlineMMD(arl=200, window=12, seed=4)
    watch = detector.open(normal(200, 2, 0), backend=backend)
    found, x = watch.update(moved(2)), watch._points(moved(2))
    reference, start, rows = watch._learned.reference.points, 0, []
    for i in range(len(x)):
        if i - start < 11:
            assert np.isnan(found.path[i])
            continue
        value = mmd2(reference, x[i - 11 : i + 1])
        assert found.path[i] == pytest.approx(value, abs=1e-11)
        if value >= watch.threshold:
            rows.append(i)
            start = i + 1
    assert found.row.tolist() == rows
    assert len(rows) > 20
    assert (found.statistic == found.path[found.row]).all()


def test_half_of_the_reference_is_held_out(backend: Backend) -> None:
    rows = normal(300, 2, 0)
    watch = ad.OnlineMMD(arl=200, window=10, max_rows=100).open(rows, backend=backend)
    mine, others = watch.detector._dealt(300)
    assert (len(mine), len(others)) == (100, 200)
    assert not set(mine) & set(others)
    assert len(watch._learned.reference.points) == 100


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda d: d.name)
def test_cuts_change_nothing(backend: Backend, detector: OnlineDetector) -> None:
    reference, x = normal(200, 3, 0), moved(3)
    whole = detector.open(reference, backend=backend)
    first = told([whole.update(x)])
    assert len(first[0]) > 20
    cuts = np.sort([*np.random.default_rng(0).integers(0, len(x) + 1, 12), *range(600, 612), 600])
    watch = detector.open(reference, backend=backend)
    for one, other in zip(first, told([watch.update(part) for part in np.split(x, cuts)]), strict=True):
        np.testing.assert_array_equal(one, other)
    assert watch.seen == whole.seen == len(x)


def test_row_by_row_is_the_same() -> None:
    x = moved(2)[280:460]
    whole, watch = (DETECTORS[0].open(normal(200, 2, 0), backend="numpy") for _ in range(2))
    for one, other in zip(told([whole.update(x)]), told([watch.update(row[None]) for row in x]), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda d: d.name)
@pytest.mark.parametrize("cut", [0, 3, 311, 600])
def test_a_saved_stream_goes_on(tmp_path: Path, backend: Backend, detector: OnlineDetector, cut: int) -> None:
    reference, x, path = normal(200, 3, 0), moved(3), tmp_path / "stream.add"
    whole, watch = (detector.open(reference, backend=backend) for _ in range(2))
    watch.update(x[:cut])
    watch.save(path)
    loaded = ad.RowWatch.load(path, backend)
    assert (loaded.detector, loaded.threshold, loaded.run_length) == (detector, watch.threshold, watch.run_length)
    expected = whole.update(x)
    found = loaded.update(x[cut:])
    np.testing.assert_array_equal(found.path, expected.path[cut:])
    np.testing.assert_array_equal(found.row, expected.row[expected.row >= cut])
    assert loaded.guarantee == watch.guarantee


def mixed(rows: int, seed: int, shares: tuple[float, ...] = (0.5, 0.3, 0.2)) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    x[::17], x[5::40] = np.nan, np.inf
    return {
        "x": x,
        "n": pa.array(rng.integers(0, 1000, rows), mask=rng.random(rows) < 0.1),
        "c": rng.choice(["a", "b", "c"], rows, p=shares).tolist(),
        "same": np.ones(rows),
        "v": rng.normal(size=(rows, 3)),
    }


def test_tables_of_all_kinds(tmp_path: Path, backend: Backend) -> None:
    batch = mixed(600, 1)
    batch["same"][300:] = 2.0
    batch["c"][200:] = ["new"] * 400
    batch["more"] = np.arange(600)
    watch = ad.OnlineMMD(arl=500, window=20).open(mixed(400, 0), backend=backend)
    watch.save(tmp_path / "w")
    found = watch.update(batch)
    assert np.isfinite(found.path[20:200]).all()
    assert found.row[-1] > 560
    assert len(found.row[found.row < 200]) < 4 < len(found.row[found.row >= 200])
    loaded = ad.RowWatch.load(tmp_path / "w", backend)
    rows = [{k: v[i : i + 5] for k, v in batch.items()} for i in range(0, 600, 5)]
    np.testing.assert_array_equal(np.concatenate([loaded.update(row).path for row in rows]), found.path)


def test_many_categories_share_buckets_by_the_seed(tmp_path: Path) -> None:
    rng, path = np.random.default_rng(0), tmp_path / "w"
    reference, batch = ({"c": [f"c{i}" for i in rng.integers(0, many, 300)]} for many in (60, 90))
    watch = ad.OnlineMMD(arl=300, window=10).open(reference, backend="numpy")
    watch.save(path)
    loaded = ad.RowWatch.load(path, "numpy")
    parts = [loaded.update({"c": batch["c"][i : i + 7]}).path for i in range(0, 300, 7)]
    np.testing.assert_array_equal(np.concatenate(parts), watch.update(batch).path)
    assert not loaded._points({"c": ["never seen", None]})[:, :-1][1].any()


def test_missing_values_alone_are_rows() -> None:
    watch = ad.OnlineMMD(arl=500, window=10).open({"x": normal(200, 1, 0)[:, 0]}, backend="numpy")
    assert len(watch.update({"x": [None] * 60})) > 3


def test_empty_batches(backend: Backend) -> None:
    watch = DETECTORS[0].open(normal(100, 2, 0), backend=backend)
    found = watch.update(np.zeros((0, 2)))
    assert (len(found), len(found.path), watch.seen) == (0, 0, 0)
    assert repr(found) == "<RowAlarms: 0 in 0 rows>"


def test_alarms_as_a_table() -> None:
    watch = DETECTORS[0].open(normal(200, 2, 0), backend="numpy")
    watch.update(moved(2)[:100])
    found = watch.update(moved(2)[100:])
    table = found.to_arrow()
    assert table.column_names == ["row", "start", "statistic", "threshold"]
    assert table["row"].to_pylist() == found.row.tolist()
    assert min(table["statistic"].to_pylist()) >= watch.threshold == table["threshold"][0].as_py()
    assert repr(found) == f"<RowAlarms: {len(found)} in rows 100 to 1,199>"


def test_a_change_is_dated() -> None:
    """Of a change that the window holds whole, the start is near; a window's length before it says nothing."""
    late, dated = [], []
    for seed in range(11):
        watch = ad.OnlineMMD(arl=500, window=40, seed=seed).open(normal(400, 2, 100 + seed), backend="numpy")
        x = normal(500, 2, seed)
        x[300:] += 1.5
        found = watch.update(x)
        at = int(np.searchsorted(found.row, 300))
        late.append(found.row[at] - 300)
        dated.append(found.start[at] - 300)
    assert np.median(late) < 20
    assert abs(np.median(dated)) <= 5


@pytest.mark.statistical
@pytest.mark.parametrize("columns", [2, 10])
def test_the_run_length_holds_on_average_over_references(columns: int) -> None:
    """16 references, 20,000 rows each. Over 40 it is 540 on average; single ones are from 400 to 800."""
    rates = []
    for seed in range(16):
        watch = ad.OnlineMMD(arl=500, window=20, seed=seed).open(normal(1000, columns, 50 + seed), backend="numpy")
        low, high = watch.run_length.interval
        assert low < 500 < high
        assert watch.run_length.mean == pytest.approx(500, rel=0.02)
        rates.append(len(watch.update(normal(20_000, columns, 150 + seed))) / 20_000)
    assert 380 < 1 / np.mean(rates) < 850


def test_run_lengths_are_those_of_starts_at_every_row() -> None:
    rng = np.random.default_rng(2)
    path, window = np.convolve(rng.normal(size=2000), np.ones(5), "same"), 5
    ring = np.concatenate([path, path])
    waits = [int(np.argmax(ring[look:] >= 6.0)) for look in range(len(path))]
    assert run_length(path, 6.0, window).mean == pytest.approx(window + np.mean(waits))
    assert run_length(path, 100.0, window).mean == np.inf


def test_a_stream_of_drawn_rows_is_scanned_as_it_is() -> None:
    """The path that decides the threshold, against the definition, for rows that are not drawn twice in a window."""
    x, y, window = normal(40, 2, 0), normal(5000, 2, 1), 3
    summed = Summed.of(x, get_backend("numpy"))
    law = HeldOut.of(y, summed.means(y, 0), summed.within)
    drawn = np.random.default_rng((7, 5000)).integers(0, 5000, 60 + window - 1, np.int32)
    path = law.path(60, np.array([np.inf, 1.0]), 7)
    for i in range(60):
        rows = drawn[i : i + window]
        assert len(set(rows)) == window
        assert path[i] == pytest.approx(mmd2(x, y[rows]), abs=1e-12)


def test_deviations_are_those_of_drawn_windows() -> None:
    x, y = normal(300, 3, 0), normal(300, 3, 1)
    summed = Summed.of(x, get_backend("numpy"))
    law = HeldOut.of(y, summed.means(y, 0), summed.within)
    for rows in (2, 10):
        units = np.where(np.arange(2, rows + 1) == rows, 1.0, np.inf)
        assert law.deviations(rows)[-1] == pytest.approx(law.path(200_000, units, 0).std(), rel=0.05)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("arl", 30), ("arl", 1e6), ("arl", "long"), ("window", 1), ("window", 2.5), ("bandwidth", "fuse"),
        ("bandwidth", 0.0), ("max_rows", 1), ("seed", -1), ("seed", 0.5),
    ],
)  # fmt: skip
def test_options_that_cannot_work(option: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=option):
        ad.OnlineMMD(**{"window": 20, option: value})


def test_references_that_cannot_work() -> None:
    detector = ad.OnlineMMD(window=20)
    with pytest.raises(DataError, match="79 rows, too few for windows of 20"):
        detector.open(normal(79, 2, 0))
    with pytest.raises(DataError, match="no column to compare"):
        detector.open({"when": np.arange(100).astype("datetime64[D]")})
    with pytest.raises(DataError, match="no column"):
        detector.open({"x": pa.nulls(100, pa.float64())})


def test_batches_that_cannot_work() -> None:
    watch = DETECTORS[0].open({"x": normal(100, 1, 0)[:, 0], "c": ["a", "b"] * 50}, backend="numpy")
    watch.update({"x": [1.0], "c": ["a"]})
    with pytest.raises(SchemaError, match=r"lacks .*c"):
        watch.update({"x": [1.0]})
    with pytest.raises(SchemaError, match="'x' is"):
        watch.update({"x": ["one"], "c": ["a"]})
    with pytest.raises(DataError):
        watch.update(7)
    assert watch.seen == 1


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "w"
    with pytest.raises(SourceError, match="no row-watch"):
        ad.RowWatch.load(path)

    class Mine(ad.OnlineMMD):
        pass

    watch = ad.OnlineMMD(arl=500, window=10).open(normal(100, 2, 0), backend="numpy")
    watch.save(path)
    with pytest.raises(SourceError):
        ad.Stream.load(path)
    watch._learned = watch._learned._replace(detector=Mine(arl=500, window=10))
    with pytest.raises(ConfigError, match="could not be loaded again"):
        watch.save(path)


def test_seeds_and_bandwidths_count() -> None:
    reference, start = normal(200, 2, 0), DETECTORS[0]
    made = [start, replace(start, seed=1), replace(start, bandwidth=0.5)]
    thresholds = {detector.open(reference, backend="numpy").threshold for detector in made}
    assert len(thresholds) == 3
    assert start.open(reference, backend="numpy").threshold in thresholds
