"""Laws of the binned scores, what their parts add up to, and tests of a tolerance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.spatial import distance

import accel_drift as ad
from accel_drift.data.read import read_table
from accel_drift.detectors import get_detector
from accel_drift.errors import ConfigError
from accel_drift.statistics import nulls, parts, scores
from accel_drift.statistics.comparison import Plan, pair_tables
from accel_drift.statistics.drawn import Drawn
from accel_drift.statistics.pairs import NumericPair, Table
from tests import oracles
from tests.detectors import cases

SQUARED = {"jensen_shannon", "hellinger"}


def _tables(count: int, cells: int, seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng([30, seed])
    return rng.integers(0, 30, (count, cells)), rng.integers(0, 20, (count, cells))


def test_terms_against_scipy() -> None:
    a, b = _tables(40, 7, 1)
    for x, y in zip(a, b, strict=True):
        p, q = x / x.sum(), y / y.sum()
        assert np.sqrt(scores.jensen_shannon_terms(x, y).sum()) == pytest.approx(distance.jensenshannon(p, q, base=2))
        assert scores.total(scores.kl_terms(x, y, 0.0)) == pytest.approx(stats.entropy(q, p))
        k = ((x + y) > 0).sum()
        u, v = (x + 0.5) / (x.sum() + k / 2), (y + 0.5) / (y.sum() + k / 2)
        there = (x + y) > 0
        assert scores.total(scores.kl_terms(x, y, 0.5)) == pytest.approx(stats.entropy(v[there], u[there]))
        assert scores.total(scores.total_variation_terms(x, y)) == pytest.approx(distance.cityblock(p, q) / 2)


def test_bounds_and_symmetry() -> None:
    a, b = _tables(200, 6, 2)
    for terms in (scores.jensen_shannon_terms, scores.hellinger_terms, scores.total_variation_terms):
        there, back = terms(a, b), terms(b, a)
        assert (there >= -1e-15).all()
        assert (there.sum(axis=1) <= 1 + 1e-12).all()
        assert there == pytest.approx(back)
        assert terms(a, a) == pytest.approx(0, abs=1e-15)
        apart = terms(np.array([5, 0, 3]), np.array([0, 9, 0]))
        assert apart.sum() == pytest.approx(1)
    js = scores.total(scores.jensen_shannon_terms(a, b))
    h2, tv = scores.total(scores.hellinger_terms(a, b)), scores.total(scores.total_variation_terms(a, b))
    assert (h2 <= tv + 1e-12).all()
    assert (tv <= np.sqrt(h2 * (2 - h2)) + 1e-12).all()
    assert (js <= tv + 1e-12).all()
    assert (scores.total(scores.kl_terms(a, b, 0.5)) >= -1e-12).all()


@pytest.mark.parametrize("name", ["psi", "kl"])
def test_an_empty_cell_without_a_pseudo_count_is_infinite(name: str) -> None:
    reference, batch = {"x": list("aaaabbbb") * 9}, {"x": list("aabbccbb") * 9}
    found = get_detector(name, pseudo_count=0).fit(reference, backend="numpy").detect(batch).findings[0]
    assert found.statistic == np.inf
    assert found.effect == np.inf
    assert found.interval is None
    assert found.parts[0].label == "c"
    assert found.parts[0].contribution == np.inf
    assert found.parts[0].share is None
    assert found.status is ad.Status.DRIFTED


@pytest.mark.parametrize("name", cases.BINNED)
@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_parts_add_up_to_the_statistic(name: str, shift: float) -> None:
    reference, batch = cases.table(name, 400, 1), cases.table(name, 300, 2, shift)
    batch = cases.with_holes(batch, 0.1, np.random.default_rng(3))
    for f in get_detector(name, permutations=99).fit(reference, backend="numpy").detect(batch).findings:
        assert f.statistic is not None
        total = f.statistic**2 if name in SQUARED else f.statistic
        assert sum(p.contribution for p in f.parts) == pytest.approx(total, rel=1e-9)
        assert sum(p.share or 0 for p in f.parts) == pytest.approx(1)
        assert sum(p.reference or 0 for p in f.parts) == f.n_reference
        assert sum(p.batch or 0 for p in f.parts) == f.n_batch
        sizes = [abs(p.contribution) for p in f.parts]
        assert sizes == sorted(sizes, reverse=True)
        (missing,) = [p for p in f.parts if p.kind == "missing"]
        assert (missing.label, missing.reference, missing.direction) == ("missing", 0, "more")


def test_parts_are_made_for_reports_alone() -> None:
    a, b = (ad.PSI().fit(cases.table("psi", n, 1), backend="numpy").reference for n in (90, 60))
    comparison = pair_tables(a, b, a.schema.names, ad.get_backend("numpy"), None)
    for wanted in (True, False):
        found = ad.PSI(permutations=99).outcomes(comparison, Plan(0.05, 0.05, 0, wanted))
        assert all(bool(o.parts) == wanted and (o.interval is not None) == wanted for o in found)


def test_labels_of_bins() -> None:
    assert parts.bin_labels(np.array([1.0, 2.5])) == ["<= 1", "(1, 2.5]", "> 2.5"]
    below = np.nextafter(3.0, -np.inf)
    assert parts.bin_labels(np.array([1.0, below, 3.0])) == ["<= 1", "(1, 3)", "= 3", "> 3"]
    # The least value is an atom, and a repeated cut has nothing between.
    tiny = np.nextafter(0.0, -np.inf)
    assert parts.bin_labels(np.array([tiny, tiny, 0.0, 0.0])) == ["< 0", "(-4.941e-324, 0)", "= 0", "(0, 0]", "> 0"]
    assert parts.bin_labels(np.array([4, 5, 9])) == ["< 5", "= 5", "(5, 9]", "> 9"]
    assert parts.bin_labels(np.array([1e6, 1e6 + 1])) == ["<= 1000000", "(1000000, 1000001]", "> 1000001"]


def test_parts_name_what_is_new_gone_rare_and_missing() -> None:
    rng = np.random.default_rng(4)
    many = [f"c{i}" for i in range(60)]
    reference = {"x": [*["old"] * 90, *rng.choice(many, 400), None, None]}
    batch = {"x": [*["new"] * 70, *rng.choice(many, 300)]}
    detectors = [get_detector(n, permutations=99) for n in ("psi", "unseen", "missing")]
    found = {f.detector: f for f in ad.compare(reference, batch, detectors, backend="numpy").findings}
    psi = found["psi"].parts
    assert len(psi) == 30
    assert {(p.label, p.kind, p.direction) for p in psi if p.kind != "category"} >= {
        ("old", "vanished", "less"),
        ("new", "unseen", "more"),
    }
    assert [p.kind for p in psi].count("other") == 1
    (unseen,) = found["unseen"].parts
    assert (unseen.label, unseen.reference, unseen.batch) == ("new", 0, 70)
    assert unseen.contribution == pytest.approx(70 / 370)
    (missing,) = found["missing"].parts
    assert (missing.kind, missing.direction, missing.reference, missing.batch) == ("missing", "less", 2, 0)
    assert missing.contribution == pytest.approx(-2 / 492)


def _bins(drawn: Drawn, table: Table, names: list[str], first: int) -> Any:
    return drawn.relabel_bins(table, 5, 1, names, first, 50)


@pytest.mark.parametrize("blocked", [False, True])
@pytest.mark.parametrize("room", [0, 12_000, 1 << 20])
def test_kept_draws_are_the_draws(blocked: bool, room: int) -> None:
    rng = np.random.default_rng(5)
    table, names = Table(rng.integers(0, 9, (12, 3, 40)), rng.integers(0, 9, (7, 3, 40))), ["a", "b", "c"]
    drawn, fresh = Drawn(blocked, room), Drawn(blocked, 0)
    for _ in range(2):
        for first in (0, 100):
            pairs = [
                (d.relabel(table, 1, names, first, 50), d.relabel_bins(table, 5, 1, names, first, 50))
                for d in (drawn, fresh)
            ]
            for kept, anew in zip(*pairs, strict=True):
                for a, b in zip(kept, anew, strict=True):
                    assert a.dtype == b.dtype
                    assert np.array_equal(a, b)
        for a, b in zip(drawn.resample(table, 1, names, 30), fresh.resample(table, 1, names, 30), strict=True):
            assert np.array_equal(a, b)


@pytest.mark.parametrize("block", [None, 20])
def test_fixed_bins_are_relabelled_as_they_are(monkeypatch: pytest.MonkeyPatch, block: int | None) -> None:
    """Where bins were cut on rows outside the test, counts change sides in them and nothing is cut anew."""
    reference, batch = cases.table("ks", 300, 6), cases.table("ks", 200, 7, 0.1)
    psi = ad.PSI(permutations=199, block=block, seed=3)
    monkeypatch.setattr(NumericPair, "fixed", True)
    fitted = psi.fit(reference, backend="numpy")
    found = fitted.detect(batch)
    (pair,) = pair_tables(fitted.reference, read_table(batch), ("u",), fitted.backend, block).numeric
    table = pair.binned(psi.bins)
    drawn = psi.how.score(*Drawn(block is not None).relabel(table, 3, ["u"], 0, 199))[0]
    seen = psi.how.score(*table.sides)[0]
    (u,) = [f for f in found.findings if f.column == "u"]
    assert u.p_method == "permutation"
    assert u.p_value == (1 + (drawn >= seen * (1 - 1e-12)).sum()) / 200


def test_detectors_in_company_say_what_they_say_alone() -> None:
    reference, batch = cases.table("psi", 300, 6), cases.table("psi", 200, 7, 0.1)
    for block in (None, 10):
        together = ad.compare(
            reference, batch, [get_detector(n) for n in cases.BINNED], backend="numpy", block=block, correction="none"
        )
        for name in cases.BINNED:
            alone = ad.compare(reference, batch, [get_detector(name)], backend="numpy", block=block, correction="none")
            assert [f.to_dict() for f in alone.findings] == [
                f.to_dict() for f in together.findings if f.detector == name
            ]


@pytest.mark.parametrize("name", [*cases.BINNED, "missing", "unseen"])
@pytest.mark.parametrize("block", [None, 20])
def test_a_tolerance_is_what_p_values_are_about(name: str, block: int | None) -> None:
    reference, batch = cases.table(name, 600, 8), cases.table(name, 400, 9, 0.35)
    runs = [
        get_detector(name, permutations=199, block=block, tolerance=eps).fit(reference, backend="numpy").detect(batch)
        for eps in (None, 0.0, 0.05, 9.0)
    ]
    for plain, *held in zip(*(sorted(r.findings, key=lambda f: f.column) for r in runs), strict=True):
        p = [f.p_value for f in held if f.p_value is not None]
        assert len(p) == 3
        assert p == sorted(p)
        assert held[-1].status is ad.Status.STABLE
        assert "tolerance" not in plain.details
        for eps, f in zip((0.0, 0.05, 9.0), held, strict=True):
            assert f.details["tolerance"] == f.details["min_effect"] == eps
            assert f.statistic == plain.statistic
            assert f.p_method in {"approximate", "exact"}


def test_a_tolerance_with_a_pseudo_count_of_zero_is_refused() -> None:
    with pytest.raises(ConfigError, match="tolerance"):
        ad.KL(tolerance=0.1, pseudo_count=0)


@pytest.mark.parametrize(
    ("a", "n", "b", "m", "eps"), [(0, 30, 4, 20, 0.05), (3, 40, 9, 30, 0.1), (9, 30, 1, 25, 0.1), (0, 9, 9, 9, 0.5)]
)
def test_share_beyond_is_the_law_of_two_binomials(a: int, n: int, b: int, m: int, eps: float) -> None:
    """Every pair of counts, one by one, at the most likely shares of a fine grid."""
    sign = 1 if b / m > a / n else -1
    grid = np.linspace(0, 1 - eps, 20_001)
    p, q = (grid, grid + eps) if sign > 0 else (grid + eps, grid)
    with np.errstate(divide="ignore"):
        likely = int(np.argmax(stats.binom.logpmf(a, n, p) + stats.binom.logpmf(b, m, q)))
    x, y = np.arange(n + 1)[:, None], np.arange(m + 1)[None, :]
    law: Any = stats.binom.pmf(x, n, p[likely]) * stats.binom.pmf(y, m, q[likely])
    expected = law[np.abs(y / m - x / n) >= abs(b / m - a / n) - 1e-12].sum()
    assert nulls.share_beyond((a, n), (b, m), eps) == pytest.approx(expected, rel=1e-3)


def test_share_above_is_binomial() -> None:
    assert nulls.share_above((7, 90), 0.03) == pytest.approx(stats.binom.sf(6, 90, 0.03))
    assert nulls.share_above((0, 90), 0.03) == 1
    assert nulls.share_above((90, 90), 0.001) > 0


@pytest.mark.parametrize("name", cases.BINNED)
def test_statistics_of_categories_are_those_of_the_definition(name: str) -> None:
    rng = np.random.default_rng(10)
    pair = [str(c) for c in rng.choice(list("abcde"), 150)], [str(c) for c in rng.choice(list("bcdef"), 90)]
    cells = oracles.category_cells(*pair)
    (found,) = get_detector(name, permutations=99).fit({"x": pair[0]}, backend="numpy").detect({"x": pair[1]}).findings
    assert found.statistic == pytest.approx(oracles.binned(name, cells), rel=1e-9)
