"""Thresholds of statistics for a rate of false alarms, known before a batch comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from math import ceil, floor, isnan
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from accel_drift.errors import ConfigError
from accel_drift.finding import Finding
from accel_drift.report import Report

Floats = npt.NDArray[np.float64]

_FEWER, _FEWER_IN_BLOCKS = 0.95, 0.75
"""Share of the rows calibrated for that a batch must have: a statistic is larger the fewer rows there are, and with 5 %
fewer a rate of 0.01 becomes 0.015. Whole blocks differ in their rows, and the blocks drawn did, too."""

_MORE = 1.25
"""Share of the rows calibrated for from which thresholds are larger than they need be, by so much that it is told."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Options of `Profile.calibrated`, as they were given."""

    rows: int
    rate: float = 0.01
    block: str | int | None = None
    resamples: int | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Threshold:
    """What a statistic must be above.

    Attributes:
        detector: the detector's name.
        column: the column; "" for a statistic of all columns together.
        alone: above this in at most `rate` of batches without drift, whatever the other columns do.
        together: in at most `rate` of batches without drift is any statistic above its own; None where more resamples
            are needed for so many statistics.
        two_sided: whether a statistic below 0 counts by its size.
    """

    detector: str
    column: str
    alone: float
    together: float | None
    two_sided: bool = False

    def size(self, statistic: float | None) -> float:
        """What is held against the threshold; nothing known is never above it."""
        value = float("-inf") if statistic is None or isnan(statistic) else float(statistic)
        return abs(value) if self.two_sided and value > float("-inf") else value


class Statistics(dict[str, dict[str, float]]):
    """Statistics of a batch: detector -> column -> statistic, and how many rows they are of.

    Attributes:
        rows: of the batch.
    """

    def __init__(self, statistics: Mapping[str, Mapping[str, float]], rows: int) -> None:
        super().__init__({detector: dict(found) for detector, found in statistics.items()})
        self.rows = rows

    def __reduce__(self) -> tuple[type[Statistics], tuple[dict[str, dict[str, float]], int]]:
        return type(self), (dict(self), self.rows)


class Judgement(NamedTuple):
    """What thresholds say of the statistics of a batch.

    Attributes:
        alarm: whether any statistic is above its threshold of all together: False in 1 - `rate` of clean batches.
        together: (detector, column) of these.
        alone: (detector, column) of statistics above the threshold of each alone.
    """

    alarm: bool
    together: tuple[tuple[str, str], ...]
    alone: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, repr=False)
