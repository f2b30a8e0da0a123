"""Power at a measured rate of false alarms: it is that of theory, and no detector gains by alarming more."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

import accel_drift as ad
from accel_drift import evaluation as ev
from accel_drift import synthetic as sy
from accel_drift.errors import ConfigError, DataError
from tests.evaluation.fakes import Broken, MeanShift

POPULATION = sy.Population(numbers=1)


def matrix_of(reference: Any) -> Any:
    return MeanShift(9.0).fit(ev.adapters.matrix(reference))


def ask(fitted: Any, batch: Any) -> Any:
    return fitted.detect(ev.adapters.matrix(batch))


def eager(fitted: Any, batch: Any) -> ev.Judged:
    return ev.Judged(ask(fitted, batch).score, True)


MEAN = ev.adapters.from_functions(matrix_of, ask)


@pytest.fixture(scope="module")
def made() -> ev.Power:
    return ev.power(
        {"mean": MEAN, "eager": ev.adapters.from_functions(matrix_of, eager), "broken": Broken("fit")},
        drift=sy.CovariateShift,
        magnitudes=(0.2, 0.4, 0.0),
        rows=(50, 100),
        rate=0.05,
        seeds=20,
        batches=20,
        population=POPULATION,
        reference_rows=2_000,
    )


def rates(made: ev.Power, rows: int, name: str, column: str = "rate") -> list[Any]:
    return [r[column] for r in made.table.to_pylist() if (r["rows"], r["contender"]) == (rows, name)]


@pytest.mark.statistical
@pytest.mark.parametrize("rows", [50, 100])
def test_power_is_that_of_theory(made: ev.Power, rows: int) -> None:
    for magnitude, rate in zip((0.0, 0.2, 0.4), rates(made, rows, "mean"), strict=True):
        z, shift = norm.ppf(0.975), magnitude * np.sqrt(rows)
        wanted = norm.sf(z - shift) + norm.cdf(-z - shift)
        # 400 batches; the thresholds, from 200 clean ones each, err by as much as moves power by 0.04.
        assert abs(rate - wanted) < 0.17, (magnitude, rate, wanted)
    low, high = rates(made, rows, "mean", "rate_low")[0], rates(made, rows, "mean", "rate_high")[0]
    assert low < 0.05 < high


def test_alarming_more_gains_nothing(made: ev.Power) -> None:
    assert rates(made, 50, "eager") == rates(made, 50, "mean")
    assert rates(made, 50, "eager", "own_rate") == [1.0, 1.0, 1.0]
    assert rates(made, 50, "mean", "own_rate")[0] == 0


def test_dummies_have_no_power(made: ev.Power) -> None:
    assert rates(made, 100, "never") == rates(made, 100, "always") == [0.0, 0.0, 0.0]
    assert max(rates(made, 100, "random 0.05")) < 0.15


def test_one_that_fails_has_no_power_and_not_0(made: ev.Power) -> None:
    assert rates(made, 100, "broken") == [None, None, None]
    assert rates(made, 100, "broken", "errors") == [400, 400, 400]


def test_forms(made: ev.Power, tmp_path: Path) -> None:
    text = made.to_markdown(tmp_path / "p.md")
    assert (tmp_path / "p.md").read_text(encoding="utf-8") == text
    assert "| contender | 0 | 0.2 | 0.4 | false alarms at its own threshold |" in text
    page = made.to_html(tmp_path / "p.html")
    assert page.count("<svg") == 2
    root = ET.fromstring(made.to_svg(50))  # noqa: S314  made here
    assert "Power by magnitude in batches of 50 rows" in (root.get("aria-label") or "")
    with pytest.raises(ConfigError, match="batches of 50, 100 rows"):
        made.to_svg()
    assert repr(made) == "<Power at a rate of 0.05, batches of 50, 100 rows>"


def test_magnitude_0_of_the_drift_is_the_clean_batch() -> None:
    from accel_drift.evaluation.power import Magnitudes

    laid = Magnitudes(POPULATION, sy.CovariateShift, (0.5,), rows=10, batches=2, reference_rows=50, seed=3)
    batches = list(laid)
    assert sorted(b.drifted for b in batches) == [False, False, True, True]
    assert [b.first_row for b in batches] == [0, 10, 20, 30]
    assert len({b.rows["x0"][0] for b in batches}) == 4, "all are fresh draws"
    assert [b.rows["x0"][0] for b in laid] == [b.rows["x0"][0] for b in batches]


class Counts:
    """Says how many batches there were, and never alarms."""

    def __init__(self) -> None:
        self.seen = 0

    def fit(self, _reference: Any) -> Counts:
        return Counts()

    def detect(self, _batch: Any) -> ev.Judged:
        self.seen += 1
        return ev.Judged(float(self.seen), False)


class Draws(Counts):
    """Says what it draws, whatever the batch."""

    def fit(self, _reference: Any) -> Draws:
        self.rng = np.random.default_rng(0)
        return self

    def detect(self, _batch: Any) -> ev.Judged:
        return ev.Judged(float(self.rng.random() + np.random.random()), False)  # noqa: NPY002


def learns(reference: Any) -> list[float]:
    return [float(np.mean(reference["x0"]))]


def drags(means: list[float], batch: Any) -> ev.Judged:
    means.append(0.9 * means[-1] + 0.1 * float(np.mean(batch["x0"])))
    return ev.Judged(means[-1], False)


def latches(alarms: list[float], batch: Any) -> ev.Judged:
    alarms.append(float(np.mean(batch["x0"])))
    return ev.Judged(alarms[-1], max(alarms) > 0.4)


@pytest.mark.statistical
def test_the_order_of_batches_helps_nobody() -> None:
    options: dict[str, Any] = {"magnitudes": (0.5, 3.0), "rows": 20, "rate": 0.05, "seeds": 20, "batches": 10}
    made = ev.power({"counts": Counts(), "draws": Draws()}, drift=sy.CovariateShift, population=POPULATION, **options)
    for name in ("counts", "draws"):
        # 200 batches a magnitude at 0.05: a deviation of 0.016, and about as much again for the thresholds.
        assert max(rates(made, 20, name)) < 0.17, name


@pytest.mark.parametrize("answer", [drags, latches])
def test_answers_that_depend_on_earlier_batches_are_found_by_asking(answer: Any) -> None:
    given = {"fine": MEAN, "x": ev.adapters.from_functions(learns, answer)}
    with pytest.raises(ConfigError, match="what 'x' says of a batch depends on those before it"):
        ev.power(given, drift=sy.CovariateShift, population=POPULATION)


def test_one_number_and_arrays_are_taken_where_several_are() -> None:
    given: dict[str, Any] = {"drift": sy.CovariateShift, "rate": 0.2, "batches": 5, "population": POPULATION}
    one = ev.power({"mean": MEAN}, magnitudes=0.3, rows=20, seeds=2, **given)
    same = ev.power({"mean": MEAN}, magnitudes=np.array([0.3]), rows=np.array([20]), seeds=np.arange(2), **given)
    assert same.table.equals(one.table)


class NoRows:
    def draw(self, rows: int, *, seed: int) -> Any:
        raise ValueError(f"{rows} of {seed}")


def test_a_population_that_draws_nothing_is_told() -> None:
    with pytest.raises(DataError, match="no batch can be drawn from population and drift: ValueError: 2000 of"):
        ev.power({"mean": MEAN}, drift=sy.CovariateShift, population=NoRows())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rate": 0.001}, "needs 999; give at least 100 seeds"),
        ({"seeds": 1}, "give at least 10 seeds"),
        ({"rate": 1.0}, "rate is 1.0"),
        ({"batches": 0}, "batches is 0"),
        ({"rows": 0}, "rows is 0"),
        ({"rows": ()}, "rows is"),
        ({"magnitudes": ()}, "magnitudes is"),
        ({"magnitudes": (0,)}, "all magnitudes are 0"),
        ({"drift": 3}, "drift is 3"),
        ({"magnitudes": "0.3"}, "magnitudes is '0.3'"),
        ({"population": np.zeros((5, 2))}, r"population is ndarray; give what draws fresh rows by draw\(rows, seed=\)"),
        ({"population": sy.Population}, "population is Population; give what draws"),
        ({"out": 3}, "out is 3; it is a folder"),
        ({"progress": 3}, "progress is 3; it is a function"),
        ({"contenders": [ad.SequentialTwoSample()]}, "by its delay"),
        ({"contenders": [ad.ADWIN()]}, "anew=True"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"contenders": {"mean": MEAN}, "drift": sy.CovariateShift, "seeds": 20, **options}
    with pytest.raises(ConfigError, match=words):
        ev.power(given.pop("contenders"), **given)
