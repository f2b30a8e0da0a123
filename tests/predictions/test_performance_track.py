"""Labels that come late, in parts, in any order or twice give what they would have given at once."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

import accel_drift as ad
from accel_drift import predictions as pr
from accel_drift.errors import ConfigError, DataError, SourceError

DAY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def rows(seed: int, n: int = 100, turned: float = 0.0) -> tuple[list[str], Any, Any]:
    """Ids, scores and labels; a share of the labels is turned round."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = (rng.random(n) < expit(3 * x)) ^ (rng.random(n) < turned)
    return [f"{seed}-{i}" for i in range(n)], expit(3 * x), y.astype(int)


def baseline(n: int = 3000) -> pr.Performance:
    _, p, y = rows(999, n)
    return pr.performance(p, y)


def filled(track: pr.PerformanceTrack, windows: int, first: int = 0) -> pr.PerformanceTrack:
    for w in range(first, first + windows):
        ids, p, _ = rows(w)
        track.update(f"w{w}", ids, p, at=DAY + dt.timedelta(w))
    return track


def test_late_labels_in_any_order_give_what_they_would_have_given_at_once() -> None:
    track = filled(pr.PerformanceTrack(baseline()), 4)
    whole = [(one, int(label)) for w in range(4) for one, label in zip(*rows(w)[::2], strict=True)]
    rng = np.random.default_rng(1)
    order = rng.permutation(len(whole))
    changed: set[str] = set()
    for part in np.array_split(order, 9):
        came = track.label([whole[i][0] for i in part], [whole[i][1] for i in part])
        assert set(came.changed) == {f"w{whole[i][0].partition('-')[0]}" for i in part}
        assert came.joined == len(part)
        changed |= set(came.changed)
    assert changed == set(track.windows) == {"w0", "w1", "w2", "w3"}
    for w in range(4):
        _, p, y = rows(w)
        assert track.performance(f"w{w}") == pr.performance(p, y)
        assert track.change(f"w{w}") == pr.performance(p, y).change(baseline())
        assert track.metrics(f"w{w}") == pr.performance(p, y).metrics()
        assert track.at(f"w{w}") == DAY + dt.timedelta(w)


def test_a_part_of_the_labels_is_a_part_of_the_rows() -> None:
    track = filled(pr.PerformanceTrack(), 1)
    ids, p, y = rows(0)
    assert track.performance("w0").labelled == 0
    assert track.metrics("w0") == ()
    assert track.change("w0") is None
    track.label(ids[:30], y[:30])
    made = track.performance("w0")
    assert (made.labelled, made.unlabelled) == (30, 70)
    assert made.accuracy == pr.performance(p[:30], y[:30]).accuracy


def test_labels_wait_for_their_rows() -> None:
    track = pr.PerformanceTrack(classes=["0", "1"])
    ids, p, y = rows(0)
    came = track.label(ids, y)
    assert (came.changed, came.joined, came.unknown, track.counts["waiting"]) == ((), 0, 100, 100)
    taken = track.update("w0", ids, p)
    assert (taken.changed, taken.joined, track.counts["waiting"]) == (("w0",), 100, 0)
    assert track.performance("w0") == pr.performance(p, y)


def test_only_so_many_labels_wait() -> None:
    track = pr.PerformanceTrack(classes=["0", "1"], keep_labels=3)
    came = track.label(range(5), [1] * 5)
    assert (came.unknown, came.dropped, track.counts["waiting"]) == (5, 2, 3)
    assert track.update("w", range(5), [0.9] * 5).joined == 3


def test_rows_that_are_forgotten_without_a_label_are_counted() -> None:
    track = pr.PerformanceTrack(keep=1, classes=["0", "1"])
    track.update("first", ["a", "b", "c", None], [0.9] * 4)
    track.label(["b"], [1])
    came = track.update("second", ["d"], [0.9])
    assert (came.gone, came.forgotten, track.counts["forgotten"]) == (("first",), 2, 2)


@pytest.mark.parametrize(("conflict", "right"), [("last", 1.0), ("first", 0.0)])
def test_of_two_labels_one_counts_and_both_are_told(conflict: Any, right: float) -> None:
    track = pr.PerformanceTrack(conflict=conflict, classes=["no", "yes"])
    track.label(["b", "b"], ["no", "yes"])
    track.update("w", ["a", "b"], [0.9, 0.9])
    came = track.label(["a", "a", "a"], ["no", "no", "yes"])
    assert (came.joined, came.repeated, came.contradicting) == (1, 1, 1)
    assert track.counts["contradicting"] == 2
    made = track.performance("w").accuracy
    assert made is not None
    assert made.value == right
    again = track.label(["a"], ["yes" if conflict == "last" else "no"])
    assert (again.changed, again.repeated) == ((), 1)


