"""The service of the example: it answers while it scores, loses nothing it does not count, and goes on after a kill."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient

import accel_drift as ad
from tests.examples import service

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120
LEARNED = service.learned()


def asked(n: int, seed: int, shift: float = 0.0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {"ids": [f"{seed}-{i}" for i in range(n)], "rows": (rng.normal(size=(n, 3)) + shift).tolist()}


def settled(client: httpx.Client) -> dict[str, Any]:
    """What the service says once it is ready and nothing waits."""
    end, waits = time.monotonic() + PATIENCE_S, threading.Event()
    while time.monotonic() < end:
        answer = client.get("/ready")
        if answer.status_code == 200 and answer.json()["waiting"] == 0:
            return dict(answer.json())
        waits.wait(0.02)
    raise AssertionError("it does not settle")


def windows(url: str) -> list[tuple[str, int, bool]]:
    with ad.History(url) as history:
        runs = history.runs("churn")
        return list(zip(*(runs[c].to_pylist() for c in ("window", "rows", "drifted")), strict=True))


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'drift.db'}"


def test_it_tells_drift_and_how_good_the_model_is(url: str) -> None:
    with TestClient(service.make_app(url, *LEARNED)) as client:
        settled(client)
        assert client.get("/drift").status_code == 404
        given = asked(500, 1)
        said = client.post("/predict", json=given).json()["p"]
        assert said == LEARNED[0].predict_proba(np.array(given["rows"]))[:, 1].tolist()
        assert settled(client) == {"waiting": 0, "dropped": 0, "trouble": ""}
        assert not client.get("/drift").json()["window"]["drifted"]
        truth = ["leaves" if p > 0.5 else "stays" for p in said]
        assert client.post("/labels", json={"ids": given["ids"], "labels": truth}).status_code == 202
        client.post("/predict", json=asked(500, 2, shift=1.0))
        settled(client)
        last = client.get("/drift").json()
        assert last["window"]["drifted"]
        assert {"age", "income", "visits"} <= {f["column"] for f in last["findings"] if f["status"] == "drifted"}
        assert client.post("/predict", json={"ids": ["1"], "rows": [[1, 2]]}).status_code == 422
    with ad.History(url) as history:
        assert history.metrics("churn", "accuracy")["value"].to_pylist() == [1.0]
        assert history.metrics("churn", "mean_confidence").num_rows == 2


def test_requests_are_answered_while_a_window_is_scored_and_what_has_no_room_is_counted(url: str) -> None:
    entered, go = threading.Event(), threading.Event()

    def on_report(_: ad.Report) -> None:
        entered.set()
        assert go.wait(PATIENCE_S)

    with TestClient(service.make_app(url, *LEARNED, on_report=on_report)) as client:
        client.post("/predict", json=asked(500, 0))
        assert entered.wait(PATIENCE_S)
        # The scorer stands still until it is let go; if an answer waited for it, this test would not end.
        for seed in range(1, 8):
            assert len(client.post("/predict", json=asked(1_000, seed)).json()["p"]) == 1_000
        told = client.get("/ready").json()
        assert told["waiting"] + told["dropped"] == 7_500
        assert told["dropped"] == 3_000
        assert client.post("/labels", json={"ids": ["1"] * 4_501, "labels": ["stays"] * 4_501}).status_code == 503
        go.set()
    assert [rows for _, rows, _ in windows(url)] == [500] * 9
    with ad.History(url) as history:
        assert history.metrics("churn", "dropped_rows")["value"].to_pylist() == [3_000.0]
        remarks = " ".join(history.runs("churn")["remarks"].to_pylist())
        assert "3,000 rows were dropped before they came here" in remarks


def test_before_it_is_warm_it_is_not_ready_and_answers_all_the_same(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check, warm = ad.Monitor.check, threading.Event()

    def cold(self: ad.Monitor, rows: Any) -> ad.Report:
        assert warm.wait(PATIENCE_S)
        return check(self, rows)

    monkeypatch.setattr(ad.Monitor, "check", cold)
    with TestClient(service.make_app(url, *LEARNED)) as client:
        assert client.get("/ready").status_code == 503
        assert client.post("/predict", json=asked(3, 1)).status_code == 200
        warm.set()
        assert settled(client)["dropped"] == 0


def test_under_load_from_many_threads_no_row_is_missing(url: str) -> None:
    """Requests, labels and questions from eight threads, while windows are scored: nobody hangs, and all is there."""
    failed: list[Exception] = []

    def work(seed: int) -> None:
        try:
            for number in range(15):
                given = asked(21, 100 * seed + number)
                assert client.post("/predict", json=given).status_code == 200
                labels = {"ids": given["ids"], "labels": ["stays"] * 21}
                assert client.post("/labels", json=labels).status_code == 202
                assert client.get("/drift").status_code in (200, 404)
        except Exception as error:  # noqa: BLE001  (of a thread)
            failed.append(error)

    with TestClient(service.make_app(url, *LEARNED)) as client:
        settled(client)
        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert settled(client)["dropped"] == 0
    assert not failed
    assert [rows for _, rows, _ in windows(url)] == [500] * 5
    with ad.History(url) as history:
        assert history.metrics("churn", "labelled_rows")["value"].to_pylist() == [500.0] * 5


def address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Where the service says that it is."""
    end, waits = time.monotonic() + PATIENCE_S, threading.Event()
    while time.monotonic() < end and process.poll() is None:
        if found := re.search(r"running on (http://\S+)", log.read_text()):
            return found[1]
        waits.wait(0.02)
    raise AssertionError(log.read_text())


@contextmanager
def running(database: Path) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    """The service in a process of its own."""
    path, log = os.pathsep.join([str(ROOT), str(ROOT / "kernels")]), database.with_suffix(".log")
    command = [sys.executable, service.__file__, str(database), "0"]
    with log.open("wb") as out:
        process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, stderr=out)
    try:
        with httpx.Client(base_url=address(process, log), timeout=PATIENCE_S, trust_env=False) as client:
            settled(client)
            yield process, client
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_killed_it_goes_on_where_it_stood_and_told_to_end_it_takes_in_what_waits(tmp_path: Path) -> None:
    database = tmp_path / "drift.db"
    # Killed with rows of an unfinished window taken in.
    with running(database) as (process, client):
        for seed in range(7):
            client.post("/predict", json=asked(100, seed))
        settled(client)
        process.kill()
        process.wait()
    assert [rows for _, rows, _ in windows(f"sqlite:///{database}")] == [500]
    # Told to end while rows wait.
    with running(database) as (process, client):
        assert client.get("/drift").json()["window"]["window"] == "rows 0-499"
        for seed in range(7, 20):
            client.post("/predict", json=asked(100, seed))
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) in (0, -signal.SIGTERM)
    undisturbed = f"sqlite:///{tmp_path / 'undisturbed.db'}"
    with TestClient(service.make_app(undisturbed, *LEARNED)) as client:
        for seed in range(20):
            client.post("/predict", json=asked(100, seed))
    found = windows(f"sqlite:///{database}")
    assert [rows for _, rows, _ in found] == [500] * 4
    assert found == windows(undisturbed)
    with ad.History(f"sqlite:///{database}") as one, ad.History(undisturbed) as other:
        for column in ("window", "column", "detector", "statistic", "p_value"):
            assert one.findings("churn")[column].equals(other.findings("churn")[column])
