"""Rules that run down many streams of values at once, a moment at a time."""

from __future__ import annotations

from typing import Any

from accel_drift_kernels.portable.namespace import namespace, zeros
from accel_drift_kernels.spec import Array, Rule


class Lifted:
    """An array namespace whose functions take numbers beside arrays, as rules do."""

    def __init__(self, xp: Any, like: Array) -> None:
        self.sqrt, self.log, self.exp = xp.sqrt, xp.log, xp.exp
        self._xp, self._like = xp, like

    def where(self, condition: Array, one: Any, other: Any) -> Array:
        """`one` where the condition holds, else `other`."""
        return self._xp.where(condition, self.array(one), self.array(other))

    def array(self, x: Any) -> Array:
        """A number as an array."""
        return self._xp.full_like(self._like, float(x)) if isinstance(x, int | float) else x


def scan_streams(rule: Rule, values: Array, state: Array, options: tuple[float, ...], /) -> tuple[Array, Array, Array]:
    """See `spec.OPS["scan_streams"]`."""
    xp, streams = namespace(values), values.shape[1]
    none = zeros((0,), values, xp.int64)
    places, events, told = [none], [none], [zeros((0, 2), values, xp.float64)]
    fields = [state[j, :] for j in range(state.shape[0])]
    lifted = Lifted(xp, fields[0])
    step = rule(lifted)
    for t in range(values.shape[0]):
        x = xp.astype(values[t, :], xp.float64)
        there = x == x
        event, before, after, *new = step(x, *fields, options)
        fields = [xp.where(there, one, old) for one, old in zip(new, fields, strict=True)]
        number = xp.astype(xp.where(there, event, lifted.array(0.0)), xp.int64)
        (at,) = xp.nonzero(number)
        if at.shape[0]:
            places.append(at + t * streams)
            events.append(xp.take(number, at))
            told.append(xp.stack([xp.take(before, at), xp.take(after, at)], axis=1))
    place = xp.concat(places)
    where = xp.stack([place // max(streams, 1), place % max(streams, 1), xp.concat(events)], axis=1)
    return xp.stack(fields, axis=0), where, xp.concat(told)
