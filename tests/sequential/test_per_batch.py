"""Detectors of batches, looked at after every batch: fresh rows keep the promise, the same rows again do not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.errors import ConfigError, DataError
from accel_drift.sequential.evidence import STAKES, Evidence, Guarantee
from accel_drift.sequential.per_batch import worth
from tests.sequential.rows import rows


def columns(n: int, seed: int, many: int) -> Any:
    """Columns that are independent of one another: each is a run of its own."""
    return np.random.default_rng([seed, n]).normal(size=(n, many))


def ever(watch: ad.Watch, seed: int, many: int, looks: int, n: int, least: float) -> int:
    """Columns whose own evidence reached `least` at any look."""
    reached = np.zeros(many, bool)
    for i in range(looks):
        look = watch.update(columns(n, seed + 10 * i + 10, many))
        reached |= np.array(list(look.columns.values())) >= np.log(least)
    return int(reached.sum())


def test_p_values_of_chance_are_worth_1_at_most() -> None:
    for most in (19, 999):
        # Those of permutations: 1/(B + 1), 2/(B + 1), ..., 1, equally often.
        p = np.arange(1, most + 2) / (most + 1)
        means = np.exp(worth(p)).mean(axis=1)
        assert (means <= 1.0).all()
        assert (means > 0.3).all()


def test_what_was_not_tested_has_no_worth_and_a_p_value_of_0_is_not_worth_everything() -> None:
    made = worth(np.array([np.nan, 0.0, 1.0]))
    assert made.shape == (len(STAKES), 3)
    assert np.isnan(made[:, 0]).all()
    assert np.isfinite(made[:, 1:]).all()
    assert (made[:, 2] < 0.0).all()


@pytest.mark.parametrize("guarantee", ["ever", "run_length"])
def test_evidence_is_that_of_the_p_values(guarantee: Guarantee) -> None:
    watch = ad.Sequential(ad.KS(), guarantee=guarantee).open(rows(3000, 0))
    found = Evidence.start(guarantee, len(STAKES), 2)
    for i in range(4):
        look = watch.update(rows(100, 1 + i, shift=0.1))
        found = found.add(worth(np.array([look.p_values["a"], look.p_values["b"]])))
        assert look.log_evidence == found.total
        assert look.columns == dict(zip("ab", found.processes, strict=True))


def test_a_look_is_the_detector_on_rows_that_no_other_look_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    reference = {"row": np.random.default_rng(0).permutation(np.arange(300.0))}
    watch = ad.Sequential("ks").open(reference, columns=["row"])
    seen = []
    bets = watch._bets

    def spied(mine: Any, batch: Any) -> Any:
        seen.append(mine.numeric("row").values)
        made = bets(mine, batch)
        assert made.p_values.get("row") == ad.KS().fit(mine).detect(batch).findings[0].p_value
        return made

    monkeypatch.setattr(watch, "_bets", spied)
    for n in (120, 30, 150):
        assert watch.update({"row": np.arange(n) + 0.5}).rows == n
    assert sorted(np.concatenate(seen)) == list(range(300))
    with pytest.raises(DataError, match=r"more\(reference\)"):
        watch.update({"row": np.arange(10.0)})
    watch.more({"row": np.arange(10.0)})
    assert watch.update({"row": np.arange(5.0) + 0.5}).left == 5
    assert len(seen) == 4


@pytest.mark.statistical
def test_fresh_rows_keep_the_promise() -> None:
    many, alpha = 150, 0.1
    watch = ad.Sequential("ks").open(columns(1600, 1, many))
    assert ever(watch, 1, many, 40, 40, 1 / alpha) <= alpha * many + 5 * np.sqrt(many * alpha * (1 - alpha))


@pytest.mark.statistical
def test_the_same_rows_again_break_it_and_a_tolerance_mends_it() -> None:
    many, alpha = 200, 0.02
    reference, looks, n = columns(100, 1, many), 40, 400
    most = alpha * many + 5 * np.sqrt(many * alpha * (1 - alpha))
    plain = ad.Sequential("ks", alpha=alpha, reuse=True).open(reference)
    # 0.165 and 0.155 with two seeds.
    assert ever(plain, 1, many, looks, n, 1 / alpha) > most
    assert "more often than alpha=0.02" in plain.guarantee
    with pytest.raises(ConfigError, match=r"tolerance of 0\.223 or more"):
        ad.Sequential(ad.KS(tolerance=0.22), alpha=alpha, reuse=True).open(reference)
    mended = ad.Sequential(ad.KS(tolerance=0.223), alpha=alpha, reuse=True).open(reference)
    assert ever(mended, 1, many, looks, n, 1 / alpha) <= most
    assert "the tolerance, 0.223, which it is but with probability 0.02" in mended.guarantee
    with pytest.raises(ConfigError, match=r"tolerance of 0\.05 or more"):
        ad.Sequential(ad.CramerVonMises(tolerance=0.049), alpha=alpha, reuse=True).open(reference)
    with pytest.raises(ConfigError, match=r"tolerance of 0\.223 or more"):
        ad.Sequential(ad.Missing(tolerance=0.05), alpha=alpha, reuse=True).open(reference)
    unchecked = ad.Sequential(ad.PSI(tolerance=0.1), alpha=alpha, reuse=True).open(reference)
    assert "the tolerance, 0.1, which nothing here has checked" in unchecked.guarantee


@pytest.mark.parametrize(
    ("detector", "changed"),
    [("psi", {"shift": 1.0}), ("mmd", {"shift": 1.0}), ("unseen", {"new": 0.2}), (ad.Missing(), {"missing": 0.2})],
    ids=["psi", "mmd", "unseen", "missing"],
)
@pytest.mark.parametrize("reuse", [False, True])
def test_any_detector_finds_its_drift(detector: Any, changed: dict[str, float], reuse: bool) -> None:
    watch = ad.Sequential(detector, reuse=reuse).open(rows(2500, 0))
    for i in range(2):
        assert not watch.update(rows(200, 1 + i)).alarm
    looks = [watch.update(rows(200, 10 + i, **changed)) for i in range(8)]
    assert looks[-1].alarm
    assert looks[-1].left == (None if reuse else 500)
    assert (looks[-1].joint is not None) == (detector == "mmd")


def test_after_an_alarm_a_run_begins_anew() -> None:
    watch = ad.Sequential("ks", guarantee="run_length", alpha=0.05).open(rows(4000, 0))
    assert watch.update(rows(500, 1, shift=1.0)).alarm
    assert watch.update(rows(500, 2)).evidence < 5.0


@pytest.mark.parametrize("reuse", [False, True])
@pytest.mark.parametrize("detector", [ad.KS(tolerance=0.1), ad.MMD(permutations=99)], ids=["ks", "mmd"])
def test_what_was_saved_goes_on_to_the_bit(detector: Any, reuse: bool, tmp_path: Path) -> None:
    watch = ad.Sequential(detector, reuse=reuse, seed=3).open(rows(900, 0))
    watch.update(rows(50, 1))
    watch.save(tmp_path / "a.watch")
    other = ad.Watch.load(tmp_path / "a.watch")
    assert other.test == watch.test
    assert other.guarantee == watch.guarantee
    for i in range(3):
        assert watch.update(rows(50, 2 + i, shift=0.5)) == other.update(rows(50, 2 + i, shift=0.5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mine(ad.KS):
    """A detector that is offered nowhere."""

    name: ClassVar[str] = "mine"


def test_a_detector_that_could_not_be_found_again_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="entry points"):
        ad.Sequential(Mine()).open(rows(50, 0)).save(tmp_path / "a.watch")


@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize("reuse", [False, True])
def test_small_batches(n: int, reuse: bool) -> None:
    look = ad.Sequential("ks", reuse=reuse).open(rows(50, 0)).update(rows(n, 1))
    assert (look.rows, look.alarm, look.log_e) == (0, False, 0.0)
    assert look.left == (None if reuse else 50)
    assert look.untested["a"] == ("too few rows on one side" if n else "the batch has no rows")
    assert look.to_dict()["untested"] == look.untested
    assert "2 columns not tested" in repr(look)


@pytest.mark.parametrize("guarantee", ["ever", "run_length"])
def test_looks_that_test_nothing_leave_everything_as_it_was(guarantee: Guarantee) -> None:
    watch = ad.Sequential("ks", guarantee=guarantee, alpha=0.2).open(rows(500, 0))
    before = watch.update(rows(50, 1))
    empty = {"a": np.full(50, np.nan), "b": [None] * 50, "c": ["x"] * 50}
    for batch in [rows(3, 2), empty] * 10:
        look = watch.update(batch)
        assert (look.left, look.log_evidence, look.columns) == (before.left, before.log_evidence, before.columns)
        assert not look.alarm
        told = "no value present on one side" if batch is empty else "too few rows on one side"
        assert look.untested == dict.fromkeys("ab", told)
    assert (watch.looks, len(watch.history)) == (21, 21)


def test_a_column_that_lost_its_values_is_told_and_gains_nothing() -> None:
    watch = ad.Sequential("ks", guarantee="run_length").open(rows(500, 0))
    before = watch.update(rows(50, 1)).columns["b"]
    look = watch.update(rows(50, 2) | {"b": np.full(50, np.nan)})
    assert look.untested == {"b": "no value present on one side"}
    assert look.columns["b"] == before
    assert (look.rows, look.left) == (50, 400)


def test_rows_that_are_the_reason_are_used_up() -> None:
    """Rows handed back because they are all alike would not be what they are drawn from."""
    watch = ad.Sequential("ks").open({"a": np.zeros(100)}, columns=["a"])
    look = watch.update({"a": np.zeros(30)})
    assert (look.left, look.untested) == (70, {"a": "one and the same value on both sides"})
    watch = ad.Sequential(ad.Missing()).open({"a": [None] * 99 + [1.0]}, columns=["a"])
    assert watch.update({"a": [None] * 30}).left == 70


def test_what_a_detector_does_not_compare_is_excluded() -> None:
    reference = rows(100, 0) | {"e": np.zeros((100, 2)), "t": np.arange(100).astype("datetime64[s]")}
    watch = ad.Sequential("ks").open(reference)
    assert watch.columns == ("a", "b")
    assert watch.excluded["c"] == "categorical: ks compares numeric columns"
    assert watch.excluded["e"] == "embedding: no chosen detector compares embeddings; mmd does"
    assert watch.excluded["t"].startswith("timestamp: ")
    assert repr(watch) == (
        "<Watch by Sequential ks: 0 looks, no alarm, evidence 1, 100 reference rows left, 2 columns, 3 excluded>"
    )


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(ConfigError, match="no detector 'nothing'"):
        ad.Sequential("nothing")
    with pytest.raises(ConfigError, match=r"accel_drift\.KS\(\)"):
        ad.Sequential(ad.PageHinkley())  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="block=5"):
        ad.Sequential(ad.KS(block=5))
    with pytest.raises(ConfigError, match="never used up"):
        ad.Sequential(ad.KS(), reuse=True).open(rows(50, 0)).more(rows(5, 1))
    with pytest.raises(DataError, match="ks compares numeric columns"):
        ad.Sequential(ad.KS()).open({"c": ["x", "y"] * 30})
    with pytest.raises(DataError, match="no rows"):
        ad.Sequential(ad.KS()).open({"a": np.zeros(0)}, columns=["a"])
