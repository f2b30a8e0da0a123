"""What a window says of a model: whether data drifted, whether it became worse, and by how much."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal, Self, TypeAlias

from accel_drift.calibration import verdict
from accel_drift.finding import Finding, Status
from accel_drift.history import Metric
from accel_drift.history.steps import Recorded
from accel_drift.report import Report

On: TypeAlias = Literal["data_drift", "concept_drift", "either", "f1_drop"]
Drop: TypeAlias = tuple[float, float | None, float | None]
"""A fall of the performance: value, low, high; above 0 where it is worse."""

_KEPT = ("f1", "accuracy", "auc", "labelled_rows")


@dataclass(slots=True)
class Seen:
    """A window.

    Attributes:
        key: of the window.
        start: of the window, ISO 8601.
        end: of the window.
        rows: how many it has.
        reference: what tells the profile that it was compared with.
        data: whether tests of columns found drift; None where nothing was tested.
        degraded: whether the performance is worse than the baseline's; None where that was not tested.
        errors: True where errors became more frequent, False where they became rarer.
        watched: whether errors were watched in it.
        numbers: measures of the model, by name.
        drops: name of a measure -> its drop.
    """

    key: str
    start: str
    end: str
    rows: int
    reference: str = ""
    data: bool | None = None
    degraded: bool | None = None
    errors: bool | None = None
    watched: bool = False
    numbers: dict[str, float] = field(default_factory=dict)
    drops: dict[str, Sequence[float | None]] = field(default_factory=dict)

    @classmethod
    def of(cls, window: Recorded, baseline: dict[str, float]) -> Self:
        """What a window says.

        Args:
            window: it.
            baseline: of measures; what findings say of it is added.
        """
        report = window.report
        measured = [f for f in report.findings if f.detector == "performance"]
        errors = [f for f in report.findings if _of_errors(f)]
        own = [f for f in report.findings if f.detector != "performance" and not _of_errors(f)]
        said = datetime.fromisoformat(report.created_at)
        start, end = window.window.start or said, window.window.end or said
        seen = cls(window.window.key, start.isoformat(), end.isoformat(), report.n_batch, window.profile)
        if any(f.status.tested for f in own):
            seen.data = _data_drifted(report, own, alone=not any(_drifted(f) for f in (*measured, *errors)))
        if tested := [f for f in measured if f.status.tested]:
            seen.degraded = any(_drifted(f) for f in tested)
        for one in errors:
            seen.watched = True
            if _drifted(one) and one.effect is not None:
                seen.errors = one.effect > 0
        for one in measured:
            if one.column in _KEPT and one.effect is not None and one.statistic is not None:
                baseline[one.column] = one.statistic + one.effect
                seen.drops[one.column] = (one.effect, *(one.interval or (None, None)))
        seen.take(window.metrics, {})
        return seen

    def take(self, metrics: Iterable[Metric], baseline: Mapping[str, float]) -> None:
        """Numbers of the window that are new.

        Args:
            metrics: the numbers.
            baseline: what drops are taken from; {} where they are known already.
        """
        for one in metrics:
            if one.value is None:
                continue
            if one.name == "degraded":
                self.degraded = one.value > 0
            elif one.name in _KEPT:
                self.numbers[one.name] = one.value
            if one.name in baseline:
                least, most = (None if end is None else baseline[one.name] - end for end in (one.high, one.low))
                self.drops[one.name] = (baseline[one.name] - one.value, least, most)

    def drop(self, metric: str) -> Drop | None:
        """The drop of a measure."""
        found = self.drops.get(metric)
        if found is None or found[0] is None:
            return None
        return found[0], found[1], found[2]

    def packed(self) -> bytes:
        """It, as bytes."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def unpacked(cls, body: bytes) -> Self:
        """See `packed`."""
        return cls(**json.loads(body))


def shown(windows: Sequence[Seen], on: str, f1_drop: float, *, up: bool) -> tuple[list[bool | None], list[bool]]:
    """What each window shows of what is asked for: None where it could not be tested.

    Args:
        windows: in their order.
        on: what is asked for.
        f1_drop: the drop of F1 that is put up with.
        up: whether errors stand as more frequent before the first.

    Returns:
        That, and whether errors stand as more frequent after each.
    """
    told, after = list[bool | None](), list[bool]()
    for one in windows:
        concept, up = _concept(one, up)
        after.append(up)
        if on == "f1_drop":
            told.append(_f1_fell(one, f1_drop))
        else:
            asked = {"data_drift": (one.data,), "concept_drift": (concept,)}.get(on, (one.data, concept))
            known = [answer for answer in asked if answer is not None]
            told.append(any(known) if known else None)
    return told, after


def _concept(one: Seen, up: bool) -> tuple[bool | None, bool]:
    """Whether the model became worse, and whether errors stand as more frequent afterwards."""
    if one.errors is not None:
        up = one.errors
    if one.degraded or one.errors:
        return True, up
    if one.degraded is False:
        return False, False
    if up:
        return True, True
    return (False if one.watched else None), False


def _f1_fell(one: Seen, most: float) -> bool | None:
    fall = one.drop("f1")
    if fall is None:
        return None
    value, low, _ = fall
    return value > most and (low is None or low > 0)


def _of_errors(finding: Finding) -> bool:
    """Whether `Performance` says it of the errors: no p-value, and nothing of the reference in it."""
    return finding.columns == ("error",) and not finding.p_method and finding.n_reference == 0


def _drifted(finding: Finding) -> bool:
    return finding.status is Status.DRIFTED


def _data_drifted(report: Report, own: Sequence[Finding], *, alone: bool) -> bool:
    """Whether columns drifted by the report's rule.

    Args:
        report: the report.
        own: findings that are of columns.
        alone: whether no other finding drifted, so that the report's verdict is that of the columns.
    """
    if alone or not report.drifted:
        return bool(report.drifted)
    kind, _, share = report.rule.partition(" ")
    rule: Any = float(share) if share else kind
    return verdict(own, rule, float(report.settings.get("alpha", 0.01)))
