"""A ledger without a database: what a monitor without a history needs while it runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from accel_drift.history import Metric, Window
from accel_drift.history.steps import Saved, Step, Taken


class Memory:
    """Which batches with a key were taken, and what parts know."""

    def __init__(self) -> None:
        self._keys: dict[str, Taken] = {}
        self._digests: dict[str, Taken] = {}
        self._parts: dict[str, bytes] = {}
        self._first: dict[str, datetime] = {}

    def saved(self) -> Saved | None:
        """Nothing outlives the process."""

    def parts(self) -> dict[str, bytes]:
        """See `Ledger.parts`."""
        return self._parts

    def taken(self, first: int) -> list[Taken]:  # noqa: ARG002
        """Nothing is taken in again."""
        return []

    def found(self, key: str = "", digest: str = "") -> Taken | None:
        """See `Ledger.found`."""
        return self._keys.get(key) if key else self._digests.get(digest)

    def known(self, keys: Sequence[str]) -> dict[str, datetime]:
        """See `Ledger.known`."""
        return {key: self._first[key] for key in keys if key in self._first}

    def windows(self, keys: Sequence[str]) -> dict[str, Window]:  # noqa: ARG002
        """See `Ledger.windows`; windows are written nowhere."""
        return {}

    def write(
        self,
        step: Step,
        recorded: Any = None,  # noqa: ARG002
        measured: Mapping[str, Iterable[Metric]] | None = None,  # noqa: ARG002
    ) -> bool:
        """See `Ledger.write`."""
        for one in step.taken:
            if one.key:
                self._first.setdefault(one.key, one.at)
                self._keys[one.key] = one
                if one.rows:
                    self._digests[one.digest] = one
        for part, body in step.parts.items():
            if body is None:
                self._parts.pop(part, None)
            else:
                self._parts[part] = body
        return True