def test_an_id_that_comes_again_leaves_the_label_to_the_later_row() -> None:
    track = pr.PerformanceTrack()
    track.update("first", ["a", "b"], [0.1, 0.2])
    taken = track.update("second", ["a", "c", "c"], [0.9, 0.8, 0.7])
    assert taken.shared == 2
    assert track.label(["a", "c"], [1, 1]).changed == ("second",)
    assert track.performance("second").labelled == 2
    assert track.performance("first").labelled == 0


def test_an_id_of_a_window_that_goes_is_that_of_an_earlier_row_again(tmp_path: Path) -> None:
    track = pr.PerformanceTrack(keep=2)
    track.update("first", ["a", "b"], [0.1, 0.2], at=5)
    track.update("older", ["b", "a", "a"], [0.9, 0.8, 0.7], at=1)
    track.save(tmp_path / "track.arrow")
    for one in (track, pr.PerformanceTrack.load(tmp_path / "track.arrow")):
        assert one.update("latest", ["c"], [0.9], at=6).gone == ("older",)
        assert one.label(["a", "b"], [0, 0]).changed == ("first",)
        assert one.performance("first").labelled == 2
        assert one.update("last", ["b"], [0.9], at=7).gone == ("first",)
        came = one.label(["b", "a"], [1, 1])
        assert (came.changed, came.joined, came.unknown) == (("last",), 1, 1)


def test_rows_and_labels_without_an_id_or_a_label_are_counted() -> None:
    track = pr.PerformanceTrack()
    track.update("w", ["a", None, "c"], [0.9, 0.8, np.nan])
    came = track.label(["a", None, "c", "a"], [1, 1, 1, None])
    assert (came.joined, came.missing) == (2, 2)
    made = track.performance("w")
    assert (made.rows, made.missing, made.labelled) == (2, 1, 1)


@pytest.mark.parametrize(
    "ids",
    [
        [7, 8],
        np.array([7.0, 8.0]),
        ["7", "8"],
        pa.array([7, 8]),
        pa.array(["7", "8"]).dictionary_encode(),
        pa.chunked_array([["7"], ["8"]], pa.large_string()),
        pd.Series([7, 8]),
        pd.Series(["7", "8"]),
        pl.Series(["7", "8"]),
    ],
)
def test_ids_are_alike_whatever_holds_them(ids: Any) -> None:
    track = pr.PerformanceTrack()
    track.update("w", ids, [0.9, 0.2])
    assert track.label([8, 7], [0, 1]).joined == 2
    assert track.label(ids, [1, 0]).repeated == 2


def test_windows_go_when_there_are_too_many() -> None:
    track = filled(pr.PerformanceTrack(keep=3), 4)
    assert track.windows == ("w1", "w2", "w3")
    ids, _, y = rows(0)
    assert track.label(ids, y).unknown == 100
    late = track.update("late", rows(50)[0], rows(50)[1], at=DAY)
    assert late.gone == ("late",)
    many = pr.PerformanceTrack(keep_rows=250)
    assert filled(many, 4).windows == ("w2", "w3")
    days = pr.PerformanceTrack(keep_days=2)
    assert filled(days, 6).windows == ("w3", "w4", "w5")
    with pytest.raises(DataError, match="no window 'w0'; of 3 the latest is 'w5'"):
        days.performance("w0")


def test_predicted_classes_are_joined_as_well() -> None:
    track = pr.PerformanceTrack(classes=["no", "yes"])
    track.update("w", ["a", "b"], predictions=["no", "yes"])
    track.label(["b", "a"], ["yes", "yes"])
    assert track.performance("w") == pr.performance(
        None, ["yes", "yes"], predictions=["no", "yes"], classes=["no", "yes"]
    )


