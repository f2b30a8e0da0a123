"""Thresholds for a rate of false alarms, from batches that are drawn from the reference."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.errors import AccelDriftError, ConfigError, DataError, SchemaError
from accel_drift.profiles.thresholds import Thresholds, limits
from accel_drift.report.words import number

Data = dict[str, Any]


def mixed(rows: int, rng: np.random.Generator, shift: float = 0.0) -> Data:
    """Three columns that go together, with gaps and ties."""
    base = rng.normal(size=rows)
    return {
        "x": base + shift,
        "y": np.where(rng.random(rows) < 0.1, np.nan, 0.8 * base + 0.6 * rng.normal(size=rows)),
        "n": rng.poisson(3, rows),
        "c": rng.choice(list("abcd"), rows, p=[0.5, 0.3, 0.15, 0.05]).tolist(),
    }


def days(count: int, rng: np.random.Generator, rows: int = 20) -> Data:
    """Rows of a day have a level of their own."""
    level = np.repeat(rng.normal(size=count), rows)
    return {"day": np.repeat(np.arange(count), rows), "x": level + 0.5 * rng.normal(size=count * rows)}


def alarm(profile: ad.Profile, batch: Data) -> bool:
    assert profile.thresholds is not None
    return profile.thresholds.judge(profile.statistics(batch)).alarm


@pytest.fixture(scope="module")
def calibrated() -> ad.Profile:
    rng = np.random.default_rng(3)
    profile = ad.Profile.fit(mixed(1500, rng), ["psi", "ks", "missing", "mmd"], backend="numpy")
    return profile.calibrated(rows=100, rate=0.05)


def test_every_statistic_has_thresholds(calibrated: ad.Profile) -> None:
    made = calibrated.thresholds
    assert made is not None
    assert [(t.detector, t.column) for t in made.limits] == [
        *(("psi", c) for c in "xync"),
        *(("ks", c) for c in "xyn"),
        *(("missing", c) for c in "xync"),
        ("mmd", ""),
    ]
    assert (made.rows, made.rate, made.compared_with, made.block, made.blocks) == (100, 0.05, 1400, None, 0)
    assert made.warnings == ()
    assert made.interval[0] < 0.05 < made.interval[1]
    for limit in made.limits:
        assert limit.together is not None
        assert limit.together >= limit.alone
    assert made.get("missing", "y").alone > 0 == made.get("missing", "x").alone
    assert made.get("mmd").alone > 0


@pytest.mark.statistical
def test_the_next_one_like_the_others_is_over_at_the_rate() -> None:
    # Exchangeable draws of six statistics, four of them dependent, one with ties: 3,000 times.
    rng, rate, over, alone = np.random.default_rng(1), 0.1, 0, np.zeros(6)
    for _ in range(3000):
        draws = rng.normal(size=(6, 100))
        draws[1:4] = draws[0] + 0.3 * draws[1:4]
        draws[4] = rng.integers(0, 4, 100)
        made, _ = limits({("d", str(j)): row[:99] for j, row in enumerate(draws)}, [False] * 6, rate)
        over += any(new > t.together for t, new in zip(made, draws[:, 99], strict=True) if t.together is not None)
        alone += [new > t.alone for t, new in zip(made, draws[:, 99], strict=True)]
    # Five standard errors of 3,000 binomial trials are 0.027.
    assert 0.04 < over / 3000 < rate + 0.027
    assert (alone / 3000 < rate + 0.027).all()
    assert (alone[[0, 1, 2, 3, 5]] / 3000 > rate - 0.027).all()


def test_thresholds_are_order_statistics() -> None:
    draws = np.arange(1.0, 100.0)
    (one,), needed = limits({("d", "c"): draws}, [False], 0.05)
    # Five of a hundred: the new one and the four that are larger.
    assert (one.alone, one.together, needed) == (95.0, 96.0, 0)
    (both,), _ = limits({("d", "c"): np.where(draws % 2, draws, -draws)}, [True], 0.05)
    assert both.alone == 95.0
    assert both.size(-96.0) == 96.0


def test_too_few_resamples_for_all_together_are_told() -> None:
    rng = np.random.default_rng(0)
    made, needed = limits({("d", str(j)): rng.normal(size=99) for j in range(30)}, [False] * 30, 0.05)
    assert all(t.together is None for t in made)
    assert needed > 400
    profile = ad.Profile.fit(mixed(300, rng), ["psi", "ks"], backend="numpy")
    thresholds = profile.calibrated(20, resamples=120).thresholds
    assert thresholds is not None
    assert "resamples=" in thresholds.warnings[0]
    assert not thresholds.judge(profile.statistics(mixed(20, rng, 9.0))).alarm


@pytest.mark.statistical
@pytest.mark.parametrize("names", [["psi"], ["ks", "missing"], ["mmd"]])
def test_clean_batches_are_over_at_the_rate(names: list[str]) -> None:
    rate, found = 0.1, []
    for seed in range(12):
        rng = np.random.default_rng([11, seed])
        profile = ad.Profile.fit(mixed(800, rng), names, backend="numpy").calibrated(80, rate)
        found.append(np.mean([alarm(profile, mixed(80, rng)) for _ in range(25)]))
    # 300 batches, of which those of one reference go together: the standard error is 0.03 at most.
    assert np.mean(found) < rate + 5 * 0.03
    rng = np.random.default_rng(12)
    profile = ad.Profile.fit(mixed(800, rng), names, backend="numpy").calibrated(80, rate)
    assert np.mean([alarm(profile, mixed(80, rng, 1.0)) for _ in range(20)]) > 0.9


@pytest.mark.statistical
def test_blocks_keep_the_rate_where_rows_of_a_day_are_alike() -> None:
    rate, rows, blocks = 0.1, [], []
    for seed in range(8):
        rng = np.random.default_rng([13, seed])
        profile = ad.Profile.fit(days(100, rng), ["ks"], backend="numpy", columns=["x", "day"])
        by_row, by_day = profile.calibrated(100, rate), profile.calibrated(100, rate, block="day")
        made = by_day.thresholds
        assert made is not None
        assert (made.block, made.blocks, made.compared_with) == ("day", 5, 1900)
        for _ in range(15):
            batch = days(5, rng)
            over = [p.thresholds.judge({"ks": {"x": p.statistics(batch)["ks"]["x"]}}).alone for p in (by_row, by_day)]  # type: ignore[union-attr]
            rows.append(bool(over[0]))
            blocks.append(bool(over[1]))
    # 120 batches; the standard error is 0.05 at most.
    assert np.mean(rows) > 0.7
    assert np.mean(blocks) < rate + 5 * 0.05


def test_a_report_tells_thresholds_beside_the_p_values(calibrated: ad.Profile) -> None:
    plain = ad.Profile.fit(mixed(1500, np.random.default_rng(3)), ["psi", "ks", "missing", "mmd"], backend="numpy")
    batch = mixed(100, np.random.default_rng(4), 1.0)
    told, untold = calibrated.score(batch), plain.score(batch)
    assert (told.drifted, told.severity) == (untold.drifted, untold.severity)
    assert [f.p_value for f in told.findings] == [f.p_value for f in untold.findings]
    assert "x" in told.over_threshold
    assert set(told.over_together) <= set(told.over_threshold)
    assert untold.over_threshold == untold.over_together == ()
    finding = next(f for f in told.findings if (f.detector, f.column) == ("ks", "x"))
    assert calibrated.thresholds is not None
    assert finding.details["threshold"] == calibrated.thresholds.get("ks", "x").alone
    assert finding.details["over_threshold"] is True
    assert any("thresholds for batches of 100 rows at a rate of 0.05" in note for note in told.notes)
    assert "x" in json.loads(told.to_json())["over_together"]
    assert told.settings["thresholds"]["rows"] == 100
    assert "thresholds for batches" in told.to_text()
    assert "thresholds for batches" in told.to_html()


def test_tables_show_thresholds_and_what_they_say(calibrated: ad.Profile) -> None:
    report = calibrated.score(mixed(100, np.random.default_rng(4), 1.0))
    text, page = report.to_text(), report.to_html()
    assert "By thresholds (rate 0.05): ALARM, over that of all together: x" in text
    assert max(map(len, text.splitlines())) <= 100
    (head,) = (line for line in text.splitlines() if line.startswith("column "))
    assert head.split()[:5] == ["column", "detector", "verdict", "value", "threshold"]
    assert "n ref/batch" not in head
    assert "n ref/batch" in report.to_text(width=130)
    finding = next(f for f in report.findings if (f.detector, f.column) == ("ks", "x"))
    value, alone, together = (
        number(v) for v in (finding.statistic, *(finding.details[n] for n in ("threshold", "threshold_together")))
    )
    row = next(line for line in text.splitlines() if line.startswith("x ") and " ks " in line)
    assert f"{value} {alone} !" in " ".join(row.split())
    assert '<th scope="col" class="n">threshold</th>' in page
    assert f'title="of all together: {together}"><b>alarm</b> {alone}</td>' in page
    assert f"is over its threshold of {alone}, and over that of all together, {together}" in page
    assert "by thresholds, rate 0.05" in page
    assert '<option value="5">largest effect' in page
    assert '<option value="8">smallest adjusted p' in page


def test_a_quiet_batch_and_reports_without_thresholds(calibrated: ad.Profile) -> None:
    rng = np.random.default_rng(22)
    quiet = calibrated.score(mixed(100, rng))
    assert quiet.over_together == ()
    assert "By thresholds (rate 0.05): no alarm (the verdict above is that of p-values)" in quiet.to_text()
    plain = ad.Profile.fit(mixed(300, rng), ["psi"], backend="numpy")
    for report in (plain.score(mixed(100, rng)), calibrated.score(mixed(60, rng))):
        text, page = report.to_text(), report.to_html()
        assert "By thresholds" not in text + page
        assert "threshold: of" not in text
        assert ">threshold</th>" not in page
        assert '<option value="4">largest effect' in page


def test_a_report_without_thresholds_together_says_so() -> None:
    rng = np.random.default_rng(0)
    profile = ad.Profile.fit(mixed(300, rng), ["psi", "ks"], backend="numpy").calibrated(20, resamples=120)
    text = profile.score(mixed(20, rng, 9.0)).to_text(width=200)
    assert "By thresholds (rate 0.01): not known, none of all together; over its own: x" in text


def test_statistics_are_those_of_the_report(calibrated: ad.Profile) -> None:
    batch = mixed(100, np.random.default_rng(8))
    found = calibrated.statistics(batch)
    for f in calibrated.score(batch).findings:
        if f.statistic is not None:
            assert found[f.detector]["" if f.detector == "mmd" else f.column] == pytest.approx(f.statistic, rel=1e-9)


def test_batches_of_other_sizes(calibrated: ad.Profile) -> None:
    rng, made = np.random.default_rng(6), calibrated.thresholds
    assert made is not None
    small = calibrated.score(mixed(60, rng, 3.0))
    assert "thresholds are for batches of 100 rows, and this one has 60" in small.warnings[-1]
    assert small.over_threshold == ()
    assert all("threshold" not in f.details for f in small.findings)
    large = calibrated.score(mixed(200, rng))
    assert any("larger than need be" in note for note in large.notes)
    with pytest.raises(ConfigError, match="has 60"):
        made.judge({"ks": {"x": 0.1}}, rows=60)
    few = calibrated.statistics(mixed(60, rng, 3.0))
    assert few.rows == pickle.loads(pickle.dumps(few)).rows == copy.deepcopy(few).rows == 60  # noqa: S301  (our own)
    assert json.loads(json.dumps(few)).keys() == few.keys()
    with pytest.raises(ConfigError, match=r"has 60: .*score\(\)"):
        made.judge(few)
    assert made.judge(few, rows=100).alarm
    assert made.judge(dict(few)).alarm, "a plain dict does not know"
    assert not made.judge({"ks": {"x": 0.01, "y": float("nan")}}, rows=96).alarm
    with pytest.raises(ConfigError, match="no threshold for kl"):
        made.judge({"kl": {"x": 0.1}})
    with pytest.raises(ConfigError, match="there are psi of 'x'"):
        made.get("ks", "z")


def test_thresholds_are_saved_with_the_profile(calibrated: ad.Profile, tmp_path: Path) -> None:
    calibrated.save(tmp_path / "with.adp")
    again = ad.Profile.load(tmp_path / "with.adp")
    assert again.thresholds == calibrated.thresholds
    assert again.contents()["thresholds"].startswith("thresholds for batches of 100 rows")
    plain = ad.Profile.fit(mixed(200, np.random.default_rng(0)), ["psi"], backend="numpy")
    plain.save(tmp_path / "without.adp")
    assert ad.Profile.load(tmp_path / "without.adp").thresholds is None


def test_the_same_seed_draws_the_same_thresholds() -> None:
    profile = ad.Profile.fit(mixed(300, np.random.default_rng(2)), ["psi"], backend="numpy")
    one, two, other = (profile.calibrated(30, 0.1, seed=seed).thresholds for seed in (0, 0, 1))
    assert one is not None
    assert two is not None
    assert other is not None
    assert one.limits == two.limits != other.limits


def test_calibration_falls_due_and_is_made_anew(calibrated: ad.Profile) -> None:
    made = calibrated.thresholds
    assert made is not None
    at, month = datetime.fromisoformat(made.made_at), timedelta(days=30)
    assert not made.due(month, at + timedelta(days=29))
    assert made.due(month, at + month)
    assert not made.due(month)
    for every in (timedelta(0), 30):
        with pytest.raises(ConfigError, match="every is"):
            made.due(every)
    with pytest.raises(ConfigError, match="with its zone"):
        made.due(month, datetime(2030, 1, 1))
    assert at.tzinfo is UTC
    profile = ad.Profile.fit(mixed(300, np.random.default_rng(1)), ["psi"], backend="numpy", alpha=0.05, drop=["n"])
    newer = profile.calibrated(30, 0.1, resamples=200, seed=4).recalibrated(mixed(400, np.random.default_rng(2)))
    assert newer.contents()["rows_held"] == 400
    assert newer.thresholds is not None
    assert newer.thresholds.calibration == profile.calibrated(30, 0.1, resamples=200, seed=4).thresholds.calibration  # type: ignore[union-attr]
    assert {t.column for t in newer.thresholds.limits} == {"x", "y", "c"}
    with pytest.raises(ConfigError, match="no thresholds to make anew"):
        profile.recalibrated(mixed(400, np.random.default_rng(2)))


def test_newer_rows_that_lack_columns_are_refused_by_name() -> None:
    rng = np.random.default_rng(5)
    profile = ad.Profile.fit(mixed(300, rng), ["psi"], backend="numpy").calibrated(30, 0.1, resamples=99)
    fewer = {name: values for name, values in mixed(300, rng).items() if name not in ("y", "c")}
    with pytest.raises(SchemaError, match=r"lacks 'y', 'c'.*fit and calibrate another"):
        profile.recalibrated(fewer)
    more = profile.recalibrated({**mixed(300, rng), "new": rng.normal(size=300)}).thresholds
    assert more is not None
    assert {t.column for t in more.limits} == {*"xync", "new"}


def test_columns_without_spread_or_value() -> None:
    rng = np.random.default_rng(0)
    data: Data = {"same": [1.0] * 200, "never": [None] * 200, "x": rng.normal(size=200)}
    profile = ad.Profile.fit(data, ["psi", "ks", "missing"], backend="numpy", kinds={"same": "numeric"})
    made = profile.calibrated(20, 0.1).thresholds
    assert made is not None
    assert made.get("psi", "same").alone == made.get("ks", "same").alone == 0.0
    moved = {"same": [1.0] * 10 + [2.0] * 10, "never": [None] * 20, "x": rng.normal(size=20)}
    assert ("psi", "same") in made.judge(profile.statistics(moved)).together
    there = {"same": [1.0] * 20, "never": [3.0] * 20, "x": rng.normal(size=20)}
    assert ("missing", "never") in made.judge(profile.statistics(there)).together


def test_ties_count_against_an_alarm() -> None:
    profile = ad.Profile.fit({"c": ["a", "b"] * 100}, ["total_variation"], backend="numpy")
    made = profile.calibrated(20, 0.1).thresholds
    assert made is not None
    limit = made.get("total_variation", "c")
    assert not made.judge({"total_variation": {"c": limit.alone}}).alone
    assert made.judge({"total_variation": {"c": limit.alone + 1e-9}}).alone


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": 0}, "rows is 0"),
        ({"rows": 2.5}, "rows is 2.5"),
        ({"rows": 900}, "at most, and up to 60 cost little"),
        ({"rows": 30, "rate": 0}, "rate is 0"),
        ({"rows": 30, "rate": 1.0}, "rate is 1.0"),
        ({"rows": 30, "rate": 0.01, "resamples": 98}, "takes 99 at least"),
        ({"rows": 30, "resamples": "many"}, "resamples is 'many'"),
        ({"rows": 30, "block": "nothing"}, "no column 'nothing'"),
        ({"rows": 30, "block": 10, "rate": 0.01}, "has 3; a rate of 0.01"),
        ({"rows": 150, "block": 15}, "has 10; a rate"),
    ],
)
def test_wrong_input_is_refused(options: Data, message: str) -> None:
    rows = 80 if options.get("block") == 10 else 300
    profile = ad.Profile.fit(mixed(rows, np.random.default_rng(0)), ["psi"], backend="numpy")
    if options.get("block") == 15:
        profile = ad.Profile.fit(mixed(270, np.random.default_rng(0)), ["psi"], backend="numpy")
    with pytest.raises(AccelDriftError, match=message):
        profile.calibrated(**options)


def test_blocks_must_be_the_profiles_and_whole() -> None:
    rng = np.random.default_rng(0)
    blocked = ad.Profile.fit(days(100, rng), ["psi"], backend="numpy", block="day")
    made = blocked.calibrated(100, 0.1).thresholds
    assert made is not None
    assert (made.block, made.blocks) == ("day", 5)
    with pytest.raises(ConfigError, match="the profile permutes 'day'"):
        blocked.calibrated(100, 0.1, block=10)
    part = ad.Profile.fit(days(100, rng), ["psi"], backend="numpy", sample_rows=500)
    with pytest.raises(ConfigError, match="no block is whole"):
        part.calibrated(100, 0.1, block="day")


def test_few_blocks_and_large_batches_are_warned_of() -> None:
    rng = np.random.default_rng(0)
    profile = ad.Profile.fit(days(30, rng), ["psi"], backend="numpy")
    made = profile.calibrated(40, 0.1, block="day").thresholds
    assert made is not None
    assert any("has 30 blocks" in warning for warning in made.warnings)
    large = profile.calibrated(250, 0.1).thresholds
    assert large is not None
    assert any("larger than need be" in warning for warning in large.warnings)
    assert "WARNING" in str(large)


def test_every_batch_of_few_is_drawn_once() -> None:
    profile = ad.Profile.fit(days(40, np.random.default_rng(0)), ["ks"], backend="numpy")
    made = profile.calibrated(20, 0.1, block="day").thresholds
    assert made is not None
    assert (made.resamples, made.blocks) == (40, 1)


def test_progress_is_told() -> None:
    seen: list[tuple[int, int, str]] = []
    profile = ad.Profile.fit(mixed(300, np.random.default_rng(0)), ["psi", "mmd"], backend="numpy")
    profile.calibrated(30, 0.1, progress=lambda *told: seen.append(told))
    assert {what for _, _, what in seen} == {"columns", "mmd"}


def test_plain_values_and_back(calibrated: ad.Profile) -> None:
    made = calibrated.thresholds
    assert made is not None
    assert Thresholds.from_dict(json.loads(json.dumps(made.to_dict()))) == made
    assert repr(made) == "<12 thresholds for batches of 100 rows at a rate of 0.05>"
    assert "(all together)" in str(made)


def test_no_column_is_left() -> None:
    data = {"t": np.datetime64("2024-01-01") + np.arange(100), "x": np.arange(100)}
    profile = ad.Profile.fit(data, ["psi"], backend="numpy")
    with pytest.raises(DataError, match="no column is left"):
        profile.calibrated(10, 0.1)
