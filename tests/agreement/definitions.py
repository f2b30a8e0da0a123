"""Which numbers of evidently and NannyML are numbers of ours, in words and as a function of both sides of a column.

Read in the sources of the versions that `recorded.json` names. Where a library cuts numbers into other cells than we
do, the score of ours is given its counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log, sqrt
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2_contingency

import accel_drift as ad
from accel_drift.detectors import get_detector
from accel_drift.statistics import scores

Values: TypeAlias = npt.NDArray[Any]
Counts: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
Score: TypeAlias = Callable[[Values, Values], float]
Cells: TypeAlias = Callable[[Values, Values], Counts]


@dataclass(frozen=True, slots=True)
class Apart:
    """What a library does in some cases and we do not.

    Attributes:
        words: what it is.
        when: whether a column is such a case.
        theirs: the library's number, written out.
    """

    words: str
    when: Callable[[Values, Values], bool]
    theirs: Score


@dataclass(frozen=True, slots=True)
class Shared:
    """A number that a library and ours define alike.

    Attributes:
        words: what it is.
        ours: how ours comes to it.
        apart: where the library leaves the definition; None for nowhere.
        untied: whether it is shared only where no two values are equal.
        rtol: how far apart the two may lie, relative.
        atol: and absolutely.
    """

    words: str
    ours: Score
    apart: Apart | None = None
    untied: bool = False
    rtol: float = 1e-9
    atol: float = 0.0


def p_value(detector: str) -> Score:
    """P-value of a column of numbers."""

    def found(x: Values, y: Values) -> float:
        (finding,) = get_detector(detector).fit({"x": x}, backend="numpy").detect({"x": y}).findings
        assert finding.p_value is not None
        return finding.p_value

    return found


def histogram(x: Values, y: Values, edges: Values) -> Counts:
    """NumPy's counts of both sides."""
    a, b = (np.histogram(side, edges)[0] for side in (x, y))
    return a, b


def pooled_cells(x: Values, y: Values) -> Counts:
    """Equal widths over both sides, by Sturges' rule: evidently above 20 distinct values of the reference."""
    return histogram(x, y, np.histogram_bin_edges(np.concatenate([x, y]), "sturges"))


def distinct_cells(x: Values, y: Values) -> Counts:
    """Equal widths, by Sturges' rule on the number of distinct values: evidently's Hellinger distance."""
    return histogram(x, y, np.histogram_bin_edges(np.unique(np.concatenate([x, y])), "sturges"))


def reference_cells(x: Values, y: Values) -> Counts:
    """Equal widths over the reference, by Doane's rule, and a cell for what lies outside: NannyML."""
    a, b = histogram(x, y, np.histogram_bin_edges(x, "doane"))
    return np.append(a, 0), np.append(b, len(y) - b.sum())


def categories(x: Values, y: Values) -> Counts:
    """Counts of every category that either side has."""
    known = np.unique(np.concatenate([x, y]))
    a, b = (np.bincount(np.searchsorted(known, side), minlength=len(known)) for side in (x, y))
    return a, b


def on(cells: Cells, score: Callable[[Any, Any], Any]) -> Score:
    """A score of ours on a library's cells."""
    return lambda x, y: float(score(*cells(x, y)))


def _distance(terms: Callable[[Any, Any], Any], factor: float = 1.0) -> Callable[[Any, Any], float]:
    return lambda a, b: sqrt(factor * float(scores.total(terms(a, b))))


def _psi(a: Any, b: Any) -> Any:
    return scores.psi(a, b, 0.0)


def _kl_backwards(a: Any, b: Any) -> Any:
    return scores.total(scores.kl_terms(b, a, 0.0))


def _scaled_area(x: Values, y: Values) -> float:
    return ad.wasserstein(x, y) / float(np.std(x))


def _largest_move(x: Values, y: Values) -> float:
    return 2.0 * float(scores.total_variation_terms(*categories(x, y)).max())


