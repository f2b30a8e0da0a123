"""A track remembers batches, says whether they fall and whether one is degraded, and comes back from disk the same."""

from __future__ import annotations

import datetime as dt
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats

from accel_drift import predictions as pr
from accel_drift.backends import Backend
from accel_drift.errors import ConfigError, DataError, SourceError

RNG = np.random.default_rng(8)
REFERENCE = RNG.dirichlet([3.0, 1.0, 0.5], 2_000)
DAY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def batch(rows: int = 100, less: float = 0.0, rng: np.random.Generator = RNG) -> Any:
    """Rows like the reference's, drawn towards equal chances."""
    return (1 - less) * rng.dirichlet([3.0, 1.0, 0.5], rows) + less / 3


def filled(track: pr.ConfidenceTrack, days: int, *, first: int = 0, timed: bool = True) -> pr.ConfidenceTrack:
    for day in range(first, first + days):
        rng = np.random.default_rng([9, day])
        track.update(batch(60, 0.02 * day, rng), rng.integers(0, 3, 60), at=DAY + dt.timedelta(day) if timed else None)
    return track


def test_a_batch_is_told_as_confidence_tells_it() -> None:
    p, labels = batch(), RNG.integers(0, 3, 100)
    made = pr.ConfidenceTrack(bounds=(0.4, 0.7), bins=5).update(p, labels, at=3)
    assert made.confidence == pr.confidence(p, labels, bounds=(0.4, 0.7), bins=5)
    assert (made.at, made.degradation) == (3.0, None)


def test_a_fall_is_tested_as_welch_does_and_any_change_as_the_engine_does(backend: Backend) -> None:
    p = batch(80, 0.2)
    track = pr.ConfidenceTrack(REFERENCE, tolerance=0.01, backend=backend)
    found = track.update(p).degradation
    before, now = REFERENCE.max(axis=1), p.max(axis=1)
    assert found is not None
    want = stats.ttest_ind(before, now, equal_var=False).confidence_interval(0.95)
    np.testing.assert_allclose(np.array(found.fall, float), [before.mean() - now.mean(), want.low, want.high])
    one = stats.ttest_ind(before, now + 0.01, equal_var=False, alternative="greater").pvalue
    assert found.p_value == pytest.approx(one, rel=1e-6)
    assert found.distance == pytest.approx(stats.ks_2samp(before, now).statistic)
    assert found.distance_p_value is not None
    assert found.distance_p_value <= 0.01
    assert found.degraded


def test_a_model_that_is_surer_is_not_degraded_but_changed() -> None:
    surer = REFERENCE[:500] ** 3
    found = pr.ConfidenceTrack(REFERENCE).update(surer / surer.sum(axis=1, keepdims=True)).degradation
    assert found is not None
    assert found.distance_p_value is not None
    assert found.distance_p_value < 0.001
    assert (found.degraded, found.fall.value < 0) == (False, True)


def test_a_fall_that_is_put_up_with_is_no_degradation() -> None:
    p = batch(2_000, 0.1)
    plain, tolerant = (pr.ConfidenceTrack(REFERENCE, tolerance=t).update(p).degradation for t in (0.0, 0.1))
    assert plain is not None
    assert tolerant is not None
    assert (plain.degraded, tolerant.degraded) == (True, False)
    assert plain.fall == tolerant.fall


@pytest.mark.statistical
@pytest.mark.parametrize("rows", [30, 300])
@pytest.mark.parametrize("sure", [[3.0, 1.0, 0.5], [30.0, 0.5, 0.5]], ids=["unsure", "sure"])
def test_like_batches_are_called_degraded_as_rarely_as_promised(rows: int, sure: list[float]) -> None:
    """600 references and batches at 5 %: 7.5 % is exceeded with a chance of 0.3 %."""
    rng = np.random.default_rng(rows)
    alarms = 0
    for _ in range(600):
        track = pr.ConfidenceTrack(rng.dirichlet(sure, 500), alpha=0.05, backend="numpy")
        found = track.update(rng.dirichlet(sure, rows)).degradation
        alarms += found is not None and found.degraded
    assert alarms <= 45


