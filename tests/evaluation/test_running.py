"""Trials are the same wherever and in whatever order they run, and what is done is not done again."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import accel_drift as ad
from accel_drift import evaluation as ev
from accel_drift import synthetic as sy
from accel_drift.errors import ConfigError, SourceError
from tests.evaluation.fakes import Broken, Ended, FromShared, Late, MeanShift, Shifted

ROOT = Path(__file__).resolve().parents[2]


def study(**options: Any) -> ev.Evaluation:
    contenders = {"shift": MeanShift(), "late": Late(), "broken": Broken("detect", 3)}
    return ev.Evaluation(contenders, Shifted(batches=4, onset=2), **{"seeds": 4, **options})


@pytest.mark.slow
def test_processes_give_the_same_to_the_last_bit() -> None:
    scenario = sy.Scenario(
        sy.Population(numbers=3), changes=[(sy.CovariateShift(0.5), sy.Sudden(at=0.5))], batches=4, reference_rows=300
    )
    contenders = {"mmd": ad.MMD(permutations=99), "shared": FromShared(), "ks": ad.KS()}
    made = ev.Evaluation(contenders, scenario, seeds=3)
    here = made.run()
    there = made.run(processes=2)
    assert there.table.equals(here.table)
    assert not there.times.equals(here.times)


def test_threads_give_the_same_in_the_same_order() -> None:
    here = study().run()
    assert study().run(threads=3).table.equals(here.table)


def test_progress_is_told_from_first_to_last() -> None:
    told: list[tuple[int, int, str]] = []
    study(seeds=2).run(progress=lambda *at: told.append(at))
    assert told == [(done, 14, "evaluating") for done in range(15)]


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    first = study(seeds=2).run(out=tmp_path)
    parts = {path: path.stat().st_mtime_ns for path in (tmp_path / "parts").iterdir()}
    assert len(parts) == 14
    told: list[tuple[int, int, str]] = []
    more = study(seeds=3).run(out=tmp_path, progress=lambda *at: told.append(at))
    assert told[0] == (14, 21, "evaluating")
    assert {path: path.stat().st_mtime_ns for path in parts} == parts
    assert more.table.equals(study(seeds=3).run().table)
    assert first.table.num_rows == 14 * 4


def test_other_options_other_data_and_another_version_are_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def left(contender: Any, scenario: Any) -> int:
        told: list[int] = []
        made = ev.Evaluation({"x": contender}, scenario, seeds=1)
        made.run(out=tmp_path, progress=lambda done, of, _what: told.append(of - done))
        return told[0]

    assert left(MeanShift(), Shifted(batches=2)) == 5
    assert left(MeanShift(), Shifted(batches=2)) == 0
    assert left(MeanShift(3.0), Shifted(batches=2)) == 1
    assert left(MeanShift(), Shifted(batches=3)) == 5
    monkeypatch.setattr("accel_drift._version.version", lambda: "another")
    assert left(MeanShift(), Shifted(batches=2)) == 5


def test_a_part_that_is_not_whole_is_made_again(tmp_path: Path) -> None:
    whole = study(seeds=1).run(out=tmp_path)
    part = next((tmp_path / "parts").iterdir())
    part.write_bytes(part.read_bytes()[:-20])
    assert study(seeds=1).run(out=tmp_path).table.equals(whole.table)
    assert pq.read_table(part).num_rows == 4


def test_a_part_that_is_a_copy_of_another_trial_s_is_made_again(tmp_path: Path) -> None:
    whole = study(seeds=1).run(out=tmp_path)
    first, *others = sorted((tmp_path / "parts").iterdir())
    for other in others:
        other.write_bytes(first.read_bytes())
    assert ev.Results.load(tmp_path).table.num_rows == 4
    assert study(seeds=1).run(out=tmp_path).table.equals(whole.table)


def test_names_may_change_without_running_again(tmp_path: Path) -> None:
    ev.Evaluation({"x": MeanShift()}, {"a": Shifted(batches=2)}, seeds=1).run(out=tmp_path)
    told: list[int] = []
    again = ev.Evaluation({"y": MeanShift()}, {"b": Shifted(batches=2)}, seeds=1)
    results = again.run(out=tmp_path, progress=lambda done, _of, _what: told.append(done))
    assert told == [5]
    assert {(r["contender"], r["scenario"]) for r in results.table.to_pylist() if r["contender"] == "y"} == {("y", "b")}
    assert ev.Results.load(tmp_path).table.equals(results.table)


@pytest.mark.slow
def test_a_study_that_was_killed_goes_on(tmp_path: Path) -> None:
    runs, out = tmp_path / "runs", tmp_path / "out"
    runs.mkdir()
    script = (
        "from accel_drift import evaluation as ev\n"
        "from tests.evaluation.fakes import Ended, Shifted\n"
        f"study = ev.Evaluation({{'x': Ended({str(runs)!r})}}, Shifted(batches=2), seeds=4)\n"
        f"study.run(out={str(out)!r})\n"
    )
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = {[str(ROOT), str(ROOT / 'kernels')]!r}\n{script}"]
    assert subprocess.run(command, timeout=120, check=False).returncode == 9
    assert len(list(runs.iterdir())) == 3, "two trials were done, and the third ended the process"
    partly = ev.Results.load(out)
    assert sum(row["contender"] == "x" for row in partly.table.to_pylist()) == 2 * 2
    assert subprocess.run(command, timeout=120, check=False).returncode == 0
    assert len(list(runs.iterdir())) == 5, "two trials were left"
    whole = ev.Evaluation({"x": Ended(str(runs))}, Shifted(batches=2), seeds=4).run(out=out)
    assert len(list(runs.iterdir())) == 5
    assert whole.table.equals(ev.Results.load(out).table)


def test_an_interrupt_leaves_what_is_done(tmp_path: Path) -> None:
    def stop(done: int, _of: int, _what: str) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        study().run(out=tmp_path, progress=stop)
    told: list[int] = []
    study().run(out=tmp_path, progress=lambda done, _of, _what: told.append(done))
    assert told[0] == 3


def test_what_another_process_cannot_import_is_told_before_anything_runs() -> None:
    class Local:
        def fit(self, _reference: Any) -> Local:
            return self

        def detect(self, _batch: Any) -> bool:
            return False

    with pytest.raises(ConfigError, match="'x' on scenario 'scenario' cannot be sent to another process"):
        ev.Evaluation({"x": Local()}, Shifted(), seeds=1).run(processes=2)
    with pytest.raises(ConfigError, match="use processes=1"):
        ev.Evaluation({"x": MeanShift()}, lambda seed: Shifted(rows=seed + 2)(seed), seeds=1).run(processes=2)


@contextmanager
def held(script: str) -> Iterator[tuple[subprocess.Popen[str], list[socket.socket]]]:
    """A script that runs trials of `Held` in two processes, and their two lines, once both wait."""
    with ExitStack() as stack:
        with socket.create_server(("127.0.0.1", 0)) as port:
            head = (
                f"import sys; sys.path[:0] = {[str(ROOT), str(ROOT / 'kernels')]!r}\n"
                "from accel_drift import evaluation as ev\n"
                "from tests.evaluation.fakes import Held, Shifted\n"
                f"study = ev.Evaluation({{'x': Held({port.getsockname()[1]})}}, Shifted(batches=1), seeds=3)\n"
            )
            command = [sys.executable, "-c", head + script]
            began = stack.enter_context(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
            stack.callback(began.kill)
            port.settimeout(120)
            lines = [stack.enter_context(port.accept()[0]) for _ in range(2)]
        for line in lines:
            line.settimeout(120)
        yield began, lines


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", ["SIGKILL", "SIGTERM"])
def test_processes_end_with_the_one_that_started_them(number: str) -> None:
    with held("study.run(processes=2)") as (began, lines):
        began.send_signal(getattr(signal, number))
        # A line ends when the process at its other end does.
        assert [line.recv(1) for line in lines] == [b"", b""]
        assert began.wait(120) == -getattr(signal, number)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_the_command_line_told_to_end_waits_for_what_has_begun(tmp_path: Path) -> None:
    script = (
        "from accel_drift.cli import app, evaluating\n"
        "evaluating.study = lambda *_, **__: study\n"
        f"app.main(['evaluate', '--out', {str(tmp_path)!r}, '--processes', '2'])\n"
    )
    with held(script) as (began, lines):
        began.send_signal(signal.SIGTERM)
        for line in lines:
            line.send(b"!")
        _, said = began.communicate(timeout=120)
    assert began.returncode == 130
    assert said.splitlines()[-1] == "interrupted"
    done = {(r["seed"], r["status"]) for r in ev.Results.load(tmp_path).table.to_pylist() if r["contender"] == "x"}
    assert {(0, "ok"), (1, "ok")} <= done, "both that had begun are kept"


@pytest.mark.slow
def test_a_process_that_ends_is_told(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).touch()
    with pytest.raises(ConfigError, match="a process ended before its trial did"):
        ev.Evaluation({"x": Ended(str(tmp_path))}, Shifted(batches=1), seeds=1).run(processes=2)


def test_numbers_of_workers_are_checked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="use one of them"):
        study(seeds=1).run(processes=2, threads=2)
    with pytest.raises(ConfigError, match="processes is 0"):
        study(seeds=1).run(processes=0)
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match="cannot keep a study"):
        study(seeds=1).run(out=tmp_path / "file")
