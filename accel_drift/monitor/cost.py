"""Whether it pays to learn a model again: what its fall costs beside what learning costs."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

from accel_drift.errors import ConfigError, DataError
from accel_drift.options import between, is_finite
from accel_drift.predictions.estimates import Estimate, plain


@dataclass(frozen=True, slots=True)
class CostBenefit:
    """What waiting and learning again cost, in the unit of the value of a row.

    Intervals are those of the drop: the other inputs are taken as they are given.

    Attributes:
        rows_per_day: as given, as all inputs below.
        value_per_row: what a drop of 1 costs for each row.
        drop: fall of the performance; its ends are None where it has no interval.
        horizon_days: days that are looked ahead.
        fixed_cost: of learning again, but for the computing.
        compute_cost: of the computing.
        recovered: share of the drop that learning again makes good.
        delay_days: days until the new model is in use.
        loss: revenue at risk: what the drop costs over the horizon where nothing is done.
        avoided: what learning again saves of it.
        cost: of learning again, both parts.
        net: avoided less cost: what learning again brings over the horizon.
        break_even_days: days from now until learning again has paid; infinite where it never does; None for an end
            that is not known.
        break_even_drop: the drop from which learning again pays within the horizon; None where none can.
        recommend: True where the whole interval of `net` is above 0, False where none of it is, None where 0 lies
            within or there is no interval.
    """

    rows_per_day: float
    value_per_row: float
    drop: Estimate
    horizon_days: float
    fixed_cost: float
    compute_cost: float
    recovered: float
    delay_days: float
    loss: Estimate
    avoided: Estimate
    cost: float
    net: Estimate
    break_even_days: Estimate
    break_even_drop: float | None
    recommend: bool | None

    @property
    def text(self) -> str:
        """The answer in a line.

        >>> cost_benefit(rows_per_day=1000, value_per_row=2, drop=0.03, horizon_days=30, fixed_cost=900).text
        'learn again: it brings 900 over 30 days'
        """
        over = f"over {self.horizon_days:,g} days"
        if self.recommend is None:
            if self.net.low is None or self.net.high is None:
                return f"unclear: the drop has no interval; its estimate brings {_money(self.net.value)} {over}"
            return f"unclear: learning again brings {_money(self.net.low)} to {_money(self.net.high)} {over}"
        low, high = self.net.low or 0.0, self.net.high or 0.0
        told = _money(low) if low == high else f"{_money(low)} to {_money(high)}"
        return f"{'learn again' if self.recommend else 'wait'}: it brings {told} {over}"

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values; days that are infinite are "inf"."""
        made: dict[str, Any] = plain(self)
        days = made["break_even_days"]
        made["break_even_days"] = {end: "inf" if value == inf else value for end, value in days.items()}
        return {**made, "text": self.text}


