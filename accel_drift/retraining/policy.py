"""When a model is to be learned again: what must be seen, in how many windows, how often, and whether it pays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, get_args

from accel_drift.errors import ConfigError
from accel_drift.history.window import NAME_LENGTH, text
from accel_drift.monitor.cost import CostBenefit, cost_benefit
from accel_drift.monitor.windows import Length, length
from accel_drift.options import at_least, between, is_finite, truth
from accel_drift.retraining.seen import Drop, On

STRATEGIES = ("append", "replace")
_MONTH_DAYS = 30
_METRICS = ("f1", "accuracy", "auc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Whether learning again pays: see `accel_drift.monitor.cost_benefit`.

    Attributes:
        rows_per_day: rows that the model is asked about on a day.
        value_per_row: what a drop of 1 costs for each row.
        horizon_days: days that are looked ahead.
        fixed_cost: of learning again, but for the computing.
        compute_cost: of the computing.
        recovered: share of the drop that learning again makes good, above 0 to 1.
        delay_days: days until the new model is in use.
        metric: whose drop counts: "accuracy", "f1" or "auc"; the performance of the model must be watched for it.
        drop: the drop that is taken where none was measured; None where nothing is known then.
        unclear: whether to ask where the numbers do not settle it: the interval holds 0, or the drop is not known.

    Raises:
        ConfigError: a number cannot be.
    """

    rows_per_day: float
    value_per_row: float
    horizon_days: float
    fixed_cost: float
    compute_cost: float = 0.0
    recovered: float = 1.0
    delay_days: float = 0.0
    metric: str = "accuracy"
    drop: float | None = None
    unclear: bool = False

    def __post_init__(self) -> None:
        if self.metric not in _METRICS:
            raise ConfigError(f"the gate's metric is {self.metric!r}; there are {', '.join(_METRICS)}")
        if self.drop is not None:
            between(self.drop, 0, 1, "the gate's drop", "the drop that is taken where none was measured")
        truth(self.unclear, "the gate's unclear")
        self._weighed((0.0, None, None))

    def judge(self, drop: Drop | None) -> tuple[bool, dict[str, Any]]:
        """Whether to ask, and the numbers as plain JSON values.

        Args:
            drop: (value, low, high) as measured, or None.
        """
        taken: Drop | None = drop
        if drop is None and self.drop is not None:
            taken = (self.drop, self.drop, self.drop)
        if taken is None:
            known = {"recommend": None, "text": f"unclear: no drop of the {self.metric} is known"}
            return self.unclear, {**known, "asked": self.unclear, "metric": self.metric}
        found = self._weighed(taken)
        asked = self.unclear if found.recommend is None else found.recommend
        return asked, {**found.to_dict(), "asked": asked, "metric": self.metric, "measured": drop is not None}

    def _weighed(self, drop: Drop) -> CostBenefit:
        return cost_benefit(
            rows_per_day=self.rows_per_day,
            value_per_row=self.value_per_row,
            drop=drop,
            horizon_days=self.horizon_days,
            fixed_cost=self.fixed_cost,
            compute_cost=self.compute_cost,
            recovered=self.recovered,
            delay_days=self.delay_days,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """When a model is to be learned again.

    Windows count that show what `on` names, one after another. A window in which it could not be tested, as before
    labels came, neither counts nor ends the row. Labels that come late change what earlier windows showed.

    Attributes:
        on: "data_drift": tests of columns found drift; "concept_drift": the performance is degraded, or errors became
            more frequent, which stands until they become rarer again or the performance is tested and is not degraded;
            "either" of the two; "f1_drop": F1 is lower than the baseline's by more than `f1_drop`, and its interval,
            where it has one, is below the baseline's.
        windows: so many of them ask.
        strategy: "append": learn on the reference's data and those of the windows; "replace": on the windows' alone.
        cooldown: time from one request to the next at least, by the ends of windows: "7d", or a timedelta.
        again: whether to ask again after `cooldown` while the same drift goes on; by default only once a window was
            free of it.
        f1_drop: see `on`.
        gate: asks only where that pays.
        save_path: where the model belongs, told to the hook as it stands.
        name: what tells it from other policies of the monitor.

    Raises:
        ConfigError: an attribute cannot be.
    """

    on: str = "either"
    windows: int = 3
    strategy: str = "append"
    cooldown: str | timedelta = "7d"
    again: bool = False
    f1_drop: float = 0.05
    gate: Gate | None = None
    save_path: str | None = None
    name: str = "retraining"

    def __post_init__(self) -> None:
        for what, given, there in (("on", self.on, get_args(On)), ("strategy", self.strategy, STRATEGIES)):
            if given not in there:
                raise ConfigError(f"{what} is {given!r}; there are {', '.join(there)}")
        at_least(self.windows, 1, "windows", "how many windows one after another ask")
        length(self.cooldown, "cooldown", zero=True)
        truth(self.again, "again")
        if not is_finite(self.f1_drop) or not 0 <= self.f1_drop < 1:
            raise ConfigError(f"f1_drop is {self.f1_drop!r}; it is a number from 0 to 1, such as 0.05")
        if not (self.gate is None or isinstance(self.gate, Gate)):
            raise ConfigError(f"gate is {self.gate!r:.100}; it is a Gate(rows_per_day=..., ...), or None")
        if self.save_path is not None and not isinstance(self.save_path, str):
            raise ConfigError(f"save_path is {self.save_path!r:.100}; it is a text: where the new model belongs")
        text(self.name, NAME_LENGTH, "the name of a policy", "retraining")

    @property
    def pause(self) -> timedelta:
        """The cool-down; a month is 30 days."""
        return timedelta(seconds=seconds_of(length(self.cooldown, "cooldown", zero=True)))


def seconds_of(given: Length) -> float:
    """A length of time in seconds; a month is 30 days."""
    return timedelta(days=_MONTH_DAYS * given.months, microseconds=given.us).total_seconds()


GATE_KEYS: Sequence[str] = tuple(field.name for field in fields(Gate))
