"""Rows become points by a rule that some reference rows decided once: each row by itself, whatever lies beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.backends import get_backend
from accel_drift.data.table import CategoricalColumn, EmbeddingColumn, NumericColumn, Table
from accel_drift.errors import DataError
from accel_drift.sequential.rows import digits
from accel_drift.statistics.distances import median_distance
from accel_drift.statistics.encoded_numbers import Number
from accel_drift.statistics.encoding import (
    CATEGORIES,
    Slot,
    Sort,
    Vectors,
    encode,
    every_slot,
    sorts_of,
    spread_out,
)
from accel_drift.statistics.rounding import reach

Floats = npt.NDArray[np.float64]

_NO_VALUE = "no value in the rows drawn from the reference"

_SORTS: Mapping[str, type] = {"numbers": NumericColumn, "categories": CategoricalColumn, "embeddings": EmbeddingColumn}


@dataclass(frozen=True)
class Points:
    """How a row becomes a point: columns are scaled and spread out as `accel_drift.MMD` does it.

    Attributes:
        names: the columns that enter.
        sorts: what each holds.
        rules: what the deciding rows said of each.
        digits: binary digits that the numbers of a column had where they came from.
        bandwidth: the length that 1 stands for.
        bound: how far from the middle a value may lie; one further out counts as that far.
        seed: decides the hash of categories.
        dropped: columns that do not enter, and why.
    """

    names: tuple[str, ...]
    sorts: tuple[Sort, ...]
    rules: tuple[Any, ...]
    digits: Mapping[str, int]
    bandwidth: float
    bound: float
    seed: int
    dropped: Mapping[str, str]

    @classmethod
    def of(cls, table: Table, names: tuple[str, ...], bandwidth: float | None, seed: int) -> Points:
        """Decided by the rows of a table; a bandwidth of None is the median distance of its rows.

        Raises:
            DataError: no column has a value.
        """
        sorts = dict(zip(names, sorts_of((table,), names), strict=True))
        dropped = {name: _NO_VALUE for name, sort in sorts.items() if isinstance(sort, str)}
        kept = tuple(name for name in names if name not in dropped)
        if not kept:
            raise DataError("no column of the reference has a value in the rows drawn from it; give more rows")
        host = get_backend("numpy")
        found = encode((table,), kept, table.rows, seed, host, [sorts[name] for name in kept])
        length = bandwidth if bandwidth is not None else median_distance(found.matrix, seed, host) or 1.0
        # A bandwidth that was given says nothing of where most rows lie.
        sizes = np.abs(found.matrix).max(axis=1, initial=0.0)
        bound = reach("float64") * max(length, float(np.quantile(sizes, 0.75)))
        rules = tuple(found.rules[place] for place in range(len(kept)))
        held = tuple(sorts[name] for name in kept)
        return cls(kept, held, rules, digits(table), float(length), bound, seed, dropped)

    def __call__(self, table: Table) -> Floats:
        """The rows as points in units of the bandwidth, (T, p)."""
        if table.rows == 0:
            return np.zeros((0, len(self.slots)))
        host, rules = get_backend("numpy"), dict(enumerate(self.rules))
        found = encode((self._as_written(table),), self.names, 0, self.seed, host, self.sorts, rules)
        matrix = np.asarray(spread_out(found.matrix, found.slots, self.slots, host))
        return np.asarray(np.clip(matrix, -self.bound, self.bound) / self.bandwidth)

    def _as_written(self, table: Table) -> Table:
        """The rows, numbers that differ from the only one of a column by a coarser type alone made equal to it.

        Any other number is far from it, and 0.1 in float32 is another than 0.1 in float64.
        """
        columns, theirs = dict(table.columns), digits(table)
        for name, rule in zip(self.names, self.rules, strict=True):
            column, mine, other = columns[name], self.digits.get(name), theirs.get(name)
            if mine == other or mine is None or other is None or rule.width > 0.0:
                continue
            assert isinstance(column, NumericColumn)  # noqa: S101
            here, only = column.on_host(), rule.least + rule.peak * rule.centre
            values = np.append(here.values.astype(np.float64), only)
            narrow = next(dtype for dtype in (np.float16, np.float32) if np.finfo(dtype).nmant + 1 == min(mine, other))
            with np.errstate(over="ignore"):
                coarse = values.astype(narrow)
            columns[name] = replace(here, values=np.where(coarse == coarse[-1], only, values)[:-1])
        return replace(table, columns=columns)

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """Everything that a column of points can be."""
        return tuple(slot for place, rule in enumerate(self.rules) for slot in every_slot(place, rule))

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        words = {sort: word for word, sort in _SORTS.items()}
        return {
            "names": list(self.names),
            "sorts": [words[sort] if isinstance(sort, type) else sort for sort in self.sorts],
            "rules": [_plain(rule) for rule in self.rules],
            "digits": dict(self.digits),
            "bandwidth": self.bandwidth,
            "bound": self.bound,
            "seed": self.seed,
            "dropped": dict(self.dropped),
        }

    @classmethod
    def from_dict(cls, made: Mapping[str, Any]) -> Points:
        """What `to_dict` gave."""
        rules = tuple(_rule(sort, rule) for sort, rule in zip(made["sorts"], made["rules"], strict=True))
        known = {k: made[k] for k in ("digits", "bandwidth", "bound", "seed", "dropped")}
        sorts = tuple(_SORTS[sort] for sort in made["sorts"])
        return cls(tuple(made["names"]), sorts, rules, **known)


def _plain(rule: Any) -> list[Any]:
    if isinstance(rule, frozenset):
        return sorted(rule)[: CATEGORIES + 1]  # of many categories all that counts is that they are many
    if isinstance(rule, Vectors) and rule.centre is not None:
        return [*rule._replace(centre=np.asarray(rule.centre).tolist())]
    return [*rule]


def _rule(sort: str, plain: Sequence[Any]) -> Any:
    if sort == "categories":
        return frozenset(plain)
    if sort == "numbers":
        return Number(*plain)
    made = Vectors(*plain)
    return made if made.centre is None else made._replace(centre=np.array(made.centre, dtype=np.float64))
