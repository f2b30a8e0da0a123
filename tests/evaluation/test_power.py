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
from accel_drift.errors import ConfigError
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
    assert [b.drifted for b in batches] == [False, False, True, True]
    assert len({b.rows["x0"][0] for b in batches}) == 4, "all are fresh draws"
    assert [b.rows["x0"][0] for b in laid] == [b.rows["x0"][0] for b in batches]


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
        ({"contenders": [ad.SequentialTwoSample()]}, "by its delay"),
        ({"contenders": [ad.ADWIN()]}, "anew=True"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"contenders": {"mean": MEAN}, "drift": sy.CovariateShift, "seeds": 20, **options}
    with pytest.raises(ConfigError, match=words):
        ev.power(given.pop("contenders"), **given)
