"""e-BH, LORD and SAFFRON: against plain loops of the papers' formulas, and by simulation."""

from __future__ import annotations

import json
from itertools import pairwise
from math import exp, inf, log, sqrt
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr, zeta
from scipy.stats import binom

import accel_drift as ad
from accel_drift.errors import ConfigError, DataError
from accel_drift.sequential.fdr import OnlineFDR
from accel_drift.sequential.look import ColumnEvidence

RULES: tuple[type[OnlineFDR], ...] = (ad.LORD, ad.SAFFRON)


def by_definition(e: list[float], alpha: float) -> list[bool]:
    """The largest k of which k e-values are at least K / (k alpha)."""
    for k in range(len(e), 0, -1):
        large = [v >= len(e) / (k * alpha) for v in e]
        if sum(large) >= k:
            return large
    return [False] * len(e)


def test_e_bh_is_its_definition() -> None:
    rng = np.random.default_rng(1)
    for size in (0, 1, 2, 7, 40):
        for _ in range(30):
            e = np.exp(rng.normal(1.0, 3.0, size)).round(1)
            assert ad.e_bh(e, alpha=0.2).tolist() == by_definition(e.tolist(), 0.2)


def test_e_bh_of_names_logarithms_and_extremes() -> None:
    e = {"a": 0.0, "b": inf, "c": 39.0, "d": 1.0}
    assert ad.e_bh(e) == ("b",)
    assert ad.e_bh({**e, "c": 40.0}) == ("b", "c")
    with np.errstate(divide="ignore"):
        logs = {name: float(np.log(value)) for name, value in {**e, "c": 40.0}.items()}
    assert ad.e_bh(logs, log=True) == ("b", "c")
    assert ad.e_bh(np.array([1e5, 2e5, 2.9]), log=True).tolist() == [True, True, False]
    assert ad.e_bh({}) == ()
    assert ad.e_bh([20.0]).tolist() == [True]
    assert ad.e_bh([19.99]).tolist() == [False]


@pytest.mark.parametrize(
    ("e", "options", "error"),
    [
        ([1.0, np.nan], {}, DataError),
        ([1.0, -0.1], {}, DataError),
        ([1.0, np.nan], {"log": True}, DataError),
        ([[1.0, 2.0]], {}, DataError),
        (3.0, {}, DataError),
        (["much"], {}, DataError),
        ([1.0], {"alpha": 0.0}, ConfigError),
        ([1.0], {"alpha": 1.0}, ConfigError),
    ],
)
def test_e_bh_refuses(e: Any, options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        ad.e_bh(e, **options)


def gamma(rule: type[OnlineFDR], j: int) -> float:
    """The sequences, one number after another."""
    if rule is ad.SAFFRON:
        return float(j**-1.6 / zeta(1.6))
    return log(max(j, 2)) / (j * exp(sqrt(log(j)))) / 12.645107872871751


def plain(rule: type[OnlineFDR], p: list[float], alpha: float, w0: float, lam: float) -> tuple[list[bool], list[float]]:
    """The papers' sums, test after test."""
    rejected: list[bool] = []
    levels: list[float] = []
    for t in range(1, len(p) + 1):
        found = [0] + [i + 1 for i, yes in enumerate(rejected) if yes]
        total = 0.0
        for place, tau in enumerate(found):
            candidates = sum(p[i - 1] <= lam for i in range(tau + 1, t)) if rule is ad.SAFFRON else 0
            total += {0: w0, 1: alpha - w0}.get(place, alpha) * gamma(rule, t - tau - candidates)
        levels.append(min(lam, (1 - lam) * total) if rule is ad.SAFFRON else total)
        rejected.append(p[t - 1] <= levels[-1])
    return rejected, levels


def mixed(rng: np.random.Generator, count: int, share: float, shift: float = 3.0) -> tuple[Any, Any]:
    """p-values of one-sided tests of normal means, and which of the means moved."""
    false = rng.random(count) < share
    return ndtr(-(rng.standard_normal(count) + shift * false)), false


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("alpha", "wealth", "lam"), [(0.05, None, 0.5), (0.2, 0.05, 0.3)])
def test_levels_are_the_papers(rule: type[OnlineFDR], alpha: float, wealth: float | None, lam: float) -> None:
    p, _ = mixed(np.random.default_rng(2), 150, 0.4)
    options: dict[str, Any] = {"lambda_": lam} if rule is ad.SAFFRON else {}
    tested = rule(alpha=alpha, wealth=wealth, independent=True, **options).test(p)
    rejected, levels = plain(rule, p.tolist(), alpha, alpha / 2 if wealth is None else wealth, lam)
    assert sum(rejected) > 10
    assert tested.rejected.tolist() == rejected
    assert tested.levels == pytest.approx(levels, rel=1e-12)


