"""A monitor in a thread of its own: nobody waits, and nothing is lost that is not counted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import accel_drift as ad
from accel_drift import monitor as mo
from accel_drift.errors import ConfigError, DataError, HistoryError
from accel_drift.history.ledger import Ledger
from tests.monitor.samples import keys, rows

PATIENCE_S = 60


def few(n: int, seed: int) -> dict[str, Any]:
    """Rows as a request brings them."""
    return dict(rows(n, seed).to_pydict())


def wrong(value: Any) -> Any:
    """What type checkers would refuse."""
    return value


class Gate:
    """Something that the thread waits in until it is let go."""

    def __init__(self) -> None:
        self.entered, self.open = threading.Event(), threading.Event()

    def __call__(self, *_: Any) -> None:
        self.entered.set()
        assert self.open.wait(PATIENCE_S)


def test_rows_of_many_threads_are_all_in_the_windows(history: ad.History, profile: ad.Profile) -> None:
    monitor = ad.Monitor(profile, ad.Windows(rows=100), history=history, name="m")

    def offer(seed: int) -> None:
        for number in range(20):
            scorer.offer(few(3, 100 * seed + number))
            _ = number % 5 or monitor.check(rows(40, number))  # scoring beside it

    told: list[str] = []
    scorer = mo.Background(monitor, warm_up=rows(50, 1), on_report=lambda report: told.append(report.batch))
    with scorer:
        threads = [threading.Thread(target=offer, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert scorer.ready.wait(PATIENCE_S)
        assert scorer.flush(PATIENCE_S)
        assert scorer.last is not None
        assert (scorer.waiting, scorer.dropped, scorer.trouble) == (0, 0, "")
    assert [report.batch for report in monitor.finish()] == ["rows 400-479"]
    assert told == [f"rows {100 * i}-{100 * i + 99}" for i in range(4)]
    assert [count for _, count, _ in keys(history)] == [100] * 4 + [80]


def test_while_a_window_is_scored_rows_wait_and_those_without_room_are_counted(
    history: ad.History, profile: ad.Profile
) -> None:
    gate = Gate()
    monitor = ad.Monitor(profile, ad.Windows(rows=10), history=history, name="m")
    with mo.Background(monitor, room=100, on_report=gate) as scorer:
        assert scorer.offer(rows(10, 1))
        assert gate.entered.wait(PATIENCE_S)
        # The thread stands still, and nobody who offers waits for it.
        assert [scorer.offer(few(30, seed)) for seed in range(4)] == [True, True, True, False]
        assert (scorer.waiting, scorer.dropped) == (100, 30)
        assert not scorer.flush(0)
        gate.open.set()
    assert [count for _, count, _ in keys(history)] == [10] * 10
    assert history.metrics("m", "dropped_rows")["value"].to_pylist() == [30.0]
    assert scorer.last is not None
    assert not scorer.offer(rows(10, 2)), "it is closed"
    warned = [r for r in history.runs("m")["remarks"].to_pylist() if "30 rows were dropped before they came here" in r]
    assert len(warned) == 1


def test_closing_takes_in_what_waits_and_a_new_process_goes_on(history: ad.History, profile: ad.Profile) -> None:
    def made() -> ad.Monitor:
        return ad.Monitor(profile, ad.Windows(rows=50), history=history, name="m")

    for start in range(4):
        with mo.Background(made()) as scorer:
            for seed in range(7):
                assert scorer.offer(rows(10, 10 * start + seed))
    assert [count for _, count, _ in keys(history)] == [50] * 5
    assert [report.n_batch for report in made().finish()] == [30]


def test_rows_that_cannot_be_read_are_counted_and_the_others_are_seen(
    history: ad.History, profile: ad.Profile, caplog: pytest.LogCaptureFixture
) -> None:
    gate = Gate()
    monitor = ad.Monitor(profile, ad.Windows(rows=10), history=history, name="m")
    with mo.Background(monitor, on_report=gate) as scorer:
        scorer.offer(rows(10, 1))
        assert gate.entered.wait(PATIENCE_S)
        scorer.offer(few(5, 2))
        scorer.offer({"x": [1.0, 2.0], "city": ["Oslo"]})
        scorer.offer({"x": ["far", "near"], "city": ["Oslo", "Porto"]})  # of another type, and joined as text
        scorer.offer(few(3, 3))
        gate.open.set()
        assert scorer.flush(PATIENCE_S)
        assert "m: 2 rows were refused: the columns differ in length" in caplog.text
        assert scorer.dropped == 2
        scorer.offer(few(10, 4))
    assert [count for _, count, _ in keys(history)] == [10, 10, 10]
    assert history.metrics("m", "dropped_rows")["value"].to_pylist() == [2.0]


def test_batches_with_keys_and_windows_by_batch_stay_apart(profile: ad.Profile) -> None:
    gate, told = Gate(), list[int]()

    def on_report(report: ad.Report) -> None:
        told.append(report.n_batch)
        gate()

    with mo.Background(ad.Monitor(profile), on_report=on_report) as scorer:
        scorer.offer(rows(10, 1))
        assert gate.entered.wait(PATIENCE_S)
        scorer.offer(mo.Batch(rows(20, 2), "a"))
        scorer.offer(mo.Batch(rows(20, 2), "a"))
        scorer.offer(mo.Batch(rows(30, 3)))
        scorer.offer({"x": np.zeros(4), "city": np.array(["Oslo"] * 4)})
        gate.open.set()
    assert told == [10, 20, 30, 4]


def failing(monkeypatch: pytest.MonkeyPatch, fails: Callable[[], bool]) -> None:
    write = Ledger.write

    def broken(self: Ledger, *given: Any) -> bool:
        if fails():
            raise HistoryError("the database is locked")
        return write(self, *given)

    monkeypatch.setattr(Ledger, "write", broken)


def test_while_the_database_fails_rows_wait_and_then_nothing_is_missing(
    history: ad.History, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries, well = list[int](), list[bool]()

    def fails() -> bool:
        tries.append(1)
        return not well and len(tries) % 6 < 4

    failing(monkeypatch, fails)
    labelled: dict[str, Any] = {
        "x": [0.1 * i for i in range(20)],
        "p": [i / 20 for i in range(20)],
        "id": list(range(20)),
    }
    part = mo.Performance(score="p", id="id", classes=["no", "yes"])
    reference = ad.Profile.fit(rows(500, 1), ["psi"], columns=["x"], backend="numpy")
    monitor = ad.Monitor(reference, ad.Windows(rows=20), history=history, name="m", parts=[part])
    with mo.Background(monitor, room=50, retry=0.0) as scorer:
        scorer.offer(labelled)
        scorer.flush(PATIENCE_S)
        scorer.offer(rows(60, 1))
        assert scorer.dropped == 60
        assert scorer.label(list(range(20)), ["no"] * 10 + ["yes"] * 10)
        assert scorer.flush(PATIENCE_S)
        assert scorer.trouble == ""
    assert len(tries) > 6
    well.append(True)
    assert [count for _, count, _ in keys(history)] == [20]
    assert history.metrics("m", "accuracy")["value"].to_pylist() == [0.95]
    assert history.metrics("m", "labelled_rows")["value"].to_pylist() == [20.0]
    monitor = ad.Monitor(reference, ad.Windows(rows=20), history=history, name="m", parts=[part])
    (report,) = monitor.observe(labelled)
    assert any("60 rows were dropped" in warning for warning in report.warnings)


def test_closing_does_not_wait_for_a_database_that_stays_away(
    profile: ad.Profile, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monitor = ad.Monitor(profile, ad.Windows(rows=10), history=f"sqlite:///{tmp_path / 'd.db'}", name="m")
    failing(monkeypatch, lambda: True)
    scorer = mo.Background(monitor, retry=PATIENCE_S)
    scorer.offer(rows(10, 1))
    with pytest.raises(HistoryError, match="locked"):
        scorer.close()
    assert not scorer.flush()
    scorer.close()  # told once
    monitor.close()


def test_what_a_report_does_to_its_reader_stops_nothing(profile: ad.Profile, caplog: pytest.LogCaptureFixture) -> None:
    def fails(report: ad.Report) -> None:
        raise ValueError(report.batch)

    with mo.Background(ad.Monitor(profile, ad.Windows(rows=10)), on_report=fails) as scorer:
        scorer.offer(rows(30, 1))
    assert [r.message for r in caplog.records] == [
        f"monitor: on_report failed on window rows {i}-{i + 9}" for i in (0, 10, 20)
    ]


def test_labels_that_nothing_takes_are_refused_in_the_log(
    profile: ad.Profile, caplog: pytest.LogCaptureFixture
) -> None:
    with mo.Background(ad.Monitor(profile, ad.Windows(rows=10)), room=5) as scorer:
        assert scorer.label([1, 2], ["no", "yes"])
        assert not scorer.label(range(9), [0] * 9), "there is no room"
    assert "2 labels were refused: no part of this monitor takes labels" in caplog.text


def test_without_a_reference_there_is_nothing_to_warm_up_and_it_is_ready(caplog: pytest.LogCaptureFixture) -> None:
    monitor = ad.Monitor(mo.Trailing(2, detectors=["psi"], backend="numpy"), ad.Windows(rows=10))
    with mo.Background(monitor, warm_up=rows(5, 1)) as scorer:
        assert scorer.ready.wait(PATIENCE_S)
    assert "nothing was compared to warm up" in caplog.text


@pytest.mark.parametrize(
    ("work", "error", "words"),
    [
        (lambda m: mo.Background(m, room=0), ConfigError, "room is 0"),
        (lambda _: mo.Background(wrong("m")), ConfigError, "monitor is 'm'"),
        (lambda m: m.dropped(-1), ConfigError, "rows is -1"),
        (lambda m: m.dropped(2.5), ConfigError, "rows is 2.5"),
        (lambda m: mo.Background(m).offer("rows.parquet"), DataError, "cannot tell how many rows a str has"),
        (lambda m: mo.Background(m).offer(iter([1])), DataError, "cannot tell how many rows"),
    ],
)
def test_what_cannot_be_is_refused(
    profile: ad.Profile, work: Callable[[Any], Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        work(ad.Monitor(profile))


def test_rows_that_were_dropped_are_told_after_a_restart(history: ad.History, profile: ad.Profile) -> None:
    for number in (3, 4):
        ad.Monitor(profile, ad.Windows(rows=10), history=history, name="m").dropped(number)
    (report,) = ad.Monitor(profile, ad.Windows(rows=10), history=history, name="m").observe(pa.table(rows(10, 1)))
    assert "7 rows were dropped before they came here: they are in no window" in report.warnings
    assert history.metrics("m", "dropped_rows")["value"].to_pylist() == [7.0]
