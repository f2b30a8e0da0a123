"""What the tests that may look at every batch have in common: options, and how one is opened."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from importlib import import_module
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar, Self

from accel_drift.backends import Backend, open_backend
from accel_drift.data.read import read_table
from accel_drift.data.table import Table
from accel_drift.errors import ConfigError, DataError, SourceError
from accel_drift.options import at_least, between
from accel_drift.sequential.evidence import Guarantee, check_guarantee
from accel_drift.statistics.comparison import VALUE_KINDS

if TYPE_CHECKING:
    from accel_drift.sequential.rows import FreshRows
    from accel_drift.sequential.watch import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class SequentialTest(ABC):
    """Options that mean the same for every test that may look at every batch.

    Attributes:
        alpha: an alarm is evidence of 1/alpha.
        guarantee: "ever", the probability that there is ever a false alarm is at most alpha; or "run_length", there
            are at least 1/alpha looks to a false alarm on average, and after an alarm the test begins anew.
        most_rows: rows of a batch that are compared at most, drawn by the seed, so that a reference lasts; None for
            all.
        seed: decides every random choice.
    """

    name: ClassVar[str]
    source: ClassVar[str]

    alpha: float = 0.01
    guarantee: Guarantee = "ever"
    most_rows: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        between(self.alpha, 0, 1, "alpha", "an alarm is evidence of 1/alpha, such as 0.01")
        check_guarantee(self.guarantee)
        if self.most_rows is not None:
            at_least(self.most_rows, 1, "most_rows", "rows of a batch that are compared at most; or None, for all")
        if isinstance(self.seed, bool) or not isinstance(self.seed, Integral):
            raise ConfigError(f"seed is {self.seed!r}; it is a whole number")

    def open(
        self,
        reference: Any,
        *,
        backend: str | Backend = "auto",
        columns: Sequence[str] | None = None,
        drop: Sequence[str] = (),
        label: str | None = None,
        kinds: Mapping[str, str] | None = None,
    ) -> Watch:
        """Learn a reference; batches are then looked at one by one: see `accel_drift.sequential.watch.Watch`.

        Args:
            reference: a data set: Arrow, Parquet, CSV, a dict of columns or an (n, d) array.
            backend: where to compute: "numpy", "jax", "cupy" or "auto".
            columns: only these columns; naming one keeps it even if it looks like an identifier.
            drop: columns to leave out.
            label: the label's column, left out.
            kinds: column -> kind where the finder should not decide.

        Raises:
            DataError: the reference cannot be read, has too few rows, or no column to compare.
        """
        opened, _ = open_backend(backend, reference)
        table = read_table(
            reference, columns=columns, drop=drop, label=label, kinds=kinds, name="reference", backend=opened
        )
        compared = table.schema.of(*VALUE_KINDS)
        if not compared:
            kept_out = "; ".join(f"{name}: {why}" for name, why in table.excluded.items())
            raise DataError(f"the reference has no column to compare; {kept_out or 'it has none at all'}")
        return self.watch(*self.split(table.select(compared)), opened)

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """The test with the options that `summary` gave."""
        return cls(**options)

    def summary(self) -> dict[str, Any]:
        """The options as plain values."""
        return {"test": self.name, **{f.name: getattr(self, f.name) for f in fields(self)}}

    @abstractmethod
    def split(self, reference: Table) -> tuple[Table, FreshRows]:
        """Rows of a reference that decide things, and those that are to be compared, each once.

        Raises:
            DataError: there are too few rows.
        """

    @abstractmethod
    def watch(self, aside: Table, fresh: FreshRows, backend: Backend) -> Watch:
        """A watch that has made no look, on what `split` gave.

        Raises:
            DataError: the test can do nothing with these columns.
        """


def test_of(summary: Mapping[str, Any], path: str) -> SequentialTest:
    """The test that gave this summary.

    Raises:
        SourceError: there is none of that name, or it has other options.
    """
    options = dict(summary)
    name = options.pop("test")
    try:
        kind = import_module(f"accel_drift.sequential.{name}").TEST
        made: SequentialTest = kind.of(options)
    except (ImportError, ConfigError, TypeError) as error:
        raise SourceError(
            f"{path!r} was saved by a test that is not here: {error}; install the version that saved it"
        ) from error
    return made
