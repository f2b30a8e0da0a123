"""A profile that holds counts and no rows: it merges, and what it learns from or scores may be larger than memory."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from accel_drift.backends import Backend, get_backend
from accel_drift.data.read import Pieces, Progress, read_pieces
from accel_drift.data.schema import Kind, Schema, common, diff, listed
from accel_drift.data.table import Table
from accel_drift.detectors.base import Detector
from accel_drift.errors import ConfigError, DataError, SchemaError
from accel_drift.finding import Finding
from accel_drift.profiles.learning import Learned
from accel_drift.profiles.plan import Plan
from accel_drift.profiles.profile import Profile
from accel_drift.profiles.scoring import nothing_left, report_of
from accel_drift.profiles.screening import Screened, changed, screen_counts
from accel_drift.profiles.thresholds import Calibration, Statistics, Thresholds
from accel_drift.report import Report
from accel_drift.statistics import draws
from accel_drift.statistics.cell_pairs import rank_errors
from accel_drift.statistics.feature_moments import FeatureMoments
from accel_drift.statistics.tallied import TalliedComparison
from accel_drift.statistics.tally import Tally, fits

MOST_APART = 20_000
"""Rows at most that make cells where there is no plan."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class CountedProfile(Profile):
    """Counts of a reference in the cells of a plan.

    Attributes:
        fitted_on: the cells, the detectors and the options.
        tally: the counts.
        detectors: those of the plan.
        backend: the host: what is compared are counts.
        thresholds: of the statistics, once calibrated; else None.
    """

    fitted_on: Plan
    tally: Tally
    detectors: tuple[Detector, ...] = field(init=False, repr=False, compare=False)
    backend: Backend = field(init=False, repr=False, compare=False)
    thresholds: Thresholds | None = None

    def __repr__(self) -> str:
        return f"<profile of {self.tally.rows:,} rows, counted by {self.fitted_on!r}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CountedProfile):
            return NotImplemented
        return self.fitted_on == other.fitted_on and self.tally.same(other.tally)

    def __hash__(self) -> int:
        return hash((self.fitted_on, self.tally.rows))

    def __post_init__(self) -> None:
        object.__setattr__(self, "detectors", self.fitted_on.detectors)
        object.__setattr__(self, "backend", get_backend("numpy"))

    @property
    def schema(self) -> Schema:
        """See `Profile.schema`."""
        return self.fitted_on.schema

    @classmethod
    def count(cls, plan: Plan, reference: Any, progress: Progress | None = None) -> Self:
        """Count a data set, or a part of one, some rows at a time.

        Raises:
            DataError: it cannot be read.
            SchemaError: it lacks a column that the plan counts, or holds something else there.
        """
        columns = list(dict.fromkeys(c.source for c in plan.schema.columns))
        read = read_pieces(reference, schema=plan.schema, columns=columns, drop=tuple(plan.excluded))
        tally = Tally.zero(plan.cells, plan.features)
        return cls(plan, _Counted.of(tally, plan, read, progress, lambda first: _must_fit(plan, first, read)).tally)

    @classmethod
    def apart(cls, learned: Learned, progress: Progress | None = None) -> Self:
        """Count rows that are at hand in cells that a seeded part of them makes; that part is not counted.

        Raises:
            ConfigError: a detector needs rows.
            DataError: there are fewer than two rows, or no column is left to count.
        """
        table = learned.table
        if table.rows < 2:
            raise DataError(f"the reference has {table.rows} row; one makes the cells, and then none is left to count")
        stream = draws.key(learned.options.seed, "plan", "apart")
        deciding = draws.subset(stream, table.rows, max(1, min(table.rows // 5, MOST_APART)))
        plan = Plan.of(replace(learned, table=table.take(deciding)), table.name)
        return cls.count(plan, table.take(np.setdiff1d(np.arange(table.rows), deciding)), progress)

    def merge(self, *others: Profile) -> Self:
        """The profile of the rows of this one and of all others: in any order the same, to the byte.

        Thresholds are those of a part, and the whole has none: calibrate what was merged.

        Raises:
            ConfigError: another was not fitted on the same plan.
        """
        plan, tally = self.fitted_on, self.tally
        for other in others:
            if not isinstance(other, Profile):
                raise ConfigError(f"merge takes profiles, each an argument of its own, not a {type(other).__name__}")
            if not isinstance(other, CountedProfile) or other.fitted_on != plan:
                raise ConfigError(
                    "profiles merge only if they were fitted on one plan: make it with Profile.plan, and fit every "
                    "part of the reference on it"
                )
            # Twice the same plan, made at different times: one of the two, whatever the order.
            plan = min(plan, other.fitted_on, key=lambda p: json.dumps(dict(p.provenance), sort_keys=True))
            tally = tally.merge(other.tally)
        return replace(self, fitted_on=plan, tally=tally, thresholds=None)

    def score(self, batch: Any, *, name: str = "", progress: Progress | None = None) -> Report:
        """See `Profile.score`; the batch may be larger than memory.

        Raises:
            DataError: profile or batch have no rows, or no column in common.
        """
        started = time.perf_counter()
        found, screened, comparison = self._compared(batch, name, progress)
        plan, options = self.fitted_on, self.fitted_on.options
        report = report_of(comparison, screened, plan.detectors, options, comparison.rows, progress)
        made = replace(
            report,
            findings=_with_bounds(report.findings, plan.detectors, comparison),
            reference=self.name or "reference",
            batch=found.name or "batch",
            schema_diff=diff(plan.schema, found.schema),
            elapsed_s=time.perf_counter() - started,
        )
        return made if self.thresholds is None else self.thresholds.told(made)

    def statistics(self, batch: Any) -> Statistics:
        """See `Profile.statistics`.

        Raises:
            ConfigError: a detector is one of all columns together.
        """
        joint = [d.name for d in self.detectors if d.joint]
        if joint:
            raise ConfigError(
                f"statistics() makes those of columns where a profile keeps counts only, and this one has "
                f'{", ".join(joint)}; leave that out, call score(), or fit a profile with content="sample"'
            )
        found, _, comparison = self._compared(batch, "", None)
        return Statistics({d.name: d.statistics(comparison) for d in self.detectors}, found.tally.rows)

    def recalibrated(self, reference: Any, *, progress: Progress | None = None) -> Self:
        """See `Profile.recalibrated`; the new rows are counted in the cells of the same plan.

        Raises:
            ConfigError: this profile was not calibrated, or the new rows are too few for it.
            DataError: there are no new rows.
            SchemaError: they lack a column that the plan counts.
        """
        old = self.thresholds
        if old is None:
            raise ConfigError("the profile has no thresholds to make anew; profile.calibrated(rows=...) makes them")
        made = self.count(self.fitted_on, reference, progress)
        if made.tally.rows == 0:
            raise DataError("the reference has no rows; there is nothing to learn")
        return made._calibrated(old.calibration, progress)

    def _calibrated(self, asked: Calibration, progress: Progress | None) -> Self:
        from accel_drift.profiles.calibrating_counts import calibrate

        plan = self.fitted_on
        told = str(plan.provenance.get("alike_rows") or "")
        return replace(self, thresholds=calibrate(self.tally, plan.schema, plan.detectors, asked, told, progress))

    def _compared(
        self, batch: Any, name: str, progress: Progress | None
    ) -> tuple[_Counted, Screened, TalliedComparison]:
        """The batch, counted; what of it is compared; and both sides' counts."""
        plan, options = self.fitted_on, self.fitted_on.options
        if self.tally.rows == 0:
            raise DataError("the profile has no rows; there is nothing to compare with")
        read = read_pieces(batch, schema=plan.schema, columns=options.columns, drop=tuple(plan.excluded), name=name)
        found = _Counted.of(Tally.zero(plan.cells, plan.features, names=True), plan, read, progress)
        if found.tally.rows == 0:
            raise DataError("the batch has no rows; there is nothing to compare")
        names = _comparable(plan, found.schema)
        screened = screen_counts(self.tally, found.tally, names, [d.name for d in plan.detectors])
        changes = diff(plan.schema, found.schema)
        screened = Screened(
            screened.names,
            {**found.excluded, **plan.excluded, **screened.excluded},
            [*changed(changes), *screened.warnings, *([said] if (said := plan.provenance.get("alike_rows")) else [])],
            screened.blind,
        )
        if not screened.names:
            raise DataError(nothing_left(screened))
        return (
            found,
            screened,
            TalliedComparison.of(self.tally, found.tally, (plan.schema, found.schema), screened.names, screened.blind),
        )

    @property
    def name(self) -> str:
        """What reports call the reference."""
        return str(self.fitted_on.provenance["reference"])

    @property
    def rank_error(self) -> dict[str, float]:
        """Numeric column -> mass of the fullest cell of several values: ranks are known up to that.

        Above 0.01 distances of distribution functions are coarse; plan again on more rows.
        """
        return rank_errors(self.tally)

    def save(self, path: str | Path) -> None:
        """See `Profile.save`. The bytes depend on plan and rows alone, not on time or order; thresholds have a time."""
        import pyarrow as pa

        from accel_drift.profiles.file import write

        # An earlier version reads the file and leaves thresholds out: no verdict hangs on them.
        limits = {} if self.thresholds is None else {"thresholds": self.thresholds.to_dict()}
        header = {"content": "aggregates", "plan": self.fitted_on.to_dict(), "rows": self.tally.rows, **limits}
        moments = [] if self.tally.moments is None else [self.tally.moments.packed]
        counts = np.concatenate([self.tally.counts, *moments])
        write(header, pa.record_batch([pa.array(counts)], ["counts"]), Path(path))

    @classmethod
    def of_file(cls, header: Mapping[str, Any], counts: Any) -> Self:
        """What `save` wrote."""
        plan = Plan.from_dict(header["plan"])
        found, cells = np.array(counts.column("counts"), np.int64), plan.cells.width
        moments = None if plan.features is None else FeatureMoments.of_packed(plan.features.count, found[cells:])
        limits = Thresholds.from_dict(header["thresholds"]) if header.get("thresholds") else None
        return cls(plan, Tally(plan.cells, int(header["rows"]), found[:cells], plan.features, moments), limits)

    def contents(self) -> dict[str, Any]:
        """What the profile holds."""
        return {
            "rows_held": 0,
            "rows_of_reference": self.tally.rows,
            "holds_raw_rows": False,
            "columns_with_raw_values": [],
            "counts_of_all_rows": sorted(self.fitted_on.cells.columns),
            "rank_error": self.rank_error,
            **({} if self.thresholds is None else {"thresholds": self.thresholds.said}),
            **self.fitted_on.contents(),
        }

    def summary(self) -> dict[str, Any]:
        """Options and sizes, as plain values."""
        return {**self.fitted_on.options.to_dict(), **self.contents(), "backend": "numpy"}


@dataclass(frozen=True, slots=True)
class _Counted:
    """A data set, counted: its schema, what was left out, and its name."""

    tally: Tally
    schema: Schema
    excluded: Mapping[str, str]
    name: str

    @classmethod
    def of(
        cls,
        tally: Tally,
        plan: Plan,
        read: Pieces,
        progress: Progress | None,
        check: Callable[[Table], None] = lambda _: None,
    ) -> _Counted:
        schema, excluded = Schema(()), {}
        for place, piece in enumerate(read.tables):
            if place == 0:
                schema, excluded = piece.schema, dict(piece.excluded)
                check(piece)
            tally = tally.update(piece, _held(plan, piece, schema))
            if progress is not None:
                progress(tally.rows, read.rows or 0, "counting")
        return cls(tally, schema, excluded, read.name)


def _with_bounds(
    findings: Sequence[Finding], detectors: Sequence[Detector], comparison: TalliedComparison
) -> tuple[Finding, ...]:
    """Findings of distribution functions with how far those are known: the mass of the fullest cell of either side."""
    bounds = {n: e for pair in comparison.numeric for n, e in zip(pair.names, pair.rank_error.tolist(), strict=True)}
    ordered = {d.name for d in detectors if d.kinds == (Kind.NUMERIC,)}
    return tuple(
        replace(f, details={**f.details, "rank_error": bounds[f.column]})
        if f.detector in ordered and f.column in bounds and f.statistic is not None
        else f
        for f in findings
    )


def _must_fit(plan: Plan, first: Table, read: Pieces) -> None:
    """Whether a data set, by its first rows, is a part of the reference that was planned.

    Raises:
        SchemaError: it lacks a column that the plan counts, or holds something else there.
    """
    changes, called = diff(plan.schema, first.schema), read.name or "the data to fit"
    if unread := [f"{name!r}: {first.excluded[name]}" for name in changes.removed if name in first.excluded]:
        raise SchemaError(f"{called} has columns that cannot be counted as the plan does: {'; '.join(unread)}")
    if changes.removed:
        known = {*plan.schema.names, *plan.excluded, *(c.source for c in plan.schema.columns)}
        more = [name for name in read.columns if name not in known]
        has = f", and has {listed(more)}, which it does not know" if more else ""
        raise SchemaError(
            f"{called} lacks {listed(changes.removed)}, which the plan counts{has}; every part of a reference has the "
            "columns of its plan: name them alike (a key of partitions may stand in a folder's name, key=value), or "
            f"plan again without them, with drop={_to_drop(changes.removed)}"
        )
    if changes.retyped:
        told = "; ".join(f"{name!r} is {was} in the plan, {now} here" for name, was, now in changes.retyped)
        raise SchemaError(
            f"{called} holds something else than the plan counts: {told}; write the plan's types, or plan again "
            f"without that, with drop={_to_drop([name for name, _, _ in changes.retyped])}"
        )


def _to_drop(names: Sequence[str]) -> str:
    return str([*names]) if len(names) <= 12 else "[...]"


def _comparable(plan: Plan, schema: Schema) -> tuple[str, ...]:
    return tuple(n for n in common(plan.schema, schema) if n in plan.cells.columns)


def _held(plan: Plan, piece: Table, schema: Schema) -> tuple[str, ...]:
    """The columns of a piece that are counted.

    Raises:
        SchemaError: a column holds something else than in the first piece.
    """
    names = _comparable(plan, schema)
    odd = [n for n in names if not fits(plan.cells.columns[n], piece.columns[n])]
    if odd:
        raise SchemaError(
            f"{listed(odd)}: some rows hold something else than the first ones; write one type, or plan again without "
            f"that, with drop={_to_drop(odd)}"
        )
    return names
