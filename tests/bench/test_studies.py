"""The other studies on tiny sizes, and the truths that they hold estimates against."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from scipy.special import ndtr

from accel_drift.statistics.outcome import Outcome
from bench import (
    categories_study,
    detectable_study,
    discovery_study,
    effect_study,
    groups_study,
    population,
    power_study,
    studies_page,
    tolerance_study,
)
from bench.level import ALONE, DETECTORS
from bench.study import Kept

COLUMN_NAMES = [n for n in DETECTORS if not DETECTORS[n].joint and n not in ALONE]


@pytest.mark.parametrize("name", COLUMN_NAMES)
def test_effects_between_populations_grow_from_nothing(name: str) -> None:
    made = [population.effect(name, "normal", shift, most=20_000) for shift in (0.0, 0.25, 0.5)]
    assert made[0] == 0.0
    assert 0.0 < made[1] < made[2]


def test_effects_between_populations_by_hand() -> None:
    assert population.effect("ks", "normal", 0.5) == pytest.approx(2 * ndtr(0.25) - 1, abs=1e-4)
    assert population.effect("psi", "normal", 0.5) == pytest.approx(population.psi_of_shift(0.5), rel=1e-3)
    p, q = population.bin_masses(0.0, 10), population.bin_masses(0.5, 10)
    for n, m in ((1, 1), (20, 1)):
        a = n / (n + m)
        v = sqrt((a * (1 - a) * (q - p) ** 2 / (a * p + (1 - a) * q)).sum())
        assert population.effect("chi_square", "normal", 0.5, n, m) == pytest.approx(v, rel=5e-3)


def test_the_closed_form_of_mmd_is_what_many_rows_give() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal(1500), rng.standard_normal(1500) + 1.0
    z = np.concatenate([x, y])
    z = z / np.subtract(*np.quantile(z, [0.75, 0.25]))
    apart = np.abs(z[:, None] - z)
    h = np.median(apart[np.triu_indices(3000, 1)])
    for name, k in (("mmd", np.exp(-(apart**2) / (2 * h**2))), ("energy", -apart)):
        np.fill_diagonal(k, 0.0)
        within = (k[:1500, :1500].sum() + k[1500:, 1500:].sum()) / (1500 * 1499)
        # The shift itself has a standard error of 0.037 here, so the statistic is known to about 7 %.
        assert within - 2 * k[:1500, 1500:].mean() == pytest.approx(
            population.joint_effect(name, 1.0, 1500, 1500), rel=0.2
        )


def test_psi_of_a_shift_and_back() -> None:
    assert population.psi_of_shift(population.shift_of_psi(0.09)) == pytest.approx(0.09, rel=1e-4)


def test_effect_study_counts_means_and_coverage() -> None:
    task = effect_study.Task("normal", 0.5, 80, 60, 0, 6, joint=False, intervals=True)
    kept: Kept[effect_study.Task] = Kept()
    kept.add(task, effect_study.work(task, ("psi", "ks")), 1.0, "a")
    plain = replace(task, intervals=False)
    kept.add(plain, effect_study.work(plain, ("psi",)), 1.0, "a")
    ks, psi, mean = sorted(effect_study.rows(kept), key=lambda r: (r["asked"] == "mean", r["detector"]))
    assert (ks["detector"], psi["detector"]) == ("ks", "psi")
    assert ks["pairs"] == psi["pairs"] == 6
    assert 0 <= psi["coverage"] <= 1
    assert mean["ratio"] == pytest.approx(mean["mean"] / mean["truth"], rel=1e-3)


def test_every_detector_is_in_the_other_studies() -> None:
    effects = list(effect_study.tasks(0.001))
    assert {d for t in effects for d in effect_study.wanted(t)} == set(DETECTORS)
    assert len({(effect_study._place(t), t.n, t.m, t.first) for t in effects}) == len(effects)
    assert {t.detector for t in tolerance_study.tasks(0.001)} == set(DETECTORS)
    assert {d for t in detectable_study.tasks() for d in detectable_study.wanted(t)} == set(COLUMN_NAMES)


def test_a_probit_line_finds_the_shift() -> None:
    shifts = [0.1, 0.2, 0.3, 0.4]
    line = [(s, round(1000 * float(ndtr(10 * s - 2))), 1000) for s in shifts]
    assert detectable_study.shift_at(0.8, line) == pytest.approx(0.2842, rel=0.02)


def test_tolerance_study_finds_the_shift_of_its_tolerance() -> None:
    shift = tolerance_study.shift("ks", 200, 200, 2)
    assert 2 * ndtr(shift / 2) - 1 == pytest.approx(0.2, abs=1e-3)


def _outcomes(p: float, column: str, detectors: int) -> list[Outcome]:
    return [
        Outcome(column=column, columns=(column,), detector=f"d{i}", unit="", n_reference=9, n_batch=9, p_value=p,
                effect=1.0, statistic=1.0)
        for i in range(detectors)
    ]  # fmt: skip


def test_two_levels_and_one_level_disagree_where_detectors_agree() -> None:
    """Ten detectors that find the one drift drag clean columns along when pairs are corrected."""
    outcomes = _outcomes(1e-9, "x0", 10) + [o for j in range(1, 20) for o in _outcomes(0.004 * j, f"x{j}", 10)]
    assert discovery_study.two_levels(outcomes, 0.05) == {"x0"}
    assert discovery_study.one_level(outcomes, 0.05) >= {"x0", "x1"}


def test_discovery_study_adds_up() -> None:
    task = discovery_study.Task(0, 2)
    kept: Kept[discovery_study.Task] = Kept()
    kept.add(task, discovery_study.work(task, ("4", "10")), 1.0, "a")
    made = discovery_study.rows(kept)
    assert [(len(r["detectors"]) <= int(s), r["tables"]) for r, s in zip(made, ("4", "4", "10", "10"), strict=True)]
    assert all(r["tables"] == 2 and 0 <= r["rate"] <= 1 and r["drift_found"] == 1.0 for r in made)
    assert any(
        "False discoveries" in line for line in studies_page.discovery(_result(made, discovery_study.settings()))
    )


def test_categories_study_counts_every_detector_on_the_same_pairs() -> None:
    kept: Kept[categories_study.Task] = Kept()
    for change in ("", "new"):
        task = categories_study.Task(50, 300, 300, change, 0, 3)
        kept.add(task, categories_study.work(task, ("psi", "unseen")), 1.0, "a")
    made = categories_study.rows(kept)
    assert [(r["change"], r["detector"], r["holds"] is None) for r in made] == [
        ("", "psi", False), ("", "unseen", False), ("new", "psi", True), ("new", "unseen", True)
    ]  # fmt: skip
    assert all(r["pairs"] == 3 for r in made)
    page = "\n".join(studies_page.categories(_result(made, categories_study.settings())))
    assert "| detector | 50 categories, 300 / 300, 3 pairs |" in page
    assert categories_study.CHANGES["new"] in page


@pytest.mark.parametrize("change", categories_study.CHANGES)
def test_changes_among_rare_categories_leave_the_frequent_ones_alone(change: str) -> None:
    before, after = (categories_study.weights(4000, c) for c in ("", change))
    frequent = before >= np.sort(before)[-categories_study.FREQUENT]
    scale = 0.98 if change == "new" else 1.0
    assert after[:4000][frequent] == pytest.approx(scale * before[frequent])
    assert after.sum() == pytest.approx(1.0)
    assert np.abs(after[:4000] - before).max() > 0


def test_groups_study_counts_both_modes_on_the_same_pairs() -> None:
    kept: Kept[groups_study.Task] = Kept()
    for shift in (0.0, 3.0):
        for first in (0, 4):
            task = groups_study.Task(2, 70, 40, shift, first, 4)
            kept.add(task, groups_study.work(task, ("mmd",)), 1.0, "a")
    level, power = groups_study.rows(kept)
    assert (level["asked"], power["asked"]) == ("level", "power")
    assert level["pairs"] == power["pairs"] == 8
    assert power["rows"] == power["groups"] == 1.0
    assert (power["loss"], power["holds"]) == (0.0, True)
    assert 0 < level["rows_uniform"] <= 1
    page = "\n".join(studies_page.groups(_result([level, power], groups_study.settings())))
    assert "| 2 | 70 / 40 | 3 | 8 | 1.0000 | 1.0000 | 0.0000 ± 0.0000 |" in page


def test_groups_study_calls_p_values_uniform_that_are_and_others_not() -> None:
    counts = {"pairs": 2000, "rows": 100, "groups": 104, "both": 50, "rows_bins": [100] * 20}
    fair = groups_study._row((2, 512, 512, 0.0), {**counts, "groups_bins": [104] + [100] * 18 + [96]}, {"a"})
    slanted = groups_study._row((2, 512, 512, 0.0), {**counts, "groups_bins": [80] * 10 + [120] * 10}, {"a"})
    assert fair["holds"]
    assert not slanted["holds"]
    assert fair["standard_error"] == pytest.approx(sqrt(104 / 2000 / 2000), rel=0.01)
    lost = groups_study._row((2, 512, 512, 0.2), {**counts, "rows": 1000, "groups": 930, "groups_bins": []}, {"a"})
    assert not lost["holds"]


@pytest.mark.parametrize(("columns", "waves"), [(1, 3), (2, 2)])
def test_perturbed_uniforms_have_the_density_they_should(columns: int, waves: int) -> None:
    """Each half of a wave holds what the integral of the bump says, up in one and down in the other; never below 0."""
    u = power_study.perturbed(np.random.default_rng(5), 40_000, columns, waves)
    assert u.shape == (40_000, columns)
    assert u.min() >= 0
    assert u.max() < 1
    counts = np.histogramdd(u, [np.linspace(0, 1, 2 * waves + 1)] * columns)[0] / len(u) * (2 * waves) ** columns
    t = (np.arange(10_000) + 0.5) / 10_000
    bump = np.exp(-1 / (1 - (2 * t - 1) ** 2))
    factor = {1: 2.7, 2: 7.3}[columns]
    assert factor * bump.max() ** columns == pytest.approx(0.99, abs=0.01)
    part = factor * bump.mean() ** columns
    assert np.sort(counts.ravel()) == pytest.approx(np.sort(np.tile([1 - part, 1 + part], counts.size // 2)), abs=0.06)


def test_power_study_counts_every_test_on_the_same_pairs() -> None:
    kept: Kept[power_study.Task] = Kept()
    made = [t for t in power_study.tasks(0.001) if t.first == 0]
    for task in (made[0], made[5], made[-1]):
        small = replace(task, n=40, m=30, size=3.0 if task.change == "shift" else task.size)
        kept.add(small, power_study.work(small, power_study.wanted(small)), 1.0, "a")
    rows = power_study.rows(kept)
    assert [r["change"] for r in rows] == ["none"] * 4 + ["perturbed"] * 3 + ["shift"] * 3
    assert all(r["pairs"] == 2 and 0 <= r["found"] <= 2 for r in rows)
    assert [r["rate"] for r in rows[-3:]] == [1.0] * 3
    assert [r["holds"] for r in rows[-3:]] == [True, True, None]
    assert [r["bound"] for r in rows[-3:]] == [0.95, 0.95, None]
    page = "\n".join(studies_page.power(_result(rows, power_study.settings())))
    assert "| shift of 3 | 5 | 40 / 30 | 2 | 1.000 | 1.000 | 1.000 |" in page
    assert "| 40 / 30 | 2 |" in page


def _result(cells: list[dict[str, object]], settings: dict[str, object]) -> dict[str, object]:
    return {"cells": cells, "settings": settings, "work_s": 60, "machine": {"created_at": "2000-01-01T00:00"}}
