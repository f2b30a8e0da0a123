"""A drift that no single column shows: the same values, otherwise put together."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import floor, pi
from typing import ClassVar, NamedTuple

import numpy as np

from accel_drift.errors import ConfigError
from accel_drift.options import truth
from accel_drift.synthetic.anchor import Anchor, as_normal, order
from accel_drift.synthetic.base import ColumnDrift, Stage, spreadless
from accel_drift.synthetic.columns import Array, Columns, Floats, some_of

_SINGULAR, _LOTS = 1e-4, 0.03
"""The least variance that a column has beside the others; what noise it is given where it has less."""
_TOGETHER = 10_000
"""Rows that exchange values with one another at most: sorting them all at once takes three times as long."""
_ROWS_A_COLUMN = 5
"""Rows of the reference for each column, below which correlations with other columns are not known well enough."""


class _Plan(NamedTuple):
    """How scores (n, k) of the columns become others: by what the others (n, o) say, and by what is left.

    Attributes:
        others: columns whose correlations stay.
        explained: (o, k) what they say of a column.
        turn: (k, k) what is done to what they leave.
        noise: deviation of what is added to that.
    """

    others: tuple[str, ...]
    explained: Floats
    turn: Floats
    noise: float


@dataclass(frozen=True, slots=True)
class CorrelationChange(ColumnDrift):
    """The rank correlation of each pair of columns moves by so much, up or down; every column keeps its values.

    Values change places between the drifted rows of a batch, so that a column is the same but for its order, to the
    bit, and a batch of a single row stays as it is. Correlations with other columns of numbers stay, and a row of a
    strength between 0 and 1 takes part with that chance. By how much correlations move is exact for columns that hang
    together as normal ones do, and roughly so for others. Method: Iman & Conover 1982, doi:10.1080/03610918208812265.

    >>> rows = {name: np.random.default_rng(j).normal(size=5000) for j, name in enumerate("xy")}
    >>> made = CorrelationChange(0.6).apply(rows, rows)
    >>> all(np.array_equal(np.sort(made[name]), np.sort(rows[name])) for name in rows)
    True
    >>> round(float(np.corrcoef(made["x"], made["y"])[0, 1]), 1)
    0.6

    Attributes:
        keep_others: whether correlations with other columns of numbers stay, which limits how far these can move.
    """

    unit: ClassVar[str] = "Spearman's rank correlation, added to that of each pair"
    stage: ClassVar[Stage] = Stage.WORLD
    keeps_columns: ClassVar[bool] = True

    keep_others: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        super(CorrelationChange, self).__post_init__()
        truth(self.keep_others, "keep_others")

    def affected(self, anchor: Anchor) -> tuple[str, ...]:
        """The columns named, or all of numbers.

        Raises:
            ConfigError: there is but one, or their correlations cannot move so far.
        """
        names = super(CorrelationChange, self).affected(anchor)
        if len(names) == 1:
            raise ConfigError(f"CorrelationChange takes two columns or more, and there is {some_of(names)} alone")
        if self.magnitude:
            self._plan(names, anchor)
        return names

    def changed(self, rows: Columns, strength: Floats, anchor: Anchor, rng: np.random.Generator) -> Columns:
        """See `Drift.changed`."""
        names = super(CorrelationChange, self).affected(anchor)
        there = ~np.any([np.isnan(rows[name]) for name in names], axis=0)
        moved = np.flatnonzero((rng.random(len(strength)) < strength) & there)
        if not self.magnitude or len(moved) < 2:
            return {}
        plan = self._plan(names, anchor)
        made = {name: rows[name].copy() for name in names}
        for places in np.array_split(moved, -(-len(moved) // _TOGETHER)):
            self._exchange(made, rows, places, plan, rng)
        return made

    def _exchange(self, made: Columns, rows: Columns, places: Array, plan: _Plan, rng: np.random.Generator) -> None:
        """Let values change places between some rows (k,)."""
        own = np.stack([as_normal(rows[name][places], rng) for name in made], axis=1)
        said = np.zeros_like(own)
        for name, weights in zip(plan.others, plan.explained, strict=True):
            if name in rows:
                said += _scores(rows[name][places], rng)[:, None] * weights
        left = own - said + plan.noise * rng.standard_normal(own.shape)
        wanted = said + left @ plan.turn
        for j, name in enumerate(made):
            made[name][places[order(wanted[:, j], rng)]] = np.sort(rows[name][places])

    def _plan(self, names: tuple[str, ...], anchor: Anchor) -> _Plan:
        others = tuple(name for name in anchor.numbers() if name not in names)
        if not self.keep_others or anchor.rows < _ROWS_A_COLUMN * (len(names) + len(others)):
            others = ()
        by_rank, by_score = anchor.correlations(names + others)
        k = len(names)
        cross = by_score[k:, :k]
        explained = np.linalg.pinv(by_score[k:, k:], hermitian=True) @ cross
        left = by_score[:k, :k] - cross.T @ explained
        wanted = left + _moves(by_rank[:k, :k], self.magnitude)
        if abs(self.magnitude) > 2 or _least(wanted) < 0:
            low, high = (_furthest(by_rank[:k, :k], left, sign) for sign in (-1.0, 1.0))
            raise ConfigError(
                f"magnitude is {self.magnitude!r}; the rank correlation of {some_of(names)} can move by {low:.2f} to "
                f"{high:.2f} here"
                + (", with those of the other columns as they are; without that: keep_others=False" if others else "")
            )
        noise = _LOTS if _least(left) < _SINGULAR else 0.0
        left = left + noise**2 * np.eye(k)
        # The map between two normal laws that moves rows the least: Olkin & Pukelsheim 1982.
        root, back = _power(left, 0.5), _power(left, -0.5)
        return _Plan(others, explained, back @ _power(root @ wanted @ root, 0.5) @ back, noise)

    def _why_not(self, name: str, anchor: Anchor) -> str | None:
        return super(CorrelationChange, self)._why_not(name, anchor) or spreadless(name, anchor)


def _scores(values: Floats, rng: np.random.Generator) -> Floats:
    """Values (n,) as normal ones of the same ranks; 0 where one is missing."""
    made = np.zeros(len(values))
    there = ~np.isnan(values)
    made[there] = as_normal(values[there], rng)
    return made


def _moves(by_rank: Floats, magnitude: float) -> Floats:
    """What the correlations of normal columns move by where those of their ranks do by `magnitude`."""
    moved = 2 * np.sin(pi / 6 * np.clip(by_rank + magnitude, -1, 1)) - 2 * np.sin(pi / 6 * np.clip(by_rank, -1, 1))
    np.fill_diagonal(moved, 0.0)
    beyond = np.abs(by_rank + magnitude) > 1
    np.fill_diagonal(beyond, val=False)
    # No correlation is beyond 1: what would be is made impossible for the caller to take.
    impossible: Floats = np.where(beyond, np.sign(magnitude) * 9.0, moved)
    return impossible


def _furthest(by_rank: Floats, left: Floats, sign: float) -> float:
    """How far correlations can move in a direction, halved so often that two digits are right."""
    near, far = 0.0, 2.0
    for _ in range(24):
        half = (near + far) / 2
        near, far = (half, far) if _least(left + _moves(by_rank, sign * half)) >= 0 else (near, half)
    return sign * floor(near * 100) / 100


def _least(matrix: Floats) -> float:
    return float(np.linalg.eigvalsh(matrix)[0])


def _power(matrix: Floats, power: float) -> Floats:
    """A power of a symmetric matrix without eigenvalues below 0, but for rounding."""
    values, vectors = np.linalg.eigh(matrix)
    made: Floats = (vectors * np.maximum(values, np.finfo(float).tiny) ** power) @ vectors.T
    return made
