"""The monitor that a configuration describes."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

import accel_drift as ad
from accel_drift.config import Config
from accel_drift.errors import AccelDriftError, ConfigError, SourceError
from accel_drift.monitor import Period, Trailing
from accel_drift.profiles.profile import Profile

MIDNIGHT = datetime(2026, 3, 1)


def rows(n: int, seed: int, shift: float = 0.0, day: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    at = [MIDNIGHT + timedelta(days=day, seconds=60 * i) for i in range(n)]
    return pa.table({"income": rng.normal(shift, 1, n), "zip": rng.integers(0, 9, n), "id": [*range(n)], "at": at})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    pyarrow.parquet.write_table(rows(900, 1), "ref.parquet")
    return tmp_path


def config(text: str, path: str = "ref.parquet") -> Config:
    Path("drift.yaml").write_text(
        f"name: churn\ndata: {{reference_path: {path}, id_column: id}}\ndrift: {{backend: numpy}}\n{text}",
        encoding="utf-8",
    )
    return Config.load("drift.yaml", {})


FEW = "detectors: {use: [psi, missing]}\ncolumns: {categorical: [zip]}\n"


@pytest.mark.usefixtures("folder")
def test_it_watches_as_it_is_told() -> None:
    monitor = config(FEW + "windows: {rows: 300}\nhistory: {url: 'sqlite:///a.db'}\n").monitor()
    reports = list(monitor.observe([rows(450, 2), rows(450, 3, 2.0)]))
    monitor.close()
    assert [report.n_batch for report in reports] == [300, 300, 300]
    assert [report.drifted_columns for report in reports] == [(), ("income",), ("income",)]
    assert {f.column for f in reports[0].findings} == {"income", "zip"}
    assert {f.detector for f in reports[0].findings} == {"psi", "missing"}
    assert reports[0].reference == "ref.parquet"
    with ad.History("sqlite:///a.db") as history:
        assert history.runs("churn").num_rows == 3


@pytest.mark.usefixtures("folder")
def test_bands_and_effects_of_the_file_decide_what_counts() -> None:
    batch = rows(900, 4, 0.5)
    said = {}
    for bands in ("[0.1, 0.15, 0.5]", "[0.1, 0.15, 0.2]", "[0.4, 0.5, 0.6]"):
        text = f"detectors:\n  use: [psi]\n  psi: {{severity_bands: {bands}}}\ncolumns: {{only: [income]}}\n"
        monitor = config(text).monitor()
        (finding,) = monitor.check(batch).findings
        monitor.close()
        said[bands] = (str(finding.status), str(finding.severity), finding.p_value)
    statuses = [status for status, _, _ in said.values()]
    assert statuses == ["drifted", "drifted", "significant_small"]
    assert [severity for _, severity, _ in said.values()] == ["warning", "critical", "none"]
    assert len({p for _, _, p in said.values()}) == 1


@pytest.mark.usefixtures("folder")
def test_a_saved_profile_is_opened_and_fixes_its_options() -> None:
    Profile.fit("ref.parquet", ["ks"], drop=["id"], alpha=0.05, backend="numpy").save("ref.adp")
    monitor = config("", "ref.adp").monitor()
    assert monitor.check(rows(200, 5, 2.0)).settings["alpha"] == 0.05
    monitor.close()
    for text, word in {
        "columns: {drop: [zip]}": "columns.drop",
        "drift: {alpha: 0.1}": "drift.alpha",
        "detectors: {psi: {bins: 5}}": "detectors",
        "reference: {sample_rows: 10}": "reference.sample_rows",
    }.items():
        wrong = Config.of({"data": {"reference_path": "ref.adp"}, **_plain(text)})
        with pytest.raises(ConfigError, match=f"ref.adp is a saved profile, which fixes {word}; leave that out"):
            wrong.monitor()
    assert not Path("other.db").exists()


def _plain(text: str) -> dict[str, Any]:
    from accel_drift.config.text import read

    value: dict[str, Any] = read(text).value
    return value


@pytest.mark.usefixtures("folder")
def test_references_that_go_along() -> None:
    text = FEW + "reference: {mode: trailing, windows: 2, least: 1}\nwindows: {rows: 300}\n"
    monitor = config(text).monitor()
    assert isinstance(monitor._reference, Trailing)
    reports = list(monitor.observe([rows(300, 6), rows(300, 7, 3.0), rows(300, 8, 3.0), rows(300, 9, 3.0)]))
    monitor.close()
    assert [report.drifted for report in reports] == [False, True, True, False]
    text = "reference: {mode: period, start: 2026-03-01, end: 2026-03-03}\nwindows: {time: 1d, on: at}\n"
    (Path("drift.db")).unlink()
    monitor = config(FEW + text).monitor()
    assert isinstance(monitor._reference, Period)
    reports = list(monitor.observe(rows(300, 10 + day, 3.0 * (day > 2), day) for day in range(6)))
    monitor.close()
    assert [report.drifted for report in reports][2:] == [False, True, True]


@pytest.mark.usefixtures("folder")
def test_thresholds_for_a_rate_of_false_alarms() -> None:
    text = "detectors: {use: [psi]}\ncolumns: {only: [income]}\n"
    monitor = config(text + "reference: {threshold_rate: 0.1}\nwindows: {rows: 150}\n").monitor()
    (report,) = monitor.observe([rows(150, 11, 2.0)])
    monitor.close()
    assert report.over_together == ("income",)


@pytest.mark.usefixtures("folder")
def test_old_windows_are_removed_as_it_says() -> None:
    text = FEW + "windows: {time: 1d, on: at}\nhistory: {retention_days: 3, keep: 1}\n"
    settings = config(text)
    monitor = settings.monitor()
    assert monitor.history is not None
    assert settings.prune(monitor.history) == 0
    for _ in monitor.observe(rows(60, day, 0.0, day) for day in range(8)):
        pass
    assert settings.prune(monitor.history) == 3
    assert config(FEW).prune(monitor.history) == 0
    monitor.close()


@pytest.mark.usefixtures("folder")
def test_columns_weigh_in_the_health_as_it_says() -> None:
    values = []
    for i, weights in enumerate(("{}", "{income: 3, gone: 2}", "{income: 0}")):
        text = f"{FEW}health: {{weights: {weights}}}\nhistory: {{url: 'sqlite:///{i}.db', wait: 5}}\n"
        with config(text).monitor() as monitor:
            list(monitor.observe([rows(400, 12, 2.0)]))
            assert monitor.history is not None
            found = monitor.history.metrics("churn", metric="health")
            values.append(found["value"].to_pylist()[0])
    assert values[1] < values[0] < values[2] == 100


def with_model(n: int, seed: int, sure: float, shift: float = 0.0) -> pa.Table:
    rng = np.random.default_rng([seed, 1])
    chance = 1 / (1 + np.exp(-sure * rng.normal(0, 2, n)))
    table = rows(n, seed, shift)
    return table.append_column("p", pa.array(chance)).append_column("predicted", pa.array((chance > 0.5) + 0))


@pytest.mark.usefixtures("folder")
def test_confidence_and_streams_are_watched_beside() -> None:
    pyarrow.parquet.write_table(with_model(900, 20, 2.0), "ref.parquet")
    text = (
        FEW + "predictions: {score: p, predicted: predicted, classes: [0, 1]}\nconfidence: {alpha: 0.001}\n"
        "streams: {detector: adwin, columns: [income], options: {delta: 0.0001}}\n"
    )
    with config(text).monitor() as monitor:
        calm, unsure, moved = monitor.observe(
            [with_model(400, 21, 2.0), with_model(400, 22, 0.5), with_model(400, 23, 2.0, 3.0)]
        )
        assert monitor.history is not None
        means = monitor.history.metrics("churn", "mean_confidence")["value"].to_pylist()
    assert means[1] < means[0] - 0.1
    drifted = [
        {(f.detector, f.column) for f in report.findings if str(f.status) == "drifted"} for report in (unsure, moved)
    ]
    assert not calm.drifted
    assert ("confidence", "model_confidence") in drifted[0]
    assert ("psi", "model_entropy") in drifted[0]
    assert ("adwin", "income") in drifted[1]
    off = text.replace("alpha: 0.001", "enabled: false") + "history: {url: 'sqlite:///other.db'}\n"
    with config(off).monitor() as monitor:
        (report,) = monitor.observe([with_model(400, 22, 0.5)])
    assert {f.detector for f in report.findings} == {"psi", "missing", "adwin"}


def with_labels(n: int, seed: int, wrong: float) -> pa.Table:
    """Rows of a model that is wrong in a share of them."""
    table = with_model(n, seed, 2.0)
    rng = np.random.default_rng([seed, 2])
    return table.append_column("y", pa.array((table["predicted"].to_numpy() + (rng.random(n) < wrong)) % 2))


LABELLED = FEW.replace("categorical", "numerical: [income], categorical") + "predictions: {score: p, classes: [0, 1]}\n"


def of_performance(text: str) -> Config:
    start = (
        "name: churn\ndata: {reference_path: ref.parquet, id_column: id, label_column: y}\ndrift: {backend: numpy}\n"
    )
    Path("drift.yaml").write_text(start + text, encoding="utf-8")
    return Config.load("drift.yaml", {})


@pytest.mark.usefixtures("folder")
def test_a_drop_of_f1_and_concept_drift_are_found() -> None:
    pyarrow.parquet.write_table(with_labels(900, 30, 0.1), "ref.parquet")
    with of_performance(LABELLED + "performance: {f1_drop: 0.05, auc_drop: 0.1}\n").monitor() as monitor:
        calm, worse = monitor.observe([with_labels(600, 31, 0.12), with_labels(600, 32, 0.35)])
        assert monitor.history is not None
        f1 = monitor.history.metrics("churn", "f1")["value"].to_pylist()
    found = [{(f.detector, f.column): str(f.status) for f in report.findings} for report in (calm, worse)]
    assert found[0]["performance", "f1"] == found[0]["performance", "auc"] == "stable"
    assert ("performance", "accuracy") not in found[0]
    assert found[1]["performance", "f1"] == "drifted"
    assert (found[0]["bounded_mean", "error"], found[1]["bounded_mean", "error"]) == ("stable", "drifted")
    assert f1[1] < f1[0] - 0.1


@pytest.mark.usefixtures("folder")
def test_a_drop_that_is_put_up_with_is_none() -> None:
    pyarrow.parquet.write_table(with_labels(900, 30, 0.1), "test.parquet")
    pyarrow.parquet.write_table(with_labels(900, 33, 0.1).drop_columns(["p", "predicted", "id"]), "ref.parquet")
    text = LABELLED + "performance: {f1_drop: 0.4, baseline_path: test.parquet}\nconcept_drift: {detector: null}\n"
    with of_performance(text).monitor() as monitor:
        (report,) = monitor.observe([with_labels(600, 32, 0.35)])
    (finding,) = (f for f in report.findings if f.detector == "performance")
    assert str(finding.status) == "stable"
    assert finding.effect is not None
    assert 0.1 < finding.effect < 0.4
    # Without a baseline nothing is compared, and ADWIN reads the errors.
    text = LABELLED + "history: {url: 'sqlite:///other.db'}\n"
    with of_performance(text).monitor() as monitor:
        (report,) = monitor.observe([with_labels(600, 32, 0.35)])
    assert {f.detector for f in report.findings} == {"psi", "missing", "adwin"}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("said", ["score: p", "probabilities: [q, p], predicted: predicted"])
def test_performance_is_estimated_where_no_label_is_known(said: str) -> None:
    def both(table: pa.Table) -> pa.Table:
        """Labels drawn from the probabilities, so that these are right."""
        chance = table["p"].to_numpy()
        y = (np.random.default_rng(7).random(len(chance)) < chance) + 0
        return table.append_column("q", pa.array(1 - chance)).append_column("y", pa.array(y))

    pyarrow.parquet.write_table(both(with_model(2_000, 40, 1.0)), "ref.parquet")
    text = (
        f"{FEW}predictions: {{{said}, classes: [0, 1]}}\nperformance: {{estimated: true, baseline_path: ref.parquet}}\n"
    )
    late = both(with_model(1_000, 41, 1.0))
    with of_performance(text).monitor() as monitor:
        list(monitor.observe([late.set_column(late.column_names.index("y"), "y", pa.nulls(1_000, pa.int64()))]))
        monitor.label(late["id"], late["y"])
        assert monitor.history is not None
        (guess,) = monitor.history.metrics("churn", "estimated_accuracy").to_pylist()
        (real,) = monitor.history.metrics("churn", "accuracy").to_pylist()
    assert guess["low"] - 0.02 < real["value"] < guess["high"] + 0.02
    # Wrong columns are told before anything is begun.
    pyarrow.parquet.write_table(with_model(50, 40, 1.0), "test.parquet")
    with pytest.raises(AccelDriftError, match=r"no column '(y|q)'"):
        of_performance(text.replace("baseline_path: ref", "baseline_path: test")).monitor()


@pytest.mark.usefixtures("folder")
def test_labels_come_late_by_id() -> None:
    pyarrow.parquet.write_table(with_labels(900, 30, 0.1), "ref.parquet")
    late = with_labels(600, 32, 0.35)
    with of_performance(LABELLED).monitor() as monitor:
        list(monitor.observe([late.drop_columns(["y"]).append_column("y", pa.nulls(600, pa.int64()))]))
        assert monitor.label(late["id"], late["y"]) == 1
        assert monitor.history is not None
        assert monitor.history.metrics("churn", "labelled_rows")["value"].to_pylist() == [600.0]
        assert monitor.history.metrics("churn", "degraded")["value"].to_pylist() == [1.0]


def test_late_labels_need_columns_and_a_model_and_a_place_of_their_own() -> None:
    data = {"reference_path": "ref.parquet", "production_path": "inbox", "labels_path": "inbox/labels"}
    with pytest.raises(ConfigError, match=r"late labels need data\.id_column, data\.label_column, pred") as told:
        Config.of({"data": data})
    assert "data.labels_path: it lies in data.production_path, inbox" not in str(told.value)
    data |= {"id_column": "id", "label_column": "y"}
    with pytest.raises(ConfigError, match=r"data\.labels_path: it lies in data\.production_path, inbox"):
        Config.of({"data": data, "predictions": {"score": "p"}})
    made = Config.of({"data": {**data, "labels_path": "labels"}, "predictions": {"score": "p"}})
    assert made.data.labels_path == "labels"


@pytest.mark.usefixtures("folder")
def test_a_column_that_only_dates_rows_is_not_compared() -> None:
    text = "detectors: {use: [psi, mmd]}\nwindows: {time: 1d, on: at}\n"
    with config(text).monitor() as monitor:
        reports = list(monitor.observe([rows(300, 2), rows(300, 3, 0.0, 1), rows(300, 4, 0.0, 2)]))
    assert len(reports) == 2
    assert [report.warnings for report in reports] == [(), ()]
    more = "history: {url: 'sqlite:///gaps.db'}\ncolumns: {kinds: {at: gaps}}\n"
    with config(text + more).monitor() as monitor:
        assert "at" in monitor.check(rows(300, 2)).to_json()


@pytest.mark.usefixtures("folder")
def test_a_slip_in_the_name_of_a_column_of_the_model_is_told() -> None:
    pyarrow.parquet.write_table(rows(900, 1).append_column("chance", pa.array([0.5, 0.6, 0.7] * 300)), "ref.parquet")
    for said in ("score: chnce", "predicted: chnce", "probabilities: [chance, chnce]"):
        with pytest.raises(ConfigError, match=r"predictions\.\w+ names 'chnce', but ref.parquet has .* 'chance'\?"):
            config(f"{FEW}predictions: {{{said}}}\n").monitor()
    assert not Path("drift.db").exists()
    config(FEW + "predictions: {score: somewhere_else}\n").monitor().close()


@pytest.mark.usefixtures("folder")
def test_nothing_is_begun_where_the_reference_is_not_there() -> None:
    with pytest.raises(SourceError, match=r"none.parquet"):
        config("", "none.parquet").monitor()
    assert not Path("drift.db").exists()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("columns: {drop: [incme]}", "columns.drop names 'incme', but there is no such column; did you mean 'income'?"),
        ("columns: {only: [x]}", "columns.only names 'x'"),
        ("columns: {kinds: {x: text}}", "columns.kinds names 'x'"),
        ("predictions: {score: p}\nreference: {mode: trailing}\nstreams: {detector: adwin, columns: [a]}", ""),
    ],
)
def test_what_the_reference_does_not_hold_is_told_by_the_key(text: str, words: str) -> None:
    if not words:
        config(text).monitor().close()
        return
    with pytest.raises(AccelDriftError, match=re.escape(words)):
        config(text).monitor()
    data = {"reference_path": "ref.parquet", "label_column": "churn"}
    with pytest.raises(AccelDriftError, match=r"data.label_column names 'churn', but there is no such column"):
        Config.of({"data": data}).monitor()
