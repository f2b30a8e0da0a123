"""MMD from sums of features: where no rows are at hand there are none to permute, and the statistic's law is made.

Under relabelling the difference of the sides' mean features has the pooled covariance C, times 1/n + 1/m: exactly that.
With many rows it is normal, so its squared length follows the sum of C's eigenvalues times squares of normals. Nothing
in it says which rows are the reference's but the rows' number; map and frequencies were fixed before any was counted.

Why not groups of rows, permuted: the groups would have to be the same however a data set is cut into parts, so a row's
group could hang on nothing but the row itself. Then equal rows lie in one group and groups differ in size, and neither
is exchangeable with the groups of a batch that has far fewer rows.

Source: Gretton et al., NeurIPS 2009, "A fast, consistent kernel two-sample test", for the law of the quadratic form.
"""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accel_drift.finding import Status
from accel_drift.statistics import chi_square_sums, draws, tail
from accel_drift.statistics.comparison import Plan
from accel_drift.statistics.feature_map import FeatureMap
from accel_drift.statistics.feature_moments import FeatureMoments
from accel_drift.statistics.matrix_options import Options
from accel_drift.statistics.matrix_test import interval_of
from accel_drift.statistics.outcome import Outcome
from accel_drift.statistics.tallied import TalliedComparison

Floats = npt.NDArray[np.float64]

LEAST = 20
"""Rows of the smaller side from which the law holds.

With 20 rows without drift p-values are at most 0.05, 0.01 and 0.001 in 5.0 to 5.7 %, 0.9 to 1.2 % and 0.02 to 0.12 % of
6,000 batches (2 and 10 columns: normal, t with 2 degrees of freedom, half of them whole numbers with heavy ties); with
50 to 500 in 4.5 to 5.7 %, 0.8 to 1.5 % and 0.03 to 0.3 %.
"""

_ROUGH = 0.1
"""Share by which the statistic may vary more than its law before the p-value is called approximate.

So it is where fewer than five rows of the smaller side are unlike all others; p-values were then at most 0.01 in up to
1.2 % of cases and 0.001 in up to 0.4 % (a column with two values).
"""


_SAID = "from sums of random features: which columns and rows drifted takes rows to say"


class Law(NamedTuple):
    """MMD² of two sets of rows, and what it follows where nothing drifts.

    Attributes:
        biased: squared length of the difference of the mean features.
        unbiased: the same less what chance adds, as the rows say.
        weights: (k,) eigenvalues, times 1/n + 1/m: the biased form follows the sum of them times squares of normals.
        excess: by which share the statistic varies more than its law, since the rows are so few, or so few unlike the
            others: (variance of the rows' squared distances from the mean) / (2 k sum of squared eigenvalues).
        error: standard error of the unbiased form as an estimate of the Gaussian kernel's, not of these features'.
    """

    biased: float
    unbiased: float
    weights: Floats
    excess: float
    error: float

    @classmethod
    def of(cls, reference: FeatureMoments, batch: FeatureMoments) -> Law:
        """From the sums of two rows a side or more."""
        n, m = reference.rows, batch.rows
        means, covariances = (reference.mean, batch.mean), (reference.covariance, batch.covariance)
        apart, chance = means[0] - means[1], np.diag(covariances[0]) / n + np.diag(covariances[1]) / m
        pooled, share = reference.merge(batch), 1.0 / n + 1.0 / m
        spread = pooled.covariance
        # Of features of length 1 the squared distance from the mean varies as their product with the mean does, twice.
        uneven = 4.0 * float(pooled.mean @ spread @ pooled.mean)
        excess = uneven / (2.0 * min(n, m) * float((spread**2).sum()))
        # The variance of the witness values is that of other rows, that of the single frequencies' that of others.
        rows = 4.0 * sum(float(apart @ c @ apart) / k for c, k in zip(covariances, (n, m), strict=True))
        each = (apart**2 - chance).reshape(2, -1).sum(axis=0)
        error = sqrt(max(rows, 0.0) + len(each) * float(each.var(ddof=1)))
        weights = np.maximum(np.linalg.eigvalsh(spread * share), 0.0)
        return cls(float(apart @ apart), float(each.sum()), weights, excess, error)

    @property
    def p_value(self) -> float:
        """Chance of an unbiased form so large; at 2 to 10 rows it is nearer to its level than that of the biased."""
        found = chi_square_sums.tail(self.weights, self.unbiased + float(self.weights.sum()))
        return max(found, tail.SMALLEST)

    def beyond(self, tolerance: float) -> float:
        """P-value of a true value of at most so much, by the normal law away from the null."""
        from scipy.special import ndtr

        far = float(ndtr((tolerance - self.unbiased) / max(self.error, tail.SMALLEST)))
        return min(1.0, max(far, tail.SMALLEST))

    def null(self, seed: int, count: int) -> Floats:
        """So many unbiased forms without drift, drawn."""
        from scipy.special import ndtri

        normal = ndtri(draws.uniforms(draws.key(seed, "mmd", "null"), 0, count, len(self.weights)))
        return np.asarray((normal**2 - 1.0) @ self.weights)


def outcome(comparison: TalliedComparison, plan: Plan, options: Options, blank: Outcome) -> Outcome:
    """The statistic of all columns together with its p-value and interval.

    Args:
        comparison: sums and counts of reference and batch.
        plan: what the report asks of the test.
        options: the detector's.
        blank: an outcome with the detector's name, to be filled in.
    """
    rule, moments, (n, m) = comparison.features, comparison.moments, comparison.rows
    assert rule is not None  # noqa: S101
    start = replace(
        blank, column=", ".join(rule.names), columns=rule.names, n_reference=n, n_batch=m, details=_facts(rule, options)
    )
    if moments is None:
        lacks = ", ".join(name for name in rule.names if name not in comparison.names)
        note = f"the sums are of all columns together, and the batch has no {lacks} to compare"
        return replace(start, untested=Status.NOT_COMPARABLE, note=note)
    least = max(LEAST, options.min_rows)
    if min(n, m) < least:
        note = f"{n:,} reference and {m:,} batch rows; without rows to permute each side needs {least}"
        return replace(start, untested=Status.TOO_FEW_ROWS, note=note)
    mine, theirs = moments
    if not mine.merge(theirs).vary:
        note = "no two rows differ"
        return replace(start, statistic=0.0, effect=0.0, p_value=1.0, p_method="exact", note=note)
    law = Law.of(mine, theirs)
    statistic = law.unbiased if options.estimator == "unbiased" else law.biased
    p = law.p_value if not options.tolerance else law.beyond(options.tolerance)
    tested = replace(
        start,
        statistic=statistic,
        effect=statistic,
        p_value=p,
        p_method="asymptotic" if law.excess <= _ROUGH and not options.tolerance else "approximate",
        note=_SAID if law.excess <= _ROUGH else f"{_SAID}; so few rows are unlike the others that the p-value is rough",
    )
    if not plan.intervals:
        return tested
    null = law.null(plan.seed, options.permutations)
    interval = interval_of(law.unbiased, law.error, null)
    return replace(tested, interval=interval, null=None if options.tolerance else null)


def _facts(rule: FeatureMap, options: Options) -> dict[str, Any]:
    return {
        "form": "features",
        "frequencies": rule.count,
        "bandwidth": rule.bandwidth,
        "scale": "plan",
        "estimator": options.estimator,
        "dropped_columns": dict(rule.dropped),
        **({"tolerance": options.tolerance} if options.tolerance else {}),
    }
