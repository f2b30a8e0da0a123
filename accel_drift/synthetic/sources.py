"""Where a scenario's rows come from: a population, or rows of one's own that are dealt out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from accel_drift.errors import ConfigError, DataError
from accel_drift.synthetic.anchor import Pool, rows_of
from accel_drift.synthetic.columns import LABEL, Array, Columns, as_columns
from accel_drift.synthetic.population import Population
from accel_drift.synthetic.seeds import Purpose, generator


class Source(ABC):
    """Rows without drift."""

    matrix: bool = False
    """Whether they came as a matrix, and so go out as one."""

    @abstractmethod
    def reference(self) -> Columns:
        """The rows to compare with."""

    @abstractmethod
    def batch(self, number: int, first: int, rows: int) -> Columns:
        """Those of a batch, before any change and without a label that is yet to be drawn."""

    def labelled(self, rows: Columns, rng: np.random.Generator) -> Columns:  # noqa: ARG002
        """Rows with the label that goes with what they are now."""
        return rows

    def related(self, name: str) -> tuple[str, ...] | None:  # noqa: ARG002
        """The columns that may hang on one, itself among them; None where all may, for all that is known."""
        return None

    def following(self, moved: Collection[str]) -> tuple[str, ...]:  # noqa: ARG002
        """The columns that are drawn by what some are after they moved, and so change with them."""
        return ()

    def keeps_following(self) -> bool:
        """Whether such a column by itself stays as it was where every column that moved does."""
        return True

    def fresh(self, rows: int, rng: np.random.Generator) -> Columns | None:  # noqa: ARG002
        """More rows of the same law, or None where there are no others."""
        return None

    def pool(self) -> Pool | None:
        """Rows of a class where there are no fresh ones."""
        return None


@dataclass(frozen=True)
class Fresh(Source):
    """Rows of a population."""

    population: Population
    reference_rows: int
    seed: int

    def reference(self) -> Columns:
        """See `Source.reference`."""
        made = self.population.features(self.reference_rows, generator(self.seed, Purpose.REFERENCE))
        return self.population.labelled(made, generator(self.seed, Purpose.REFERENCE, 1))

    def batch(self, number: int, first: int, rows: int) -> Columns:  # noqa: ARG002
        """See `Source.batch`."""
        return self.population.features(rows, generator(self.seed, Purpose.ROWS, number))

    def labelled(self, rows: Columns, rng: np.random.Generator) -> Columns:
        """See `Source.labelled`."""
        return self.population.labelled(rows, rng)

    def related(self, name: str) -> tuple[str, ...]:
        """See `Source.related`."""
        return self.population.related(name)

    def following(self, moved: Collection[str]) -> tuple[str, ...]:
        """See `Source.following`."""
        found = [name for name in self.population.related(LABEL) if name != LABEL and name in moved]
        return (LABEL,) if self.population.label and found else ()

    def keeps_following(self) -> bool:
        """See `Source.keeps_following`: the score of normal numbers lies evenly about 0, however they hang together."""
        return self.population.margins == "normal"

    def fresh(self, rows: int, rng: np.random.Generator) -> Columns:
        """See `Source.fresh`."""
        return self.population.features(rows, rng)


class Dealt(Source):
    """One's own rows: dealt by lot to the reference and to the batches, each to one of them only.

    Args:
        data: columns (n,) in a dict or a data frame, or a matrix (n, d) of numbers.
        reference_rows: rows that the reference gets.
        total: rows of all batches together.
        seed: decides who gets which.

    Raises:
        DataError: there are too few rows, or no columns of NumPy.
    """

    def __init__(self, data: Any, reference_rows: int, total: int, seed: int) -> None:
        self.matrix = isinstance(data, np.ndarray)
        self.columns = as_columns(data, "the data")
        count = len(next(iter(self.columns.values())))
        if count < reference_rows + total:
            raise DataError(
                f"the data has {count:,} rows; {reference_rows:,} for the reference and {total:,} for the batches are "
                "needed, since no row is used twice: give more data, or less of batches, rows or reference_rows"
            )
        lots = generator(seed, Purpose.DEAL).permutation(count)
        self.mine, self.others = lots[:reference_rows], lots[reference_rows:]

    def reference(self) -> Columns:
        """See `Source.reference`."""
        return self._rows(self.mine)

    def batch(self, number: int, first: int, rows: int) -> Columns:  # noqa: ARG002
        """See `Source.batch`."""
        return self._rows(self.others[first : first + rows])

    def pool(self) -> Pool:
        """Rows that the reference does not hold, with replacement."""
        return partial(rows_of, self._rows(self.others))

    def _rows(self, places: Array) -> Columns:
        return {name: values[places] for name, values in self.columns.items()}


def source_of(data: Any, reference_rows: int, total: int, seed: int) -> Source:
    """The source that a scenario was given.

    Raises:
        ConfigError: a class and no population was given.
        DataError: there are too few rows, or no columns of NumPy.
    """
    if isinstance(data, Population):
        return Fresh(data, reference_rows, seed)
    if isinstance(data, type):
        raise ConfigError(f"the source is the class {data.__name__}; give one of it, such as {data.__name__}()")
    return Dealt(data, reference_rows, total, seed)
