"""Ours against evidently, NannyML and SciPy on real data: equal where the definition is, apart by what a test says.

What evidently and NannyML gave is recorded (`record.py`), since they need older libraries than ours; SciPy is asked
here. Each name of a test says which definition is shared.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.spatial import distance

import accel_drift as ad
from accel_drift.statistics import scores
from tests.agreement import record
from tests.agreement.definitions import SHARED, Values, categories, p_value, pooled_cells
from tests.agreement.samples import MIXED, Pair, pairs

RECORDED = json.loads(record.RECORDED.read_text(encoding="utf-8"))
PEERS = Path(__file__).parents[2] / "bench" / "peers.txt"

GOODNESS_OF_FIT = ("evidently", "categories", "chisquare")
"""A number that means something else than ours; see its own test."""


@cache
def _pairs() -> dict[str, Pair]:
    return {pair.name: pair for pair in pairs()}


def _sides(kind: str, pair: str, column: str) -> tuple[Values, Values]:
    found: tuple[Values, Values] = getattr(_pairs()[pair], kind)[column]
    return found


def _of(library: str, kind: str, statistic: str) -> dict[tuple[str, str], float]:
    """What a library gave for every pair and column."""
    of_pairs = RECORDED["values"][library][kind]
    return {(pair, c): v for pair, named in of_pairs.items() for c, v in named[statistic].items()}


def _shared() -> list[Any]:
    """Every recorded number of a shared definition."""
    return [
        pytest.param(key, *place, value, id=f"{key[0]} {key[2]} = {shared.words}: {': '.join(place)}")
        for key, shared in SHARED.items()
        for place, value in _of(*key).items()
        if place[1] == MIXED or not shared.untied
    ]


SCIPY: dict[str, tuple[str, bool, Callable[[Values, Values], Any], Callable[[Values, Values], float]]] = {
    "ks_2samp statistic = KS distance": ("numbers", False, lambda x, y: stats.ks_2samp(x, y).statistic, ad.ks),
    "ks_2samp pvalue = p-value of KS": ("numbers", True, lambda x, y: stats.ks_2samp(x, y).pvalue, p_value("ks")),
    "wasserstein_distance = W1": ("numbers", False, stats.wasserstein_distance, ad.wasserstein),
    "cramervonmises_2samp statistic = T": (
        "numbers", True, lambda x, y: stats.cramervonmises_2samp(x, y).statistic, ad.cramer_von_mises,
    ),
    "cramervonmises_2samp pvalue = p-value of T": (
        "numbers", True, lambda x, y: stats.cramervonmises_2samp(x, y).pvalue, p_value("cramer_von_mises"),
    ),
    "jensenshannon, base 2 = JS distance": (
        "categories", False, lambda x, y: distance.jensenshannon(*categories(x, y), base=2), ad.jensen_shannon,
    ),
    "chi2_contingency, uncorrected = chi-square statistic": (
        "categories", False, lambda x, y: _contingency(x, y)[0], ad.chi_square,
    ),
}  # fmt: skip
"""Definition -> kind of column, whether it is shared only without ties, SciPy's number, ours."""


def _with_scipy() -> list[Any]:
    places = {"numbers": _of("nannyml", "numbers", "wasserstein"), "categories": _of("nannyml", "categories", "chi2")}
    return [
        pytest.param(name, *place, id=f"SciPy {name}: {': '.join(place)}")
        for name, (kind, untied, _, _) in SCIPY.items()
        for place in places[kind]
        if place[1] == MIXED or not untied
    ]


def _contingency(x: Values, y: Values) -> tuple[float, float]:
    found: Any = stats.chi2_contingency(np.stack(categories(x, y)), correction=False)
    return float(found.statistic), float(found.pvalue)


@pytest.mark.parametrize(("key", "pair", "column", "value"), _shared())
def test_shared_with_a_library(key: tuple[str, str, str], pair: str, column: str, value: float) -> None:
    shared, (x, y) = SHARED[key], _sides(key[1], pair, column)
    apart = shared.apart if shared.apart is not None and shared.apart.when(x, y) else None
    found = shared.ours(x, y) if apart is None else apart.theirs(x, y)
    assert found == pytest.approx(value, rel=shared.rtol, abs=shared.atol)


@pytest.mark.parametrize(("name", "pair", "column"), _with_scipy())
def test_shared_with_scipy(name: str, pair: str, column: str) -> None:
    kind, _, theirs, ours = SCIPY[name]
    x, y = _sides(kind, pair, column)
    # Limits of p-values are made with a correction each (KS), or are 1 less a sum (T).
    rtol, atol = (0.01, 1e-9) if "pvalue" in name else (1e-9, 0.0)
    assert ours(x, y) == pytest.approx(float(theirs(x, y)), rel=rtol, abs=atol)


def test_what_is_recorded_is_shared_or_known_to_differ() -> None:
    recorded = {
        (library, kind, name)
        for library, kinds in RECORDED["values"].items()
        for kind, of_pairs in kinds.items()
        for named in of_pairs.values()
        for name in named
    }
    assert recorded == {*SHARED, GOODNESS_OF_FIT}
    assert {place for key in SHARED for place in _of(*key)} == {
        (pair.name, column) for pair in _pairs().values() for column in (*pair.numbers, *pair.categories)
    }


