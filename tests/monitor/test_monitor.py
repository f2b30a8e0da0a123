"""A monitor: a report each window, and all of it in the history."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import accel_drift as ad
from accel_drift import monitor as mo
from accel_drift.errors import ConfigError, DataError, SchemaError, SourceError
from accel_drift.finding import Status
from accel_drift.monitor.rows import joined
from accel_drift.profiles.sampled import SampledProfile
from tests.monitor.samples import START, keys, rows


def wrong(value: Any) -> Any:
    """What a type checker would refuse."""
    return value


def test_a_report_for_every_window_and_all_of_it_in_the_history(history: ad.History, profile: ad.Profile) -> None:
    monitor = ad.Monitor(profile, window=ad.Windows(rows=300), history=history, name="m")
    reports = list(monitor.observe([rows(200, 1), rows(200, 2), rows(500, 3, shift=2.0)]))
    assert [report.settings["window"]["key"] for report in reports] == ["rows 0-299", "rows 300-599", "rows 600-899"]
    assert [report.drifted for report in reports] == [False, True, True]
    assert [report.batch for report in reports] == ["rows 0-299", "rows 300-599", "rows 600-899"]
    assert keys(history) == [("rows 0-299", 300, False), ("rows 300-599", 300, True), ("rows 600-899", 300, True)]
    assert history.findings("m").num_rows == sum(len(report.findings) for report in reports)
    assert history.metrics("m", "health")["value"].to_pylist()[0] == 100.0


def test_a_window_is_in_the_history_before_its_report_comes_out(history: ad.History, profile: ad.Profile) -> None:
    monitor = ad.Monitor(profile, ad.Windows(rows=100), history=history, name="m")
    for number, _ in enumerate(monitor.observe(rows(300, 1)), 1):
        assert history.runs("m").num_rows == number


def test_windows_are_what_the_profile_says_of_the_same_rows(profile: ad.Profile) -> None:
    whole = rows(600, 4, shift=0.2)
    (report,) = ad.Monitor(profile, ad.Windows(rows=600)).observe([whole.slice(0, 250), whole.slice(250)])
    expected = profile.score(whole)
    assert [f.to_dict() for f in report.findings] == [f.to_dict() for f in expected.findings]


@pytest.mark.parametrize("given", ["table", "batch", "dict", "parquet", "csv", "reader"])
def test_batches_of_every_sort(given: str, profile: ad.Profile, tmp_path: Path) -> None:
    table = rows(300, 5)
    if given == "parquet":
        pq.write_table(table, tmp_path / "a.parquet")
    if given == "csv":
        import pyarrow.csv

        pyarrow.csv.write_csv(table, tmp_path / "a.csv")
    batch: Any = {
        "table": table,
        "batch": table.to_batches()[0],
        "dict": {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names},
        "parquet": str(tmp_path / "a.parquet"),
        "csv": tmp_path / "a.csv",
        "reader": table.to_reader(100),
    }[given]
    (report,) = ad.Monitor(profile, ad.Windows(rows=300)).observe(batch)
    expected = profile.score(table)
    assert [f.p_value for f in report.findings] == [f.p_value for f in expected.findings]
    if given != "reader":
        (report,) = ad.Monitor(profile).observe(batch if given != "reader" else table)
        assert [f.p_value for f in report.findings] == [f.p_value for f in expected.findings]


def test_check_changes_nothing(history: ad.History, profile: ad.Profile) -> None:
    monitor = ad.Monitor(profile, ad.Windows(time="1d", on="at"), history=history, name="m")
    assert monitor.check(rows(300, 6, shift=3.0, day=0)).drifted
    assert not monitor.check(rows(300, 6)).drifted
    assert history.names() == []
    assert monitor.number == 0


def test_a_batch_of_a_known_key_is_passed_over(history: ad.History, profile: ad.Profile) -> None:
    monitor = ad.Monitor(profile, history=history, name="m")
    given = mo.Batch(rows(100, 1), "message 7")
    assert not monitor.seen("message 7")
    assert len(list(monitor.observe([given, given]))) == 1
    assert monitor.seen("message 7")
    assert list(ad.Monitor(profile, history=history, name="m").observe(given)) == []


def test_files_again_files_with_other_content_and_files_of_the_same_content(
    history: ad.History, profile: ad.Profile, tmp_path: Path
) -> None:
    monitor = ad.Monitor(profile, history=history, name="m")
    one, other = tmp_path / "a.parquet", tmp_path / "b.parquet"
    pq.write_table(rows(100, 1), one)
    assert len(list(monitor.observe([one, one]))) == 1
    other.write_bytes(one.read_bytes())
    assert list(monitor.observe(other)) == []
    pq.write_table(rows(100, 2), one)
    (changed,) = monitor.observe([one, one])
    assert changed.batch.startswith(f"{one}#")
    assert f"{other} was passed over: it has the content of {one}" in changed.warnings
    assert f"{one} has other content than when it came before: it counts as a new batch" in changed.warnings
    assert list(monitor.observe([one, other])) == []


def test_a_file_that_cannot_be_read_changes_nothing_and_can_be_skipped(
    history: ad.History, profile: ad.Profile, tmp_path: Path
) -> None:
    monitor = ad.Monitor(profile, history=history, name="m")
    broken = tmp_path / "a.parquet"
    broken.write_bytes(b"PAR1 half a file")
    with pytest.raises(SourceError, match="cannot be read as Parquet"):
        list(monitor.observe(broken))
    assert not monitor.seen(str(broken))
    monitor.skip(broken, "half a file")
    assert list(monitor.observe([broken])) == []
    assert monitor.seen(str(broken))
    (report,) = ad.Monitor(profile, history=history, name="m").observe(rows(100, 1))
    assert f"{broken} was passed over: half a file" in report.warnings


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        (pa.table({"x": pa.array([], pa.float64())}), "no rows"),
        (pa.table({"other": [1, 2]}), "no column in common"),
    ],
)
def test_a_window_that_cannot_be_compared_is_a_window(
    history: ad.History, profile: ad.Profile, batch: pa.Table, words: str
) -> None:
    monitor = ad.Monitor(profile, history=history, name="m")
    (report,) = monitor.observe([batch])
    assert not report.drifted
    assert report.findings == ()
    assert report.warnings[0].startswith("nothing was compared: ")
    assert words in report.warnings[0]
    assert history.runs("m").num_rows == 1


def test_columns_that_come_go_and_change_their_type(history: ad.History, profile: ad.Profile) -> None:
    monitor = ad.Monitor(profile, ad.Windows(rows=200), history=history, name="m")
    first = rows(200, 1)
    gone, odd = first.drop_columns(["city"]), first.set_column(0, "x", pa.array(["?"] * 200))
    more = first.append_column("new", pa.array(range(200)))
    reports = list(monitor.observe([first, gone, more, odd, first.slice(0, 100), odd.slice(0, 100)]))
    assert [r.schema_diff.removed for r in reports] == [(), ("city",), (), (), ()]
    assert reports[2].schema_diff.added == ("new",)
    assert [name for name, _, _ in reports[3].schema_diff.retyped] == ["x"]
    assert any("column 'x' is of types double and string" in note for note in reports[4].notes)
    assert Status.STABLE in {f.status for f in reports[4].column("city")}


def test_a_batch_that_cannot_be_dated_is_refused_whole(profile: ad.Profile) -> None:
    monitor = ad.Monitor(profile, ad.Windows(time="1d", on="at"))
    with pytest.raises(SchemaError, match="no column 'at' to date rows by"):
        list(monitor.observe([rows(10, 1)]))
    assert len(list(monitor.observe([rows(100, 1, day=0), rows(100, 1, day=1)]))) == 1


def test_late_rows_are_told_and_counted(history: ad.History, profile: ad.Profile) -> None:
    monitor = ad.Monitor(profile, ad.Windows(time="1d", on="at"), history=history, name="m")
    days = [rows(100, i, day=i) for i in (0, 1, 0, 2)]
    reports = list(monitor.observe(days))
    assert "100 rows came after all windows of their time were finished: they are in no window" in reports[1].warnings
    assert history.metrics("m", "late_rows")["value"].to_pylist() == [100.0]


def test_the_end_of_a_stream(history: ad.History, profile: ad.Profile) -> None:
    monitor = ad.Monitor(profile, ad.Windows(time="1d", on="at"), history=history, name="m")
    assert list(monitor.observe(rows(100, 1, day=0))) == []
    assert list(monitor.finish(START + timedelta(hours=23))) == []
    (report,) = monitor.finish(START + timedelta(hours=24))
    assert report.n_batch == 100
    assert list(monitor.finish()) == []
    with pytest.raises(ConfigError, match="with a time zone"):
        list(monitor.finish(datetime(2024, 1, 1)))


def test_the_windows_before_as_reference(profile: ad.Profile) -> None:
    trailing = mo.Trailing(3, detectors=["psi"], backend="numpy")
    shifts = [0, 0, 0, 0, 2, 2, 2, 2, 2]
    reports = list(ad.Monitor(trailing).observe(rows(300, i, shift=s) for i, s in enumerate(shifts)))
    assert "there is no reference yet: 2 of 3 windows are there" in reports[2].warnings[0]
    assert [r.drifted for r in reports[3:]] == [False, True, True, True, False, False]
    assert {r.n_reference for r in reports[3:]} == {900}
    eager = ad.Monitor(mo.Trailing(3, least=1, first=profile, detectors=["psi"]))
    assert [r.n_reference for r in eager.observe(rows(300, i) for i in range(5))] == [2_000, 300, 600, 900, 900]


def test_a_period_of_the_stream_as_reference() -> None:
    period = mo.Period("2024-01-01", "2024-01-04", detectors=["psi"], backend="numpy")
    monitor = ad.Monitor(period, ad.Windows(time="1d", on="at"))
    days = [rows(200, i, shift=0 if i < 6 else 2, day=i) for i in range(9)]
    reports = list(monitor.observe(days))
    assert [r.n_reference for r in reports] == [0, 0, 0, 600, 600, 600, 600, 600]
    assert "the window is one of the reference, 2024-01-01 00:00 to 2024-01-04 00:00" in reports[1].warnings[0]
    assert not any("separates" in said for r in reports[3:] for said in r.warnings)
    assert [r.drifted for r in reports] == [False] * 6 + [True] * 2


def test_who_stops_early_gets_the_rest_the_next_time(history: ad.History, profile: ad.Profile) -> None:
    monitor = ad.Monitor(profile, ad.Windows(rows=50), history=history, name="m")
    first = next(iter(monitor.observe(rows(170, 1))))
    rest = list(monitor.observe([]))
    assert [r.batch for r in (first, *rest)] == ["rows 0-49", "rows 50-99", "rows 100-149"]


def test_a_window_of_many_small_batches_is_read_as_one_table() -> None:
    small, notes = joined([rows(2, i) for i in range(500)])
    assert (small.num_rows, small["x"].num_chunks, notes) == (1_000, 1, [])
    assert small["city"].to_pylist() == [city for i in range(500) for city in rows(2, i)["city"].to_pylist()]
    large, _ = joined([rows(2_000, 1), rows(2_000, 2)])
    assert large["x"].num_chunks == 2, "it is not copied"


def test_threads_share_a_monitor(history: ad.History, profile: ad.Profile) -> None:
    monitor = ad.Monitor(profile, ad.Windows(rows=60), history=history, name="m")
    found: list[str] = []

    def feed(seed: int) -> None:
        found.extend(report.batch for i in range(5) for report in monitor.observe(rows(30, 10 * seed + i)))

    threads = [threading.Thread(target=feed, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(f"rows {60 * i}-{60 * i + 59}" for i in range(10))
    assert history.runs("m").num_rows == 10


@pytest.mark.parametrize(
    ("made", "error", "words"),
    [
        (lambda _: ad.Monitor({"x": [1]}), ConfigError, "becomes a profile by Profile.fit"),
        (lambda _: ad.Monitor("nowhere.adp"), SourceError, "nowhere.adp"),
        (lambda p: ad.Monitor(p, window=wrong(10_000)), ConfigError, "window is 10000"),
        (lambda p: ad.Monitor(p, name=""), ConfigError, "the name of a monitor"),
        (lambda p: ad.Monitor(p, history=wrong(3)), ConfigError, "history is 3"),
        (lambda p: ad.Monitor(p, keep_rows=wrong("no")), ConfigError, "keep_rows is 'no'"),
        (lambda p: ad.Monitor(p).seen(wrong(5)), DataError, "keys are"),
        (lambda p: ad.Monitor(p).skip("", wrong(5)), DataError, "cannot pass over"),
        (lambda p: ad.Monitor(p, history="drift.db"), ConfigError, "not the URL of a database"),
        (lambda p: ad.Monitor(p, parts=wrong(["ks"])), ConfigError, "parts holds 'ks'"),
        (lambda p: list(ad.Monitor(p).observe(7)), DataError, "cannot take batches from a int"),
        (
            lambda p: list(ad.Monitor(p).observe([mo.Batch({"x": [1]}, key=wrong(3))])),
            DataError,
            "the key of a batch is 3",
        ),
        (lambda p: ad.Monitor(p).label([1], [1]), ConfigError, "no part of this monitor takes labels"),
        (
            lambda _: ad.Monitor(mo.Trailing(2), ad.Windows(rows=9, every=3)),
            ConfigError,
            "a row would be on both sides",
        ),
        (lambda _: ad.Monitor(mo.Period("2024", "2025"), ad.Windows(rows=9)), ConfigError, "these windows have none"),
        (lambda _: mo.Trailing(0), ConfigError, "windows is 0"),
        (lambda _: mo.Trailing(3, least=4), ConfigError, "least is 4"),
        (lambda _: mo.Trailing(3, plan=None), ConfigError, "plan is no option"),
        (lambda _: mo.Trailing(3, alhpa=0.1), ConfigError, "alhpa is no option"),
        (lambda _: mo.Period("2024-02-01", "2024-01-01"), ConfigError, "ends before"),
        (lambda _: mo.Period("x", "2024-01-01"), ConfigError, "start is 'x'"),
    ],
)
def test_wrong_use(made: Any, error: type[Exception], words: str, profile: ad.Profile) -> None:
    with pytest.raises(error, match=words):
        made(profile)


def test_a_batch_that_is_too_large_to_be_kept_as_one_is_kept_in_parts(
    history: ad.History, profile: ad.Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accel_drift.monitor.rows._AT_ONCE", 1_000)
    monitor = ad.Monitor(profile, ad.Windows(rows=400), history=history, name="m")
    assert list(monitor.observe(mo.Batch(rows(300, 1), "a"))) == []
    (report,) = ad.Monitor(profile, ad.Windows(rows=400), history=history, name="m").observe(
        [mo.Batch(rows(300, 1), "a"), mo.Batch(rows(100, 2), "b")]
    )
    assert report.n_batch == 400


def _tables(n: int) -> Iterator[pa.Table]:
    for i in range(n):
        yield rows(20, i)


def test_what_a_monitor_holds_does_not_grow() -> None:
    import tracemalloc

    cheap = ad.Profile.fit(rows(200, 0), ["missing"], backend="numpy")
    monitor = ad.Monitor(cheap, ad.Windows(rows=20))
    list(monitor.observe(_tables(20)))
    tracemalloc.start()
    list(map(bool, monitor.observe(_tables(20))))
    before, _ = tracemalloc.get_traced_memory()
    for _ in monitor.observe(_tables(60)):
        pass
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 200_000


def test_the_same_reference_is_known_again(history: ad.History, profile: ad.Profile) -> None:
    for number in range(2):
        made = ad.Profile.fit(rows(2_000, 0), ["psi", "missing"], backend="numpy")
        assert isinstance(made, SampledProfile)
        made = replace(made, provenance={**made.provenance, "created_at": str(number)})
        list(ad.Monitor(made, history=history, name="m").observe(rows(50, number)))
    list(ad.Monitor(profile, history=history, name="m").observe(rows(50, 3)))
    other = ad.Profile.fit(rows(2_000, 1), ["psi"], backend="numpy")
    list(ad.Monitor(other, history=history, name="m").observe(rows(50, 4)))
    first, second, third, last = history.runs("m")["profile"].to_pylist()
    assert first == second == third != last
    assert "another reference, or by other settings, than the window before" in history.runs("m")["remarks"][3].as_py()
    assert "another reference" not in history.runs("m")["remarks"][2].as_py()


def test_options_of_a_reference_that_cannot_work_are_refused_at_once() -> None:
    wrongs: list[dict[str, Any]] = [{"detectors": ["kss"]}, {"alpha": 5}, {"detectors": "psi"}, {"rule": "some"}]
    for options in wrongs:
        with pytest.raises(ConfigError):
            mo.Trailing(5, **options)
    for wrongly in (wrong(1), wrong(None), "year 5", datetime(9999, 1, 1)):
        with pytest.raises(ConfigError, match="start is"):
            mo.Period(wrongly, "2024-01-01")


def test_keys_of_any_length_and_any_characters(history: ad.History, profile: ad.Profile) -> None:
    odd = ["a" * 500, "a" * 499 + "b", "a\0b", "\udcff.parquet", "ok"]
    monitor = ad.Monitor(profile, history=history, name="m")
    reports = list(monitor.observe(mo.Batch(rows(60, i), key) for i, key in enumerate(odd)))
    assert len({report.batch for report in reports}) == 5
    again = ad.Monitor(profile, history=history, name="m")
    assert list(again.observe(mo.Batch(rows(60, i), key) for i, key in enumerate(odd))) == []
    assert history.runs("m").num_rows == 5


@pytest.mark.parametrize("batch", [b"a.csv", [1, 2], [None], {"x": [1, 2], "city": ["a"]}])
def test_what_is_no_batch_makes_no_window(history: ad.History, profile: ad.Profile, batch: Any) -> None:
    monitor = ad.Monitor(profile, history=history, name="m")
    with pytest.raises(DataError):
        list(monitor.observe(batch))
    assert history.names() == []


def test_a_step_between_windows_is_the_same_however_it_is_spelled(history: ad.History, profile: ad.Profile) -> None:
    for length in ("60min", "1h", timedelta(hours=1)):
        list(ad.Monitor(profile, ad.Windows(time=length, on="at"), history=history, name="m").observe([]))
    monitor = ad.Monitor(profile, ad.Windows(time="1h", on="at"), history=history, name="m")
    list(monitor.observe([rows(300, 1, day=0)]))
    ad.Monitor(profile, ad.Windows(time="60min", on="at"), history=history, name="m")
