"""How a monitor and its columns stand: healthy, watch, warning or critical, and since when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from accel_drift.alerts.facts import Facts
from accel_drift.finding import Severity

_PIECE = "standing"
HEALTHY = "healthy"


class Standing:
    """Knows how each column stands, and tells of those that changed. One that was not tested stands as it stood."""

    def __init__(self) -> None:
        self._stands: dict[str, str] = {}
        self._new = False

    def look(self, facts: Facts, window: str, end: datetime) -> list[dict[str, Any]]:
        """Columns that stand otherwise than before this window, the monitor itself as column ""."""
        changed = []
        for column, rank in facts.severities().items():
            severity = [*Severity][int(rank)]
            stands = HEALTHY if severity is Severity.NONE else str(severity)
            if self._stands.get(column) != stands:
                self._stands[column] = stands
                changed.append({"column": column, "severity": stands, "since_window": window, "since": end})
        self._new = self._new or bool(changed)
        return changed

    def changes(self) -> dict[str, bytes | None]:
        """The piece that it is written to, where it changed since the last call."""
        if not self._new:
            return {}
        self._new = False
        return {_PIECE: json.dumps(self._stands).encode()}

    def restore(self, pieces: Mapping[str, bytes]) -> None:
        """Know what was written."""
        self._stands, self._new = json.loads(pieces.get(_PIECE, b"{}")), False
