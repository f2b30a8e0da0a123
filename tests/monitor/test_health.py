"""Health is 100 where nothing drifted, falls with every severity, and says what it is made of."""

from __future__ import annotations

import json
from dataclasses import replace
from math import inf, nan, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import accel_drift as ad
from accel_drift.errors import ConfigError, DataError
from accel_drift.finding import Finding, Severity, Status
from accel_drift.monitor.health import FORMULA, LINES, Health, health
from accel_drift.report import ColumnChanges, Report

BANDS = (0.1, 0.2, 0.25)
LADDER = (Severity.WATCH, Severity.WARNING, Severity.CRITICAL)


def finding(
    column: str = "income",
    effect: float | None = 0.0,
    *,
    status: Status | None = None,
    bands: tuple[float, ...] = BANDS,
    **more: Any,
) -> Finding:
    """What a detector with these bands would say of such an effect."""
    reached = sum(effect is not None and effect >= band for band in bands)
    status = status or (Status.DRIFTED if reached or (not bands and effect) else Status.STABLE)
    severity = Severity.NONE
    if status is Status.DRIFTED:
        severity = LADDER[max(0, reached - 1)] if bands else Severity.WARNING
    tested = status.tested
    values: dict[str, Any] = {
        "column": column,
        "columns": (column,),
        "detector": "psi",
        "status": status,
        "severity": severity,
        "statistic": effect,
        "p_value": 0.5 if tested else None,
        "p_method": "exact" if tested else "",
        "adjusted_p_value": 0.5 if tested else None,
        "effect": effect,
        "interval": None,
        "unit": "PSI",
        "n_reference": 100,
        "n_batch": 100,
        "details": {"bands": list(bands)} if bands else {},
    }
    return Finding(**{**values, **more})


def report(*findings: Finding, **more: Any) -> Report:
    worst = max((f.severity for f in findings), key=lambda s: s.rank, default=Severity.NONE)
    values = {"reference": "a", "batch": "b", "n_reference": 100, "n_batch": 100, "drifted": worst.rank > 0}
    return Report(**{**values, "severity": worst, "findings": findings, **more})


def scores(found: Health) -> dict[str, float]:
    return {c.column: c.score for c in found.columns}


def test_a_clean_report_has_exactly_100() -> None:
    rng = np.random.default_rng(3)
    rows = {name: rng.normal(size=2_000) for name in "abcdefg"}
    seen = ad.compare(rows, {name: rng.normal(size=1_000) for name in rows}, seed=0)
    assert not seen.drifted
    found = health(seen)
    assert found.value == 100.0
    assert set(scores(found)) == {*"abcdefg"} | {c.column for c in found.columns}
    assert not any(scores(found).values())


@pytest.mark.parametrize(
    ("effect", "score"),
    [(0.0, 0), (0.0999, 0), (0.1, 0.25), (0.15, 0.375), (0.2, 0.5), (0.225, 0.625), (0.25, 0.75), (0.5, 0.875)],
)
def test_scores_are_fixed_at_the_lines_and_straight_between(effect: float, score: float) -> None:
    found = health(report(finding(effect=effect)))
    assert scores(found) == {"income": pytest.approx(score)}
    assert found.value == pytest.approx(100 * (1 - score))


def test_beyond_critical_the_score_saturates() -> None:
    assert scores(health(report(finding(effect=1e9))))["income"] == pytest.approx(1)
    assert health(report(finding(effect=inf))).value == 0.0


@pytest.mark.parametrize("effect", [None, nan, -0.01, 0.01])
def test_an_effect_below_its_severity_counts_as_where_that_begins(effect: float | None) -> None:
    """A part of the effect was judged, or a least effect below the first line was asked for."""
    for severity, line in zip(LADDER, LINES, strict=True):
        one = finding(effect=effect, status=Status.DRIFTED, severity=severity)
        assert scores(health(report(one))) == {"income": line}


def test_an_effect_above_its_severity_counts_as_where_that_ends() -> None:
    one = finding(effect=9.0, severity=Severity.WARNING)
    assert scores(health(report(one))) == {"income": LINES[2]}