def test_sequences_fall_and_sum_to_one() -> None:
    many = 200_000
    j = np.arange(1.0, many)
    v = sqrt(log(many))
    beyond = {
        ad.SAFFRON: many**-0.6 / 0.6 / zeta(1.6),
        ad.LORD: 2 * exp(-v) * (v**3 + 3 * v**2 + 6 * v + 6) / 12.645107872871751,
    }
    for rule in RULES:
        numbers = rule.gamma(j)
        assert (np.diff(numbers) < 0).all()
        last = gamma(rule, many)
        assert numbers.sum() + beyond[rule] + last / 2 == pytest.approx(1.0, abs=1e-10)


@pytest.mark.parametrize("rule", RULES)
def test_any_cut_and_a_kept_state_are_the_same_to_the_bit(rule: type[OnlineFDR]) -> None:
    p, _ = mixed(np.random.default_rng(3), 5000, 0.3)
    whole = rule(independent=True)
    expected = whole.test(p)
    assert whole.tests == 5000
    assert whole.discoveries == expected.rejected.sum() > 500
    one, parts = rule(independent=True), []
    for lo, hi in pairwise([0, 0, 1, 2, 3, 1000, 1001, 4200, 5000]):
        parts.append(one.test(p[lo:hi]))
        one = rule.from_state(json.loads(json.dumps(one.state())))
    assert np.concatenate([t.rejected for t in parts]).tolist() == expected.rejected.tolist()
    assert np.concatenate([t.levels for t in parts]).tolist() == expected.levels.tolist()
    assert one.state() == whole.state()


@pytest.mark.parametrize("rule", RULES)
def test_single_p_values_are_the_same_as_all_at_once(rule: type[OnlineFDR]) -> None:
    p, _ = mixed(np.random.default_rng(4), 300, 0.3)
    expected, one = rule(independent=True).test(p), rule(independent=True)
    single = [one.test(float(value)) for value in p]
    assert [t.levels.tolist() for t in single] == [[level] for level in expected.levels.tolist()]
    assert [bool(t.rejected) for t in single] == expected.rejected.tolist()


@pytest.mark.parametrize("rule", RULES)
def test_the_false_discovery_rate_is_at_most_alpha(rule: type[OnlineFDR]) -> None:
    """1,000 runs of 300 tests for each share of false hypotheses; FDR and mFDR, and more power than Bonferroni's."""
    rng, alpha, runs = np.random.default_rng(5), 0.1, 1000
    for share in (0.1, 0.5):
        shares, wrong, all_found, right, of, plainly = [], 0, 0, 0, 0, 0
        for _ in range(runs):
            p, false = mixed(rng, 300, share)
            found = rule(alpha=alpha, independent=True).test(p).rejected
            mistakes = int((found & ~false).sum())
            shares.append(mistakes / max(found.sum(), 1))
            wrong, all_found = wrong + mistakes, all_found + int(found.sum())
            right, of = right + int((found & false).sum()), of + int(false.sum())
            plainly += int(((p <= alpha / 300) & false).sum())
        error = np.std(shares) / sqrt(runs)
        assert np.mean(shares) - 4 * error <= alpha
        assert wrong / all_found - 4 * sqrt(alpha / all_found) <= alpha
        assert right > 1.1 * plainly if share == 0.5 else right > 0