def cost_benefit(
    *,
    rows_per_day: float,
    value_per_row: float,
    drop: float | tuple[float, float | None, float | None],
    horizon_days: float,
    fixed_cost: float,
    compute_cost: float = 0.0,
    recovered: float = 1.0,
    delay_days: float = 0.0,
) -> CostBenefit:
    """Set the revenue at risk against the cost of learning again.

    loss = rows_per_day value_per_row drop horizon_days; avoided = loss recovered (horizon_days - delay_days) /
    horizon_days; net = avoided - fixed_cost - compute_cost. The drop is taken to last, as large as it is.

    Args:
        rows_per_day: rows that the model is asked about on a day.
        value_per_row: what a drop of 1 costs for each row: of accuracy, what a right answer is worth more than a wrong
            one. Any unit that the costs have, too.
        drop: fall of the performance, above 0 where it is worse: an Estimate, (value, low, high), or a number that is
            taken as known. An accuracy's drop is a share of rows: of other measures it is for you to say what 1 costs.
        horizon_days: days that are looked ahead, such as those until the model would be learned again anyway.
        fixed_cost: of learning again, but for the computing: people, labels, trials.
        compute_cost: of the computing.
        recovered: share of the drop that learning again makes good, above 0 to 1.
        delay_days: days until the new model is in use.

    Raises:
        DataError: the drop is no number and no estimate.
        ConfigError: another input cannot be.

    >>> from accel_drift.predictions import Estimate
    >>> found = cost_benefit(
    ...     rows_per_day=1000, value_per_row=2, drop=Estimate(0.03, 0.01, 0.05), horizon_days=30, fixed_cost=900
    ... )
    >>> round(found.loss.value), found.recommend, found.text
    (1800, None, 'unclear: learning again brings -300 to 2,100 over 30 days')
    >>> round(found.break_even_days.value), round(found.break_even_drop, 3)
    (15, 0.015)
    """
    between(rows_per_day, 0, inf, "rows_per_day", "rows that the model is asked about on a day")
    between(value_per_row, 0, inf, "value_per_row", "what a drop of 1 costs for each row")
    between(horizon_days, 0, inf, "horizon_days", "days that are looked ahead")
    _from_0(fixed_cost, "fixed_cost", "the cost of learning again, but for the computing")
    _from_0(compute_cost, "compute_cost", "the cost of the computing")
    _from_0(delay_days, "delay_days", "days until the new model is in use")
    if not (is_finite(recovered) and 0 < recovered <= 1):
        raise ConfigError(f"recovered is {recovered!r}; it is a share above 0 to 1 of the drop, that is made good")
    fall = _drop(drop)
    a_day, cost = rows_per_day * value_per_row, float(fixed_cost + compute_cost)
    if not isfinite(a_day * horizon_days + cost):
        raise ConfigError("rows_per_day, value_per_row, horizon_days or the costs are too large; use a larger unit")
    saving = a_day * recovered * max(horizon_days - delay_days, 0.0)
    avoided = _times(fall, saving)
    net = Estimate(*(None if end is None else end - cost for end in avoided))  # type: ignore[arg-type]
    return CostBenefit(
        rows_per_day=rows_per_day,
        value_per_row=value_per_row,
        drop=fall,
        horizon_days=horizon_days,
        fixed_cost=fixed_cost,
        compute_cost=compute_cost,
        recovered=recovered,
        delay_days=delay_days,
        loss=_times(fall, a_day * horizon_days),
        avoided=avoided,
        cost=cost,
        net=net,
        break_even_days=_days(fall, a_day * recovered, cost, delay_days),
        break_even_drop=cost / saving if saving > 0 else None,
        recommend=_recommend(net),
    )


def _recommend(net: Estimate) -> bool | None:
    if net.low is None or net.high is None:
        return None
    if net.low > 0:
        return True
    return False if net.high <= 0 else None


def _times(drop: Estimate, factor: float) -> Estimate:
    return Estimate(*(None if end is None else end * factor for end in drop))  # type: ignore[arg-type]


def _days(drop: Estimate, a_day: float, cost: float, delay: float) -> Estimate:
    """The larger the drop, the sooner: the ends change places."""

    def until(end: float | None) -> float | None:
        if end is None:
            return None
        saved = end * a_day
        return delay + cost / saved if saved > 0 else inf

    value = until(drop.value)
    return Estimate(inf if value is None else value, until(drop.high), until(drop.low))


def _drop(given: Any) -> Estimate:
    """An estimate whose ends are in order.

    Raises:
        DataError: it is none.
    """
    if is_finite(given):
        return Estimate(float(given), float(given), float(given))
    if isinstance(given, (tuple, list)) and len(given) == 3 and is_finite(given[0]):
        value, low, high = given
        if low is None and high is None:
            return Estimate(float(value), None, None)
        if low is not None and high is not None and is_finite(low) and is_finite(high) and low <= value <= high:
            return Estimate(float(value), float(low), float(high))
    raise DataError(
        f"drop is {given!r}; it is an Estimate or (value, low, high) in the order low <= value <= high, both ends None "
        "where there is no interval, or one number that is taken as known"
    )


def _from_0(value: Any, name: str, meaning: str) -> None:
    if not (is_finite(value) and value >= 0):
        raise ConfigError(f"{name} is {value!r}; it is a number from 0 up: {meaning}")


def _money(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == 0 else f"{value:,.3g}"