@pytest.mark.parametrize("bands", [(), (0.0, 0.0, 0.0), (0.2, 0.2, 0.2), (-1.0, 0.0, 0.3)])
def test_other_scales_cannot_break_it(bands: tuple[float, ...]) -> None:
    for severity in LADDER:
        made = scores(health(report(finding(effect=0.4, bands=bands, status=Status.DRIFTED, severity=severity))))
        assert LINES[severity.rank - 1] <= made["income"] <= 1


def test_a_drift_on_a_scale_without_lines_has_the_number_of_its_severity() -> None:
    joint = finding("a, b", 0.003, bands=(), columns=("a", "b"), detector="mmd")
    found = health(report(joint, finding("a"), finding("b")))
    assert scores(found) == {"a, b": 0.5, "a": 0, "b": 0}
    assert found.value == pytest.approx(100 * (1 - sqrt(0.25 / 3)))
    assert "without lines" in found.columns[0].reason


def test_small_but_significant_is_healthy() -> None:
    assert health(report(finding(effect=0.05, status=Status.SIGNIFICANT_SMALL))).value == 100.0


def test_the_worst_of_several_findings_counts() -> None:
    found = health(report(finding(effect=0.1), finding(effect=0.3, detector="ks"), finding(effect=0.0, detector="kl")))
    assert [(c.column, c.detector, c.severity) for c in found.columns] == [("income", "ks", Severity.CRITICAL)]
    assert found.columns[0].reason == "ks 0.300: critical, which begins at 0.25"


def test_the_value_is_the_quadratic_mean_of_the_scores() -> None:
    found = health(report(finding("a", 0.2), finding("b", 0.1), finding("c"), finding("d")))
    assert found.value == pytest.approx(100 * (1 - sqrt((0.25 + 0.0625) / 4)))
    assert [c.column for c in found.columns][:2] == ["a", "b"]
    weighted = health(report(finding("a", 0.2), finding("b", 0.1)), weights={"a": 3, "b": 0.5})
    assert weighted.value == pytest.approx(100 * (1 - sqrt((3 * 0.25 + 0.5 * 0.0625) / 3.5)))


def test_columns_that_were_not_tested_do_not_count_and_are_told() -> None:
    seen = report(
        finding("a"),
        finding("b", None, status=Status.TOO_FEW_ROWS),
        finding("c", None, status=Status.CONSTANT, note="all are 7"),
        finding("a", None, status=Status.NOT_COMPARABLE, detector="kl"),
        excluded={"id": "identifier-like"},
    )
    found = health(seen)
    assert found.value == 100.0
    assert found.untested == {"b": "too few rows", "c": "all are 7", "id": "identifier-like"}
    assert scores(found) == {"a": 0}


def test_columns_gone_or_of_another_type_are_as_bad_as_can_be() -> None:
    changes = ColumnChanges(added=("new",), removed=("gone",), retyped=(("age", "int64", "string"),))
    left_out = {"age": "retyped", "gone": "removed"}
    found = health(report(finding("a"), finding("b"), schema_diff=changes, excluded=left_out))
    assert scores(found) == {"gone": 1, "age": 1, "a": 0, "b": 0}
    assert found.value == pytest.approx(100 * (1 - sqrt(0.5)))
    assert found.columns[1].reason == "the column is string, and was int64"
    assert (found.added, dict(found.untested)) == (("new",), {})
    assert health(report(schema_diff=ColumnChanges(removed=("gone",)))).value == 0.0


def test_without_a_tested_column_there_is_no_value_and_a_reason() -> None:
    few = health(report(finding("b", None, status=Status.TOO_FEW_ROWS), finding("c", None, status=Status.ALL_MISSING)))
    assert (few.value, few.reason) == (None, "no column was tested (b: too few rows, and 1 more)")
    assert health(report()).reason == "there are no columns"
    light = health(report(finding("a", 0.3)), weights={"a": 0})
    assert (light.value, light.reason) == (None, "every column that was tested has the weight 0")