@pytest.mark.parametrize("rule", RULES)
def test_without_a_false_hypothesis_hardly_any_run_has_a_discovery(rule: type[OnlineFDR]) -> None:
    rng, alpha, runs = np.random.default_rng(6), 0.1, 1000
    found = sum(bool(rule(alpha=alpha, independent=True).test(rng.random(300)).rejected.any()) for _ in range(runs))
    assert 0 < found <= binom.isf(1e-6, runs, alpha)


def test_e_bh_holds_its_rate_where_e_values_depend() -> None:
    """Every hypothesis shares one half of its noise with all others."""
    rng, alpha, shift, shares, right = np.random.default_rng(7), 0.1, 4.0, [], 0
    for _ in range(2000):
        false = rng.random(40) < 0.25
        z = sqrt(0.5) * rng.standard_normal() + sqrt(0.5) * rng.standard_normal(40) + shift * false
        found = ad.e_bh(shift * z - shift**2 / 2, alpha=alpha, log=True)
        shares.append((found & ~false).sum() / max(found.sum(), 1))
        right += int((found & false).sum())
    assert np.mean(shares) - 4 * np.std(shares) / sqrt(2000) <= alpha
    assert right > 2000


@pytest.mark.parametrize("rule", RULES)
def test_independence_has_to_be_said(rule: type[OnlineFDR]) -> None:
    with pytest.raises(ConfigError, match=r"independent=True.*e_bh"):
        rule()
    with pytest.raises(ConfigError):
        rule(independent="yes")  # type: ignore[arg-type]


def test_what_shares_a_reference_is_refused_with_the_reason() -> None:
    finding = ad.Finding(
        column="x", columns=("x",), detector="ks", status=ad.Status.STABLE, severity=ad.Severity.NONE, statistic=0.1,
        p_value=0.2, p_method="exact", adjusted_p_value=None, effect=0.1, interval=None, unit="",
        n_reference=9, n_batch=9,
    )  # fmt: skip
    report = ad.Report(
        reference="r",
        batch="b",
        n_reference=9,
        n_batch=9,
        drifted=False,
        severity=finding.severity,
        findings=(finding,),
    )
    lord = ad.LORD(independent=True)
    look = ad.Look(1, 9, 0.0, 0.0, False, "", None, ColumnEvidence(x=0.0))
    for given in (report, [report], report.findings, [0.1, finding]):
        with pytest.raises(DataError, match=r"share its rows.*e_bh"):
            lord.test(given)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"look\.columns.*reuses reference rows"):
        lord.test(look)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"look\.columns"):
        ad.e_bh(look)  # type: ignore[call-overload]
    with pytest.raises(DataError, match=r"by name.*look\.columns"):
        lord.test({"x": 0.1})  # type: ignore[arg-type]
    assert ad.e_bh(look.columns, log=True) == ()
    assert lord.tests == 0


@pytest.mark.parametrize(
    ("test", "why"),
    [
        (ad.SequentialTwoSample(guarantee="run_length", kernel=False), 'guarantee="ever"'),
        (ad.Sequential("ks", guarantee="run_length"), 'guarantee="ever"'),
        (ad.Sequential("ks", reuse=True), "tolerance="),
    ],
)
def test_evidence_that_is_no_e_value_is_refused(test: Any, why: str) -> None:
    rng = np.random.default_rng(0)
    look = test.open(rng.normal(size=(500, 3)), backend="numpy").update(rng.normal(size=(50, 3)))
    for given in (look.columns, look):
        with pytest.raises(DataError, match=why):
            ad.e_bh(given, log=True)