def test_a_change_of_the_rule_is_seen_in_the_errors_and_none_where_there_is_none() -> None:
    detectors: list[Any] = ["auto", ad.ADWIN(), ad.DDM()]
    for detector in detectors:
        track = pr.PerformanceTrack(baseline(), detector=detector)
        seen: list[pr.ConceptDrift] = []
        for w in range(20):
            ids, p, y = rows(w, 200, turned=0.35 if w >= 12 else 0.0)
            track.update(f"w{w}", ids, p)
            seen += track.label(ids, y).concept_drift
        changes = [one for one in seen if one.kind == "change"]
        assert changes, detector
        assert changes[0].window in ("w12", "w13")
        assert changes[0].id is not None
        assert changes[0].id.startswith(changes[0].window[1:])
        assert changes[0].index // 200 == int(changes[0].window[1:])
        assert changes[0].after > changes[0].before


@pytest.mark.statistical
def test_where_the_rule_stays_concept_drift_is_seen_as_rarely_as_promised() -> None:
    """60 baselines of 500 rows and 3,000 labels after each, at 5 %: more than 8 alarms have a chance of 0.3 %."""
    alarms = 0
    for run in range(60):
        _, p, y = rows(10_000 + run, 3500)
        track = pr.PerformanceTrack(pr.performance(p[:500], y[:500], backend="numpy"), alpha=0.05, backend="numpy")
        track.update("w", range(3000), p[500:])
        alarms += bool(track.label(range(3000), y[500:]).concept_drift)
    assert alarms <= 8


def test_errors_go_down_the_stream_in_the_order_of_labelling() -> None:
    ids, p, y = rows(0, 2000)
    order = np.random.default_rng(3).permutation(2000)
    track = pr.PerformanceTrack(detector=ad.ADWIN(delta=0.3))
    track.update("w", ids, p)
    wrong = ((p >= 0.5) != y).astype(float)
    order = order[np.argsort(wrong[order], kind="stable")]
    found = track.label([ids[i] for i in order], y[order]).concept_drift
    want = ad.ADWIN(delta=0.3).scan(wrong[order])
    assert [one.index for one in found] == want.index.tolist()
    assert [one.id for one in found] == [ids[order[i]] for i in want.index]
    assert len(found) > 0


@pytest.mark.parametrize("detector", ["auto", None, ad.ADWIN(), ad.EDDM()])
@pytest.mark.parametrize("first", [None, baseline()])
def test_it_goes_on_from_disk_as_it_would_have_gone_on(tmp_path: Path, first: Any, detector: Any) -> None:
    options: Any = {"classes": None if first else ["0", "1"], "tolerance": {"f1": 0.05}, "keep": 5, "keep_labels": 150}
    track = filled(pr.PerformanceTrack(first, detector=detector, **options), 4)
    track.update("hard", ["x", None], predictions=[1, 0], at=DAY + dt.timedelta(3, 1))
    for w in (1, 9, 3):
        track.label(rows(w)[0][:70], rows(w)[2][:70])
    track.save(tmp_path / "track.arrow")
    again = pr.PerformanceTrack.load(str(tmp_path / "track.arrow"))
    assert repr(again) == repr(track)
    for one in (track, again):
        filled(one, 2, first=4)
    for w in (4, 9, 2, 1):
        ids, _, y = rows(w, turned=0.5)
        assert track.label(ids, y) == again.label(ids, y)
    assert track.counts == again.counts
    assert track.windows == again.windows
    for window in track.windows:
        assert track.performance(window) == again.performance(window)
        assert track.change(window) == again.change(window)
        assert track.at(window) == again.at(window)


def test_an_empty_one_is_saved_and_a_damaged_one_refused(tmp_path: Path) -> None:
    path = tmp_path / "track.arrow"
    pr.PerformanceTrack().save(path)
    assert len(pr.PerformanceTrack.load(path)) == 0
    track = filled(pr.PerformanceTrack(baseline()), 3)
    track.save(path)
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)
    with pytest.raises(SourceError):
        pr.PerformanceTrack.load(path)
    with pytest.raises(SourceError, match="no performance track"):
        pr.PerformanceTrack.load(tmp_path / "nothing.arrow")


