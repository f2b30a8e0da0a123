"""What one detector says of one column: the record that everything above the detectors passes on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """How a comparison ended. Not every ending has a number."""

    DRIFTED = "drifted"
    SIGNIFICANT_SMALL = "significant_small"
    STABLE = "stable"
    TOO_FEW_ROWS = "too_few_rows"
    TOO_FEW_BLOCKS = "too_few_blocks"
    CONSTANT = "constant"
    ALL_MISSING = "all_missing"
    NOT_COMPARABLE = "not_comparable"

    @property
    def tested(self) -> bool:
        """Whether a test was made, so that there is a p-value.

        >>> Status.STABLE.tested, Status.TOO_FEW_ROWS.tested
        (True, False)
        """
        return self in _TESTED


_TESTED = frozenset({Status.DRIFTED, Status.SIGNIFICANT_SMALL, Status.STABLE})


class Severity(StrEnum):
    """How bad a drift is; above none only when the status is drifted."""

    NONE = "none"
    WATCH = "watch"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 (none) to 3 (critical).

        >>> Severity.CRITICAL.rank
        3
        """
        return _RANKS[self]


_RANKS = {one: rank for rank, one in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of what a detector saw: a bin, a category, a column of a joint test, a row.

    Attributes:
        label: what a reader sees: `(12.5, 20]`, a category, `missing`, a column's name, `row 17`.
        kind: bin, category, other (rare categories counted together, or the parts that matter least), missing, unseen
            (a category without a reference row), vanished (one without a batch row), column or row.
        contribution: its part of the statistic, in the statistic's unit; of a column in a joint test, how much smaller
            the statistic is without it; of a row, its witness value.
        share: the contribution as a share of the statistic, or None where that means nothing.
        direction: more, less or same: how the batch's share compares with the reference's. "" where there is no such
            thing.
        reference: reference rows in it, or None.
        batch: batch rows in it, or None.
        row: place of a row on its side, from 0; None for all other kinds.
        side: reference or batch for a row, else "".
    """

    label: str
    kind: str
    contribution: float
    share: float | None = None
    direction: str = ""
    reference: int | None = None
    batch: int | None = None
    row: int | None = None
    side: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one detector says of one column, or of several together.

    Attributes:
        column: the column's name; for a joint detector the names joined with ", ".
        columns: every column that took part.
        detector: the detector's name, `psi` for example.
        status: how the comparison ended.
        severity: none, watch, warning or critical.
        statistic: the detector's number; None where nothing could be computed.
        p_value: chance of a statistic this large without drift; None where nothing was tested.
        p_method: exact, permutation, monte-carlo, asymptotic or approximate; "" without a p-value.
        adjusted_p_value: the p-value corrected for all that was tested in the same report.
        effect: size of the drift, on the detector's own scale (`unit`).
        interval: 95 % confidence interval of the effect, or None.
        unit: what the effect is measured in.
        n_reference: reference rows that entered the test.
        n_batch: batch rows that entered the test.
        note: one line a person should read, or "".
        details: further numbers (plain JSON values) of this detector.
        parts: what the statistic is made of, the largest contribution first.
    """

    column: str
    columns: tuple[str, ...]
    detector: str
    status: Status
    severity: Severity
    statistic: float | None
    p_value: float | None
    p_method: str
    adjusted_p_value: float | None
    effect: float | None
    interval: tuple[float, float] | None
    unit: str
    n_reference: int
    n_batch: int
    note: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The finding as plain JSON values."""
        out = asdict(self)
        out["columns"] = list(self.columns)
        out["parts"] = [asdict(part) for part in self.parts]
        out["status"], out["severity"] = str(self.status), str(self.severity)
        out["interval"] = None if self.interval is None else list(self.interval)
        return out
