"""What one look at a batch says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp, inf
from typing import Any

from accel_drift.report import words

_LARGEST = 709.0


class ColumnEvidence(dict[str, float]):
    """Log evidence by column.

    Attributes:
        refused: why `e_bh` cannot take it: why it is no logarithm of e-values; "" where it is.
    """

    refused: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """One look: what the batch adds to the evidence, and whether that is enough.

    Attributes:
        number: of the look, from 1 on.
        rows: rows of the batch that were compared.
        log_e: natural logarithm of the look's e-value.
        log_evidence: natural logarithm of the evidence of all looks: of the mean over columns.
        alarm: whether evidence has reached 1/alpha; under "ever" an alarm stays.
        guarantee: what an alarm promises, as a sentence.
        left: reference rows that no look has used yet; None where the whole reference is used at each.
        columns: log evidence of each column by itself; `e_bh` takes it where it is of e-values.
        joint: log evidence of the comparison of all columns together; None where there is none.
        p_values: p-value of each column in this look, where a detector made them.
        untested: column -> why this look says nothing of it.
    """

    number: int
    rows: int
    log_e: float
    log_evidence: float
    alarm: bool
    guarantee: str
    left: int | None
    columns: ColumnEvidence = field(default_factory=ColumnEvidence)
    joint: float | None = None
    p_values: Mapping[str, float] = field(default_factory=dict)
    untested: Mapping[str, str] = field(default_factory=dict)

    @property
    def evidence(self) -> float:
        """The evidence itself; infinite beyond what a float holds."""
        return exp(self.log_evidence) if self.log_evidence < _LARGEST else inf

    def to_dict(self) -> dict[str, Any]:
        """As plain values; a logarithm of 0 is None."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        plain |= {name: _plain(plain[name]) for name in ("log_e", "log_evidence", "joint")}
        plain["columns"] = {name: _plain(value) for name, value in self.columns.items()}
        return plain | {"p_values": dict(self.p_values), "untested": dict(self.untested)}

    def __repr__(self) -> str:
        left = "" if self.left is None else f", {words.plural(self.left, 'reference row')} left"
        what = "alarm" if self.alarm else "no alarm"
        not_tested = f", {words.plural(len(self.untested), 'column')} not tested" if self.untested else ""
        rows = words.plural(self.rows, "row")
        return f"<Look {self.number:,}: evidence {self.evidence:.3g} of {rows}, {what}{not_tested}{left}>"


def _plain(value: float | None) -> float | None:
    return None if value is None or value == -inf else value
