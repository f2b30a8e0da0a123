"""What contenders are evaluated on: a reference and batches with their truth, made anew for every seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from accel_drift.errors import ConfigError, DataError

_HOW = (
    "give an accel_drift.synthetic.Scenario, the name of one, evaluation.Batches of your own data, or a function of a "
    "seed that gives one of these"
)


@dataclass(frozen=True, slots=True)
class Batches:
    """Data of one's own with a known truth, as a scenario: the same for every seed.

    Intervals over seeds then tell the contenders' own chance only. Where other data can be drawn, give a function of
    the seed that makes these.

    Attributes:
        reference: a dict of columns or an (n, d) array.
        batches: likewise, in the order in which they come.
        drifted: whether each has drifted.
        magnitudes: how much, in whatever unit; None where that is not known.
    """

    reference: Any
    batches: Sequence[Any]
    drifted: Sequence[bool]
    magnitudes: Sequence[float] | None = None

    def __post_init__(self) -> None:
        known = [self.batches, self.drifted, *([] if self.magnitudes is None else [self.magnitudes])]
        counts = {len(each) for each in known}
        if len(counts) > 1 or not len(self.batches):
            raise ConfigError(
                f"there are {len(self.batches)} batches and {len(self.drifted)} answers whether they drifted; give at "
                "least one batch, and one answer (and one magnitude, where there are any) for each"
            )


@dataclass(frozen=True, slots=True)
class Named:
    """A scenario of `accel_drift.synthetic` by its name, with options, as a function of the seed.

    Attributes:
        name: see `accel_drift.synthetic.scenarios`.
        options: of `accel_drift.synthetic.scenario`, such as magnitude, batches and rows.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check(self.name, self.name)
        self(0)  # an option that cannot work is told at once

    def __call__(self, seed: int) -> Any:
        """The scenario for a seed."""
        from accel_drift import synthetic

        return synthetic.scenario(self.name, seed=seed, **self.options)


class Batch(NamedTuple):
    """One batch: its rows, how many they are, the number of the first, and the truth."""

    rows: Any
    size: int
    first_row: int
    drifted: bool
    magnitude: float


class Laid(NamedTuple):
    """A scenario for one seed; the onset is the number of the first row that drifted, or None."""

    reference: Any
    batches: Iterator[Batch]
    onset_row: int | None


def by_name(scenarios: Any) -> dict[str, Any]:
    """The scenarios by name.

    Args:
        scenarios: name -> scenario; a list of names; or one scenario.

    Raises:
        ConfigError: there is none, or something is no scenario.
    """
    if isinstance(scenarios, str):
        scenarios = [scenarios]
    if isinstance(scenarios, Mapping):
        given = dict(scenarios)
    elif isinstance(scenarios, list | tuple):
        if not all(isinstance(name, str) for name in scenarios):
            raise ConfigError("scenarios that are not given by their names need one: give a dict of name and scenario")
        if len(set(scenarios)) < len(scenarios):
            raise ConfigError(f"a scenario is named twice among {', '.join(scenarios)}")
        given = {name: name for name in scenarios}
    else:
        given = {"scenario": scenarios}
    if not given:
        raise ConfigError(f"there is no scenario; {_HOW}")
    for name, value in given.items():
        if not isinstance(name, str) or not name.strip():
            raise ConfigError(f"a scenario is called {name!r}; its name is a text")
        _check(value, name)
    return given


def _check(value: Any, name: str) -> None:
    if isinstance(value, str):
        from accel_drift import synthetic

        if value not in synthetic.scenarios():
            raise ConfigError(f"there is no scenario {value!r}; there are {', '.join(synthetic.scenarios())}")
        return
    if not (isinstance(value, Batches) or callable(value) or _has_seed(value)):
        raise ConfigError(f"scenario {name!r} is {type(value).__name__}; {_HOW}")


def laid(scenario: Any, seed: int) -> Laid:
    """A scenario for a seed.

    Raises:
        ConfigError: a function gave what is no scenario.
        DataError: it has no batch.
    """
    if isinstance(scenario, str):
        from accel_drift import synthetic

        scenario = synthetic.scenario(scenario, seed=seed)
    elif _has_seed(scenario):
        scenario = replace(scenario, seed=seed)
    elif not isinstance(scenario, Batches) and callable(scenario):
        scenario = scenario(seed)
    if isinstance(scenario, Batches):
        return _of_own(scenario)
    if not hasattr(scenario, "reference") or not hasattr(scenario, "__iter__"):
        raise ConfigError(f"the scenario's function gave {type(scenario).__name__}; {_HOW}")
    return Laid(scenario.reference, _of_scenario(scenario), _onset(scenario))


def _has_seed(value: Any) -> bool:
    return is_dataclass(value) and not isinstance(value, type) and "seed" in {f.name for f in fields(value)}


def _of_own(given: Batches) -> Laid:
    sizes = [rows_of(rows) for rows in given.batches]
    firsts = np.concatenate([[0], np.cumsum(sizes)]).tolist()
    truth = [bool(d) for d in given.drifted]
    magnitudes = given.magnitudes if given.magnitudes is not None else [float("nan")] * len(truth)
    made = (
        Batch(rows, size, first, drifted, float(magnitude))
        for rows, size, first, drifted, magnitude in zip(
            given.batches, sizes, firsts[:-1], truth, magnitudes, strict=True
        )
    )
    return Laid(given.reference, made, firsts[truth.index(True)] if any(truth) else None)


def _of_scenario(scenario: Any) -> Iterator[Batch]:
    for batch in scenario:
        size = rows_of(batch.rows)
        yield Batch(batch.rows, size, int(batch.first_row), bool(batch.drifted), float(batch.magnitude))


def _onset(scenario: Any) -> int | None:
    """The first row that drifted, of the scenario's own truth; None where it tells none."""
    truth = getattr(scenario, "truth", None)
    row = getattr(truth, "onset_row", None)
    return None if row is None else int(row)


def rows_of(rows: Any) -> int:
    """How many rows there are in a dict of columns or an array.

    Raises:
        DataError: it is neither, or has no column.
    """
    if isinstance(rows, Mapping):
        for column in rows.values():
            return len(column)
        raise DataError("a batch has no columns")
    try:
        return len(rows)
    except TypeError as error:
        raise DataError(f"a batch is {type(rows).__name__}; give a dict of columns or an (n, d) array") from error
