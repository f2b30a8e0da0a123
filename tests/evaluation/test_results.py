"""The forms that results take: tables, files, pages, pictures; composite and sensitivity."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from accel_drift import evaluation as ev
from accel_drift import synthetic as sy
from accel_drift.errors import ConfigError, SourceError
from accel_drift.evaluation import ranking, summary
from accel_drift.evaluation.trial import TIMES
from tests.evaluation.fakes import Broken, MeanShift, Shifted

NAME = "a <b> | c"


@pytest.fixture(scope="module")
def results() -> ev.Results:
    contenders = {"shift": MeanShift(), NAME: Broken("detect", 4), "refused": Broken("fit")}
    scenes = {"sudden": Shifted(batches=8, onset=4, shift=0.5), "healthy": Shifted(batches=3, onset=3)}
    return ev.Evaluation(contenders, scenes, seeds=5).run()


def test_results_go_to_parquet_and_back(results: ev.Results, tmp_path: Path) -> None:
    results.to_parquet(tmp_path / "r.parquet")
    back = ev.Results.load(tmp_path / "r.parquet")
    assert back.table.equals(results.table)
    assert back.summary().equals(results.summary())
    pq.write_table(results.table, tmp_path / "other.parquet")
    assert back.times.equals(results.times)
    old = results.table.replace_schema_metadata({"accel_drift.dummies": "never"})
    pq.write_table(old, tmp_path / "old.parquet")
    with pytest.raises(SourceError, match="another version of accel-drift; run the study again"):
        ev.Results.load(tmp_path / "old.parquet")
    for name, words in (("other.parquet", "holds no results"), ("nothing", "there is no study")):
        with pytest.raises(SourceError, match=words):
            ev.Results.load(tmp_path / name)
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(SourceError, match="no whole Parquet file"):
        ev.Results.load(tmp_path / "broken.parquet")
    (tmp_path / "study.json").write_text('{"format": 99, "trials": []}')
    with pytest.raises(SourceError, match="upgrade"):
        ev.Results.load(tmp_path)
    (tmp_path / "study.json").write_text('{"format": 1, "trials": []}')
    with pytest.raises(SourceError, match="of an earlier version; run the study again"):
        ev.Results.load(tmp_path)


def test_the_summary_has_the_best_first_and_every_interval_around_its_number(results: ev.Results) -> None:
    rows = results.summary().to_pylist()
    assert [row["scenario"] for row in rows] == ["sudden"] * 7 + ["healthy"] * 7
    assert [row["rank"] for row in rows[:6]] == sorted(row["rank"] for row in rows[:6])
    assert rows[6]["contender"] == "refused"
    for row in rows:
        for name in summary.MEASURES:
            value, low, high = row[name], row[f"{name}_low"], row[f"{name}_high"]
            assert low is None or low - 1e-12 <= value <= high + 1e-12, (row["contender"], name)


def test_times_stand_apart_from_what_every_run_has_alike(results: ev.Results) -> None:
    contenders = {"shift": MeanShift(), NAME: Broken("detect", 4), "refused": Broken("fit")}
    again = ev.Evaluation(contenders, {"sudden": Shifted(batches=8, onset=4, shift=0.5)}, seeds=5).run()
    assert again.table.equals(results.table.slice(0, again.table.num_rows))
    assert not set(TIMES) & set(results.table.column_names)
    alike = [name for name in again.summary().column_names if name not in summary.TIMES]
    assert again.summary().select(alike).equals(results.summary().slice(0, 7).select(alike))
    keys = ["contender", "scenario", "seed", "batch"]
    assert results.times.column_names == [*keys, *TIMES]
    assert results.times.select(keys).equals(results.table.select(keys))


def test_times_are_there_where_there_was_an_answer_and_the_summary_has_their_medians(results: ev.Results) -> None:
    rows = [{**told, **time} for told, time in zip(results.table.to_pylist(), results.times.to_pylist(), strict=True)]
    for row in rows:
        assert (row["batch_seconds"] is None) == (row["status"] != "ok")
        assert (row["fit_seconds"] is None) == (row["status"] == "refused")
        assert all(row[name] is None or 0 <= row[name] < 60 for name in TIMES)
    for line in results.summary().to_pylist():
        mine = [r for r in rows if (r["contender"], r["scenario"]) == (line["contender"], line["scenario"])]
        fits = {r["seed"]: r["fit_seconds"] for r in mine}
        if line["contender"] == "refused":
            assert line["fit_seconds"] is line["batch_ms"] is None
            continue
        assert line["fit_seconds"] == pytest.approx(np.median(list(fits.values())))
        known = [r["batch_seconds"] for r in mine if r["batch_seconds"] is not None]
        assert line["batch_ms"] == pytest.approx(1e3 * np.median(known))


class Waits:
    """A clock of its own goes on while it learns and while it answers, and stands still otherwise."""

    now = 0.0

    def fit(self, _reference: Any) -> Waits:
        Waits.now += 4.0
        return self

    def detect(self, _batch: Any) -> bool:
        Waits.now += 0.25
        return False


def test_times_are_of_fit_and_of_one_answer_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accel_drift.evaluation.trial.perf_counter", lambda: Waits.now)
    results = ev.Evaluation({"waits": Waits()}, Shifted(batches=3), seeds=2).run()
    rows = [row for row in results.times.to_pylist() if row["contender"] == "waits"]
    assert {(row["fit_seconds"], row["batch_seconds"]) for row in rows} == {(4.0, 0.25)}
    line = next(row for row in results.summary().to_pylist() if row["contender"] == "waits")
    assert (line["fit_seconds"], line["batch_ms"]) == (4.0, 250.0)
    assert "| 4 | 250 |" in results.to_markdown()
    page = results.to_html()
    assert '<td class="n">4</td><td class="n">250</td></tr>' in page
    for word in ("fit, s", "ms a batch", "median over seeds of the seconds"):
        assert word in page
        assert word in results.to_markdown()
        assert word.startswith("median") or page.count(f">{word}</th>") == 1
    monkeypatch.setattr("accel_drift.evaluation.trial.perf_counter", lambda: 1e-4 * Waits.now)
    quick = ev.Evaluation({"waits": Waits()}, Shifted(batches=3), seeds=2).run().to_markdown()
    assert "| under 0.001 | 0.025 |" in quick


def test_batches_count_from_1_as_those_of_a_scenario_do() -> None:
    scenario = sy.Scenario(sy.Population(numbers=1), batches=4, rows=20, reference_rows=100)
    rows = ev.Evaluation(["ks"], scenario, seeds=[0]).run().table.to_pylist()
    assert [row["batch"] for row in rows if row["contender"] == "ks"] == [b.number for b in scenario.truth.batches]
    assert [row["first_row"] for row in rows[:4]] == [b.first_row for b in scenario.truth.batches]


def test_weights_are_named_and_decide(results: ev.Results) -> None:
    def composite(name: str, **weights: float) -> Any:
        rows = results.summary(weights=weights or None).to_pylist()
        return next(r["composite"] for r in rows if r["contender"] == name and r["scenario"] == "sudden")

    assert composite("always", detection=1) == composite("never", quiet=2) == 1
    assert composite("always", quiet=1) == composite("never", detection=1, speed=3) == 0
    assert composite("always", quiet=1, detection=3) == 0.75
    row = next(r for r in results.summary().to_pylist() if r["contender"] == "shift")
    line = next(line for line in results.lines if line.contender == "shift")
    by_hand = [1 - row["false_alarm_rate"], row["detection_rate"], 1 - row["delay_batches"] / 4, 2 * row["auc"] - 1]
    assert row["composite"] == pytest.approx(sum(by_hand) / 4)
    assert list(ranking.parts(line).values()) == pytest.approx(by_hand)


@pytest.mark.parametrize("weights", [{"f1": 1}, {"quiet": -1}, {"quiet": 0}, {"quiet": float("nan")}, 3, {}])
def test_weights_that_cannot_be_are_refused(results: ev.Results, weights: Any) -> None:
    with pytest.raises(ConfigError, match="weights is"):
        results.summary(weights=weights)


def test_equal_ones_share_the_better_place(results: ev.Results) -> None:
    ranks = {r["contender"]: r["rank"] for r in results.summary(weights={"speed": 1}).to_pylist()[:7]}
    assert ranks["always"] == 1
    assert ranks["never"] == ranks["every 10th"] > ranks["always"]


def test_sensitivity_has_a_rate_for_each_magnitude() -> None:
    drift = [(sy.CovariateShift(4.0), sy.Incremental(start=0.2, end=1.0))]
    scenario = sy.Scenario(sy.Population(numbers=1), changes=drift, batches=20, rows=20, reference_rows=200)

    adapter = ev.adapters.from_functions(
        lambda rows: MeanShift(4.0).fit(ev.adapters.matrix(rows)),
        lambda made, rows: made.detect(ev.adapters.matrix(rows)),
    )
    table = ev.Evaluation({"shift": adapter}, scenario, seeds=3).run().sensitivity().to_pylist()
    mine = [row for row in table if row["contender"] == "shift"]
    assert mine[0]["magnitude"] == 0
    assert mine[0]["batches"] == 12
    assert len(mine) == 11, "clean ones, and ten bins"
    assert sum(row["batches"] for row in mine) == 60
    assert [row["magnitude"] for row in mine] == sorted(row["magnitude"] for row in mine)
    assert mine[0]["rate"] < 0.1 < 0.9 < mine[-1]["rate"]


def test_the_page_stands_by_itself_and_escapes_names(results: ev.Results, tmp_path: Path) -> None:
    page = results.to_html(tmp_path / "r.html")
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == page
    assert "<b> |" not in page
    assert "a &lt;b&gt; | c" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    for word in ("(dummy)", "RuntimeError: out of order", "ValueError: no such reference", "sudden", "healthy"):
        assert word in page
    assert page.count("<svg") == 1 + 2 + 2, "a ROC where something drifts, and scores of those that give any"


def test_the_text_has_a_table_a_scenario_and_says_what_failed(results: ev.Results, tmp_path: Path) -> None:
    text = results.to_markdown(tmp_path / "r.md")
    assert (tmp_path / "r.md").read_text(encoding="utf-8") == text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {17}
    assert "- refused: the reference was refused for 5 of 5 seeds; first: ValueError: no such reference" in text
    assert r"a &lt;b> \| c: 10 of 40 batches raised" in text


def test_pictures_are_images_that_stand_by_themselves(results: ev.Results) -> None:
    for made in (results.roc_svg("sudden"), results.scores_svg("sudden"), results.roc_svg("healthy")):
        root = ET.fromstring(made)  # noqa: S314  made here
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.get("aria-label")
        assert "nan" not in made
    with pytest.raises(ConfigError, match="'sudden', 'healthy'"):
        results.roc_svg()


def test_it_says_what_it_is(results: ev.Results) -> None:
    assert repr(results) == f"<Results of shift, {NAME}, refused on sudden, healthy: 385 answers, 3 with errors>"
