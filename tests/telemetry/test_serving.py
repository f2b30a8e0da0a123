"""/metrics, /live and /ready, asked over HTTP."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

import accel_drift as ad
from accel_drift.errors import ConfigError
from accel_drift.telemetry.serving import Board
from tests.telemetry.test_metrics import window


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def board(sqlite_url: str, clock: Clock) -> Iterator[Board]:
    ad.History(sqlite_url).close()
    with Board({"churn": sqlite_url}, stalled_after=60, clock=clock) as made:
        yield made


def asked(board: Board, path: str) -> tuple[int, str]:
    """Status and text of an answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{board.port}{path}", timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_metrics_are_served(board: Board) -> None:
    board.window("churn", window())
    status, text = asked(board, "/metrics")
    assert status == 200
    assert 'accel_drift_windows_total{monitor="churn"} 1.0' in text
    assert 'accel_drift_database_up{monitor="churn"} 1.0' in text
    assert asked(board, "/") == (404, "there are /metrics, /live and /ready\n")


def test_it_is_live_while_it_moves(board: Board, clock: Clock) -> None:
    clock.now = 60
    assert asked(board, "/live") == (200, "yes\n")
    clock.now = 61
    assert asked(board, "/live") == (503, "no sign of life for 60 s: churn\n")
    for sign in (
        board.moved,
        lambda name: board.window(name, window()),
        lambda name: board.stands(name, reference=True),
    ):
        sign("churn")
        assert asked(board, "/live") == (200, "yes\n")
        clock.now += 61
        assert asked(board, "/live")[0] == 503


def test_it_is_ready_with_a_reference_and_a_history_that_answers(board: Board, tmp_path: Path) -> None:
    assert asked(board, "/ready") == (503, "there is no reference yet: churn\n")
    board.stands("churn", reference=True, passed_over=3)
    assert asked(board, "/ready") == (200, "yes\n")
    assert 'accel_drift_batches_passed_over_total{monitor="churn"} 3.0' in asked(board, "/metrics")[1]
    (tmp_path / "drift.db").unlink()
    assert asked(board, "/ready") == (503, "the history does not answer: churn\n")
    assert asked(board, "/live")[0] == 200


def test_a_port_that_is_taken_is_a_mistake(board: Board, sqlite_url: str) -> None:
    with pytest.raises(ConfigError, match=f"cannot listen at 127.0.0.1:{board.port}"):
        Board({"churn": sqlite_url}, port=board.port)


def test_it_listens_to_this_machine_alone_by_default(board: Board) -> None:
    assert board.host == "127.0.0.1"