def test_rows_without_spread_are_compared_all_the_same() -> None:
    hard = np.tile([1.0, 0.0], (50, 1))
    track = pr.ConfidenceTrack(hard)
    same, lower = track.update(hard).degradation, track.update(np.tile([0.6, 0.4], (50, 1))).degradation
    assert same is not None
    assert lower is not None
    assert (same.degraded, same.p_value, lower.degraded) == (False, 1.0, True)
    one = track.update([[0.6, 0.4]]).degradation
    assert one is not None
    assert (one.p_value, one.degraded, one.fall.low) == (None, False, None)


def test_a_falling_confidence_is_found_whatever_the_order_of_batches() -> None:
    track = filled(pr.ConfidenceTrack(), 20)
    found = track.trend(alternative="falling")
    assert found.slope is not None
    assert found.slope == pytest.approx(-0.02 * (REFERENCE.max(axis=1).mean() - 1 / 3), rel=0.3)
    assert found.p_value < 1e-4
    turned = pr.ConfidenceTrack()
    for day in reversed(range(20)):
        rng = np.random.default_rng([9, day])
        turned.update(batch(60, 0.02 * day, rng), rng.integers(0, 3, 60), at=DAY + dt.timedelta(day))
    assert turned.trend(alternative="falling") == found
    assert track.trend("entropy", alternative="rising").p_value < 1e-4
    assert track.trend(last=5).points == 5


def test_the_trend_is_that_of_the_series() -> None:
    track = filled(pr.ConfidenceTrack(), 12, timed=False)
    for of in ("confidence", "margin", "accuracy", "gap"):
        values = track.to_arrow()[of].to_pylist()
        assert track.trend(of) == pr.trend(values)
    with pytest.raises(DataError, match="0 points with a value"):
        track.trend("fall")


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (dt.datetime(2026, 3, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=2))), dt.datetime(2026, 3, 1, 10)),
        (dt.datetime(2026, 3, 1, 12), dt.datetime(2026, 3, 1, 12)),
        (dt.date(2026, 3, 1), dt.datetime(2026, 3, 1)),
        (np.datetime64("2026-03-01"), dt.datetime(2026, 3, 1)),
    ],
)
def test_times_are_utc(at: Any, shown: dt.datetime) -> None:
    track = pr.ConfidenceTrack()
    want = shown.replace(tzinfo=dt.UTC)
    assert track.update(batch(), at=at).at == want
    assert track.to_arrow()["at"].to_pylist() == [want]
    assert track.to_arrow().schema.field("at").type == pa.timestamp("us", "UTC")


@pytest.mark.parametrize("wrong", ["2026-03-01", np.nan, np.datetime64("NaT"), pd.NaT, True, [1]])
def test_what_is_no_time_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigError, match="at is"):
        pr.ConfidenceTrack().update(batch(), at=wrong)


def test_all_batches_have_the_same_sort_of_time() -> None:
    track = filled(pr.ConfidenceTrack(), 1)
    for wrong in (None, 3):
        with pytest.raises(ConfigError, match="the same sort"):
            track.update(batch(), at=wrong)
    assert len(track) == 1


@pytest.mark.parametrize("timed", [False, True])
@pytest.mark.parametrize("reference", [None, REFERENCE])
def test_it_comes_back_from_disk_the_same(tmp_path: Path, timed: bool, reference: Any) -> None:
    track = filled(pr.ConfidenceTrack(reference, tolerance=0.02, classes=["a", "b", "c"]), 7, timed=timed)
    track.save(tmp_path / "track.arrow")
    again = pr.ConfidenceTrack.load(tmp_path / "track.arrow")
    assert again.to_arrow().equals(track.to_arrow())
    assert filled(again, 3, first=7, timed=timed).to_arrow().equals(filled(track, 3, first=7, timed=timed).to_arrow())
    assert again.trend() == track.trend()
    pr.ConfidenceTrack().save(tmp_path / "empty.arrow")
    assert pr.ConfidenceTrack.load(str(tmp_path / "empty.arrow")).to_arrow().num_rows == 0


def test_it_can_be_pickled() -> None:
    track = filled(pr.ConfidenceTrack(REFERENCE), 3)
    again = pickle.loads(pickle.dumps(track))  # noqa: S301
    assert filled(again, 2, first=3).to_arrow().equals(filled(track, 2, first=3).to_arrow())


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no confidence track"):
        pr.ConfidenceTrack.load(tmp_path / "nothing.arrow")
    path = tmp_path / "track.arrow"
    filled(pr.ConfidenceTrack(), 3).save(path)
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)
    with pytest.raises(SourceError):
        pr.ConfidenceTrack.load(path)
    with pytest.raises(SourceError, match="no folder"):
        pr.ConfidenceTrack().save(tmp_path / "none" / "track.arrow")


