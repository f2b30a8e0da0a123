"""The arithmetic of evidence: two contracts, stakes, zero and infinity."""

from __future__ import annotations

from itertools import product
from math import inf, log

import numpy as np
import pytest

from accel_drift.errors import ConfigError
from accel_drift.sequential.evidence import Evidence, Guarantee, check_guarantee, promise


def after(guarantee: Guarantee, log_e: list[list[float]]) -> Evidence:
    """Evidence of one process after these looks, each with a log e-value for every stake."""
    found = Evidence.start(guarantee, len(log_e[0]), 1)
    for look in log_e:
        found = found.add(np.array(look)[:, None])
    return found


def test_run_length_adds_a_unit_before_every_look() -> None:
    e = np.array([[2.0, 0.5], [3.0, 1.0], [0.25, 4.0]])
    sums = np.zeros(2)
    for look in e:
        sums = look * (sums + 1.0)
    assert np.exp(after("run_length", np.log(e).tolist()).total) == pytest.approx(sums.mean(), rel=1e-12)


def test_ever_shares_one_unit_out_over_the_looks() -> None:
    e = np.array([2.0, 3.0, 0.25, 5.0])
    shares = -np.diff(1 / np.sqrt([1, 2, 3, 4, 5]))
    bet = sum(share * np.prod(e[i:]) for i, share in enumerate(shares))
    found = after("ever", np.log(e)[:, None].tolist())
    assert np.exp(found.total) == pytest.approx(bet + 1 - shares.sum(), rel=1e-12)


@pytest.mark.parametrize("guarantee", ["ever", "run_length"])
def test_fair_coins_keep_the_mean(guarantee: Guarantee) -> None:
    # Every sequence of five tosses: stakes 0.9 and 0.25 on heads.
    ends = [
        np.exp(after(guarantee, [[np.log1p(0.9 * t), np.log1p(0.25 * t)] for t in tosses]).total)
        for tosses in product([1.0, -1.0], repeat=5)
    ]
    assert np.mean(ends) == pytest.approx(1.0 if guarantee == "ever" else 5.0, rel=1e-12)


def test_before_any_look_ever_has_its_unit_and_run_length_nothing() -> None:
    assert Evidence.start("ever", 3, 2).total == 0.0
    assert Evidence.start("run_length", 3, 2).total == -inf


@pytest.mark.parametrize(("guarantee", "left"), [("ever", log(1 / 2) / 2), ("run_length", -inf)])
def test_what_is_lost_is_lost_and_nothing_is_nan(guarantee: Guarantee, left: float) -> None:
    lost = Evidence.start(guarantee, 1, 1).add(np.array([[-inf]]))
    assert lost.total == pytest.approx(left)
    assert np.isfinite(lost.add(np.array([[2.0]])).total)


def test_a_look_is_worth_what_it_multiplies() -> None:
    for guarantee in ("ever", "run_length"):
        one = Evidence.start(guarantee, 1, 1).add(np.zeros((1, 1)))
        assert one.added(Evidence.start(guarantee, 1, 1), 1) == pytest.approx(0.0)
    start = Evidence.start("run_length", 1, 1)
    assert start.add(np.full((1, 1), 1.5)).added(start, 1) == pytest.approx(1.5)


def test_evidence_of_all_is_the_mean_of_processes() -> None:
    found = Evidence.start("run_length", 1, 2).add(np.log([[30.0, 10.0]]))
    assert np.exp(found.processes) == pytest.approx([30.0, 10.0])
    assert np.exp(found.total) == pytest.approx(20.0)
    assert found.reaches(1 / 19.9)
    assert not found.reaches(1 / 20.1)


def test_a_contract_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="run_length"):
        check_guarantee("always")


@pytest.mark.parametrize(
    ("alpha", "looks"), [(0.3, "3.333"), (0.01, "100"), (np.float32(0.5), "2"), (1e-5, "100,000"), (1e-320, "1e320")]
)
def test_a_promise_of_any_alpha_is_a_sentence(alpha: float, looks: str) -> None:
    assert f"at least {looks} looks" in promise("run_length", alpha)
    assert f"at most {float(alpha):g}" in promise("ever", alpha)


def test_an_alarm_may_need_more_than_a_float_holds() -> None:
    start = Evidence.start("run_length", 1, 1)
    assert start.add(np.full((1, 1), 737.0)).reaches(1e-320)
    assert not start.add(np.full((1, 1), 736.0)).reaches(1e-320)


@pytest.mark.parametrize("guarantee", ["ever", "run_length"])
def test_a_process_that_is_not_tested_gains_nothing(guarantee: Guarantee) -> None:
    found = Evidence.start(guarantee, 1, 2).add(np.log([[4.0, 3.0]]))
    before = found
    for _ in range(50):
        before, found = found, found.add(np.array([[np.log(1.5), np.nan]]))
    assert np.exp(found.processes[1]) == pytest.approx(
        np.exp(Evidence.start(guarantee, 1, 2).add(np.log([[4.0, 3.0]])).processes[1])
    )
    assert found.processes[0] > 10.0
    assert 0.0 < found.added(before, 1) <= np.log(1.5)
