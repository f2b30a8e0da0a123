"""What every detector is: a frozen record of options, fitted to a reference, asked about batches.

A detector sees a `Comparison`: reference and batch side by side, with the counts and matrices that several detectors
share made once. Its file says what is computed from them and what an effect is; where rows come from, how they are
permuted and how p-values are corrected is decided elsewhere, once. So a new detector is one file, and a batch is
never counted twice because two detectors look at it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend, for_columns, open_backend
from accel_drift.calibration import check, decide, smallest_needed
from accel_drift.data.read import read_table
from accel_drift.data.schema import Kind, diff
from accel_drift.data.table import Table
from accel_drift.data.words import refuse_blocks
from accel_drift.errors import ConfigError, DataError
from accel_drift.finding import Finding, Status
from accel_drift.options import at_least, is_finite, plain
from accel_drift.statistics import binned
from accel_drift.statistics.binned_scores import BinnedScore
from accel_drift.statistics.comparison import VALUE_KINDS, Comparison, Plan, pair_tables
from accel_drift.statistics.kept import Kept
from accel_drift.statistics.outcome import Bands, Outcome
from accel_drift.statistics.resampled import Resamples

Block = str | int | None

MOST_BINS = 1000
"""Quantile bins at most: finer than that a score of bins is the dearest and the weakest way to compare numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector(ABC):
    """Options that mean the same for every detector.

    Attributes:
        permutations: relabellings in the first round; more are drawn where the correction needs smaller p-values.
        alpha: false-alarm rate of the corrected tests.
        min_effect: effect that a drift must reach; None for `tolerance`, or else the first band of the scale.
        tolerance: the effect that is put up with: p-values then ask whether the drift is larger than that. None for
            the plain test, whether there is any.
        severity_bands: effects from which a drift is watch, warning and critical, rising; None for the detector's own.
            P-values say whether there is a difference, bands how severe it is.
        block: which rows belong together and are permuted as one: a column, "timestamp:day", or a run length.
        seed: decides every random choice.

    A class also says whether a statistic below 0 counts by its size (`two_sided`), and whether `statistics` asks a
    comparison for nothing but what it finds of columns (`of_columns`): `numeric`, `categorical` and `missing`. Then a
    thousand resamples are made side by side, as columns of one comparison; else one after another.
    """

    name: ClassVar[str]
    kinds: ClassVar[tuple[Kind, ...]]
    unit: ClassVar[str]
    source: ClassVar[str]
    bands: ClassVar[Bands | tuple[()]] = ()
    min_rows: ClassVar[int] = 2
    joint: ClassVar[bool] = False
    alone: ClassVar[bool] = False
    two_sided: ClassVar[bool] = False
    of_columns: ClassVar[bool] = False

    permutations: int = 999
    alpha: float = 0.01
    min_effect: float | None = None
    tolerance: float | None = None
    severity_bands: Bands | None = None
    block: Block = None
    seed: int = 0

    def __post_init__(self) -> None:
        check(self.alpha, "bh")
        at_least(self.permutations, 19, "permutations", "the first round of relabellings, such as 999")
        for option in ("min_effect", "tolerance"):
            value = getattr(self, option)
            if value is not None and not (is_finite(value) and value >= 0):
                raise ConfigError(f"{option} is {value!r}; it is an effect of 0 or more, or None")
        if self.severity_bands is not None:
            object.__setattr__(self, "severity_bands", in_order(self.severity_bands))
        if self.block is not None and not isinstance(self.block, str):
            at_least(self.block, 1, "block", 'consecutive rows; or text, a column or "timestamp:day"')
        if isinstance(self.seed, bool) or not isinstance(self.seed, Integral):
            raise ConfigError(f"seed is {self.seed!r}; it is a whole number")

    @abstractmethod
    def statistics(self, comparison: Comparison) -> Mapping[str, float]:
        """The statistic alone, by column; of a joint detector one entry."""

    @abstractmethod
    def outcomes(self, comparison: Comparison, plan: Plan) -> list[Outcome]:
        """Statistic, p-value, effect and interval of every column, not yet corrected."""

    def of_resamples(self, resamples: Resamples) -> Mapping[str, npt.NDArray[np.float64]]:
        """The statistic of every batch that was drawn, (R,) by column; of a joint detector one entry."""
        found: dict[str, npt.NDArray[np.float64]] = {}
        for i, pair in enumerate(resamples.pairs()):
            for column, value in self.statistics(pair).items():
                found.setdefault("" if self.joint else column, np.full(resamples.count, np.nan))[i] = value
        return found

    def fit(
        self,
        reference: Any,
        *,
        backend: str | Backend = "auto",
        columns: Sequence[str] | None = None,
        drop: Sequence[str] = (),
        label: str | None = None,
        kinds: Mapping[str, str] | None = None,
    ) -> Fitted:
        """Learn a reference.

        Args:
            reference: a data set: Arrow, Parquet, CSV, a dict of columns or an (n, d) array.
            backend: where to compute: "numpy", "jax", "cupy" or "auto".
            columns: only these columns; naming one keeps it even if it looks like an identifier.
            drop: columns to leave out.
            label: the label's column, left out.
            kinds: column -> kind where the finder should not decide.

        Raises:
            DataError: the reference cannot be read, has no rows, or no column of this detector's kinds.
        """
        opened, reason = open_backend(backend, reference)
        table = read_table(
            reference, columns=columns, drop=drop, label=label, kinds=kinds, name="reference", backend=opened
        )
        if table.rows == 0:
            raise DataError("the reference has no rows; there is nothing to learn")
        refuse_blocks(table, self.block)
        if not table.schema.of(*self.kinds):
            wanted = " or ".join(map(str, self.kinds))
            raise DataError(
                f"{self.name} compares {wanted} columns, and the reference has none; it has "
                + ", ".join(f"{c.name} ({c.kind})" for c in table.schema.columns)
            )
        return Fitted(self, table, opened, for_columns(opened, reason))

    def members(self, comparison: Comparison) -> int:
        """How many tests this detector makes at most: what a correction has to reckon with."""
        return 1 if self.joint else len(comparison.of_kind(*self.kinds))

    @property
    def needs_rows(self) -> str:
        """What of it a profile of counts, which keeps no rows, cannot do; "" where it can do all."""
        return ""

    @property
    def grades(self) -> Bands | tuple[()]:
        """The bands in use: those that were asked for, or else the class's own."""
        return self.bands if self.severity_bands is None else self.severity_bands

    def summary(self) -> dict[str, Any]:
        """The options as plain values."""
        return {"detector": self.name, **plain(self)}

    def blank(self, **known: Any) -> Outcome:
        """An outcome of this detector, to be filled in."""
        start: dict[str, Any] = {"column": "", "columns": (), "n_reference": 0, "n_batch": 0}
        return Outcome(
            **{**start, **known},
            detector=self.name,
            unit=self.unit,
            bands=self.grades,
            min_effect=self.min_effect if self.min_effect is not None else self.tolerance,
            alone=self.alone,
        )

    def unpaired(self, comparison: Comparison) -> list[Outcome]:
        """Outcomes of the columns that have no value at all on one side, so that none is passed over in silence."""
        wanted = comparison.of_kind(*self.kinds)
        return [
            self.blank(
                column=name,
                columns=(name,),
                n_reference=int(comparison.missing[name].reference[:, 0].sum()),
                n_batch=int(comparison.missing[name].batch[:, 0].sum()),
                untested=Status.ALL_MISSING,
            )
            for name in comparison.one_sided()
            if name in wanted
        ]


