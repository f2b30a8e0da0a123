"""Our own detectors as contenders: what `fit` and `detect` mean for each sort of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from accel_drift.errors import ConfigError, DataError
from accel_drift.evaluation.judged import Judged, judged, of_detection

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OfBatches:
    """A detector of batches such as `accel_drift.PSI()`, with its whole test.

    Attributes:
        detector: its options.
        score: "statistic", the largest of the columns, or "p_value": see `judged.of_detection`.
        backend: where it computes.
    """

    detector: Any
    score: Literal["statistic", "p_value"] = "statistic"
    backend: str = "numpy"

    def __post_init__(self) -> None:
        if self.score not in ("statistic", "p_value"):
            raise ConfigError(f"score is {self.score!r}; there are 'statistic' and 'p_value'")

    def seeded(self, seed: int) -> OfBatches:
        """The same with another seed."""
        return replace(self, detector=_seeded(self.detector, seed))

    def fit(self, reference: Any) -> _Fitted:
        """Learn a reference."""
        fitted = self.detector.fit(reference, backend=self.backend)
        return _Fitted(lambda batch: of_detection(fitted.detect(batch), self.score))


@dataclass(frozen=True, slots=True)
class OfProfile:
    """Several detectors with one verdict, as `accel_drift.Profile` gives it; the score is of the smallest p-value.

    Attributes:
        detectors: detectors or their names.
        options: of `Profile.fit`, such as alpha and rule.
    """

    detectors: tuple[Any, ...]
    options: Mapping[str, Any] = field(default_factory=dict)

    def seeded(self, seed: int) -> OfProfile:
        """The same with another seed."""
        return replace(self, options={**self.options, "seed": seed})

    def fit(self, reference: Any) -> _Fitted:
        """Learn a reference."""
        from accel_drift.profiles import Profile

        profile = Profile.fit(reference, list(self.detectors), **{"backend": "numpy", **self.options})
        return _Fitted(lambda batch: judged(profile.score(batch)))


@dataclass(frozen=True, slots=True)
class OfWatch:
    """What looks at every batch or row in the light of those before: `SequentialTwoSample`, `Sequential`, `OnlineMMD`.

    Attributes:
        detector: its options.
        backend: where it computes.
    """

    stateful: ClassVar[bool] = True

    detector: Any
    backend: str = "numpy"

    def seeded(self, seed: int) -> OfWatch:
        """The same with another seed."""
        return replace(self, detector=_seeded(self.detector, seed))

    def fit(self, reference: Any) -> _Fitted:
        """Learn a reference."""
        watch = self.detector.open(reference, backend=self.backend)
        return _Fitted(lambda batch: judged(watch.update(batch)))


@dataclass(frozen=True, slots=True)
class OverColumns:
    """A detector of streams such as `accel_drift.ADWIN()`: every numeric column is a stream, and rows are its time.

    Columns are standardised by the reference's mean and deviation; a detector of shares reads the rank of each value
    within the reference, from 0 to 1. The reference goes down the streams first. An alarm is a change in any column, so
    with d columns false alarms come d times as often as in one. The score is the number of changes in the batch: a
    coarse one, since these detectors give events and no number.

    Attributes:
        detector: its options.
        values: what goes down the streams instead: a function of the rows that gives (n,) or (n, S) values, such as the
            errors of a model, which `accel_drift.DDM()` reads. It is given the reference, too.
        anew: whether each batch is judged as though it were the first after the reference, and not in the light of the
            batches before. A detector that takes a change for granted once it has told it alarms once otherwise.
    """

    detector: Any
    values: Callable[[Any], Any] | None = None
    anew: bool = False

    def __post_init__(self) -> None:
        if self.detector.reads == "errors" and self.values is None:
            raise ConfigError(
                f"{type(self.detector).__name__} reads errors, and rows are none; give "
                "OverColumns(detector, values=function), which makes 0 or 1 of each row, such as a model's errors"
            )

    @property
    def stateful(self) -> bool:
        """Whether what it says of a batch depends on the batches before."""
        return not self.anew

    def fit(self, reference: Any) -> _Fitted:
        """Learn a reference."""
        made = self.values or _Standard.of(reference, shares=self.detector.reads == "shares")
        first = _streams(made(reference))
        start = self.detector.open(first.shape[1], backend="numpy")
        start.update(first)
        at = start

        def detect(batch: Any) -> Judged:
            # An update puts another state in the place of the old one, which a copy keeps.
            stream = copy(start) if self.anew else at
            seen, events = stream.seen, stream.update(_streams(made(batch)))
            return judged(replace(events, index=events.index - seen))

        return _Fitted(detect)


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Asks the function that a fit made."""

    ask: Callable[[Any], Judged]

    def detect(self, batch: Any) -> Judged:
        return self.ask(batch)


