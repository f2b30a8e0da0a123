"""What happens to an alert: the record that rules hand to whoever tells people of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from accel_drift.finding import Severity


class Kind(StrEnum):
    """What happened."""

    OPENED = "opened"
    RAISED = "raised"
    REMINDER = "reminder"
    ESCALATED = "escalated"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to an alert.

    Attributes:
        key: identity of the alert: the same for all of its events, and in every replay of the same reports.
        rule: name of the rule.
        subject: the column that it is about, where the rule looks at each column; else "".
        kind: opened, raised (its severity went up), reminder, escalated or resolved.
        severity: watch, warning or critical.
        window: key of the window that brought it about; "" before the first.
        at: when that window ended.
        number: which reminder it is, or which raise, from 1; 0 of what happens once.
        sinks: names of the sinks that are to be told.
        details: what was seen, plain JSON values: numbers of columns and windows, never of rows.
    """

    key: str
    rule: str
    subject: str
    kind: Kind
    severity: Severity
    window: str
    at: datetime
    number: int = 0
    sinks: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
