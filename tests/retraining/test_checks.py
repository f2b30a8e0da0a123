"""What could never ask, or never run, is told before a window is looked at; a hook that fails is an exit code."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import accel_drift as ad
from accel_drift import retraining as re
from accel_drift.cli import watched
from accel_drift.cli.app import run
from accel_drift.config import Config
from accel_drift.config.making import Making
from accel_drift.errors import ConfigError

MODEL: dict[str, Any] = {
    "data": {"reference_path": "ref.parquet", "label_column": "y"},
    "predictions": {"score": "p"},
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reference, and four windows that are far from it."""
    monkeypatch.chdir(tmp_path)
    rows = [i / 200 for i in range(200)]
    pq.write_table(pa.table({"x": rows, "p": rows, "y": [i % 2 for i in range(200)]}), "ref.parquet")
    pq.write_table(pa.table({"x": [9.0 + i / 200 for i in range(400)]}), "moved.parquet")
    return tmp_path


def written(**retraining: Any) -> str:
    """The name of a configuration that asks after the second window."""
    section = {"enabled": True, "retrain_on": "data_drift", "min_drift_windows": 2, "attempts": 1, **retraining}
    made = {
        "name": "churn",
        "data": {"reference_path": "ref.parquet", "production_path": "moved.parquet"},
        "columns": {"only": ["x"]},
        "detectors": {"use": ["psi"]},
        "drift": {"backend": "numpy"},
        "windows": {"rows": 100},
        "schedule": {"every": "1h"},
        "retraining": section,
    }
    Path("drift.yaml").write_text(json.dumps(made), encoding="utf-8")
    return "drift.yaml"


def ran(*command: str, **retraining: Any) -> int:
    """A command with such a configuration; the exit code."""
    return run([*command, "--config", written(**retraining)])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"data": {"reference_path": "a"}, "predictions": {"score": "p"}}, "needs data.label_column"),
        (
            {"data": {"reference_path": "a"}, "predictions": {}},
            "needs data.label_column, predictions.score, probabilities or predicted",
        ),
        ({"performance": {"enabled": False}}, "needs performance.enabled: true"),
        ({"performance": {"f1_drop": None}}, "needs performance.f1_drop"),
    ],
)
def test_a_fall_of_f1_that_no_window_could_show(given: dict[str, Any], told: str) -> None:
    asked = {"enabled": True, "retrain_on": "f1_drop"}
    with pytest.raises(ConfigError, match=f"retraining.retrain_on: f1_drop {told}$"):
        Config.of({**MODEL, **given, "retraining": asked})
    Config.of({**MODEL, **given, "retraining": {**asked, "enabled": False}})
    Config.of({**MODEL, **given, "retraining": {**asked, "retrain_on": "either"}})
    Config.of({**MODEL, "retraining": asked})


def test_it_is_told_with_all_other_mistakes() -> None:
    Path("drift.yaml").write_text(
        "data: {reference_path: a}\nwindos: {}\nretraining:\n  enabled: true\n  retrain_on: concept_drift\n"
        "schedule: {every: 1mo}\nmetrics: {host: ''}\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        Config.load("drift.yaml", {})
    lines = str(caught.value).splitlines()[1:]
    assert [line.split(": ")[0] for line in lines] == [f"drift.yaml:{i}" for i in (2, 5, 6, 7)]
    assert 'metrics.host is ""; it takes text that is not empty' in lines[-1]


def test_a_fall_of_f1_needs_one_to_fall_from() -> None:
    asked = {**MODEL, "retraining": {"enabled": True, "retrain_on": "f1_drop"}}
    making = Making(Config.of(asked))
    assert len(making.followers(making.parts())) == 1
    making = Making(Config.of({**asked, "data": {"label_column": "y"}, "reference": {"mode": "trailing"}}))
    with pytest.raises(ConfigError, match=r"no F1 to fall from; give performance\.baseline_path"):
        making.followers(making.parts())


HOOKS = [
    ({"command": ["no-such-program"]}, "retraining.command begins with 'no-such-program'"),
    ({"command": ["./train.sh"]}, "retraining.command begins with './train.sh'"),
    ({"command": ["sh"], "folder": "nowhere"}, "retraining.folder is 'nowhere'; there is no such folder"),
    ({"callable": "nowhere.at:all"}, "retraining.callable cannot be run: there is no function 'nowhere.at:all'"),
    ({"callable": "json:trained"}, "module 'json' has no attribute 'trained'"),
    ({"callable": "own:train"}, "No module named 'not_installed'"),
]


@pytest.mark.parametrize("command", [["run"], ["watch", "--until-idle", "0"], ["schedule"], ["retrain", "run"]])
def test_a_hook_that_could_not_run_is_a_mistake_before_any_window(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(*command, **HOOKS[0][0]) == 2  # type: ignore[arg-type]
    told = capsys.readouterr()
    assert HOOKS[0][1] in told.err
    assert told.out == ""
    if Path("drift.db").exists():
        with ad.History("sqlite:///drift.db") as history:
            assert history.names() == []


@pytest.mark.parametrize(("given", "told"), HOOKS)
def test_what_keeps_a_hook_from_running(given: dict[str, Any], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("own.py").write_text("import not_installed\n", encoding="utf-8")
    if "callable" in given:
        given = {**given, "folder": "."}
    assert ran("run", **given) == 2
    assert told in capsys.readouterr().err


def test_a_hook_of_the_folder_is_found_and_one_that_is_off_is_not_looked_for(folder: Path) -> None:
    (folder / "own").mkdir()
    (folder / "own" / "trains.py").write_text("def train(request):\n    return None\n", encoding="utf-8")
    (folder / "own" / "train.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    (folder / "own" / "train.sh").chmod(0o755)
    assert ran("run", callable="trains:train", folder="own") == 0
    assert ran("run", command=["./train.sh"], folder="own") == 0
    assert ran("run", command=["no-such-program"], enabled=False) == 0


def test_nobody_who_takes_requests_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("run") == 0
    assert "Warning: churn: retraining has no command and no callable" in capsys.readouterr().err
    assert ran("run", "--quiet") == 0
    assert capsys.readouterr().err == ""


def test_a_hook_that_failed_for_good_is_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    fails = [sys.executable, "-c", "raise SystemExit(3)"]
    assert ran("run", "--fail-on-drift", command=fails) == 2
    with ad.History("sqlite:///drift.db") as history:
        (asked,) = re.requests(history).to_pylist()
        assert len(history.runs("churn")) == 4
    assert (asked["state"], asked["attempts"]) == ("failed", 1)
    assert "exit status 3" in capsys.readouterr().err
    # It is told once.
    assert ran("run", command=fails) == 0


def test_a_run_by_the_clock_says_that_a_hook_failed() -> None:
    said = watched.cycle(Config.load(written(command=["false"]), {}), lambda _report: None, watched.Ending())
    assert said == "4 windows, 4 drifted, retraining failed"


def test_a_hook_that_is_tried_again_is_none() -> None:
    fails = [sys.executable, "-c", "raise SystemExit(3)"]
    assert ran("run", command=fails, attempts=2) == 0
