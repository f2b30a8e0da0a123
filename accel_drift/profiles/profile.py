"""A reference, learned once, that scores batches without the data set it came from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from accel_drift.backends import Backend
from accel_drift.backends.registry import open_backend
from accel_drift.calibration import Correction, Rule
from accel_drift.data.read import Progress
from accel_drift.data.schema import Schema
from accel_drift.detectors.base import Detector
from accel_drift.errors import ConfigError
from accel_drift.profiles.learning import COUNTABLE, Asked, learn
from accel_drift.report import Report

if TYPE_CHECKING:
    from accel_drift.profiles.plan import Plan
    from accel_drift.profiles.thresholds import Calibration, Statistics, Thresholds

SAMPLE_ROWS = 20_000
"""Rows that a profile keeps at most for the detectors that need rows."""

Content = Literal["sample", "aggregates"]


class Profile(ABC):
    """What detectors need of a reference.

    Two sorts are made by `fit`. One keeps rows, all or a seeded sample of at most 20,000, with counts of all rows:
    every detector works, and the file holds raw values. The other keeps counts in the cells of a plan and no row: parts
    of a reference that are fitted on one plan merge, and reference and batches may be larger than memory.

    Attributes:
        detectors: what batches are tested with.
        backend: where batches are compared.
        thresholds: those of the statistics, once `calibrated`; else None.
    """

    __slots__ = ()

    detectors: tuple[Detector, ...]
    backend: Backend
    thresholds: Thresholds | None

    @property
    @abstractmethod
    def schema(self) -> Schema:
        """The columns of the reference, with their kinds and types."""

    @staticmethod
    def fit(
        reference: Any,
        detectors: Sequence[Detector | str] | None = None,
        *,
        plan: Plan | None = None,
        content: Content = "sample",
        backend: str | Backend = "auto",
        block: str | int | None = None,
        correction: Correction = "bh",
        rule: Rule | float = "fdr",
        alpha: float = 0.01,
        min_effect: float | None = None,
        seed: int = 0,
        columns: Sequence[str] | None = None,
        drop: Sequence[str] = (),
        label: str | None = None,
        kinds: Mapping[str, str] | None = None,
        sample_rows: int | None = SAMPLE_ROWS,
        name: str = "",
        progress: Progress | None = None,
    ) -> Profile:
        """Learn a reference.

        Args:
            reference: a data set: a Parquet, CSV or Arrow file, anything that speaks Arrow, a dict of columns, an
                (n, d) array. With a plan Parquet and Arrow data may be larger than memory.
            detectors: detectors or their names; by default psi, missing, unseen and mmd; of counts
                without mmd, whose sums of features take longer than all counts.
            plan: what `plan` decided: the reference, or a part of one, is then counted by it, in one pass and without
                keeping rows. The plan holds all other options.
            content: "sample" keeps rows, "aggregates" counts only; with a plan it is "aggregates". Without one a seeded
                part of the rows, a fifth and at most 20,000, makes the cells and takes no part in tests.
            backend: "numpy", "jax", "cupy" or "auto"; counts are made where the rows are.
            block: rows that belong together and are permuted as one: a column, "timestamp:day", or a run length.
            correction: "bh", "by", "holm", "bonferroni" or "none".
            rule: when the data set counts as drifted: "fdr", "any", "majority", or a share of columns.
            alpha: false-alarm rate of the corrected tests.
            min_effect: effect that a drift must reach, for every detector that has none of its own.
            seed: decides every random choice.
            columns: only these columns; naming one keeps it even if it looks like an identifier.
            drop: columns to leave out.
            label: the label's column, left out.
            kinds: column -> kind where the finder should not decide; `"text"` compares a text by its length
                and by the share of its words that the reference lacks, `"length"` by its length alone, `"gaps"` the
                seconds between the times of a column.
            sample_rows: rows kept at most; counts are of all rows in any case. None keeps all.
            name: what the report calls the reference.
            progress: called with (rows counted, rows in all or 0, "counting") while a plan is followed, so
                `progress=print` will do.

        Raises:
            DataError: the reference cannot be read or has no rows.
            SchemaError: it lacks a column that the plan counts.
            ConfigError: an option has a value that cannot work, or is given beside a plan that fixes it.
        """
        asked = Asked(
            detectors, backend, block, correction, rule, alpha, min_effect, seed, columns, drop, label, kinds, name
        )
        if plan is not None:
            from accel_drift.profiles.counted import CountedProfile

            _refuse_beside_plan(plan, asked, sample_rows)
            return CountedProfile.count(plan, reference, progress)
        if content == "aggregates":
            from accel_drift.profiles.counted import CountedProfile

            return CountedProfile.apart(learn(reference, asked, COUNTABLE), progress)
        if content != "sample":
            raise ConfigError(f'content is {content!r}; it is "sample", which keeps rows, or "aggregates"')
        from accel_drift.profiles.sampled import SampledProfile

        return SampledProfile.of(learn(reference, asked), sample_rows)

    @staticmethod
    def plan(
        sample: Any,
        detectors: Sequence[Detector | str] | None = None,
        *,
        correction: Correction = "bh",
        rule: Rule | float = "fdr",
        alpha: float = 0.01,
        min_effect: float | None = None,
        seed: int = 0,
        columns: Sequence[str] | None = None,
        drop: Sequence[str] = (),
        label: str | None = None,
        kinds: Mapping[str, str] | None = None,
        name: str = "",
        progress: Progress | None = None,
    ) -> Plan:
        """Decide what is counted of a reference: where columns are cut, which categories have a cell of their own.

        Tests are exact where these rows are not counted in the reference as well. Where they are it does no harm as
        long as bins hold 50 rows of the reference and more.

        Args:
            sample: some rows like those of the reference, or the whole of it: of a data set that comes in pieces
                (Parquet, Arrow) a seeded sample of at most 200,000 rows is taken, spread evenly over it.
            detectors: as in `fit`; by default psi, missing and unseen. Those that need rows are refused,
                and so are options of "mmd" that do.
            correction: as in `fit`.
            rule: as in `fit`.
            alpha: as in `fit`.
            min_effect: as in `fit`.
            seed: as in `fit`.
            columns: as in `fit`.
            drop: as in `fit`.
            label: as in `fit`.
            kinds: as in `fit`.
            name: what reports call the reference.
            progress: called with (rows read, rows in all, "reading") while rows are drawn from a data set in pieces.

        Raises:
            DataError: the sample cannot be read or has no rows, or no column is left to count.
            ConfigError: an option has a value that cannot work, or a detector needs rows.
        """
        from accel_drift.profiles.plan import Plan, sample_of

        asked = Asked(
            detectors, "auto", None, correction, rule, alpha, min_effect, seed, columns, drop, label, kinds, name
        )
        return Plan.of(learn(sample, asked, COUNTABLE, sample_of(seed), progress), name)

    @abstractmethod
    def score(self, batch: Any, *, name: str = "", progress: Progress | None = None) -> Report:
        """Compare a batch with the reference.

        Args:
            batch: a data set, in any form that `fit` takes.
            name: what the report calls the batch.
            progress: called with (done, of, what) before each detector, and while rows are counted, as in `fit`.

        Raises:
            DataError: the batch cannot be read, has no rows, or no column that the reference has.
            SchemaError: a column holds what it cannot be compared as.
        """

    def calibrated(
        self,
        rows: int,
        rate: float = 0.01,
        *,
        block: str | int | None = None,
        resamples: int | None = None,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Profile:
        """The same profile with thresholds of its statistics, for batches of so many rows.

        Batches are drawn from the reference, each is compared with the rows that are left, so that no row is on both
        sides, and a threshold is what the statistics of so few of them are over. A threshold is there before the batch
        is, and holding `statistics` against it takes no permutations: for dashboards, for other systems, for scoring in
        milliseconds. It is for one size of batches, and allows for nothing that the reference has not seen. A verdict
        needs none: it is that of p-values, with thresholds beside it.

        Where rows of a day, say, are alike, `block` draws whole days; thresholds of single rows would be far too small.

        A profile of counts draws the counts of a batch, of each column by itself: thresholds alone are those of rows.
        How columns go together it does not know, and thresholds together allow for the worst (Bonferroni over columns):
        fewer batches than `rate` are over. It has no blocks, and none for a detector of all columns together.

        Args:
            rows: rows of the batches to come. More than a fifth of the reference's cost power, for a batch is compared
                with the others only; more than half are refused.
            rate: the share of batches without drift that may be over: of each statistic alone, and of all together.
            block: rows that are drawn as one, as in `fit`; by default the profile's own. A batch is then as many whole
                blocks as have about `rows` rows.
            resamples: batches drawn. By default ten over `rate`, and one over `rate` more for each statistic (of
                counts two for each column and statistic), so that there are thresholds of all together.
            seed: decides which.
            progress: called with (done, of, what).

        Raises:
            ConfigError: an option has a value that cannot work, or the profile keeps too few rows for it, or it keeps
                counts and there is a block rule or a detector of all columns together.
            DataError: no column is left to compare.
        """
        from accel_drift.profiles.thresholds import Calibration

        return self._calibrated(Calibration(rows, rate, block, resamples, seed), progress)

    @abstractmethod
    def _calibrated(self, asked: Calibration, progress: Progress | None) -> Profile: ...

    @abstractmethod
    def recalibrated(self, reference: Any, *, progress: Progress | None = None) -> Profile:
        """A profile of newer rows, with the detectors, options and thresholds of this one made anew.

        Args:
            reference: a data set, in any form that `fit` takes.
            progress: as in `calibrated`.

        Raises:
            ConfigError: this profile was not calibrated, or the new rows are too few for it.
            DataError: the reference cannot be read, or has no rows.
            SchemaError: it lacks a column that this profile compares.
        """

    @abstractmethod
    def statistics(self, batch: Any) -> Statistics:
        """The statistics of a batch alone, without permutations, intervals or a verdict.

        Returns:
            A dict: detector -> column -> statistic; of a detector of all columns together the column is "". It knows
            the batch's `rows`, so that `thresholds.judge` refuses those of too few.

        Raises:
            DataError: the batch cannot be read, has no rows, or no column that the reference has.
            ConfigError: the profile keeps counts only, and has a detector of all columns together.
        """

    @abstractmethod
    def merge(self, *others: Profile) -> Profile:
        """The profile of the rows of this one and of others, all fitted on one plan; the order does not matter.

        Thresholds are those of a part, and the whole has none: calibrate what was merged.

        Raises:
            ConfigError: a profile keeps rows, or was fitted on another plan.
        """

    @abstractmethod
    def save(self, path: str | Path) -> None:
        """Write the profile to one Arrow IPC file; never a pickle, never half a file.

        Raises:
            SourceError: the folder does not exist, or the file cannot be written.
        """

    @staticmethod
    def load(path: str | Path, *, backend: str | Backend = "auto") -> Profile:
        """Open a saved profile, on any backend.

        Raises:
            ProfileError: the file is damaged, foreign, altered, of a later format, or holds a plan only.
            SourceError: there is no such file.
        """
        from accel_drift.profiles.file import open_profile

        return open_profile(Path(path), backend)

    @abstractmethod
    def contents(self) -> dict[str, Any]:
        """What the profile holds, raw values first."""

    @abstractmethod
    def summary(self) -> dict[str, Any]:
        """Options, sizes and backend, as plain values."""


def _refuse_beside_plan(plan: Any, asked: Asked, sample_rows: int | None) -> None:
    from accel_drift.profiles.plan import Plan

    if not isinstance(plan, Plan):
        what = f"the path {str(plan)!r}" if isinstance(plan, str | Path) else f"a {type(plan).__name__}"
        raise ConfigError(f"plan is {what}; it is what Profile.plan(...) makes and Plan.load(path) opens")
    open_backend(asked.backend)  # counts are made on the host, but a wrong name is told
    plain = Asked(backend=asked.backend)
    given = [option for option in Asked.__slots__ if getattr(asked, option) != getattr(plain, option)]
    given += ["sample_rows"] * (sample_rows != SAMPLE_ROWS)
    if given:
        raise ConfigError(
            f"the plan fixes {', '.join(given)}; leave that out here: what a plan can hold is given to Profile.plan"
        )
