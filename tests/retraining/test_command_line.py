"""Thirty days watched by a configuration with a hook: asked once, run once, and told by the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import accel_drift as ad
from accel_drift import retraining as re
from accel_drift.cli.app import run
from accel_drift.config import Config
from accel_drift.errors import ConfigError
from tests import thirty_days

CONFIG = (
    thirty_days.CONFIG
    + """retraining:
  enabled: true
  retrain_on: data_drift
  min_drift_windows: 3
  save_path: models/next.pkl
  timeout: 10min
"""
)
HOOK = (
    "import json, os\n"
    "asked = json.load(open(os.environ['ACCEL_DRIFT_REQUEST_FILE']))\n"
    "open('ran', 'a').write(asked['key'] + chr(10))\n"
    "json.dump({'save_path': asked['data']['save_path']}, open(os.environ['ACCEL_DRIFT_OUTCOME_FILE'], 'w'))\n"
)


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("thirty")
    thirty_days.simulated(home)
    return home


@pytest.fixture
def watched(stream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own with the stream, a configuration and a hook."""
    (tmp_path / "stream").symlink_to(stream / "stream")
    text = CONFIG + f"  command: {json.dumps([sys.executable, '-c', HOOK])}\n"
    (tmp_path / "drift.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


WATCH = ["run", "--config", "drift.yaml", "--settle", "0", "--finish", "--quiet"]


@pytest.mark.slow
def test_thirty_days_ask_once_and_the_hook_runs_once(
    watched: Path, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ACCEL_DRIFT_HISTORY__URL", url)
    assert run(WATCH) == 0
    assert run(WATCH) == 0
    with ad.History(url) as history:
        (asked,) = re.requests(history).to_pylist()
        drifted = history.runs("churn", drifted=True)["window"].to_pylist()
    assert (asked["state"], asked["attempts"]) == ("done", 1)
    # Features move from day 12 on, and the third day in a row asks.
    assert "2024-01-12" <= drifted[0] < "2024-01-15"
    assert [w["key"] for w in json.loads(asked["data"])["windows"]] == drifted[:3]
    assert (watched / "ran").read_text(encoding="utf-8") == asked["key"] + "\n"
    capsys.readouterr()
    assert run(["retrain", "list", url]) == 0
    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == ["key", "monitor", "asked_at", "state", "attempts", "seconds", "reason"]
    assert line.startswith(f"{asked['key']}  churn")
    assert run(["retrain", "show", url, asked["key"][:8]]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["outcome"]["attempts"][0]["result"] == {"save_path": "models/next.pkl"}
    assert run(["retrain", "cancel", url, asked["key"]]) == 2
    assert "is done" in capsys.readouterr().err


def ask(history: ad.History, key: str) -> None:
    from accel_drift.retraining import asked as stored
    from tests.retraining.windows import START

    request = re.Request(key, "churn", "retraining", "day 3", START, "data drifted", {"save_path": "here"})
    history._store.write(lambda connection: stored.put(connection, request))


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(section: str) -> None:
    text = f"name: churn\ndata: {{reference_path: a.csv}}\nretraining: {section}\n"
    Path("drift.yaml").write_text(text, encoding="utf-8")


@pytest.mark.usefixtures("alone")
def test_requests_are_run_listed_and_called_off(capsys: pytest.CaptureFixture[str]) -> None:
    with ad.History("sqlite:///drift.db") as history:
        ask(history, "aaaa1111")
        write(json.dumps({"enabled": True, "command": [sys.executable, "-c", HOOK]}))
        assert run(["retrain", "run", "--config", "drift.yaml"]) == 0
        assert capsys.readouterr().out.startswith("aaaa1111  done")
        ask(history, "bbbb2222")
        write('{enabled: false, command: ["false"], attempts: 1}')
        assert run(["retrain", "run", "--config", "drift.yaml"]) == 2
        assert capsys.readouterr().out.startswith("bbbb2222  failed")
        ask(history, "cccc3333")
        assert run(["retrain", "cancel", "drift.db", "cccc"]) == 0
        assert capsys.readouterr().err == "Cancelled cccc3333\n"
        assert run(["retrain", "run", "--config", "drift.yaml"]) == 0
        assert run(["retrain", "list", "drift.db", "churn", "--state", "cancelled", "--csv", "all.csv"]) == 0
        told = capsys.readouterr()
        assert "cccc3333" in told.out
        assert "aaaa1111" not in told.out
        assert Path("all.csv").read_text(encoding="utf-8").count("cccc3333") == 1
    write("{}")
    assert run(["retrain", "run", "--config", "drift.yaml"]) == 2
    assert "there is nothing to run" in capsys.readouterr().err
    assert run(["retrain", "run", "--config", "drift.yaml", "--poll", "0"]) == 2


def section(**given: Any) -> Any:
    return Config.of({"data": {"reference_path": "a.csv"}, "retraining": given}).retraining


def test_the_section_makes_a_policy_and_a_runner(sqlite_url: str) -> None:
    gate: dict[str, Any] = {
        "rows_per_day": 9000,
        "value_per_row": 2,
        "horizon_days": 30,
        "fixed_cost": 900,
        "metric": "f1",
    }
    made = section(retrain_on="f1_drop", f1_drop=0.1, cooldown="1mo", strategy="replace", gate=gate)
    assert made.policy() == re.Policy(
        on="f1_drop", f1_drop=0.1, cooldown="1mo", strategy="replace", gate=re.Gate(**gate)
    )
    assert made.policy().pause.days == 30
    with ad.History(sqlite_url) as history:
        assert made.runner(history, "m") is None
        assert section(enabled=True, callable="tests.retraining.hooks_for_tests:trained", timeout="1h").runner(
            history, "m"
        )


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"gate": {"row_per_day": 3}}, "did you mean rows_per_day"),
        ({"gate": {"rows_per_day": 3}}, "gate needs"),
        ({"gate": {"rows_per_day": 0, "value_per_row": 1, "horizon_days": 1, "fixed_cost": 1}}, "rows_per_day is 0"),
        ({"command": ["a"], "callable": "a:b"}, "leave one out"),
        ({"callable": "train.py"}, "package.module:function"),
        ({"command": ["a"]}, "retraining.enabled is not given, and a hook is"),
        ({"cooldown": "soon"}, "cooldown"),
        ({"timeout": "never"}, "timeout"),
        ({"retrain_on": "weather"}, "retrain_on"),
    ],
)
def test_sections_that_cannot_be(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        section(**given)


def test_a_monitor_of_a_configuration_knows_the_baseline(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from accel_drift.config.making import Making

    n = 200
    columns = {"x": [i % 17 for i in range(n)], "p": [0.9 if i % 2 else 0.1 for i in range(n)]}
    pq.write_table(pa.table({**columns, "y": [i % 2 for i in range(n)]}), tmp_path / "ref.parquet")
    config = Config.of(
        {
            "data": {"reference_path": str(tmp_path / "ref.parquet"), "label_column": "y"},
            "predictions": {"score": "p"},
            "retraining": {"enabled": True},
            "history": {"url": f"sqlite:///{tmp_path}/drift.db"},
        }
    )
    making = Making(config)
    (follower,) = making.followers(making.parts())
    assert isinstance(follower, re.Retraining)
    assert follower._state.baseline["f1"] == 1.0
    with config.monitor() as monitor:
        assert len(monitor._followers) == 1