class Thresholds:
    """Thresholds of every statistic of a profile, for batches of one size.

    A statistic is over its threshold when it is larger: one that is equal is not. The rate is kept on average over
    references: that of one reference is a little higher or lower, since the reference is a sample itself. Rows (or
    blocks) must be exchangeable: a season that the reference has not seen is a drift to them.

    Attributes:
        limits: one for each detector and column.
        rows: rows of the batches that they are for.
        rate: false alarms that are put up with: the share of batches without drift over a threshold.
        resamples: batches that were drawn.
        asked: how many were asked for; None for as many as it takes.
        interval: 95 % interval of the share of all batches that could be drawn over a threshold `alone`, rows without
            ties: what the number of resamples leaves open, and nothing else.
        block: rows that were drawn together, or None.
        blocks: how many blocks made a batch; 0 without.
        compared_with: rows that a batch was compared with.
        seed: what the batches were drawn by.
        made_at: when, ISO 8601 in UTC.
        warnings: what may make a rate wrong, or a threshold larger than need be.
    """

    limits: tuple[Threshold, ...]
    rows: int
    rate: float
    resamples: int
    asked: int | None
    interval: tuple[float, float]
    block: str | int | None
    blocks: int
    compared_with: int
    seed: int
    made_at: str
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<{len(self.limits)} thresholds for batches of {self.rows:,} rows at a rate of {self.rate:g}>"

    def __str__(self) -> str:
        lines = [f"{'detector':<18} {'column':<24} {'alone':>10} {'together':>10}"]
        for t in self.limits:
            together = "-" if t.together is None else f"{t.together:.4g}"
            lines.append(f"{t.detector:<18} {t.column or '(all together)':<24} {t.alone:>10.4g} {together:>10}")
        return "\n".join([*lines, self.said, *(f"WARNING: {warning}" for warning in self.warnings)])

    @property
    def said(self) -> str:
        """What they are, in one line."""
        block = "" if self.block is None else f" ({self.blocks} blocks of {self.block!r})"
        return (
            f"thresholds for batches of {self.rows:,} rows{block} at a rate of {self.rate:g}, from {self.resamples:,} "
            f"resamples, made at {self.made_at}"
        )

    def get(self, detector: str, column: str = "") -> Threshold:
        """The threshold of one statistic; of a detector of all columns together without a column.

        Raises:
            ConfigError: there is none.
        """
        for limit in self.limits:
            if (limit.detector, limit.column) == (detector, column):
                return limit
        known = ", ".join(f"{t.detector} of {t.column!r}" if t.column else t.detector for t in self.limits[:12])
        raise ConfigError(f"no threshold of {detector!r} for {column!r}; there are {known or 'none'}")

    def judge(self, statistics: Mapping[str, Mapping[str, float]], rows: int | None = None) -> Judgement:
        """Hold statistics against their thresholds.

        Args:
            statistics: detector -> column -> statistic, as `Profile.statistics` gives them; what is not there, or NaN,
                is over nothing.
            rows: rows of the batch; None for those that `Profile.statistics` counted. Give them with plain dicts, which
                do not know.

        Raises:
            ConfigError: the batch has `too_few` rows for these thresholds, or no statistic has a threshold.
        """
        rows = getattr(statistics, "rows", None) if rows is None else rows
        if rows is not None and self.too_few(rows):
            raise ConfigError(f"{self._for_others(rows)}; score() tests batches of any size, too_few() says beforehand")
        held = [(t, t.size(statistics[t.detector].get(t.column))) for t in self.limits if t.detector in statistics]
        if not held:
            known = ", ".join(dict.fromkeys(t.detector for t in self.limits))
            raise ConfigError(f"no threshold for {', '.join(statistics) or 'no detector'}; there are those of {known}")
        together = tuple((t.detector, t.column) for t, v in held if t.together is not None and v > t.together)
        alone = tuple((t.detector, t.column) for t, value in held if value > t.alone)
        return Judgement(bool(together), together, alone)

    @property
    def calibration(self) -> Calibration:
        """The options that they were made with."""
        return Calibration(self.rows, self.rate, self.block, self.asked, self.seed)

    def due(self, every: Any, now: Any = None) -> bool:
        """Whether they are so old that it is time to calibrate again.

        Args:
            every: how often that is to be done, a `datetime.timedelta`.
            now: the time, a `datetime.datetime` with its zone; by default the clock's.

        Raises:
            ConfigError: `every` is no duration above 0, or `now` no time with a zone.
        """
        if not isinstance(every, timedelta) or every <= timedelta(0):
            raise ConfigError(f"every is {every!r}; it is a duration above 0, such as datetime.timedelta(days=30)")
        if now is not None and (not isinstance(now, datetime) or now.tzinfo is None):
            raise ConfigError(f"now is {now!r}; it is a time with its zone, such as datetime.now(datetime.UTC)")
        return bool((now or datetime.now(UTC)) - datetime.fromisoformat(self.made_at) >= every)

    def too_few(self, rows: int) -> bool:
        """Whether a batch has so few rows that more than `rate` of them would be over."""
        return rows < self.rows * (_FEWER if self.block is None else _FEWER_IN_BLOCKS)

    def told(self, report: Report) -> Report:
        """The report with thresholds beside its statistics; its verdict stays that of the p-values."""
        settings = {**report.settings, "thresholds": self._settings()}
        if self.too_few(report.n_batch):
            return replace(report, settings=settings, warnings=(*report.warnings, self._for_others(report.n_batch)))
        known = {(t.detector, t.column): t for t in self.limits}
        made = replace(report, findings=tuple(_with_threshold(f, known) for f in report.findings), settings=settings)
        over, line = len(made.over_together), self.said
        if report.n_batch > self.rows * _MORE:
            line += f"; this batch has {report.n_batch:,} rows, for which they are larger than need be"
        found = f"{over} of them exceeded" if over else "none exceeded"
        return replace(made, notes=(*report.notes, f"{line}: {found} (all together at that rate)"))

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        return plain | {
            "limits": [asdict(t) for t in self.limits],
            "interval": list(self.interval),
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """What `to_dict` gave, perhaps through JSON."""
        made: dict[str, Any] = {
            **stored,
            "limits": tuple(Threshold(**t) for t in stored["limits"]),
            "interval": tuple(stored["interval"]),
            "warnings": tuple(stored["warnings"]),
        }
        return cls(**made)

    def _settings(self) -> dict[str, Any]:
        return {k: v for k, v in self.to_dict().items() if k not in ("limits", "warnings")}

    def _for_others(self, rows: int) -> str:
        return (
            f"thresholds are for batches of {self.rows:,} rows, and this one has {rows:,}: far more than {self.rate:g} "
            f"of such would be over them; none is applied (calibrate again with rows={rows})"
        )


def limits(
    draws: Mapping[tuple[str, str], Floats], two_sided: Sequence[bool], rate: float
) -> tuple[tuple[Threshold, ...], int]:
    """Thresholds from statistics of batches without drift, and how many resamples would do where these are too few.

    With R resamples and one more batch like them, R + 1 are exchangeable, and the new one is among the k largest with
    probability k / (R + 1) at most. For all statistics together k is the largest number for which at most rate (R + 1)
    batches, the new one counted, have any statistic among its own k largest: the smallest p-value of each batch,
    calibrated by the same resamples. Ties count against an alarm.

    Source: Davison & Hinkley, Bootstrap methods and their application (1997), section 4.2; smallest p-value: Westfall &
    Young, Resampling-based multiple testing (1993), section 2.3; exchangeability: Vovk, Gammerman & Shafer,
    Algorithmic learning in a random world (2005).

    Args:
        draws: (detector, column) -> (R,) statistics; NaN is below all others.
        two_sided: of each whether a value below 0 counts by its size.
        rate: share of batches that may be over.
    """
    sizes = [np.abs(v) if two else v for v, two in zip(draws.values(), two_sided, strict=True)]
    held = np.stack([np.where(np.isnan(v), -np.inf, v) for v in sizes])
    ascending, count = np.sort(held, axis=1), held.shape[1]
    # How many of its own statistic's draws are as large as each.
    ranks = np.stack([count - np.searchsorted(a, v, side="left") for a, v in zip(ascending, held, strict=True)])
    smallest = np.sort(ranks.min(axis=0))
    k, most = largest_rank(count, rate), floor(rate * (count + 1) * (1 + 1e-12)) - 1
    # So many batches may have a rank up to it: the next one's rank is too much.
    joint = int(smallest[most]) - 1 if most >= 0 else 0
    made = tuple(
        Threshold(detector, column, float(a[-k]), float(a[-joint]) if joint > 0 else None, two)
        for (detector, column), a, two in zip(draws, ascending, two_sided, strict=True)
    )
    return made, 0 if joint > 0 else ceil((int(np.count_nonzero(smallest <= 1)) + 1) / rate)


def largest_rank(resamples: int, rate: float) -> int:
    """Among how many of the largest a new one is with probability `rate` at most; 0 where there are too few."""
    return floor(rate * (resamples + 1) * (1 + 1e-12))


def _with_threshold(finding: Finding, known: Mapping[tuple[str, str], Threshold]) -> Finding:
    limit = known.get((finding.detector, finding.column)) or known.get((finding.detector, ""))
    if limit is None or finding.statistic is None:
        return finding
    size, together = limit.size(finding.statistic), limit.together
    told = {"threshold": limit.alone, "over_threshold": size > limit.alone}
    if together is not None:
        told |= {"threshold_together": together, "over_together": size > together}
    return replace(finding, details={**finding.details, **told})
