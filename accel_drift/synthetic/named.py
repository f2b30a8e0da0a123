"""Scenarios by name, from one that never drifts to thirty days of rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from accel_drift.errors import ConfigError
from accel_drift.options import at_least
from accel_drift.synthetic.base import Drift
from accel_drift.synthetic.clock import Clock
from accel_drift.synthetic.columns import LABEL, Data
from accel_drift.synthetic.labels import LabelRule
from accel_drift.synthetic.population import Population
from accel_drift.synthetic.schedules import Gradual, Incremental, Recurring, Schedule, Sudden
from accel_drift.synthetic.seeds import Purpose, checked_seed, generator
from accel_drift.synthetic.spreads import CovariateShift
from accel_drift.synthetic.stream import Scenario


def healthy(drift: Drift, batches: int, rows: int, seed: int) -> dict[str, Any]:  # noqa: ARG001
    """Nothing drifts."""
    return {"changes": ()}


def sudden(drift: Drift, batches: int, rows: int, seed: int) -> dict[str, Any]:  # noqa: ARG001
    """All rows are drifted from the middle on."""
    return {"changes": [(drift, Sudden(at=batches // 2 * rows))]}


def gradual(drift: Drift, batches: int, rows: int, seed: int) -> dict[str, Any]:  # noqa: ARG001
    """More and more rows are drifted, from a quarter of the way to three quarters."""
    return {"changes": [(drift, _over(Gradual, batches, rows))]}


def incremental(drift: Drift, batches: int, rows: int, seed: int) -> dict[str, Any]:  # noqa: ARG001
    """The drift grows from a quarter of the way to three quarters."""
    return {"changes": [(drift, _over(Incremental, batches, rows))]}


def recurring(drift: Drift, batches: int, rows: int, seed: int) -> dict[str, Any]:  # noqa: ARG001
    """The drift comes and goes: of ten batches the last five are drifted, or of fewer the last half."""
    return {"changes": [(drift, Recurring(period=min(10, batches) * rows))]}


def thirty_days(drift: Drift, batches: int, rows: int, seed: int) -> dict[str, Any]:  # noqa: ARG001
    """Thirty days with times of rows: features drift over days 12 to 15, on day 20 the rule of labels changes."""
    start, end, rule = (day * batches // 30 * rows for day in (11, 15, 19))
    labels = LabelRule(min(1.0, abs(drift.magnitude)))
    return {
        "changes": [(drift, Incremental(start, max(end, start + 1))), (labels, Sudden(rule))],
        "clock": Clock(),
    }


def arriving_files(drift: Drift, batches: int, rows: int, seed: int) -> dict[str, Any]:
    """Hourly files of half to twice as many rows, one of them late, with times of rows; the last third is drifted."""
    sizes = np.round(rows * 2.0 ** generator(seed, Purpose.SIZES).uniform(-1, 1, batches)).astype(int)
    sizes = np.maximum(sizes, 1)
    return {
        "changes": [(drift, Sudden(int(sizes[: batches - max(1, batches // 3)].sum())))],
        "rows": sizes.tolist(),
        "late": [max(1, batches // 4)] if batches > 1 else [],
        "clock": Clock(seconds=3_600.0),
    }


_Make = Callable[[Drift, int, int, int], dict[str, Any]]
_NAMED: dict[str, tuple[_Make, int, int]] = {
    make.__name__: (make, batches, rows)
    for make, batches, rows in (
        (healthy, 50, 100),
        (sudden, 50, 100),
        (gradual, 50, 100),
        (incremental, 50, 100),
        (recurring, 50, 100),
        (thirty_days, 30, 200),
        (arriving_files, 12, 500),
    )
}
"""Name -> what makes it, and how many batches of how many rows it has unless told otherwise."""


def scenarios() -> dict[str, str]:
    """The scenarios by name, and what happens in each.

    >>> scenarios()["healthy"]
    'Nothing drifts.'
    """
    return {name: str(make.__doc__) for name, (make, _, _) in _NAMED.items()}


def scenario(
    name: str,
    *,
    magnitude: float | None = None,
    drift: Drift | None = None,
    source: Population | Data | None = None,
    batches: int | None = None,
    rows: int | None = None,
    reference_rows: int = 2_000,
    label: str = LABEL,
    seed: int = 0,
) -> Scenario:
    """A scenario by its name.

    >>> made = scenario("sudden", magnitude=0.5, seed=1)
    >>> made.truth.onset_batch, made.truth.columns
    (26, ('x0', 'x1', 'x2', 'x3', 'x4', 'label'))
    >>> made.truth.moved  # the label follows, by the same rule
    ('x0', 'x1', 'x2', 'x3', 'x4')

    Args:
        name: one of `scenarios()`.
        magnitude: of a covariate shift of every column of numbers, in deviations of the reference; None for 0.5. With 0
            nothing drifts, in no scenario. In `thirty_days` the rule of labels changes for as large a share of the
            reference, 1 at most.
        drift: another kind in place of that shift, with its own magnitude.
        source: a population, or rows of one's own as `Scenario` takes them; None for five numbers that correlate by
            0.3, a category and a label.
        label: the column of labels, where there is one: features move without it, and rules of labels are about it.
        batches: how many; None for the scenario's own number.
        rows: of each batch, on average where they differ; None for the scenario's own number.
        reference_rows: rows of the reference.
        seed: decides everything that is drawn.

    Raises:
        ConfigError: there is no such scenario, or an option cannot work.
        DataError: there are too few rows of one's own.
        SchemaError: a column that changes is not there.
    """
    if name not in _NAMED:
        raise ConfigError(f"there is no scenario {name!r}; there are {', '.join(_NAMED)}")
    if drift is not None and magnitude is not None:
        raise ConfigError("magnitude and drift are both given; a drift has its own magnitude: leave one out")
    if drift is not None and not isinstance(drift, Drift):
        raise ConfigError(f"drift is {drift!r}; it is a kind with its magnitude, such as Missing(0.2)")
    make, usual_batches, usual_rows = _NAMED[name]
    batches = usual_batches if batches is None else batches
    rows = usual_rows if rows is None else rows
    at_least(batches, 1, "batches", "batches of the stream")
    at_least(rows, 1, "rows", "rows of each batch")
    if drift is None:
        drift = CovariateShift(0.5 if magnitude is None else magnitude)
    if source is None:
        source = Population(numbers=5, categories=1, correlation=0.3, label=True)
    options = {"rows": int(rows), **make(drift, int(batches), int(rows), checked_seed(seed))}
    options |= {"batches": int(batches), "reference_rows": reference_rows}
    return Scenario(source, seed=seed, label=label, name=name, **options)


def _over(kind: Callable[[int, int], Schedule], batches: int, rows: int) -> Schedule:
    """From a quarter of the batches to three quarters, whole batches where there are several."""
    start = batches // 4 * rows
    return kind(start, max(3 * batches // 4 * rows, start + 1))
