"""What the tests that may look at every batch have in common: options, and how one is opened."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar, Self

from accel_drift.backends import Backend
from accel_drift.data.table import Table
from accel_drift.errors import ConfigError, SourceError
from accel_drift.options import at_least, between, plain
from accel_drift.sequential.evidence import Guarantee, check_guarantee
from accel_drift.sequential.over_reference import OverReference

if TYPE_CHECKING:
    from accel_drift.sequential.rows import FreshRows
    from accel_drift.sequential.watch import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class SequentialTest(OverReference["Watch"]):
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

    def on(self, reference: Table, backend: Backend) -> Watch:
        """See `OverReference.on`."""
        return self.watch(*self.split(reference), backend)

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """The test with the options that `summary` gave."""
        return cls(**options)

    def summary(self) -> dict[str, Any]:
        """The options as plain values."""
        return {"test": self.name, **plain(self)}

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
