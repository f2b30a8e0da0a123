"""From p-values and effects to statuses, severities and one verdict."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from scipy.special import ndtr

from accel_drift.calibration import Correction, Rule, adjust, check, decide, smallest_needed, verdict
from accel_drift.errors import ConfigError
from accel_drift.finding import Finding, Severity, Status
from accel_drift.statistics.outcome import Outcome
from tests import oracles

CORRECTIONS = get_args(Correction)
BANDS = (0.1, 0.2, 0.25)


def _outcome(column: str = "x", p: float | None = 1e-9, effect: float | None = 1.0, **known: Any) -> Outcome:
    start: dict[str, Any] = {
        "columns": (column,),
        "detector": "psi",
        "unit": "PSI",
        "n_reference": 100,
        "n_batch": 100,
        "bands": BANDS,
        "p_method": "permutation",
    }
    return Outcome(column=column, p_value=p, effect=effect, statistic=effect, **{**start, **known})


def _one(**known: Any) -> Finding:
    (found,) = decide([_outcome(**known)], alpha=0.01)
    return found


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_adjusted_p_values_by_definition(correction: Correction) -> None:
    rng = np.random.default_rng(1)
    for k in (1, 2, 7, 30):
        p = np.concatenate([rng.random(k) ** 4, rng.random(k).round(1)])
        assert adjust(p, correction) == pytest.approx(oracles.adjusted(list(p), correction), rel=1e-12)


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_adjusting_nothing_and_one(correction: Correction) -> None:
    assert adjust([], correction).shape == (0,)
    assert adjust([0.03], correction).tolist() == [0.03]


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_adjusted_p_values_are_ordered_as_the_raw_ones(correction: Correction) -> None:
    p = np.random.default_rng(2).random(40)
    made = adjust(p, correction)
    assert (np.diff(made[np.argsort(p)]) >= 0).all()
    assert ((made >= p) & (made <= 1)).all()


@pytest.mark.parametrize(
    ("effect", "status", "severity"),
    [
        (0.0999, Status.SIGNIFICANT_SMALL, Severity.NONE),
        (0.1, Status.DRIFTED, Severity.WATCH),
        (0.1999, Status.DRIFTED, Severity.WATCH),
        (0.2, Status.DRIFTED, Severity.WARNING),
        (0.2499, Status.DRIFTED, Severity.WARNING),
        (0.25, Status.DRIFTED, Severity.CRITICAL),
        (9.0, Status.DRIFTED, Severity.CRITICAL),
        (-0.3, Status.SIGNIFICANT_SMALL, Severity.NONE),
    ],
)
def test_bands_at_their_edges(effect: float, status: Status, severity: Severity) -> None:
    found = _one(effect=effect)
    assert (found.status, found.severity) == (status, severity)


def test_p_value_at_the_level_rejects_and_beyond_does_not() -> None:
    assert _one(p=0.01).status is Status.DRIFTED
    assert _one(p=np.nextafter(0.01, 1)).status is Status.STABLE
    assert _one(p=0.5, effect=9.0).severity is Severity.NONE


def test_min_effect_replaces_the_first_band() -> None:
    assert _one(effect=0.05, min_effect=0.0).status is Status.DRIFTED
    assert _one(effect=0.05, min_effect=0.0).severity is Severity.WATCH
    assert _one(effect=0.24, min_effect=0.245).status is Status.SIGNIFICANT_SMALL
    assert _one(effect=-0.01, min_effect=0.0).status is Status.SIGNIFICANT_SMALL


def test_what_is_judged_may_differ_from_the_effect() -> None:
    """An infinite distance is judged by its finite part, a change of share by its size."""
    assert _one(effect=np.inf, judged=0.05).status is Status.SIGNIFICANT_SMALL
    assert "effect judged 0.05" in _one(effect=np.inf, judged=0.05).note
    assert _one(effect=-0.3, judged=0.3).severity is Severity.CRITICAL


def test_without_bands_a_drift_is_a_warning() -> None:
    found = _one(bands=(), effect=0.001)
    assert (found.status, found.severity) == (Status.DRIFTED, Severity.WARNING)


@pytest.mark.parametrize("status", [s for s in Status if not s.tested])
def test_what_was_not_tested_keeps_its_status(status: Status) -> None:
    found = _one(p=None, effect=None, untested=status)
    assert (found.status, found.severity, found.adjusted_p_value) == (status, Severity.NONE, None)


def test_untested_outcomes_are_no_members_of_the_correction() -> None:
    idle = [_outcome(f"y{i}", None, None, untested=Status.CONSTANT) for i in range(50)]
    found = decide([_outcome(p=0.01), *idle], alpha=0.01)
    assert found[0].status is Status.DRIFTED


def _adjusted(
    outcomes: list[Outcome], correction: Correction = "bh", alpha: float = 0.05
) -> dict[tuple[str, str], Any]:
    return {(f.column, f.detector): f.adjusted_p_value for f in decide(outcomes, alpha=alpha, correction=correction)}


def test_one_detector_a_column_is_plain_benjamini_hochberg() -> None:
    """For all that are found; what is not found may only be further from it."""
    p = [0.001, 0.3, 0.02, 0.9, 0.012]
    made = _adjusted([_outcome(f"x{i}", v) for i, v in enumerate(p)])
    for i, q in enumerate(oracles.adjusted(p, "bh")):
        assert made[f"x{i}", "psi"] == pytest.approx(q) if q <= 0.05 else made[f"x{i}", "psi"] >= q


def test_one_detector_a_column_is_plain_benjamini_hochberg_above_alpha_too() -> None:
    """Or a report's adjusted p-values change with alpha, and are not those of any other tool."""
    p = [0.001, 0.3, 0.02, 0.9, 0.012]
    made = _adjusted([_outcome(f"x{i}", v) for i, v in enumerate(p)])
    assert [made[f"x{i}", "psi"] for i in range(5)] == pytest.approx(oracles.adjusted(p, "bh"))