@pytest.mark.parametrize(
    "test",
    [
        ad.SequentialTwoSample(kernel=False),
        ad.Sequential("ks"),
        ad.Sequential(ad.KS(tolerance=0.2), reuse=True),
    ],
)
def test_evidence_that_is_an_e_value_is_taken(test: Any) -> None:
    rng = np.random.default_rng(0)
    watch = test.open(rng.normal(size=(900, 3)), backend="numpy")
    moved = rng.normal([0.0, 0.0, 3.0], size=(600, 3))
    looks = [watch.update(moved[i : i + 100]) for i in range(0, 600, 100)]
    assert ad.e_bh(looks[-1].columns, log=True) == ("x2",)


@pytest.mark.parametrize("alpha", [0.1, 0.05, 0.03, 0.01, 0.001])
def test_a_lone_e_value_of_one_over_alpha_is_rejected_on_either_scale(alpha: float) -> None:
    assert ad.e_bh([1 / alpha], alpha=alpha).all()
    assert ad.e_bh([-np.log(alpha)], alpha=alpha, log=True).all()


@pytest.mark.parametrize("p", [[0.5, np.nan], [-0.1], [1.1], [[0.1]], ["a"], None, [True], {"x": 0.1}])
def test_p_values_that_are_none_change_nothing(p: Any) -> None:
    saffron = ad.SAFFRON(independent=True)
    before = saffron.state()
    with pytest.raises(DataError):
        saffron.test(p)
    assert saffron.state() == before


@pytest.mark.parametrize(
    "options", [{"alpha": 0.0}, {"wealth": 0.05}, {"wealth": 0.0}, {"lambda_": 1.0}, {"lambda_": "half"}]
)
def test_options_that_cannot_work(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        ad.SAFFRON(independent=True, **options)


def test_a_state_of_something_else_is_refused() -> None:
    state = ad.LORD(independent=True).state()
    without = {name: value for name, value in state.items() if name != "clock"}
    for wrong in (ad.SAFFRON(independent=True).state(), {}, without, {**state, "more": 1}):
        with pytest.raises(ConfigError, match=r"no state of LORD \(.*give what state\(\) gave"):
            ad.LORD.from_state(wrong)
    for nothing in (None, "lord", 3, [("method", "lord")]):
        with pytest.raises(ConfigError, match=r"no state of LORD \(it is a"):
            ad.LORD.from_state(nothing)  # type: ignore[arg-type]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tests": "a"}, "whole numbers"),
        ({"tests": True}, "whole numbers"),
        ({"clock": 2.0}, "whole numbers"),
        ({"marks": [None]}, "whole numbers"),
        ({"marks": 3}, "not iterable"),
        ({"marks": "one"}, "whole numbers"),
        ({"tests": 4}, "of 4 tests 5 used up a place"),
        ({"clock": -1}, "of 9 tests -1 used up"),
        ({"marks": [0] * 10}, "10 were discoveries"),
        ({"marks": [3, 2]}, "marks rise from 0 to 5"),
        ({"marks": [2, 6]}, "marks rise from 0 to 5"),
        ({"marks": [-1]}, "marks rise from 0 to 5"),
        ({"alpha": "a"}, "alpha is 'a'"),
        ({"independent": None}, "independent=True"),
    ],
)
def test_a_past_that_cannot_have_been_is_refused(rule: type[OnlineFDR], change: dict[str, Any], said: str) -> None:
    state = {**rule(independent=True).state(), "tests": 9, "clock": 5, "marks": [2, 5]}
    assert rule.from_state(state).discoveries == 2
    with pytest.raises(ConfigError, match=said):
        rule.from_state({**state, **change})


def test_logarithms_that_were_not_said_to_be_are_guessed() -> None:
    with pytest.raises(DataError, match=r"e-value 1 is -2.0; they are from 0 to infinity; .* logarithms, say log=True"):
        ad.e_bh([1.0, -2.0])
    with pytest.raises(DataError) as told:
        ad.e_bh([1.0, np.nan])
    assert "log" not in str(told.value)


def test_extremes_of_p_values() -> None:
    for rule in RULES:
        tested = rule(independent=True).test(np.array([0.0, 1.0, 0.0]))
        assert tested.rejected.tolist() == [True, False, True]
        assert len(rule(independent=True).test([]).rejected) == 0