def in_order(bands: Any) -> Bands:
    """Three effects in rising order, as a tuple: from JSON they are a list.

    Raises:
        ConfigError: they are none.
    """
    given = tuple(bands) if isinstance(bands, list | tuple) else ()
    if len(given) != 3 or not all(is_finite(b) and b >= 0 for b in given) or not given[0] <= given[1] <= given[2]:
        raise ConfigError(
            f"severity_bands is {bands!r}; it is three effects of 0 or more in rising order, from which a drift is "
            "watch, warning and critical, such as (0.1, 0.2, 0.25)"
        )
    return tuple(float(b) for b in given)  # type: ignore[return-value]  # there are three


@dataclass(frozen=True, slots=True, kw_only=True)
class BinnedDetector(Detector):
    """A score of the counts in a column's bins or categories; a detector of this kind has only to name its score.

    With a `tolerance` the p-value is a bootstrap's, of the hypothesis that the effect is at most that. Where the effect
    is just that it is below 0.05 in 0 to 5 % of cases (5 and 10 cells, 2,000 reference and 500 or 2,000 batch rows, the
    first band as tolerance); where the effect is twice that, in 97 % or more with 2,000 batch rows. With 500 it is in
    60 % for PSI and KL, 80 % for total variation and 97 % for the others.

    Attributes:
        bins: quantile bins of a numeric column, cut at the reference's quantiles; a value that holds two or more of
            them is a bin of its own.
    """

    kinds: ClassVar[tuple[Kind, ...]] = (Kind.NUMERIC, Kind.CATEGORICAL, Kind.BOOLEAN)
    of_columns: ClassVar[bool] = True

    bins: int = 10

    def __post_init__(self) -> None:
        super(BinnedDetector, self).__post_init__()
        at_least(self.bins, 2, "bins", "quantile bins of a numeric column, such as 10")
        if self.bins > MOST_BINS:
            raise ConfigError(f"bins is {self.bins}; at most {MOST_BINS:,} quantile bins, such as 10")

    @property
    @abstractmethod
    def how(self) -> BinnedScore:
        """The score, and how it becomes a statistic and an effect."""

    def statistics(self, comparison: Comparison) -> Mapping[str, float]:
        """The statistic alone, by column."""
        return binned.statistics(comparison, self.how, self.bins)

    def outcomes(self, comparison: Comparison, plan: Plan) -> list[Outcome]:
        """Statistic, p-value, effect, interval and parts of every column, not yet corrected."""
        test = binned.BinnedTest(
            comparison,
            plan,
            self.how,
            self.blank(details=self.facts()),
            self.bins,
            self.permutations,
            self.min_rows,
            self.tolerance,
        )
        return self.unpaired(comparison) + binned.outcomes(test)

    def facts(self) -> dict[str, Any]:
        """What of the options stands in every finding's details."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class SmoothedDetector(BinnedDetector):
    """A binned score with logarithms of shares, which needs every cell to hold something.

    Attributes:
        pseudo_count: rows added to every cell of both sides, so that an empty one has a logarithm.
    """

    pseudo_count: float = 0.5

    def __post_init__(self) -> None:
        super(SmoothedDetector, self).__post_init__()
        if not (is_finite(self.pseudo_count) and self.pseudo_count >= 0):
            raise ConfigError(f"pseudo_count is {self.pseudo_count!r}; it is a number of rows, such as 0.5")
        if self.tolerance is not None and not self.pseudo_count:
            raise ConfigError(
                f"tolerance is {self.tolerance!r} and pseudo_count is 0: an empty cell would make the effect infinite "
                "and no tolerance could be held against it; use a pseudo_count above 0, such as 0.5"
            )

    def facts(self) -> dict[str, Any]:
        """The pseudo-count, which moves the statistic."""
        return {"pseudo_count": self.pseudo_count}


@dataclass(frozen=True, slots=True)
class Detection:
    """What one fitted detector says of one batch.

    Attributes:
        drifted: whether any finding is.
        findings: one a column, worst first; one in all for a joint detector.
        statistic: by column in the reference's order, (d,), NaN where nothing was tested; a float for a joint one.
        p_value: likewise, not corrected.
    """

    drifted: bool
    findings: tuple[Finding, ...]
    statistic: npt.NDArray[np.float64] | float
    p_value: npt.NDArray[np.float64] | float


@dataclass(frozen=True, slots=True)
class Fitted:
    """A detector that has learned a reference.

    Attributes:
        detector: the options.
        reference: the reference's rows.
        backend: where it computes.
        host: what sorts and counts columns that lie on the host.
        kept: what is made of the reference once and serves every batch.
    """

    detector: Detector
    reference: Table
    backend: Backend
    host: Backend
    kept: Kept = field(default_factory=Kept, init=False, repr=False, compare=False)

    def score(self, batch: Any) -> npt.NDArray[np.float64] | float:
        """The statistic of a batch: (d,) in the reference's column order, a float for a joint detector.

        Raises:
            DataError: the batch cannot be read, has no rows, or none of the columns learned.
        """
        found = self.detector.statistics(self._compare(batch))
        values = np.array(list(found.values()), dtype=np.float64)
        return float(values[0]) if self.detector.joint else values

    def detect(self, batch: Any) -> Detection:
        """Test a batch; p-values are corrected over the columns by Benjamini-Hochberg.

        Raises:
            DataError: the batch cannot be read, has no rows, or none of the columns learned.
        """
        d, comparison = self.detector, self._compare(batch)
        plan = Plan(d.alpha, smallest_needed(d.members(comparison), 1, d.alpha, "bh"), d.seed)
        outcomes = d.outcomes(comparison, plan)
        findings = decide(outcomes, alpha=d.alpha)
        place = {name: i for i, name in enumerate(comparison.names)}
        ordered = sorted(outcomes, key=lambda o: place.get(o.column, 0))
        statistic, p_value = (
            np.array([np.nan if v is None else v for v in values], dtype=np.float64)
            for values in ([o.statistic for o in ordered], [o.p_value for o in ordered])
        )
        drifted = any(f.status is Status.DRIFTED for f in findings)
        if d.joint:
            return Detection(drifted, findings, float(statistic[0]), float(p_value[0]))
        return Detection(drifted, findings, statistic, p_value)

    def summary(self) -> dict[str, Any]:
        """Options, sizes and backend, as plain values."""
        columns = self.reference.schema.of(*self.detector.kinds)
        return {
            **self.detector.summary(),
            "n_reference": self.reference.rows,
            "columns": list(columns),
            "backend": self.backend.name,
            "device": self.backend.device,
        }

    def _compare(self, batch: Any) -> Comparison:
        d, reference = self.detector, self.reference
        known = reference.schema
        # A column derived from another is read by that one's name.
        wanted = dict.fromkeys(name for c in known.columns for name in (c.name, c.source))
        table = read_table(batch, schema=known, columns=wanted, name="batch", backend=self.backend)
        changes = diff(known, table.schema)
        apart = {name: table.excluded.get(name, "not in the batch") for name in changes.removed}
        apart |= {name: f"{was} in the reference, {now} in the batch" for name, was, now in changes.retyped}
        names = tuple(n for n in known.of(*VALUE_KINDS) if n not in apart and n != d.block)
        learned = [n for n in known.of(*d.kinds) if n != d.block]
        if names:
            found = pair_tables(reference, table, names, self.backend, d.block, kept=self.kept, host=self.host)
            if found.of_kind(*d.kinds):
                return replace(found, left_out={n: apart[n] for n in learned if n in apart})
        why = [f"{n}: {apart.get(n, 'no value in the reference')}" for n in learned]
        more = [f"and {len(why) - 12} more"] if len(why) > 12 else []
        raise DataError(f"the batch has none of the columns that {d.name} learned ({'; '.join(why[:12] + more)})")