@pytest.mark.parametrize("timed", [False, True])
def test_the_earliest_batches_go(timed: bool) -> None:
    whole, short = (filled(pr.ConfidenceTrack(keep=keep), 9, timed=timed) for keep in (100, 4))
    assert short.to_arrow().equals(whole.to_arrow().slice(5))
    first, second = (filled(pr.ConfidenceTrack(keep=4), days, first=at, timed=timed) for days, at in ((5, 0), (4, 5)))
    assert first.merge(second).to_arrow().equals(short.to_arrow())
    if timed:
        short.update(batch(), at=DAY - dt.timedelta(1))
        assert short.to_arrow().equals(first.merge(second).to_arrow())


@pytest.mark.parametrize("timed", [False, True])
def test_parts_merge_to_what_one_track_would_be(timed: bool) -> None:
    whole = filled(pr.ConfidenceTrack(REFERENCE), 9, timed=timed)
    parts = [filled(pr.ConfidenceTrack(REFERENCE), 3, first=first, timed=timed) for first in (0, 3, 6)]
    merged = parts[0].merge(*parts[1:])
    assert merged.to_arrow().equals(whole.to_arrow())
    assert (len(parts[0]), repr(merged)) == (3, "<ConfidenceTrack: 9 batches, with a reference>")
    if timed:
        assert parts[2].merge(parts[0], parts[1]).to_arrow().equals(whole.to_arrow())
    more = filled(merged, 1, first=9, timed=timed)
    assert more.to_arrow().equals(filled(whole, 1, first=9, timed=timed).to_arrow())
    assert len(pr.ConfidenceTrack(REFERENCE).merge(pr.ConfidenceTrack(REFERENCE))) == 0


def test_tracks_that_were_not_made_alike_do_not_merge() -> None:
    track = filled(pr.ConfidenceTrack(), 2)
    others: list[Any] = [pr.ConfidenceTrack(REFERENCE), pr.ConfidenceTrack(alpha=0.05), "track"]
    for other in others:
        with pytest.raises(ConfigError, match="made alike"):
            track.merge(other)
    with pytest.raises(ConfigError, match="one sort"):
        track.merge(filled(pr.ConfidenceTrack(), 2, timed=False))
    two = pr.ConfidenceTrack()
    two.update([0.5, 0.6], at=DAY)
    with pytest.raises(ConfigError, match="classes"):
        track.merge(two)


def test_a_batch_that_is_refused_changes_nothing() -> None:
    track = filled(pr.ConfidenceTrack(REFERENCE), 2)
    before = track.to_arrow()
    with pytest.raises(DataError, match="classes 0, 1, and those before it 0, 1, 2"):
        track.update([0.5], at=DAY)
    with pytest.raises(DataError, match="nothing to sum up"):
        track.update(np.full((3, 3), np.nan), at=DAY)
    with pytest.raises(DataError, match="labels"):
        track.update(batch(), [0], at=DAY)
    assert track.to_arrow().equals(before)


@pytest.mark.parametrize(
    "options",
    [
        {"alpha": 0},
        {"alpha": 1.5},
        {"tolerance": -0.1},
        {"bounds": (1, 0)},
        {"bins": 0},
        {"rounding": 2},
        {"keep": 2},
        {"classes": "ab"},
    ],
)
def test_options_that_cannot_work_are_refused(options: Any) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        pr.ConfidenceTrack(**options)


def test_other_mistakes_are_told() -> None:
    with pytest.raises(DataError, match="at least 2"):
        pr.ConfidenceTrack([[0.5, 0.5]])
    with pytest.raises(ConfigError, match="it is one of confidence, entropy"):
        pr.ConfidenceTrack().trend("sureness")
    with pytest.raises(ConfigError, match="last"):
        pr.ConfidenceTrack().trend(last=2)


def test_records_are_plain_json() -> None:
    for track in (pr.ConfidenceTrack(), pr.ConfidenceTrack(REFERENCE)):
        made = track.update(batch(), at=DAY).to_dict()
        assert json.loads(json.dumps(made, allow_nan=False)) == made
        assert made["at"] == "2026-01-01T00:00:00+00:00"
