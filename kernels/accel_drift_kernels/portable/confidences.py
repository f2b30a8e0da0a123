"""How sure each row of probabilities is."""

from __future__ import annotations

from accel_drift_kernels.portable.namespace import namespace, whole, zeros
from accel_drift_kernels.spec import Array

_AT_ONCE = 1 << 20
"""Numbers of one temporary array."""


def confidence_rows(probabilities: Array, valid: Array, /) -> tuple[Array, Array]:
    """See `spec.OPS["confidence_rows"]`."""
    xp = namespace(probabilities)
    rows, k = probabilities.shape
    step = max(1, _AT_ONCE // k)
    facts, places = [zeros((0, 4), probabilities, xp.float64)], [zeros((0,), probabilities, xp.int64)]
    for lo in range(0, rows, step):
        part = slice(lo, min(lo + step, rows))
        made, place = _some(xp.astype(probabilities[part, :], xp.float64), valid[part])
        facts.append(made)
        places.append(place)
    return xp.concat(facts, axis=0), xp.concat(places, axis=0)


def _some(p: Array, valid: Array) -> tuple[Array, Array]:
    xp = namespace(p)
    good = xp.logical_and(valid, xp.all(xp.logical_and(p >= 0.0, p < xp.inf), axis=1))
    p = xp.where(good[:, None], p, xp.zeros_like(p))
    place = xp.astype(xp.argmax(p, axis=1), xp.int64)
    top = xp.max(p, axis=1)
    others = whole(0, p.shape[1], p, xp.int64)[None, :] != place[:, None]
    second = xp.max(xp.where(others, p, xp.zeros_like(p)), axis=1)
    entropy = -xp.sum(p * xp.log(xp.where(p > 0.0, p, xp.ones_like(p))), axis=1)
    facts = xp.stack([top, entropy, top - second, xp.sum(p, axis=1)], axis=1)
    nothing = xp.full_like(facts, xp.nan)
    return xp.where(good[:, None], facts, nothing), xp.where(good, place, -xp.ones_like(place))