def test_joint_missing_and_unseen_are_members_of_their_own() -> None:
    """Four members: column x (Holm minimum of two), its missing test, its unseen test, and the joint one."""
    made = _adjusted(
        [
            _outcome("x", 0.01),
            _outcome("x", 0.004, detector="ks"),
            _outcome("x", 0.03, detector="missing", alone=True),
            _outcome("x", 0.5, detector="unseen", alone=True),
            _outcome("x, y", 0.02, detector="mmd", columns=("x", "y"), alone=True),
        ]
    )
    over = oracles.adjusted([0.008, 0.03, 0.5, 0.02], "bh")
    assert made["x", "missing"] == pytest.approx(over[1])
    assert made["x", "unseen"] >= over[2]
    assert made["x, y", "mmd"] == pytest.approx(over[3])
    # Three of four members are selected: inside one, Holm at 4 / 3 of the p-value, never below the member's own.
    assert made["x", "ks"] == pytest.approx(max(over[0], 0.008 * 4 / 3))
    assert made["x", "psi"] == pytest.approx(max(over[0], 0.01 * 4 / 3))


def test_a_finding_is_found_only_in_a_column_that_is() -> None:
    """However small, a p-value is never below its column's corrected one; and the column's is that of its smallest."""
    rng = np.random.default_rng(3)
    for correction in CORRECTIONS:
        outcomes = [
            _outcome(f"x{i}", float(rng.random() ** 6), detector=d) for i in range(12) for d in ("psi", "ks", "t")
        ]
        made = _adjusted(outcomes, correction)
        columns = sorted({o.column for o in outcomes})
        least = [
            min(oracles.adjusted([float(o.p_value or 0) for o in outcomes if o.column == c], "holm")) for c in columns
        ]
        if correction == "none":
            assert all(made[o.column, o.detector] == o.p_value for o in outcomes)
            continue
        for column, q in zip(columns, oracles.adjusted(least, correction), strict=True):
            own = [made[column, d] for d in ("psi", "ks", "t")]
            assert min(own) >= q - 1e-15
            # The smallest finding stands for its column: both are at most alpha, or neither is.
            assert (min(own) <= 0.05) == (q <= 0.05)


def test_two_levels_are_not_one_over_all_pairs() -> None:
    """Ten detectors that say the same of one column do not drag the other columns along."""
    loud = [_outcome("x", 1e-6, detector=f"d{i}") for i in range(10)]
    quiet = [_outcome(f"y{i}", 0.03, detector=f"d{j}") for i in range(9) for j in range(10)]
    found = decide([*loud, *quiet], alpha=0.05)
    assert {f.column for f in found if f.status is Status.DRIFTED} == {"x"}


@pytest.mark.parametrize("correction", CORRECTIONS)
@pytest.mark.parametrize(("members", "detectors"), [(1, 1), (1, 4), (50, 1), (8, 3)])
def test_smallest_needed_is_enough_and_no_smaller(correction: Correction, members: int, detectors: int) -> None:
    alpha = 0.01
    needed = smallest_needed(members, detectors, alpha, correction)

    def found(p: float) -> bool:
        outcomes = [_outcome("x", p)] + [_outcome("x", 1.0, detector=f"d{i}") for i in range(1, detectors)]
        outcomes += [_outcome(f"y{i}", 1.0) for i in range(1, members)]
        return any(f.status is Status.DRIFTED for f in decide(outcomes, alpha=alpha, correction=correction))

    assert found(needed * (1 - 1e-9))
    assert not found(needed * 1.01)