@dataclass(frozen=True, slots=True)
class _Standard:
    """Numeric columns in the reference's own measure: standardised, or as ranks within it."""

    names: tuple[str, ...]
    columns: tuple[Floats, ...]
    shares: bool

    @classmethod
    def of(cls, reference: Any, *, shares: bool) -> _Standard:
        """What a reference says of its columns.

        Raises:
            DataError: none of them holds numbers that vary.
        """
        found = {name: values[~np.isnan(values)] for name, values in _numbers(reference).items()}
        kept = {name: np.sort(values) for name, values in found.items() if len(values) and np.ptp(values) > 0}
        if not kept:
            raise DataError("the reference has no column of numbers that vary; give values=, a function of the rows")
        return cls(tuple(kept), tuple(kept.values()), shares)

    def __call__(self, rows: Any) -> Floats:
        found = _numbers(rows)
        lacking = [name for name in self.names if name not in found]
        if lacking:
            raise DataError(f"the batch lacks columns of numbers that the reference has: {', '.join(lacking)}")
        made = [self._of(found[name], column) for name, column in zip(self.names, self.columns, strict=True)]
        return np.stack(made, axis=1)

    def _of(self, values: Floats, column: Floats) -> Floats:
        if not self.shares:
            standard: Floats = (values - column.mean()) / column.std()
            return standard
        middle = np.searchsorted(column, values, "left") + np.searchsorted(column, values, "right")
        return np.where(np.isnan(values), np.nan, middle / (2 * len(column)))


def standardised(reference: Any) -> Callable[[Any], Floats]:
    """What makes (n, d) values of rows: their columns of numbers, less the reference's mean, over its deviation.

    Raises:
        DataError: the reference has no column of numbers that varies.
    """
    return _Standard.of(reference, shares=False)


def numbers(rows: Any) -> dict[str, Floats]:
    """The columns of numbers, as float64: of a dict of columns, or of an (n, d) array, named x0, x1, ...

    Raises:
        DataError: it is neither.
    """
    return _numbers(rows)


def _numbers(rows: Any) -> dict[str, Floats]:
    if isinstance(rows, Mapping):
        columns = {str(name): np.asarray(values) for name, values in rows.items()}
    else:
        matrix = np.asarray(rows)
        if matrix.ndim != 2:
            raise DataError(f"rows are {type(rows).__name__}; give a dict of columns or an (n, d) array")
        columns = {f"x{i}": matrix[:, i] for i in range(matrix.shape[1])}
    return {name: column.astype(np.float64) for name, column in columns.items() if column.dtype.kind in "fiu"}


def _streams(values: Any) -> Floats:
    made = np.asarray(values, dtype=np.float64)
    return made[:, None] if made.ndim == 1 else made


def _seeded(detector: Any, seed: int) -> Any:
    named = {f.name for f in fields(detector)}
    made = replace(detector, seed=seed) if "seed" in named else detector
    inner = getattr(made, "tested", None)  # the detector of batches within `Sequential`
    return made if inner is None else replace(made, detector=replace(inner, seed=seed))


def own(given: Any) -> Any | None:
    """The contender that one of our detectors, or a list of detectors, stands for; None for anything else."""
    if isinstance(given, list | tuple):
        return _profile(given)
    module = type(given).__module__
    kinds = {base.__name__ for base in type(given).__mro__ if base.__module__.startswith("accel_drift.")}
    if "StreamDetector" in kinds:
        return OverColumns(given)
    if "OverReference" in kinds:
        return OfWatch(given)
    if "Detector" in kinds and not module.startswith("accel_drift.evaluation"):
        return OfBatches(given)
    return None


def _profile(given: Sequence[Any]) -> OfProfile:
    if not given:
        raise ConfigError("a contender is an empty list; give detectors or their names, such as ['psi', 'mmd']")
    return OfProfile(tuple(given))
