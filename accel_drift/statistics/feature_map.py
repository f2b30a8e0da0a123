"""Rows become random features by a rule that some rows decided once: each row by itself, whatever lies beside it.

Where a table's rows become a matrix at the time of a test, its columns depend on what there is in the rows. Here the
rule is fixed before any row is counted: centres, scales, categories, bandwidth and frequencies. A row's features are
whole numbers, and the sums that they are rounded from are exact in any order: the same row gives the same features in
any part of a data set, in a block of any shape, on any number of threads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.backends import get_backend
from accel_drift.data.schema import Schema
from accel_drift.data.table import CategoricalColumn, NumericColumn, Table
from accel_drift.statistics import draws
from accel_drift.statistics.distances import median_distance
from accel_drift.statistics.encoded_numbers import Number
from accel_drift.statistics.encoding import CATEGORIES, Categories, Slot, Sort, encode, every_slot, sorts_of
from accel_drift.statistics.random_features import STEPS as FINE
from accel_drift.statistics.random_features import cosines, frequencies, whole_steps

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STEPS = 1 << 7
"""Steps between 0 and 1 that a feature is rounded to: sums of products are then exact in float32 for a while.

Rounding is part of what a feature is, and both sides' are rounded alike: it costs no validity, and the kernel is moved
by 1e-4 of itself, a hundredth of what the chance of the frequencies does.
"""

FREQUENCIES = 64
"""Random frequencies where nothing was asked for: of shifts and changes of spread in 2, 10 and 50 columns the power is
within 0.05 of that with 256; with 32 it is up to 0.1 less.
"""

MOST_FREQUENCIES = 256
"""Frequencies at most: what is kept grows with their square, 1 MB here."""

_DECIDING = 10_000
"""Rows at most that decide scales and bandwidth."""

_AT_ONCE, _VALUES = 1 << 14, 1 << 22
"""Rows encoded at a time at most, and values where there are many columns."""

_REACH = float(1 << 16)
"""Bandwidths, over the number of columns, beyond which values count as that far: phases add up exactly."""


@dataclass(frozen=True)
class FeatureMap:
    """How a row becomes features.

    Attributes:
        names: the columns that enter.
        rules: what the deciding rows said of each: centre and scale of a number, the categories.
        bandwidth: the length of the Gaussian kernel.
        count: random frequencies, R, each with a cosine and a sine.
        seed: decides the frequencies, and the hash of categories.
        dropped: columns that do not enter, and why.
    """

    names: tuple[str, ...]
    rules: tuple[Number | Categories, ...]
    bandwidth: float
    count: int
    seed: int
    dropped: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, table: Table, names: tuple[str, ...], bandwidth: float | None, count: int, seed: int) -> FeatureMap:
        """Decided by rows that are looked at before any is counted.

        Args:
            table: the rows.
            names: columns of numbers and of categories.
            bandwidth: a length, or None for the median distance of the rows.
            count: random frequencies.
            seed: decides every random choice.
        """
        held = table.select(names)
        if table.rows > _DECIDING:
            held = held.take(draws.subset(draws.key(seed, "mmd", "deciding"), table.rows, _DECIDING))
        sorts = dict(zip(names, sorts_of((held,), names), strict=True))
        dropped = {n: sort for n, sort in sorts.items() if isinstance(sort, str)}
        kept = tuple(n for n in names if n not in dropped)
        host = get_backend("numpy")
        found = encode((_on_host(held, kept),), kept, held.rows, seed, host, [sorts[n] for n in kept])
        if bandwidth is None:
            bandwidth = median_distance(found.matrix, seed, host) or 1.0
        rules = tuple(_short(found.rules[place]) for place in range(len(kept)))
        return cls(kept, rules, float(bandwidth), count, seed, dropped)

    def products(self, table: Table) -> Ints:
        """Sums over the rows of a table of the products of their features with one another and with 1.

        (2 R + 1, 2 R + 1): cosines, then sines, in steps, then 1.
        """
        made = np.zeros((2 * self.count + 1, 2 * self.count + 1), np.int64)
        step = min(_AT_ONCE, max(1, _VALUES // max(len(self.names), 1)))
        names, (codes, added) = self._of(NumericColumn), self._categories(table)
        numbers = table.select(names)
        for lo in range(0, table.rows, step):
            rows = np.arange(lo, min(lo + step, table.rows))
            z, turns = self._matrix(numbers.take(rows), names, NumericColumn)
            made += draws.host_kernels().phase_products(z, turns, codes[rows], added, _steps())
        return made

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "names": list(self.names),
            "rules": [sorted(r) if isinstance(r, frozenset) else list(r) for r in self.rules],
            "sorts": ["categories" if isinstance(r, frozenset) else "numbers" for r in self.rules],
            "bandwidth": self.bandwidth,
            "count": self.count,
            "seed": self.seed,
            "dropped": dict(self.dropped),
        }

    @classmethod
    def from_dict(cls, made: Mapping[str, Any]) -> FeatureMap:
        """What `to_dict` gave."""
        rules = tuple(
            frozenset(rule) if sort == "categories" else Number(*rule)
            for rule, sort in zip(made["rules"], made["sorts"], strict=True)
        )
        known = {k: made[k] for k in ("bandwidth", "count", "seed", "dropped")}
        return cls(tuple(made["names"]), rules, **known)

    def _of(self, sort: type) -> tuple[str, ...]:
        wanted = frozenset if sort is CategoricalColumn else Number
        return tuple(n for n, rule in zip(self.names, self.rules, strict=True) if isinstance(rule, wanted))

    def _categories(self, table: Table) -> tuple[Ints, Floats]:
        """Of each row the place of its category in each column, and the phases of every place: one by one, (K, R)."""
        codes, added, before = [], [np.zeros((0, self.count))], 0
        for name in self._of(CategoricalColumn):
            held = table.categorical(name).trimmed()
            k = len(held.categories)
            each = CategoricalColumn(name, np.append(np.arange(k), -1).astype(np.int32), held.categories, 1)
            z, turns = self._matrix(Table(k + 1, {name: each}, Schema(())), (name,), CategoricalColumn)
            codes.append(np.where(held.codes < 0, k, held.codes) + before)
            added.append(z @ turns)
            before += k + 1
        places = np.stack(codes, axis=1) if codes else np.zeros((table.rows, 0))
        return places.astype(np.int64), np.concatenate(added)

    def _matrix(self, table: Table, names: tuple[str, ...], sort: Sort) -> tuple[Floats, Floats]:
        """Matrix columns that rows have, in bandwidths, and the frequencies of each: what they lack would add 0."""
        host = get_backend("numpy")
        own = [self._own[name] for name in names]
        rules = {i: self.rules[place] for i, place in enumerate(own)}
        found = encode((_on_host(table, names),), names, 0, self.seed, host, [sort] * len(names), rules)
        reach = _REACH / max(len(self.names), 1) * self.bandwidth
        z = whole_steps(np.clip(found.matrix, -reach, reach) / self.bandwidth, host)
        at = [self._places[own[place], kind, text] for place, kind, text in found.slots]
        return z, self._turns[at]

    @cached_property
    def _own(self) -> dict[str, int]:
        """The place of each column."""
        return {name: place for place, name in enumerate(self.names)}

    @cached_property
    def _places(self) -> dict[Slot, int]:
        """Everything that a matrix column can be."""
        return {slot: i for i, slot in enumerate(s for j, r in enumerate(self.rules) for s in every_slot(j, r))}

    @cached_property
    def _turns(self) -> Floats:
        return frequencies(self.seed, len(self._places), self.count)


@cache
def _steps() -> Ints:
    """Cosines of one turn's phases in our steps, (T,)."""
    return np.round(cosines() * (STEPS / FINE)).astype(np.int64)


def _short(rule: Any) -> Number | Categories:
    """A rule without what it never says: of many categories that they are many."""
    return frozenset(sorted(rule)[: CATEGORIES + 1]) if isinstance(rule, frozenset) else Number(*rule)


def _on_host(table: Table, names: tuple[str, ...]) -> Table:
    columns = {n: table.columns[n] for n in names}
    held = {n: c.on_host() if isinstance(c, NumericColumn) else c for n, c in columns.items()}
    return Table(table.rows, held, table.schema)