def filled(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Shares as evidently has them: in an empty cell 0.0001, or a millionth of the least share if that is smaller."""
    made = counts / counts.sum()
    least = float(made[made > 0].min())
    return np.where(made > 0, made, least / 1e6 if least <= 1e-4 else 1e-4)


def _fills(cells: Cells, kl: bool = False) -> Apart:
    """Empty cells have no logarithm: ours adds half a row to every cell of both sides, by `pseudo_count`."""

    def theirs(x: Values, y: Values) -> float:
        p, q = map(filled, cells(x, y))
        weights = p / p.sum() if kl else p - q
        # SciPy's entropy, which it takes for KL, makes the shares add up to 1 again; PSI goes without.
        return float((weights * np.log(weights / (q / q.sum()) if kl else p / q)).sum())

    return Apart("empty cells filled", lambda x, y: any(bool((k == 0).any()) for k in cells(x, y)), theirs)


def _yates(x: Values, y: Values) -> float:
    return float(chi2_contingency(np.stack(categories(x, y)))[0])


_NATS = sqrt(log(2.0))
_JS, _HELLINGER = scores.jensen_shannon_terms, scores.hellinger_terms

SHARED: Mapping[tuple[str, str, str], Shared] = {
    ("evidently", "numbers", "ks"): Shared(
        # Above 10,000 rows both are limits with a correction each.
        "p-value of the KS test",
        p_value("ks"),
        untied=True,
        rtol=0.01,
    ),
    ("evidently", "numbers", "cramer_von_mises"): Shared(
        # It adds up a series until a term is below 1e-7 and takes the sum from 1.
        "p-value of the Cramér-von Mises test",
        p_value("cramer_von_mises"),
        untied=True,
        rtol=1e-6,
        atol=1e-9,
    ),
    ("evidently", "numbers", "wasserstein"): Shared("W1 over the reference's standard deviation", _scaled_area),
    ("evidently", "numbers", "psi"): Shared("PSI on Sturges cells", on(pooled_cells, _psi), _fills(pooled_cells)),
    ("evidently", "numbers", "kl_div"): Shared(
        "KL of the reference from the batch, on Sturges cells",
        on(pooled_cells, _kl_backwards),
        _fills(pooled_cells, kl=True),
    ),
    ("evidently", "numbers", "jensenshannon"): Shared(
        "JS distance with natural logarithms, on Sturges cells", on(pooled_cells, _distance(_JS, log(2.0)))
    ),
    ("evidently", "numbers", "hellinger"): Shared(
        "Hellinger distance on Sturges cells of distinct values", on(distinct_cells, _distance(_HELLINGER))
    ),
    ("evidently", "categories", "psi"): Shared("PSI", lambda x, y: ad.psi(x, y, pseudo_count=0.0), _fills(categories)),
    ("evidently", "categories", "kl_div"): Shared(
        "KL of the reference from the batch", lambda x, y: ad.kl(y, x, pseudo_count=0.0), _fills(categories, kl=True)
    ),
    ("evidently", "categories", "jensenshannon"): Shared(
        "JS distance with natural logarithms", lambda x, y: _NATS * ad.jensen_shannon(x, y)
    ),
    ("evidently", "categories", "hellinger"): Shared("Hellinger distance", ad.hellinger),
    ("evidently", "categories", "total variation"): Shared("total variation", ad.total_variation),
    ("nannyml", "numbers", "kolmogorov_smirnov"): Shared("KS distance", ad.ks),
    ("nannyml", "numbers", "wasserstein"): Shared("W1 in the column's unit", ad.wasserstein),
    ("nannyml", "numbers", "jensen_shannon"): Shared("JS distance on Doane cells", on(reference_cells, _distance(_JS))),
    ("nannyml", "numbers", "hellinger"): Shared(
        "Hellinger distance on Doane cells", on(reference_cells, _distance(_HELLINGER))
    ),
    # All unseen categories are one cell of it. That changes neither distance: where p is 0, both are linear in q.
    ("nannyml", "categories", "jensen_shannon"): Shared("JS distance", ad.jensen_shannon),
    ("nannyml", "categories", "hellinger"): Shared("Hellinger distance", ad.hellinger),
    ("nannyml", "categories", "l_infinity"): Shared("twice the largest term of total variation", _largest_move),
    ("nannyml", "categories", "chi2"): Shared(
        "chi-square statistic",
        ad.chi_square,
        Apart("Yates' correction", lambda x, y: len(categories(x, y)[0]) == 2, _yates),
    ),
}
"""(library, kind of column, its name there) -> what it shares with ours."""