def test_what_is_refused_changes_nothing() -> None:
    track = filled(pr.PerformanceTrack(), 2)
    at = DAY + dt.timedelta(5)
    wrong: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
        (("w1", ["a"], [0.5]), {"at": at}, DataError, "there already"),
        (("", ["a"], [0.5]), {"at": at}, ConfigError, "name of the window"),
        (("w2", ["a"], [0.5, 0.5]), {"at": at}, DataError, "ids have 1 rows"),
        (("w2", ["a"], [np.nan]), {"at": at}, DataError, "none of 1 rows"),
        (("w2", ["a"], [[0.5, 0.2, 0.3]]), {"at": at}, DataError, "classes 0, 1, 2"),
        (("w2", ["a"], pa.table({"b": [0.5], "c": [0.5]})), {"at": at}, DataError, "classes b, c"),
        (("w2", ["a"], [0.5]), {}, ConfigError, "same for all"),
        (("w2", ["a"]), {"at": at}, DataError, "nothing to judge"),
        (("w2", [uuid.UUID(int=1).bytes], [0.5]), {"at": at}, DataError, "ids hold binary"),
        (("w2", [[1], "a"], [0.5, 0.5]), {"at": at}, DataError, "ids cannot be read"),
    ]
    for given_, options, error, says in wrong:
        with pytest.raises(error, match=says):
            track.update(*given_, **options)
    with pytest.raises(DataError, match="labels have 2 rows, and ids 1"):
        track.label(["a"], [1, 0])
    with pytest.raises(DataError, match="no class"):
        track.label(["a"], [3])
    assert track.windows == ("w0", "w1")
    assert sum(track.counts.values()) == 0


def test_options_that_cannot_work_are_refused() -> None:
    first = baseline()
    wrong: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"baseline": 0.9}, DataError, "baseline is float"),
        ({"baseline": first, "classes": ["a", "b"]}, ConfigError, "the baseline's 0, 1"),
        ({"baseline": first, "positive": "0"}, ConfigError, "in the baseline '1'"),
        ({"detector": "adwin"}, ConfigError, "detector is 'adwin'"),
        ({"baseline": pr.performance([0.9], [1])}, ConfigError, "0 of 1 rows.*larger baseline"),
        ({"baseline": pr.performance([0.9, 0.2], [0, 1])}, ConfigError, "2 of 2 rows.*larger baseline"),
        ({"conflict": "newest"}, ConfigError, "conflict"),
        ({"keep": 0}, ConfigError, "keep"),
        ({"keep_days": -1}, ConfigError, "keep_days"),
        ({"keep_labels": -1}, ConfigError, "keep_labels"),
        ({"metrics": ["f3"]}, ConfigError, "f3"),
        ({"classes": ["a", "b"], "positive": "c"}, ConfigError, "positive"),
    ]
    for options, error, says in wrong:
        with pytest.raises(error, match=says):
            pr.PerformanceTrack(**options)
    with pytest.raises(ConfigError, match="classes are not known"):
        pr.PerformanceTrack().label(["a"], [1])
    with pytest.raises(ConfigError, match="needs the time"):
        pr.PerformanceTrack(keep_days=3).update("w", ["a"], [0.5])
    assert pr.PerformanceTrack(first, positive=1).update("w", ["a"], pa.table({"0": [0.5], "1": [0.5]})).gone == ()


def test_columns_without_names_are_taken_for_the_classes_that_are_known() -> None:
    _, p, y = rows(1)
    named = np.array(["no", "yes"])
    first = pr.performance(p, named[y], classes=["no", "yes"])
    track = pr.PerformanceTrack(first, detector=None)
    track.update("w", rows(1)[0], p)
    track.label(rows(1)[0], named[y])
    assert track.performance("w") == first


def test_records_are_plain_json() -> None:
    track = filled(pr.PerformanceTrack(), 1)
    came = track.label(rows(0)[0], rows(0)[2]).to_dict()
    assert json.loads(json.dumps(came)) == came
    assert repr(track) == "<PerformanceTrack: 1 windows, 100 rows, errors not watched>"


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 1), st.booleans()), max_size=60))
def test_any_order_of_rows_and_labels_ends_the_same(events: list[tuple[int, int, bool]]) -> None:
    """Each id's latest label counts, whether it came before its row or after."""
    track = pr.PerformanceTrack(classes=["0", "1"], detector=None)
    there: set[int] = set()
    want: dict[int, int] = {}
    for place, (one, label, is_row) in enumerate(events):
        if is_row and one not in there:
            there.add(one)
            track.update(f"w{place}", [one], [0.9])
        elif not is_row:
            want[one] = label
            track.label([one], [label])
    known = [track.performance(window) for window in track.windows]
    assert sum(made.labelled for made in known) == len(there & set(want))
    right = sum(made.accuracy.value for made in known if made.accuracy)
    assert right == sum(want[one] for one in there if one in want)
    assert track.counts["waiting"] == len(set(want) - there)