@pytest.mark.parametrize("weight", [-1, nan, inf, "2", None, True])
def test_weights_that_are_none_are_refused(weight: Any) -> None:
    with pytest.raises(ConfigError, match=r"the weight of 'income' is .*; it is a number from 0 up"):
        health(report(finding()), weights={"income": weight})


def test_a_weight_of_no_column_is_refused_by_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="weights names 'incme', which the report lacks; it has 'income'"):
        health(report(finding()), weights={"incme": 1})
    with pytest.raises(ConfigError, match="give a mapping"):
        health(report(finding()), weights=[1])  # type: ignore[arg-type]
    named = {"id": 1.0, "gone": 2.0, "new": 1.0, "b": 1.0}
    changes = ColumnChanges(added=("new",), removed=("gone",))
    untested = finding("b", None, status=Status.TOO_FEW_ROWS)
    health(report(untested, excluded={"id": "a key"}, schema_diff=changes), weights=named)


def test_what_is_no_report_is_refused() -> None:
    with pytest.raises(DataError, match="dict is no Report; give what compare or score returned"):
        health({})  # type: ignore[arg-type]


def test_it_is_plain_json() -> None:
    found = health(report(finding(effect=inf), excluded={"id": "a key"}))
    made = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert (made["value"], made["formula"], made["untested"]) == (0.0, FORMULA, {"id": "a key"})
    assert made["columns"][0] == {
        "column": "income",
        "score": 1.0,
        "weight": 1.0,
        "severity": "critical",
        "detector": "psi",
        "reason": "psi inf: critical, which begins at 0.25",
    }


def test_real_reports_of_three_scenes_are_in_order() -> None:
    """A clean window, a slow decay of some columns, a sudden shift of most."""
    rng = np.random.default_rng(11)
    rows = {f"c{i}": rng.normal(size=4_000) for i in range(10)}
    values = []
    for sizes in ([0.0] * 10, [0.35] * 4 + [0.0] * 6, [2.0] * 6 + [0.0] * 4):
        batch = {name: rng.normal(size, 1, 2_000) for name, size in zip(rows, sizes, strict=True)}
        values.append(health(ad.compare(rows, batch, ["psi"], seed=0)).value or 0.0)
    assert values[0] == 100.0
    assert 70 < values[1] < 95
    assert 10 < values[2] < 50


FINDINGS = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from(["psi", "ks", "mmd"]),
        st.sampled_from([Status.STABLE, Status.SIGNIFICANT_SMALL, Status.DRIFTED]),
        st.floats(0, 1e6),
    ),
    min_size=1,
    max_size=8,
)


@given(FINDINGS, st.data(), st.floats(0, 1e6), st.lists(st.floats(0, 9), min_size=4, max_size=4))
def test_what_is_more_severe_never_raises_health(
    drawn: list[tuple[str, str, Status, float]], data: st.DataObject, more: float, given_weights: list[float]
) -> None:
    made = [finding(c, e, status=s, detector=d, bands=() if d == "mmd" else BANDS) for c, d, s, e in drawn]
    weights = {c: w for c, w in zip("abcd", given_weights, strict=True) if c in {f.column for f in made}}
    place = data.draw(st.integers(0, len(made) - 1))
    old = made[place]
    worse = finding(
        old.column,
        (old.effect or 0.0) + more,
        status=Status.DRIFTED,
        detector=old.detector,
        details=old.details,
        bands=() if old.detector == "mmd" else BANDS,
    )
    before = health(report(*made), weights=weights)
    after = health(report(*made[:place], worse, *made[place + 1 :]), weights=weights)
    assert (before.value is None) == (after.value is None)
    if before.value is not None and after.value is not None:
        assert 0 <= after.value <= before.value + 1e-9 <= 100 + 1e-9
    if before.value is not None and not any(f.status is Status.DRIFTED for f in made):
        assert before.value == 100.0


def test_the_order_of_findings_changes_nothing() -> None:
    made = [finding("a", 0.3), finding("b", 0.12), finding("c"), finding("b", 0.22, detector="ks")]
    first, second = health(report(*made)), health(report(*made[::-1]))
    assert first.value == second.value
    assert scores(first) == scores(second)
    assert replace(first, columns=()) == replace(second, columns=())
