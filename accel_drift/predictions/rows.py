"""How sure a model is of each row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend, for_columns, open_backend
from accel_drift.errors import ConfigError, DataError
from accel_drift.options import is_finite
from accel_drift.predictions.reading import WHAT, Given, read

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RowConfidence:
    """What probabilities say of n rows. A row without probabilities is NaN, and of class -1.

    Attributes:
        confidence: (n,) the largest probability.
        entropy: (n,) in nats.
        margin: (n,) the largest probability less the second largest.
        predicted: (n,) place of the class with the largest probability; of equal ones the first.
        classes: names of the k classes.
        mutual_information: (n,) in nats, between the class and which sample it comes from; None without samples.
    """

    confidence: Floats
    entropy: Floats
    margin: Floats
    predicted: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    mutual_information: Floats | None = None

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """(n,) which rows have probabilities."""
        return np.asarray(self.predicted >= 0)

    @property
    def missing(self) -> int:
        """Rows without probabilities."""
        return int(np.count_nonzero(self.predicted < 0))


def of_rows(
    probabilities: Any,
    *,
    classes: Sequence[str] | None = None,
    rounding: float | None = None,
    backend: str | Backend = "auto",
) -> RowConfidence:
    """What probabilities say of each row; of samples (s, n, k) what their mean over s says.

    Args:
        probabilities: see `accel_drift.predictions.predicted`.
        classes: names of the classes; by default those of a table's columns, else 0 to k - 1.
        rounding: by how much a number may be below 0 and the sum of a row miss 1; by default what the type of the
            numbers allows.
        backend: where to compute: "numpy", "jax", "cupy" or "auto".

    Raises:
        DataError: they are no probabilities: a number below 0 or infinite, or a row that does not sum to 1.
        ConfigError: there are other classes than columns, or an option cannot work.
    """
    return _looked_at(probabilities, classes, rounding, backend)[0]


def with_chances(
    probabilities: Any,
    *,
    classes: Sequence[str] | None = None,
    rounding: float | None = None,
    backend: str | Backend = "auto",
) -> tuple[RowConfidence, Floats]:
    """What `of_rows` says, and the chances (n, k) of the classes themselves, on the host; of samples their mean.

    A row without probabilities is NaN.

    Raises:
        DataError: as `of_rows`.
        ConfigError: as `of_rows`.
    """
    rows, values, used = _looked_at(probabilities, classes, rounding, backend)
    with used.scope():
        chances = np.array(used.to_numpy(values), dtype=np.float64)
    chances[~rows.present] = np.nan
    return rows, chances


def _looked_at(
    probabilities: Any, classes: Sequence[str] | None, rounding: float | None, backend: str | Backend
) -> tuple[RowConfidence, Any, Backend]:
    """Rows, the chances (n, k) they were made of, and where these are."""
    check_rounding(rounding)
    opened, reason = open_backend(backend, probabilities)
    given, used = read(probabilities, opened, for_columns(opened, reason))
    names = _named(classes, given)
    allowed = given.rounding if rounding is None else rounding
    with used.scope():
        facts, place = _facts(used, given.values, used.asarray(given.valid))
        if (given.valid & (place < 0)).any():
            # Sums of shares that should be 0 may lie a rounding error below it.
            v, xp = given.values, used.xp
            given = given._replace(values=xp.where((v < 0) & (v >= -allowed), xp.zeros_like(v), v))
            facts, place = _facts(used, given.values, used.asarray(given.valid))
    _check(given, used, facts, place, allowed)
    if not given.samples:
        return RowConfidence(facts[:, 0], facts[:, 1], facts[:, 2], place, names), given.values, used
    rows = len(place) // given.samples
    with used.scope():
        xp = used.xp
        cube = xp.reshape(given.values, (given.samples, rows, -1))
        there = given.valid.reshape(given.samples, rows).all(axis=0)
        mean = xp.sum(cube, axis=0, dtype=xp.float64) / given.samples
        of_mean, place = _facts(used, mean, used.asarray(there))
    within = facts[:, 1].reshape(given.samples, rows).mean(axis=0)
    # Equal samples have none, up to rounding.
    information = np.maximum(of_mean[:, 1] - within, 0.0)
    rows_of_mean = RowConfidence(of_mean[:, 0], of_mean[:, 1], of_mean[:, 2], place, names, information)
    return rows_of_mean, mean, used


def named(classes: Sequence[str]) -> tuple[str, ...]:
    """Names of classes as texts.

    Raises:
        ConfigError: they are no list.
    """
    if isinstance(classes, str) or not isinstance(classes, Iterable):
        raise ConfigError(f"classes is {classes!r}; give a list of names, one for each class")
    return tuple(map(str, classes))


def check_rounding(rounding: float | None) -> None:
    """Refuse what cannot be a sum's distance from 1.

    Raises:
        ConfigError: it cannot.
    """
    if rounding is not None and not (is_finite(rounding) and 0 <= rounding < 1):
        raise ConfigError(
            f"rounding is {rounding!r}; it is a number from 0 up, below 1: what a row's sum may miss 1 by"
        )


def _facts(backend: Backend, values: Any, valid: Any) -> tuple[Floats, npt.NDArray[np.int64]]:
    facts, place = backend.kernels.confidence_rows(values, valid)
    return backend.to_numpy(facts), backend.to_numpy(place)


def _named(classes: Sequence[str] | None, given: Given) -> tuple[str, ...]:
    k = int(given.values.shape[1])
    if classes is None:
        return given.names or tuple(map(str, range(k)))
    names = named(classes)
    if len(names) != k or len(set(names)) < k:
        raise ConfigError(
            f"classes names {len(set(names))} different classes, and the {WHAT} have {k}: give one for each"
        )
    return names


def _check(given: Given, backend: Backend, facts: Floats, place: npt.NDArray[np.int64], allowed: float) -> None:
    """Refuse rows that are no probabilities; one with a NaN is missing."""
    doubtful = np.flatnonzero((place < 0) & given.valid)
    if doubtful.size:
        with backend.scope():
            rows = backend.to_numpy(backend.xp.take(given.values, backend.asarray(doubtful), axis=0))
        wrong = ~np.isnan(rows).any(axis=1)
        if wrong.any():
            row = rows[wrong][0]
            value = row[(row < 0) | np.isinf(row)][0].item()
            told = f"have {value!r}"
            if given.binary:
                told = f"have the score {row[1].item()!r}"
            raise DataError(
                f"{WHAT} {told} in {_where(given, doubtful[wrong][0])} (rows like it: {wrong.sum():,}); a "
                "probability is a number from 0 to 1: of logits give the softmax, of one logit the sigmoid"
            )
    off = np.flatnonzero(np.abs(facts[:, 3] - 1.0) > allowed)
    if off.size:
        raise DataError(
            f"{WHAT} sum to {facts[off[0], 3]:.6g} in {_where(given, off[0])} (rows that miss 1 by more "
            f"than {allowed:g}: {off.size:,}); give one probability for each class; of rounded ones say so, such as "
            "rounding=0.01"
        )


def _where(given: Given, row: Any) -> str:
    if not given.samples:
        return f"row {int(row):,}"
    sample, place = divmod(int(row), len(given.valid) // given.samples)
    return f"row {place:,} of sample {sample:,}"
