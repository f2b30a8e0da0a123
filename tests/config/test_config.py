"""A configuration that works: what it holds, what the environment changes, what the engine is given."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

import accel_drift as ad
from accel_drift.config import Config, ConfigFileError, schema_text, sections
from accel_drift.config.environment import variable
from accel_drift.config.making import Making
from accel_drift.config.schema import at, is_text, leaves
from accel_drift.detectors import get_class, names
from accel_drift.monitor import Windows

PLAIN = {"data": {"reference_path": "ref.csv"}}


def load(folder: Path, text: str, **environ: str) -> Config:
    file = folder / "drift.yaml"
    file.write_text(text, encoding="utf-8")
    return Config.load(file, {f"ACCEL_DRIFT_{name}": value for name, value in environ.items()})


def without_times(summary: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in summary.items() if key not in ("created_at", "provenance")}


def test_a_reference_is_enough_and_every_default_is_the_engines() -> None:
    config = Config.of(PLAIN)
    rng = np.random.default_rng(3)
    rows = {"x": rng.normal(size=300), "c": rng.choice(list("ab"), 300)}
    ours = ad.Profile.fit(rows, **Making(config).fit_options()).summary()
    theirs = ad.Profile.fit(rows).summary()
    assert without_times(ours) == without_times(theirs)
    assert config.windows.options() == {"by": "file"}


def test_what_the_engine_is_given(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "name: churn\n"
        "data: {reference_path: a.adp, label_column: left, id_column: customer}\n"
        "columns: {numerical: [age], categorical: [zip], text: [note], kinds: {at: gaps}, drop: [x]}\n"
        "drift: {alpha: 0.05, rule: 0.3, min_effect: 0.2, block: 24}\n"
        "detectors:\n  use: [psi, ks]\n  psi: {severity_bands: [0.1, 0.2, 0.3], bins: 20}\n  ks:\n"
        "windows:\n  time: 1h\n  on: at\n",
    )
    given = Making(config).fit_options()
    assert given["detectors"] == [ad.PSI(bins=20, severity_bands=(0.1, 0.2, 0.3)), ad.KS()]
    assert given["kinds"] == {"age": "numeric", "zip": "categorical", "note": "text", "at": "gaps"}
    assert (given["drop"], given["label"]) == (["x", "customer"], "left")
    assert (given["alpha"], given["rule"], given["min_effect"], given["block"]) == (0.05, 0.3, 0.2, 24)
    assert config.windows.options() == {"time": "1h", "on": "at"}
    assert config.concept_drift.made() == "auto"
    for detector, made in {"adwin": ad.ADWIN(delta=0.002), "ddm": ad.DDM(), None: None}.items():
        assert Config.of({**PLAIN, "concept_drift": {"detector": detector}}).concept_drift.made() == made
    own = {"detector": "adwin", "adwin_delta": 0.1, "options": {"clock": 8}}
    assert Config.of({**PLAIN, "concept_drift": own}).concept_drift.made() == ad.ADWIN(delta=0.1, clock=8)


def test_windows_have_the_keys_and_defaults_of_the_monitors() -> None:
    theirs = {field.name: field.default for field in fields(Windows)}
    assert {name: field.default for name, field in sections.Windows.model_fields.items()} == theirs


@pytest.mark.parametrize("name", names())
def test_every_option_of_every_detector_is_a_key_with_its_default(name: str) -> None:
    kind = get_class(name)
    config = Config.of({**PLAIN, "detectors": {"use": [name], name: None}})
    assert config.detectors.made() == [kind()]
    keys = {str(key[2]) for key in leaves() if key[:2] == ("detectors", name)}
    assert keys == set(kind().summary()) - {"detector", "alpha", "block", "seed"}
    again = Config.of({**PLAIN, "detectors": {"use": [name], name: {"min_effect": 0.4, "permutations": 99}}})
    assert again.detectors.made() == [kind(min_effect=0.4, permutations=99)]


def test_the_environment_comes_first(tmp_path: Path) -> None:
    text = "data: {reference_path: a.csv}\nwindows: {rows: 10}\nhistory: {url: 'sqlite:///a.db'}\n"
    config = load(
        tmp_path, text,
        HISTORY__URL="postgresql://me:p#x: y@host/db", WINDOWS__ROWS="2_000", COLUMNS__DROP="[id, 'a b']",
        NAME="2026", DETECTORS__PSI__BINS="20", DATA__LABEL_COLUMN="", HEALTH__WEIGHTS="{income: 2}",
    )  # fmt: skip
    assert config.history.url == "postgresql://me:p#x: y@host/db"
    assert (config.windows.rows, config.columns.drop, config.name) == (2000, ("id", "a b"), "2026")
    assert config.data.label_column is None
    assert config.detectors.made()[0] == ad.PSI(bins=20)
    assert config.health.weights == {"income": 2.0}
    lists = load(
        tmp_path, text, COLUMNS__DROP="id, a b,007", COLUMNS__ONLY="x", DETECTORS__USE="psi,ks",
        PREDICTIONS__PROBABILITIES="[p, q]",
    )  # fmt: skip
    assert (lists.columns.drop, lists.columns.only) == (("id", "a b", "007"), ("x",))
    assert (lists.detectors.use, lists.predictions.probabilities) == (("psi", "ks"), ("p", "q"))
    assert load(tmp_path, "data:\nwindows:\n", DATA__REFERENCE_PATH="b.csv").data.reference_path == "b.csv"


def test_the_processes_own_environment_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yaml").write_text("data: {reference_path: a.csv}\n", encoding="utf-8")
    monkeypatch.setenv("ACCEL_DRIFT_WINDOWS__ROWS", "77")
    assert Config.load(tmp_path / "a.yaml").windows.rows == 77
    assert Config.load(tmp_path / "a.yaml", {}).windows.rows is None


@pytest.mark.parametrize("name", ["WGMMA", "POSTGRES", "PEERS", "BENCH_ROWS", "SECRETS", "REQUEST", "REQUEST_FILE"])
def test_variables_that_are_read_elsewhere_are_passed_over(tmp_path: Path, name: str) -> None:
    assert load(tmp_path, "data: {reference_path: a}", **{name: "1"}).name == "monitor"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("HISTORY_URL", "x", "did you mean ACCEL_DRIFT_HISTORY__URL?"),
        ("ALPHA", "2", "ACCEL_DRIFT_ALPHA is no key; did you mean ACCEL_DRIFT_DRIFT__ALPHA"),
        ("PASSWORT", "2", "is no key; a key is written as ACCEL_DRIFT_HISTORY__URL is for history.url"),
        ("RETENTION_DAY", "2", "did you mean ACCEL_DRIFT_HISTORY__RETENTION_DAYS?"),
        ("HISTRY__URL", "x", "there is no key histry; did you mean history?"),
        ("HISTORY__URLS", "x", "there is no key history.urls; did you mean url?"),
        ("WINDOWS__ROWS", "many", 'windows.rows is "many"; it takes a whole number'),
        ("WINDOWS__ROWS", "[1", "no YAML"),
        ("COLUMNS__DROP", "*a", "anchors are not read here"),
        ("DETECTORS__PSI__BINS__X", "1", "there is no key detectors.psi.bins.x"),
    ],
)
def test_mistakes_in_variables_name_them(tmp_path: Path, name: str, value: str, words: str) -> None:
    with pytest.raises(ConfigFileError) as caught:
        load(tmp_path, "data: {reference_path: a}", **{name: value})
    (one,) = caught.value.mistakes
    assert one.where == f"ACCEL_DRIFT_{name}"
    assert words in one.text


def test_every_key_can_be_given_by_the_environment(tmp_path: Path) -> None:
    assert json.loads(schema_text())["additionalProperties"] is False
    assert len(leaves()) > 140
    wrong = {variable(key): "text" if is_text(at(key)[0]) else "[[{}]]" for key in leaves()}
    with pytest.raises(ConfigFileError) as caught:
        load(tmp_path, "data: {reference_path: a}", **{k.removeprefix("ACCEL_DRIFT_"): v for k, v in wrong.items()})
    told = {one.where for one in caught.value.mistakes}
    assert {name for name, value in wrong.items() if value != "text"} <= told


def test_it_never_changes() -> None:
    config: Any = Config.of(PLAIN)
    with pytest.raises(ValidationError):
        config.name = "x"
    with pytest.raises(ValidationError):
        config.drift.alpha = 0.5


def test_plain_values_are_checked_as_a_file_is() -> None:
    with pytest.raises(ConfigFileError, match=r"windows.rows is \"x\"; it takes a whole number"):
        Config.of({**PLAIN, "windows": {"rows": "x"}})
    with pytest.raises(ConfigFileError, match=r"has 2 mistakes"):
        Config.of({"drift": {"alpha": 0}})


def test_without_the_extra_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['yaml'] = None\n"
        "from accel_drift.cli.app import run\n"
        "sys.exit(run(['config', 'drift.yaml']))\n"
    )
    path = os.pathsep.join(sys.path)
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert ran.returncode == 2
    assert "pip install 'accel-drift[monitor]'" in ran.stderr
    assert "Traceback" not in ran.stderr
