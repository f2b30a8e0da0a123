"""Maximum mean discrepancy: a kernel two-sample test of all columns together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from accel_drift.detectors.matrix import MatrixDetector
from accel_drift.errors import ConfigError
from accel_drift.options import is_finite
from accel_drift.statistics import feature_law
from accel_drift.statistics.comparison import Comparison, Plan
from accel_drift.statistics.feature_map import MOST_FREQUENCIES
from accel_drift.statistics.kernel_sums import Kernel
from accel_drift.statistics.matrix_options import Bandwidth, Form, Shape, check_form
from accel_drift.statistics.outcome import Outcome
from accel_drift.statistics.tallied import TalliedComparison

_OF_ROWS = ("mode", "group_size", "scale", "reduce", "precision", "max_rows", "stop_after")
"""Options that say how rows are compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MMD(MatrixDetector):
    """Squared distance between the mean embeddings of reference and batch under a Gaussian kernel.

    With `block` the unbiased form leaves out pairs of rows inside one block: they are alike whatever drifts. With
    `tolerance` the p-value is that of a true value at most so large, by the normal law.

    No one bandwidth is right for every drift: "fuse" and "agg" test with Gaussian and Laplace kernels of ten each, from
    half the 5 % to twice the 95 % quantile of the distances between pooled rows. They find changes on a small scale
    that the median bandwidth misses, at several times its cost. The statistic, the interval (which takes the kernel as
    given) and the parts are then of the kernel under which the drift stands out most: see details.

    A profile of counts keeps sums of random features of the rows instead: 64 frequencies, or as many as form="features"
    asks for. Scales and bandwidth are those of the plan's rows, and the p-value is that of the law which the statistic
    follows where rows are many ("asymptotic"). Without drift it is at most 0.05 in 4 to 6 % of cases, from 20 rows on
    the smaller side on; which columns drifted takes rows to say. Options that need rows are refused there.

    Attributes:
        bandwidth: "median" (of the distances between pooled rows), a length, "fuse" (soft maximum over kernels) or
            "agg" (the kernels' own tests, corrected for being many).
        form: which pairs of rows count. "quadratic": all of them. "features": all, by random Fourier features of the
            rows, at a cost that grows with the rows alone; the statistic is that of the Gaussian kernel but for the
            chance of the frequencies, which the interval includes; with mode="groups" relabelling costs next to nothing
            beside it, with single rows most of the time. "incomplete": those within seeded tiles, exact in
            the kernel but with a null that is wider by the root of all rows over `tile_rows`. All have an exact level.
        frequencies: random frequencies of the features, a cosine and a sine each. Fewer of them cost power, and the
            more so the more columns there are.
        tile_rows: rows of a tile of the incomplete form, about; both sides have their share in each.

    >>> round(MMD().fit({"x": [1.0, 2.0, 3.0, 4.0]}, backend="numpy").score({"x": [3.0, 4.0, 5.0, 6.0]}), 3)
    0.239
    """

    name: ClassVar[str] = "mmd"
    unit: ClassVar[str] = "MMD²"
    source: ClassVar[str] = (
        "Gretton et al., JMLR 13 (2012) 723-773; groups: Domingo-Enrich, Dwivedi & Mackey 2025; fuse: Biggs, Schrab & "
        "Gretton, NeurIPS 2023; agg: Schrab et al., JMLR 24 (2023); features: Zhao & Meng 2015; incomplete: Schrab et "
        "al., NeurIPS 2022"
    )
    kernel: ClassVar[Kernel] = "gaussian"

    bandwidth: float | Literal["median", "fuse", "agg"] = "median"
    form: Form = "quadratic"
    frequencies: int = 1000
    tile_rows: int = 2000

    def __post_init__(self) -> None:
        super(MMD, self).__post_init__()
        check_form(self.form, self.frequencies, self.tile_rows, self.estimator, self.bandwidth)
        if self.bandwidth in ("fuse", "agg"):
            for option, plain in (("tolerance", None), ("estimator", "unbiased"), ("stop_after", None)):
                value = getattr(self, option)
                if value and value != plain:
                    raise ConfigError(
                        f"{option} is {value!r} and bandwidth {self.bandwidth!r}, which asks whether anything drifted, "
                        f'by unbiased forms; use {option}={plain!r}, or bandwidth="median"'
                    )
        elif self.bandwidth != "median" and not (is_finite(self.bandwidth) and float(self.bandwidth) > 0):
            raise ConfigError(f'bandwidth is {self.bandwidth!r}; it is "median", "fuse", "agg" or a length above 0')

    @property
    def needs_rows(self) -> str:
        start = MMD()
        asked = [name for name in _OF_ROWS if getattr(self, name) != getattr(start, name)]
        asked += ["bandwidth"] * (self.bandwidth in ("fuse", "agg")) + ["form"] * (self.form == "incomplete")
        if self.shape.form == "features" and self.frequencies > MOST_FREQUENCIES:
            return f"mmd of {self.frequencies} frequencies (at most {MOST_FREQUENCIES} are summed) compares rows"
        told = ", ".join(f"{name}={getattr(self, name)!r}" for name in asked)
        return f"mmd with {told} compares rows" if told else ""

    @property
    def length(self) -> Bandwidth | None:
        return self.bandwidth

    @property
    def shape(self) -> Shape:
        return Shape(self.form, {"features": self.frequencies, "incomplete": self.tile_rows}.get(self.form, 0))

    def outcomes(self, comparison: Comparison, plan: Plan) -> list[Outcome]:
        """See `MatrixDetector.outcomes`; where no rows are at hand, from sums of their features."""
        if isinstance(comparison, TalliedComparison):
            return [feature_law.outcome(comparison, plan, self, self.blank())]
        return super(MMD, self).outcomes(comparison, plan)


DETECTOR = MMD
