"""Cutters: which rows make which window, and the same after every restart."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from accel_drift.monitor.cutters import cutter
from accel_drift.monitor.cutting import Cut, Cutter, Piece
from accel_drift.monitor.windows import Windows

NOW = datetime(2024, 6, 1, tzinfo=UTC)
START = datetime(2024, 1, 1)

SORTS = [
    Windows(rows=7),
    Windows(rows=7, every=3),
    Windows(rows=3, every=7),
    Windows(rows=5, on="t"),
    Windows(time="1h", on="t"),
    Windows(time="1h", on="t", every="15min", lateness="20min"),
    Windows(time="1mo", on="t", lateness="3d"),
    Windows(by="file"),
]


def rows(*minutes: float | None, first: int = 0) -> pa.Table:
    times = [None if m is None else START + timedelta(minutes=m) for m in minutes]
    return pa.table({"x": list(range(first, first + len(times))), "t": pa.array(times, pa.timestamp("us"))})


def cuts(windows: Windows, *batches: pa.Table | None) -> list[Cut]:
    """The windows of batches; None ends what is open."""
    made, out = cutter(windows), []
    for number, batch in enumerate(batches, 1):
        if batch is None:
            made.end(None)
        else:
            made.add(Piece(number, batch), NOW)
        while (cut := made.pop()) is not None:
            out.append(cut)
    return out


def numbers(found: list[Cut]) -> list[list[int]]:
    return [cut.rows["x"].to_pylist() for cut in found]


def test_by_rows() -> None:
    found = cuts(Windows(rows=3), rows(0, 1), rows(2, 3, 4, 5, 6, first=2))
    assert numbers(found) == [[0, 1, 2], [3, 4, 5]]
    assert [cut.key for cut in found] == ["rows 0-2", "rows 3-5"]


def test_by_rows_that_overlap_and_that_leave_gaps() -> None:
    ten = rows(*range(10))
    assert numbers(cuts(Windows(rows=4, every=2), ten)) == [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7], [6, 7, 8, 9]]
    assert numbers(cuts(Windows(rows=2, every=4), ten)) == [[0, 1], [4, 5], [8, 9]]


def test_a_window_that_is_ended_is_short_and_says_so() -> None:
    found = cuts(Windows(rows=4), rows(*range(6)), None, rows(*range(4), first=6))
    assert numbers(found) == [[0, 1, 2, 3], [4, 5], [6, 7, 8, 9]]
    assert found[1].notes == ("the window was ended with 2 of 4 rows",)


def test_rows_are_dated_by_what_they_hold() -> None:
    (found,) = cuts(Windows(rows=3, on="t"), rows(5, None, 2))
    assert (found.start, found.end) == tuple((START + timedelta(minutes=m)).replace(tzinfo=UTC) for m in (2, 5))


def test_by_time_in_whatever_order_rows_come() -> None:
    found = cuts(Windows(time="1h", on="t", lateness="30min"), rows(10, 70, 20), rows(15, 89, first=3), rows(91))
    assert numbers(found) == [[0, 2, 3]]
    assert (found[0].key, found[0].start) == ("2024-01-01T00:00:00Z", START.replace(tzinfo=UTC))


def test_late_rows_rows_without_time_and_rows_from_the_future_are_counted() -> None:
    made = cutter(Windows(time="1h", on="t"))
    made.add(Piece(1, rows(10, 70)), NOW)
    assert made.pop() is not None
    made.add(Piece(2, rows(20, None, 60 * 24 * 365, 75)), NOW)
    assert made.pop() is None
    assert +made.counts == {"late_rows": 1, "untimed_rows": 1, "ahead_rows": 1}


def test_rows_that_miss_some_of_their_windows_are_counted() -> None:
    made = cutter(Windows(time="2h", on="t", every="1h"))
    made.add(Piece(1, rows(10, 70, 130)), NOW)
    assert made.pop() is not None
    assert +made.counts == {}
    made.add(Piece(2, rows(105, 20, 131)), NOW)
    assert +made.counts == {"partly_late_rows": 1, "late_rows": 1}


def test_windows_of_less_than_a_second_have_keys_of_their_own() -> None:
    found = cuts(Windows(time="500ms", on="t"), rows(*(i / 600 for i in range(20))))
    assert len({cut.key for cut in found}) == len(found) == 3
    assert found[1].key == "2024-01-01T00:00:00.500000Z"


def test_times_that_cannot_be_are_no_times() -> None:
    odd = pa.table({"x": [0, 1, 2, 3], "t": pa.array([0, 2**62, -(2**62), 70 * 60], pa.timestamp("s"))})
    made = cutter(Windows(time="1h", on="t", ahead=None))
    made.add(Piece(1, odd), NOW)
    assert +made.counts == {"untimed_rows": 2}
    cut = made.pop()
    assert cut is not None
    assert cut.rows["x"].to_pylist() == [0]
    (dated,) = cuts(Windows(rows=4, on="t"), odd)
    assert (dated.start, dated.end) == (datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, 1, 10, tzinfo=UTC))


def test_windows_by_rows_are_not_dated_by_the_future() -> None:
    (found,) = cuts(Windows(rows=3, on="t"), rows(5, 60 * 24 * 365 * 100, 7))
    assert found.end == (START + timedelta(minutes=7)).replace(tzinfo=UTC)


def test_a_row_from_the_future_does_not_finish_windows() -> None:
    found = cuts(Windows(time="1h", on="t"), rows(10, 10**7), rows(20, first=2), rows(61, first=3))
    assert numbers(found) == [[0, 2]]
    believed = cuts(Windows(time="1h", on="t", ahead=None), rows(10, 10**7), rows(20, first=2))
    assert numbers(believed) == [[0]]


def test_a_clock_that_is_set_back_makes_late_rows_and_no_window_twice() -> None:
    found = cuts(Windows(time="1h", on="t"), rows(10, 70), rows(5, 71, first=2), rows(130, first=4), rows(12, first=5))
    assert numbers(found) == [[0], [1, 3]]


def test_a_stretch_without_rows_makes_no_window_and_is_told() -> None:
    found = cuts(Windows(time="1min", on="t"), rows(0.5, 10**5), rows(10**5 + 1, first=2))
    assert numbers(found) == [[0], [1]]
    assert found[1].notes[0].startswith("no row is from 2024-01-01T00:01:00Z to ")


def test_windows_of_time_that_overlap() -> None:
    found = cuts(Windows(time="1h", on="t", every="30min"), rows(10, 40, 70, 100, 130))
    assert numbers(found) == [[0, 1], [1, 2], [2, 3]]


def test_by_file_every_batch_is_a_window_also_an_empty_one() -> None:
    assert numbers(cuts(Windows(by="file"), rows(1, 2), rows(), rows(3))) == [[0, 1], [], [0]]


def test_ending_windows_of_time_by_a_time() -> None:
    made = cutter(Windows(time="1h", on="t"))
    made.add(Piece(1, rows(10, 70, 80)), NOW)
    assert made.pop() is not None
    made.end(datetime(2024, 1, 1, 1, 59, tzinfo=UTC))
    assert made.pop() is None
    made.end(datetime(2024, 1, 1, 2, tzinfo=UTC))
    cut = made.pop()
    assert cut is not None
    assert numbers([cut]) == [[1, 2]]


def _again(windows: Windows, state: str, log: dict[int, pa.Table]) -> Cutter:
    """A cutter as it was when its state was written, from the batches that it needs."""
    made = cutter(windows)
    told = json.loads(state)
    made.load(told["state"])
    for number in sorted(log):
        if told["needed"] is not None and told["needed"] <= number:
            made.again(Piece(number, log[number]), NOW)
    made.settled()
    return made


def _run(windows: Windows, batches: list[pa.Table | None], keep: int, killed: Callable[[], bool]) -> list[Any]:
    """Everything that comes out, with the rows of the last windows that are kept."""
    made, log, out = cutter(windows), {}, []
    for number, batch in enumerate(batches, 1):
        if batch is None:
            made.end(None)
        else:
            log[number] = batch
            made.add(Piece(number, batch), NOW)
        while True:
            state = json.dumps({"state": made.state(), "needed": made.needed})
            if killed():
                made = _again(windows, state, log)
            cut = made.pop()
            if cut is None:
                break
            made.past.append(cut)
            while len(made.past) > keep:
                made.past.popleft()
            past = [one.rows.to_pydict() for one in made.past]
            out.append((cut.key, cut.number, cut.start, cut.rows.to_pydict(), cut.notes, past))
    return [*out, dict(made.counts)]


def _stream(rng: random.Random, step: float) -> list[pa.Table | None]:
    batches: list[pa.Table | None] = []
    at = 0.0
    for _ in range(rng.randint(1, 12)):
        if rng.random() < 0.05:
            batches.append(None)
            continue
        minutes: list[float | None] = []
        for _ in range(rng.randint(0, 9)):
            at += rng.random() * step
            odd = rng.random() < 0.05
            minutes.append(rng.choice([None, 10.0**7]) if odd else max(at - rng.random() ** 4 * step * 8, 0.0))
        batches.append(rows(*minutes, first=rng.randint(0, 99)))
    return batches


@pytest.mark.parametrize("windows", SORTS, ids=str)
def test_whatever_happens_in_between_the_same_windows_come_out(windows: Windows) -> None:
    rng = random.Random(str(windows))  # noqa: S311
    for _ in range(40):
        batches = _stream(rng, 60 * 24 * 9.0 if windows.time == "1mo" else 10.0)
        keep = rng.choice([0, 1, 3])
        assert _run(windows, batches, keep, lambda: False) == _run(windows, batches, keep, lambda: rng.random() < 0.4)


@pytest.mark.parametrize("windows", SORTS[:4], ids=str)
def test_every_row_is_in_as_many_windows_as_it_should_be(windows: Windows) -> None:
    ten = [rows(*range(10), first=10 * i) for i in range(10)]
    found = [x for one in numbers(cuts(windows, *ten, None)) for x in one]
    size, every = windows.rows or 0, windows.row_step
    if every == size:
        assert sorted(found) == list(range(100))
    elif every > size:
        assert sorted(found) == [x for x in range(100) if x % every < size]
    else:
        assert set(found) == set(range(100))


@pytest.mark.parametrize("windows", [Windows(rows=5_000), Windows(time="1000d", on="t")], ids=str)
def test_single_rows_are_held_together(windows: Windows) -> None:
    made = cutter(windows)
    for number in range(2_000):
        made.add(Piece(number + 1, rows(float(number), first=number)), NOW)
    pieces: Any = getattr(made, "pieces", None) or next(iter(getattr(made, "panes", {}).values()))
    assert len(pieces) <= 12
    assert made.needed == 1
    made.end(None)
    (cut,) = iter(made.pop, None)
    assert cut is not None
    assert cut.rows["x"].to_pylist() == list(range(2_000))
