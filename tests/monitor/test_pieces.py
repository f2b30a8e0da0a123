"""Files read piece by piece, and batches from a pipe: nothing twice, whatever was read before."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import accel_drift as ad
from accel_drift import monitor as mo
from accel_drift.errors import HistoryError, SchemaError, SourceError
from accel_drift.history.ledger import Ledger
from tests.monitor.samples import keys, rows


def sent(*tables: pa.Table, name: str = "", cut: int = 0) -> io.BytesIO:
    """A stream of these tables, each a batch."""
    schema = tables[0].schema.with_metadata({"accel_drift.stream": name} if name else None)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, schema) as out:
        for table in tables:
            out.write_table(table)
    return io.BytesIO(sink.getvalue()[: -cut or None])


def test_a_file_in_pieces_goes_on_in_the_middle(history: ad.History, profile: ad.Profile, tmp_path: Path) -> None:
    pq.write_table(rows(1_000, 1), tmp_path / "big.parquet", row_group_size=150)

    def made(name: str = "m") -> ad.Monitor:
        return ad.Monitor(profile, ad.Windows(rows=200), history=history, name=name)

    class EndsError(Exception):
        pass

    class Breaking(mo.Dataset):
        def batches(self, monitor: ad.Monitor) -> Iterator[mo.Batch]:
            for number, batch in enumerate(super().batches(monitor)):
                yield batch
                if number == 2:
                    raise EndsError

    for _ in range(2):
        with pytest.raises(EndsError):
            list(mo.watch(made(), Breaking(tmp_path / "big.parquet")))
    list(mo.watch(made(), mo.Dataset(tmp_path / "big.parquet")))
    list(mo.watch(made("whole"), mo.Dataset(tmp_path / "big.parquet", whole=True)))
    assert keys(history) == keys(history, "whole")
    assert len(keys(history)) == 5
    assert list(mo.watch(made(), mo.Dataset(tmp_path / "*.parquet"))) == []


def test_a_file_with_other_content_is_another(history: ad.History, profile: ad.Profile, tmp_path: Path) -> None:
    monitor = ad.Monitor(profile, ad.Windows(rows=200), history=history, name="m")
    for seed in (1, 2):
        pq.write_table(rows(200, seed), tmp_path / "big.parquet")
        assert len(list(mo.watch(monitor, mo.Dataset(tmp_path / "big.parquet")))) == 1


def test_folders_with_keys_and_other_formats_are_read_whole(profile: ad.Profile, tmp_path: Path) -> None:
    (tmp_path / "year=2024").mkdir()
    pq.write_table(rows(100, 1), tmp_path / "year=2024" / "a.parquet", row_group_size=50)
    monitor = ad.Monitor(profile, ad.Windows(rows=50))
    assert [b.key for b in mo.Dataset(tmp_path).batches(monitor)] == ["a.parquet"]
    pyarrow.csv.write_csv(rows(100, 1), tmp_path / "a.csv")
    assert len(list(mo.watch(monitor, mo.Dataset([tmp_path / "a.csv"])))) == 2


def test_a_data_set_that_cannot_be_read_is_told(profile: ad.Profile, tmp_path: Path) -> None:
    monitor = ad.Monitor(profile, ad.Windows(rows=50))
    (tmp_path / "a.parquet").write_bytes(b"")
    with pytest.raises(SourceError, match="is empty"):
        list(mo.watch(monitor, mo.Dataset(tmp_path / "a.parquet")))
    (tmp_path / "a.parquet").write_bytes(b"PAR1 half")
    with pytest.raises(SourceError, match="cannot be read as Parquet"):
        list(mo.watch(monitor, mo.Dataset(tmp_path / "a.parquet")))


def test_batches_from_a_pipe(history: ad.History, profile: ad.Profile) -> None:
    monitor = ad.Monitor(profile, history=history, name="m")
    both = io.BytesIO(sent(rows(50, 1), rows(50, 2), name="orders").getvalue() + sent(rows(60, 3)).getvalue())
    assert [r.batch for r in mo.watch(monitor, mo.ArrowStream(both))] == ["orders[0]", "orders[1]", "batch 3"]


def test_a_stream_with_a_name_that_is_sent_again_goes_on(history: ad.History, profile: ad.Profile) -> None:
    tables = [rows(50, seed) for seed in range(4)]
    windows = ad.Windows(rows=70)
    with pytest.raises(SourceError, match="broke off in batch 4"):
        list(mo.watch(ad.Monitor(profile, windows, history=history, name="m"), mo.ArrowStream(sent(*tables, cut=99))))
    list(mo.watch(ad.Monitor(profile, windows, history=history, name="m"), mo.ArrowStream(sent(*tables, name="s"))))
    assert len(keys(history)) == 5  # the first had no name: 150 + 200 rows
    list(mo.watch(ad.Monitor(profile, windows, history=history, name="n"), mo.ArrowStream(sent(*tables[:3], name="s"))))
    list(mo.watch(ad.Monitor(profile, windows, history=history, name="n"), mo.ArrowStream(sent(*tables, name="s"))))
    assert len(keys(history, "n")) == 2


@pytest.mark.parametrize("name", ["", "orders"])
def test_a_database_that_fails_loses_and_repeats_no_batch(
    name: str, history: ad.History, profile: ad.Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, calls = Ledger.write, iter(range(1_000))

    def failing(self: Ledger, *given: object) -> bool:
        number = next(calls)
        if number % 4 == 1:
            raise HistoryError("the disk is full")
        done = write(self, *given)  # type: ignore[arg-type]
        if number % 4 == 3:
            raise HistoryError("the answer was lost")
        return done

    monkeypatch.setattr(Ledger, "write", failing)
    monitor = ad.Monitor(profile, ad.Windows(rows=70), history=history, name="m")
    stream = mo.ArrowStream(sent(*(rows(50, seed) for seed in range(14)), name=name))
    found = [r.batch for r in mo.watch(monitor, stream, wait=lambda _: None)]
    assert found == [f"rows {first}-{first + 69}" for first in range(0, 700, 70)]
    assert [key for key, _, _ in keys(history)] == found


def test_what_is_no_stream_and_rows_that_cannot_be_dated(history: ad.History, profile: ad.Profile) -> None:
    with pytest.raises(SourceError, match="no stream in Arrow's IPC format"):
        list(mo.watch(ad.Monitor(profile), mo.ArrowStream(io.BytesIO(b"x,y\n1,2\n" * 9))))
    monitor = ad.Monitor(profile, ad.Windows(time="1d", on="at"), history=history, name="m")
    with pytest.raises(SchemaError, match="no column 'at'"):
        list(mo.watch(monitor, mo.ArrowStream(sent(rows(50, 1)))))
    with pytest.raises(SchemaError, match="no column 'at'"):
        list(mo.watch(monitor, mo.ArrowStream(sent(rows(50, 1), name="s"))))
    assert history.names() == []
    assert list(monitor.observe(rows(50, 2, day=0))) == []
    assert list(mo.watch(monitor, mo.ArrowStream(sent(rows(50, 1), name="s")))) == []
    assert monitor.seen("s[0]")
    assert monitor.passed_over == 1