def test_the_mixed_columns_have_no_ties() -> None:
    for pair in _pairs().values():
        x, y = pair.numbers[MIXED]
        assert len(np.unique(np.concatenate([x, y]))) == len(x) + len(y)


def test_the_libraries_were_those_of_the_list() -> None:
    listed = dict(line.split("==") for line in PEERS.read_text(encoding="utf-8").splitlines() if "==" in line)
    assert {name: listed[name].split()[0] for name in RECORDED["versions"]} == RECORDED["versions"]


def test_evidently_fills_empty_cells_and_ours_adds_half_a_row() -> None:
    # Odd against even days: 6 of 27,075 flights lie in cells that the other side lacks.
    place = "flights in June, odd against even days", "arr_delay"
    a, b = pooled_cells(*_sides("numbers", *place))
    empty = (a == 0) | (b == 0)
    assert (a + b)[empty].sum() == 6
    others = float(scores.psi_terms(a, b, 0.0)[~empty].sum())
    theirs, ours = _of("evidently", "numbers", "psi")[place], float(scores.psi(a, b, 0.5))
    assert theirs > 2 * others  # they make more than half of evidently's PSI ...
    assert ours == pytest.approx(others, rel=0.15)  # ... and an eighth of ours


def test_evidently_holds_the_reference_for_exact() -> None:
    """A test of goodness of fit takes the reference's shares for known: without drift it alarms far too often."""
    for place, theirs in _of(*GOODNESS_OF_FIT).items():
        x, y = _sides("categories", *place)
        cells, (statistic, p) = len(np.unique(np.concatenate([x, y]))), _contingency(x, y)
        if p < 1e-3 or cells > 20:
            continue  # beyond it tails differ by more; in empty cells its statistic is infinite
        # Both sides vary, so that the difference does 1 + m / n times as much as it allows for.
        assert stats.chi2.isf(theirs, cells - 1) == pytest.approx(statistic * (1 + len(y) / len(x)), rel=0.1)
        found = ad.ChiSquare().fit({"x": x}, backend="numpy").detect({"x": y}).findings[0]
        assert found.p_method == "permutation"
        assert found.p_value == pytest.approx(p, abs=4 * (p * (1 - p) / 999) ** 0.5 + 1e-3)
    pixel = _of(*GOODNESS_OF_FIT)["digits, every other image", "pixel"]
    assert pixel < 0.02 < 0.5 < _contingency(*_sides("categories", "digits, every other image", "pixel"))[1]


@pytest.mark.parametrize("pair", list(RECORDED["values"]["nannyml"]["numbers"]))
def test_a_profile_of_counts_has_the_same_psi_and_ks_within_its_rank_error(pair: str) -> None:
    for x, y in _pairs()[pair].numbers.values():
        plan = ad.Profile.plan({"x": x}, ["psi", "ks"], columns=["x"])
        profile: Any = ad.Profile.fit({"x": x}, plan=plan)
        found = {f.detector: f.statistic for f in profile.score({"x": y}).findings}
        assert found["psi"] == pytest.approx(ad.psi(x, y), rel=1e-9)
        # Between two cuts the functions may be further apart than at them, by no more than a cell holds.
        assert 0 <= ad.ks(x, y) - found["ks"] <= 2 * profile.rank_error["x"]


def test_with_ties_the_p_value_of_ks_is_a_permutation_test_and_scipys_too_large() -> None:
    x, y = _sides("numbers", "rainfall, every other day", "average wind speed")
    assert len(np.unique(np.concatenate([x, y]))) == 295
    (found,) = ad.KS(permutations=9999).fit({"x": x}, backend="numpy").detect({"x": y}).findings
    theirs = stats.ks_2samp(x, y).pvalue
    assert _of("evidently", "numbers", "ks")["rainfall, every other day", "average wind speed"] == pytest.approx(theirs)
    assert found.p_method == "permutation"
    assert found.p_value is not None
    assert 0.6 * theirs < found.p_value < 0.9 * theirs


def test_with_ties_cramer_von_mises_is_taken_at_their_ends_and_scipys_halfway() -> None:
    for pair, column, most in (
        ("flights, June against September", "arr_delay", 0.02),
        ("rainfall, first against second half", "average wind speed", 0.12),
        ("digits, every other image", "ink", 0.02),
    ):
        x, y = _sides("numbers", pair, column)
        theirs = float(stats.cramervonmises_2samp(x, y).statistic)
        assert 1e-4 < abs(ad.cramer_von_mises(x, y) - theirs) / theirs < most


def test_missing_values_are_a_category_of_ours_and_dropped_by_the_others() -> None:
    x, y = _sides("categories", "flights, June against September", "origin")
    lost: Any = y.astype(object)
    lost[::10] = None
    # Every airport loses more than it had gained, so what moved is what went missing.
    assert ad.total_variation(x, lost) == pytest.approx(sum(v is None for v in lost) / len(lost))
    known = [v for v in lost if v is not None]
    assert ad.total_variation(x, known) == pytest.approx(ad.total_variation(x, y), abs=0.01)
    numbers = _sides("numbers", "flights, June against September", "arr_delay")
    assert ad.ks(numbers[0], np.append(numbers[1], [np.nan] * 99)) == ad.ks(*numbers)
