"""What detectors say, read as a score and an alarm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift import evaluation as ev
from accel_drift.errors import ConfigError, DataError

RNG = np.random.default_rng(0)
REFERENCE, CLEAN = RNG.normal(size=(400, 3)), RNG.normal(size=(100, 3))
DRIFTED = CLEAN + 1.0


@pytest.mark.parametrize(
    ("answer", "score", "alarm"),
    [
        (ev.Judged(0.25, True), 0.25, True),
        (np.True_, 1.0, True),
        (False, 0.0, False),
        ({"data": {"is_drift": 1, "distance": np.array([0.1, 0.3]), "p_val": np.array([0.5, 0.1])}}, 0.3, True),
        ({"data": {"is_drift": 0, "p_val": 0.01}}, 2.0, False),
        ({"data": {"is_drift": 0}}, 0.0, False),
    ],
)
def test_plain_answers(answer: Any, score: float, alarm: bool) -> None:
    made = ev.judged(answer)
    assert made.score == pytest.approx(score)
    assert made.alarm is alarm


@pytest.mark.parametrize("answer", [0.3, None, "drift", (0.3, True), {"is_drift": True}, ev.Judged("a", True)])  # type: ignore[arg-type]
def test_what_does_not_say_whether_it_is_an_alarm_is_refused(answer: Any) -> None:
    with pytest.raises(DataError, match=r"alarm"):
        ev.judged(answer)


@pytest.mark.parametrize("row", [0, -3, 1.5, True, "2"])
def test_an_alarm_is_at_a_row(row: Any) -> None:
    with pytest.raises(DataError, match="how many rows of the batch had come, 1 or more"):
        ev.judged(ev.Judged(1.0, True, row))
    assert ev.judged(ev.Judged(1.0, True, np.int64(3))).row == 3  # type: ignore[arg-type]


def test_our_detectors_of_batches_give_their_largest_statistic() -> None:
    detection = ad.KS().fit(REFERENCE, backend="numpy").detect(DRIFTED)
    made = ev.judged(detection)
    assert made.alarm
    assert made.score == np.max(detection.statistic)
    joint = ad.MMD(permutations=99).fit(REFERENCE, backend="numpy").detect(CLEAN)
    assert ev.judged(joint).score == joint.statistic


def test_a_score_of_p_values_compares_columns_of_several_kinds() -> None:
    fitted = ev.OfBatches(ad.KS(), score="p_value").fit(REFERENCE)
    p_value = ad.KS().fit(REFERENCE, backend="numpy").detect(CLEAN).p_value
    assert fitted.detect(CLEAN).score == pytest.approx(-np.log10(np.min(p_value)))
    with pytest.raises(ConfigError, match="'statistic' and 'p_value'"):
        ev.OfBatches(ad.KS(), score="effect")  # type: ignore[arg-type]


def test_wasserstein_is_scored_in_a_unit_that_columns_share() -> None:
    wide = REFERENCE * [1, 1, 1000], DRIFTED * [1, 1, 1000]
    narrow = ev.OfBatches(ad.Wasserstein()).fit(REFERENCE).detect(DRIFTED).score
    assert ev.OfBatches(ad.Wasserstein()).fit(wide[0]).detect(wide[1]).score == pytest.approx(narrow, rel=1e-6)


def test_a_report_a_look_events_and_alarms_of_rows_are_read() -> None:
    profile = ad.Profile.fit(REFERENCE, ["ks", "psi"], backend="numpy")
    assert ev.judged(profile.score(DRIFTED)).alarm
    look = ad.SequentialTwoSample().open(REFERENCE, backend="numpy").update(DRIFTED)
    assert ev.judged(look).score == look.log_evidence
    online = ad.OnlineMMD(arl=500, window=20).open(REFERENCE, backend="numpy")
    assert not ev.judged(online.update(CLEAN[:30])).alarm
    alarms = online.update(DRIFTED)
    made = ev.judged(alarms)
    assert made.row == alarms.row[0] - 30 + 1
    assert made.score >= alarms.threshold


def test_streams_are_columns_behind_the_reference() -> None:
    fitted = ev.OverColumns(ad.ADWIN()).fit(REFERENCE)
    assert not fitted.detect(CLEAN).alarm
    made = fitted.detect(DRIFTED)
    assert made.alarm
    assert made.row is not None
    assert 1 <= made.row <= 100


def test_anew_forgets_the_batches_before() -> None:
    anew = ev.OverColumns(ad.ADWIN(), anew=True)
    fitted = anew.fit(REFERENCE)
    assert fitted.detect(DRIFTED) == fitted.detect(DRIFTED)
    assert fitted.detect(DRIFTED).alarm
    assert not fitted.detect(CLEAN).alarm
    assert not anew.stateful
    assert ev.OverColumns(ad.ADWIN()).stateful


def test_detectors_of_shares_read_ranks_and_those_of_errors_need_a_function() -> None:
    assert ev.OverColumns(ad.HDDM_A()).fit(REFERENCE * 100).detect(DRIFTED * 100).alarm
    with pytest.raises(ConfigError, match="values=function"):
        ev.OverColumns(ad.DDM())
    wrong = ev.OverColumns(ad.DDM(), values=lambda rows: (np.asarray(rows)[:, 0] > 1).astype(float)).fit(REFERENCE)
    assert wrong.detect(DRIFTED).alarm


def test_columns_without_numbers_are_told() -> None:
    with pytest.raises(DataError, match="no column of numbers"):
        ev.OverColumns(ad.ADWIN()).fit({"c": np.array(["a", "b"], dtype=object)})
    fitted = ev.OverColumns(ad.ADWIN()).fit({"x": REFERENCE[:, 0], "y": REFERENCE[:, 1]})
    with pytest.raises(DataError, match="lacks columns of numbers that the reference has: y"):
        fitted.detect({"x": CLEAN[:, 0]})
