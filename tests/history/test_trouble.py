"""What fails says what to do, and leaves nothing half done."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import event, text

import accel_drift as ad
from accel_drift.errors import ConfigError, ExtraMissingError, HistoryError
from accel_drift.history import Metric
from tests.history.samples import day, finding, report

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("drift.db", "not the URL of a database; it is sqlite:///drift.db"),
        (None, "it is a text"),
        ("sqlite://", "in memory is gone when the program ends"),
        ("sqlite:///:memory:", "in memory"),
        ("mysql://me@here/drift", "SQLite or PostgreSQL, not in 'mysql'"),
        ("postgresql://me:secret@here:port/drift", "'postgresql://me:\\*\\*\\*@here:port/drift' is not the URL"),
        ("postgresql://me:se@cr#et@here/drift", "'postgresql://me:\\*\\*\\*@here/drift' cannot be told apart"),
        ("not a url secret", "is not the URL of a database"),
    ],
)
def test_what_is_no_url_of_a_history_is_refused(url: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        ad.History(url)


@pytest.mark.parametrize("wait", [-1, "30", float("nan")])
def test_a_wait_that_cannot_be_is_refused(sqlite_url: str, wait: float) -> None:
    with pytest.raises(ConfigError, match="wait is"):
        ad.History(sqlite_url, wait=wait)


def test_without_sqlalchemy_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['sqlalchemy'] = None\n"
        "import accel_drift as ad\n"
        "from accel_drift import *\n"
        "try:\n    ad.History('sqlite:///x.db')\n"
        "except ad.AccelDriftError as error:\n    print(type(error).__name__, error)\n"
    )
    path = f"import sys; sys.path[:0] = {[str(ROOT), str(ROOT / 'kernels')]!r}\n"
    done = subprocess.run([sys.executable, "-c", path + code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.startswith("ExtraMissingError a history needs SQLAlchemy 2 or later")
    assert "pip install 'accel-drift[monitor]'" in done.stdout


def test_without_the_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ExtraMissingError, match=r"pip install 'accel-drift\[monitor\]'"):
        ad.History("postgresql://me@localhost/drift")


def test_a_password_is_told_to_nobody() -> None:
    with pytest.raises(HistoryError, match="could not be opened") as raised:
        ad.History("postgresql://me:geheim@127.0.0.1:1/drift", wait=0)
    assert "geheim" not in str(raised.value)
    assert "is the server running" in str(raised.value)


def test_a_file_that_is_no_database_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "drift.db").write_text("a letter, and not a short one: " * 100)
    with pytest.raises(HistoryError, match="is not a SQLite database"):
        ad.History(f"sqlite:///{tmp_path}/drift.db")
    assert (tmp_path / "drift.db").read_text().startswith("a letter")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="its folder must exist"):
        ad.History(f"sqlite:///{tmp_path}/nowhere/drift.db")


def test_tables_of_somebody_else_are_left_alone(url: str) -> None:
    with ad.History(url) as history, history.engine.begin() as connection:
        connection.execute(text("DELETE FROM drift_schema"))
    with pytest.raises(HistoryError, match="that no history made"):
        ad.History(url)


def test_other_tables_in_the_same_database_do_no_harm(url: str) -> None:
    with ad.History(url) as history, history.engine.begin() as connection:
        connection.execute(text("CREATE TABLE runs (id INTEGER)"))
    with ad.History(url) as history:
        assert history.record("churn", report(), day(0))


def test_tables_of_a_later_version_are_refused(url: str) -> None:
    with ad.History(url) as history, history.engine.begin() as connection:
        connection.execute(text("INSERT INTO drift_schema (version) VALUES (99)"))
    with pytest.raises(HistoryError, match="later accel-drift: its tables are of version 99"):
        ad.History(url)


def test_a_history_that_may_only_be_read_is_read(sqlite_url: str) -> None:
    with ad.History(sqlite_url) as history:
        history.record("churn", report(), day(0))
    with ad.History(sqlite_url.replace("sqlite:///", "sqlite:///file:") + "?mode=ro&uri=true") as frozen:
        assert frozen.trend("churn", column="income").num_rows == 1
        with pytest.raises(HistoryError, match="can be read and not written"):
            frozen.record("churn", report(), day(1))


def test_a_postgres_that_may_only_be_read_is_read(postgres_url: str) -> None:
    with ad.History(postgres_url) as history:
        history.record("churn", report(), day(0))
    with ad.History(postgres_url + "%20-cdefault_transaction_read_only%3Don") as frozen:
        assert frozen.trend("churn", column="income").num_rows == 1
        with pytest.raises(HistoryError, match="can be read and not written"):
            frozen.record("churn", report(), day(1))


def test_a_lock_that_stays_is_told_of(sqlite_url: str) -> None:
    with ad.History(sqlite_url, wait=0) as history:
        other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(HistoryError, match=r"database is locked\); nothing of it was written: another process"):
            history.record("churn", report(), day(0))
        # Readers are not in anyone's way.
        assert history.names() == []
        other.execute("ROLLBACK")
        other.close()
        assert history.record("churn", report(), day(0)) is True


def test_a_lock_that_passes_is_waited_for(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with ad.History(sqlite_url, wait=0) as history:
        other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        history._store._wait = 60
        pauses: list[float] = []

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                other.execute("ROLLBACK")

        monkeypatch.setattr(time, "sleep", pause)
        assert history.record("churn", report(), day(0)) is True
        other.close()
    assert len(pauses) == 3
    assert pauses[0] < pauses[2] <= 1


def test_a_full_disk_loses_nothing_that_was_there(sqlite_url: str) -> None:
    with ad.History(sqlite_url) as history:
        history.record("churn", report(), day(0))
        wide = report([finding(f"column {i}", note="x" * 100) for i in range(2000)])
        event.listen(history.engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count=40"))
        history.close()
        with pytest.raises(HistoryError, match=r"disk is full\); nothing of it was written: .* prune"):
            history.record("churn", wide, day(1))
        assert history.runs("churn")["window"].to_pylist() == ["day 0"]
        assert history.findings("churn").num_rows == 1
        assert history.record("churn", report(), day(1)) is True


def test_a_report_that_fails_half_way_leaves_nothing(history: ad.History) -> None:
    history.record("churn", report(), day(0))
    history.engine.dispose()
    event.listen(history.engine, "before_cursor_execute", _fail_at_metrics)
    with pytest.raises(ZeroDivisionError):
        history.record("churn", report([finding("new")]), day(1), metrics=[Metric("accuracy", 1.0)])
    event.remove(history.engine, "before_cursor_execute", _fail_at_metrics)
    assert history.runs("churn")["window"].to_pylist() == ["day 0"]
    # What the failed transaction numbered is not remembered.
    assert history.record("churn", report([finding("new")]), day(1)) is True
    assert history.latest("churn")["column"].to_pylist() == ["new"]


def _fail_at_metrics(_connection: object, _cursor: object, sql: str, *_more: object) -> None:
    if "INSERT INTO drift_metrics" in sql:
        raise ZeroDivisionError


def test_a_lost_connection_is_opened_again(postgres_url: str) -> None:
    with ad.History(postgres_url, wait=60) as history, ad.History(postgres_url) as other:
        history.record("churn", report(), day(0))
        with history.engine.begin() as connection:
            own = connection.execute(text("SELECT pg_backend_pid()")).scalar()
        with other.engine.begin() as connection:
            connection.execute(text("SELECT pg_terminate_backend(:own)"), {"own": own})
        assert history.record("churn", report(), day(1)) is True
        assert history.runs("churn").num_rows == 2


def test_threads_share_a_history(history: ad.History) -> None:
    written: list[bool] = []

    def work(number: int) -> None:
        names = [f"column {window}" for window in range(10)]
        found = (report([finding(name)]) for name in names)
        written.extend(history.record(f"monitor {number % 2}", told, day(i)) for i, told in enumerate(found))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert (len(written), sum(written)) == (40, 20)
    for name in ("monitor 0", "monitor 1"):
        assert history.trend(name)["column"].to_pylist() == [f"column {window}" for window in range(10)]


def test_a_file_that_is_removed_while_it_is_open_is_told(sqlite_url: str) -> None:
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    with ad.History(sqlite_url) as history:
        history.record("churn", report(), day(0))
        aside = file.with_suffix(".aside")
        file.rename(aside)
        with pytest.raises(HistoryError, match="was removed or replaced while it was in use"):
            history.record("churn", report(), day(1))
        aside.rename(file)
        history.record("churn", report(), day(1))
        assert history.runs("churn").num_rows == 2


def test_none_is_made_where_none_is_wanted(url: str) -> None:
    for _ in range(2):
        with pytest.raises(HistoryError, match="there is no history at"):
            ad.History(url, create=False)
    assert not Path(url.removeprefix("sqlite:///")).exists()
    with ad.History(url) as history:
        history.record("churn", report(), day(0))
    with ad.History(url, create=False) as history:
        assert history.names() == ["churn"]


@pytest.mark.parametrize(
    "url", ["postgresql://me:hunter2@127.0.0.1:1/d", "postgresql://me@127.0.0.1:1/d?password=hunter2"]
)
def test_a_password_is_in_no_error(url: str) -> None:
    with pytest.raises(HistoryError) as found:
        ad.History(url, wait=0)
    told = f"{found.value} {found.value.__cause__}"
    assert "hunter2" not in str(found.value), told