def _findings(*drifted: bool, p: float = 1e-9) -> tuple[Finding, ...]:
    return decide([_outcome(f"x{i}", p if d else 0.9) for i, d in enumerate(drifted)], alpha=0.01)


def test_rules() -> None:
    none, one, half, most = (_findings(*(i < k for i in range(4))) for k in (0, 1, 2, 3))
    table: dict[Rule | float, list[bool]] = {
        "fdr": [False, True, True, True],
        "any": [False, True, True, True],
        "majority": [False, False, False, True],
        0.25: [False, True, True, True],
        0.5: [False, False, True, True],
        0.51: [False, False, False, True],
        1.0: [False, False, False, False],
    }
    for rule, expected in table.items():
        assert [verdict(f, rule, 0.01) for f in (none, one, half, most)] == expected
    for rule in table:
        assert not verdict((), rule, 0.01)


def test_any_asks_for_the_raw_p_value_and_the_size() -> None:
    raw = decide([_outcome("x", 0.009), *(_outcome(f"y{i}", 0.9) for i in range(9))], alpha=0.01)
    assert not verdict(raw, "fdr", 0.01)
    assert verdict(raw, "any", 0.01)
    small = decide([_outcome("x", 0.009, 0.01), *(_outcome(f"y{i}", 0.9) for i in range(9))], alpha=0.01)
    assert not verdict(small, "any", 0.01)


def test_majority_counts_columns_not_findings() -> None:
    outcomes = [_outcome("x", 1e-9, detector=d) for d in ("psi", "ks", "chi_square")]
    outcomes += [_outcome("y", 0.9), _outcome("z", 0.9), _outcome("x, y, z", 1e-9, columns=("x", "y", "z"), alone=True)]
    assert not verdict(decide(outcomes, alpha=0.01), "majority", 0.01)


def test_worst_comes_first() -> None:
    found = decide(
        [
            _outcome("none", None, None, untested=Status.CONSTANT),
            _outcome("stable", 0.7),
            _outcome("small", 1e-9, 0.01),
            _outcome("watch", 1e-9, 0.15),
            _outcome("critical", 1e-9, 0.9),
        ],
        alpha=0.01,
    )
    assert [f.column for f in found] == ["critical", "watch", "small", "stable", "none"]


@pytest.mark.parametrize("alpha", [0, 1, -0.1, 1.5, float("nan"), "0.1", None, True])
def test_alpha_out_of_range(alpha: Any) -> None:
    with pytest.raises(ConfigError, match="alpha"):
        check(alpha, "bh")


def test_unknown_correction_and_rule() -> None:
    with pytest.raises(ConfigError, match=r"bhy.*holm"):
        check(0.01, "bhy")
    for rule in ("some", 0.0, 1.5, -0.3, None, float("nan")):
        with pytest.raises(ConfigError, match=r"rule"):
            check(0.01, "bh", rule)
    check(0.01, "bh", 0.3)


@pytest.mark.statistical
@pytest.mark.parametrize("detectors", [4, 10])
def test_false_discovery_rate_over_columns_with_correlated_detectors(detectors: int) -> None:
    """20 columns, one drifted; the detectors of a column share most of their noise. bench/ does it with real ones."""
    rng = np.random.default_rng(4)
    false = {"two levels": [], "one level": []}  # type: dict[str, list[float]]
    for _ in range(600):
        common, own = rng.standard_normal((20, 1)), rng.standard_normal((20, detectors))
        z = np.sqrt(0.6) * common + np.sqrt(0.4) * own
        z[0] += 8.0
        p = ndtr(-z)
        outcomes = [_outcome(f"x{i}", float(p[i, j]), detector=f"d{j}") for i in range(20) for j in range(detectors)]
        two = {f.column for f in decide(outcomes, alpha=0.05) if f.status is Status.DRIFTED}
        one = {f"x{i}" for i in np.flatnonzero((adjust(p.ravel(), "bh").reshape(p.shape) <= 0.05).any(axis=1))}
        for name, found in (("two levels", two), ("one level", one)):
            assert "x0" in found
            false[name].append((len(found) - 1) / len(found))
    # The means have standard errors below 0.008.
    assert np.mean(false["two levels"]) <= 0.05
    assert np.mean(false["one level"]) > (0.05 if detectors == 4 else 0.07)
