"""Random counts: one uniform number decides one cell, for many lanes side by side.

A one-dimensional draw adds probabilities up in the order mode, mode + 1, mode - 1, mode + 2, ... and takes
the value at which the sum first reaches u. Counts are carried as float64, which holds them exactly below
2**53.
`numba_cpu.draws` has the same formulas, in the same order, for one lane.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from accel_drift_kernels.portable.namespace import namespace, zeros
from accel_drift_kernels.portable.pmf import (
    beta_binomial_pmf,
    binomial_pmf,
    hypergeometric_pmf,
    normal_quantile,
)
from accel_drift_kernels.spec import NORMAL_FORM_VARIANCE, SMALL_SHAPE, Array

_NEGLIGIBLE = 1e-20
"""Both next probabilities below this: what is left of the support cannot move the sum."""

Factors: TypeAlias = tuple[Array, Array, Array, float]
"""(c0, c1, c2, s): P(x + 1) / P(x) = (c0 - x)(c1 + s x) / ((x + 1)(c2 - s x)) in all three laws. Every
factor is a whole number, so all kernel sets round alike."""

Loop: TypeAlias = Callable[[Callable[[Any], Any], Callable[[Any], Any], Any], Any]
"""loop(condition, body, state): `jax.lax.while_loop` is one."""

Draw: TypeAlias = Callable[[Array, Array, Array, Array, Loop], Array]
"""draw(size left, weight of the cell, weight of the later cells, u, loop)."""


def eager_loop(condition: Callable[[Any], Any], body: Callable[[Any], Any], state: Any) -> Any:
    """Run body while condition holds; reads one bool back from the device each time."""
    while bool(condition(state)):
        state = body(state)
    return state


class Walk(NamedTuple):
    """Where every lane stands on its way outward from the mode."""

    up: Array
    down: Array
    p_up: Array
    p_down: Array
    reached: Array
    x: Array
    active: Array


def _up(x: Array, c: Factors) -> tuple[Array, Array]:
    """Numerator and denominator of P(x + 1) / P(x)."""
    return (c[0] - x) * (c[1] + c[3] * x), (x + 1.0) * (c[2] - c[3] * x)


def _down(x: Array, c: Factors) -> tuple[Array, Array]:
    """Numerator and denominator of P(x - 1) / P(x)."""
    return x * (c[2] - c[3] * (x - 1.0)), (c[0] - x + 1.0) * (c[1] + c[3] * (x - 1.0))


def _next(
    p: Array, x: Array, inside: Array, c: Factors, ratio: Callable[[Array, Factors], tuple[Array, Array]]
) -> Array:
    """Probability of the neighbour of x, 0 in lanes where there is none."""
    xp = namespace(p)
    top, bottom = ratio(x, c)
    return xp.where(inside, p, xp.zeros_like(p)) * (top / xp.where(inside, bottom, xp.ones_like(bottom)))


def invert(support: tuple[Array, Array, Array], p: Array, c: Factors, u: Array, active: Array, loop: Loop) -> Array:
    """The values at which probabilities, added up outward from the mode, reach u.

    Args:
        support: lowest value, mode, highest value.
        p: probability of the mode.
        c: factors of the ratio between neighbours.
        u: uniform numbers.
        active: lanes that are wanted.
        loop: how to repeat a step.
    """
    xp = namespace(u)
    low, mode, high = support

    def body(walk: Walk) -> Walk:
        inside = walk.active & (walk.up < high)
        p_up = _next(walk.p_up, walk.up, inside, c, _up)
        up = xp.where(inside, walk.up + 1.0, walk.up)
        reached = walk.reached + p_up
        hit = inside & (reached >= u)
        x, active = xp.where(hit, up, walk.x), walk.active & ~hit

        inside = active & (walk.down > low)
        p_down = _next(walk.p_down, walk.down, inside, c, _down)
        down = xp.where(inside, walk.down - 1.0, walk.down)
        reached = reached + p_down
        hit = inside & (reached >= u)
        x, active = xp.where(hit, down, x), active & ~hit
        spent = (p_up < _NEGLIGIBLE) & (p_down < _NEGLIGIBLE)
        return Walk(up, down, p_up, p_down, reached, x, active & ~spent)

    p = xp.where(active, p, xp.ones_like(p))
    start = Walk(mode, mode, p, p, p, mode, active & (p < u))
    done: Walk = loop(lambda walk: xp.any(walk.active), body, start)
    return done.x


def _normal_form(mean: Array, variance: Array, skew: Array, u: Array, ends: tuple[Array, Array]) -> Array:
    xp = namespace(u)
    z = normal_quantile(u)
    x = xp.round(mean + xp.sqrt(variance) * (z + skew * (z * z - 1.0) / 6.0))
    return xp.minimum(xp.maximum(x, ends[0]), ends[1])


def _whole_ratio(a: Array, b: Array, c: Array) -> Array:
    """Return floor(a b / c) in whole numbers; products stay below 2**63 for counts up to 2**31."""
    xp = namespace(a)
    product = xp.astype(a, xp.int64) * xp.astype(b, xp.int64)
    return xp.astype(product // xp.astype(c, xp.int64), xp.float64)


def draw_hypergeometric(draws: Array, good: Array, bad: Array, u: Array, loop: Loop) -> Array:
    """Good ones among `draws` taken without replacement."""
    xp = namespace(u)
    fixed = (good == 0.0) | (bad == 0.0) | (draws == 0.0) | (draws == good + bad)
    low = xp.maximum(draws - bad, xp.zeros_like(draws))
    high = xp.minimum(draws, good)
    # Lanes with nothing to draw get an urn that no formula trips over; their answer is `low`.
    two = xp.full_like(u, 2.0)
    g, b, n = xp.where(fixed, two, good), xp.where(fixed, two, bad), xp.where(fixed, two, draws)
    total = g + b
    variance = n * (g / total) * (b / total) * ((total - n) / (total - 1.0))
    wide = variance > NORMAL_FORM_VARIANCE
    sides = xp.where(total > 2.0, total - 2.0, xp.ones_like(total))
    skew = (b - g) / total * ((total - 2.0 * n) / sides) / xp.sqrt(variance)
    normal = _normal_form(n * (g / total), variance, skew, u, (low, high))
    least = xp.maximum(n - b, xp.zeros_like(n))
    most = xp.minimum(n, g)
    mode = xp.minimum(xp.maximum(_whole_ratio(n + 1.0, g + 1.0, total + 2.0), least), most)

    p, c = hypergeometric_pmf(mode, g, b, n), (g, n, b - n + 1.0, -1.0)
    x = invert((least, mode, most), p, c, u, ~fixed & ~wide, loop)
    return xp.where(fixed, low, xp.where(wide, normal, x))


def draw_binomial(m: Array, w: Array, rest: Array, u: Array, loop: Loop) -> Array:
    """Successes among m when the chance of one is w / (w + rest)."""
    xp = namespace(u)
    fixed = (w == 0.0) | (rest == 0.0) | (m == 0.0)
    certain = xp.where(w == 0.0, xp.zeros_like(m), m)
    one = xp.ones_like(u)
    a, b, n = xp.where(fixed, one, w), xp.where(fixed, one, rest), xp.where(fixed, one, m)
    zero = xp.zeros_like(u)
    total = a + b
    p, q = a / total, b / total
    variance = n * p * q
    wide = variance > NORMAL_FORM_VARIANCE
    normal = _normal_form(n * p, variance, (q - p) / xp.sqrt(variance), u, (zero, n))
    mode = xp.minimum(_whole_ratio(n + 1.0, a, total), n)

    c = (n, a, b, 0.0)
    x = invert((zero, mode, n), binomial_pmf(mode, n, p, q), c, u, ~fixed & ~wide, loop)
    return xp.where(fixed, certain, xp.where(wide, normal, x))


def draw_beta_binomial(m: Array, w: Array, rest: Array, u: Array, loop: Loop) -> Array:
    """Successes among m when the chance of one is Beta(w, rest)."""
    xp = namespace(u)
    fixed = (w == 0.0) | (rest == 0.0) | (m == 0.0)
    certain = xp.where(w == 0.0, xp.zeros_like(m), m)
    zero, one = xp.zeros_like(u), xp.ones_like(u)
    a, b, n = xp.where(fixed, one, w), xp.where(fixed, one, rest), xp.where(fixed, one, m)
    s = a + b
    variance = n * (a / s) * (b / s) * ((s + n) / (s + 1.0))
    wide = variance > NORMAL_FORM_VARIANCE
    skewed = wide & (xp.minimum(a, b) <= float(SMALL_SHAPE))
    skew = (s + 2.0 * n) / s * ((b - a) / (s + 2.0)) / xp.sqrt(variance)
    normal = _normal_form(n * (a / s), variance, skew, u, (zero, n))
    mode = xp.minimum(_whole_ratio(n + 1.0, a - 1.0, xp.maximum(s - 2.0, one)), n)

    c = (n, a, n - 1.0 + b, 1.0)
    x = invert((zero, mode, n), beta_binomial_pmf(mode, n, a, b), c, u, ~fixed & ~wide, loop)
    x = xp.where(skewed, _beta_binomial_quantile(n, a, b, u, skewed, loop), xp.where(wide, normal, x))
    return xp.where(fixed, certain, x)


def _tail_sum(good: Array, bad: Array, draws: Array, first: Array, active: Array, loop: Loop) -> Array:
    """Chance of at most `first` good ones; a sum over the few values from `first` down."""
    xp = namespace(good)
    low = xp.maximum(draws - bad, xp.zeros_like(draws))
    high = xp.minimum(draws, good)
    inside = active & (first >= low) & (first < high)
    x = xp.where(inside, first, low)
    p = xp.where(inside, hypergeometric_pmf(x, good, bad, draws), xp.zeros_like(x))

    def body(state: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        x, p, total, going = state
        bottom = (good - x + 1.0) * (draws - x + 1.0)
        ratio = (x * (bad - draws + x)) / xp.where(going, bottom, xp.ones_like(bottom))
        p = xp.where(going, p * ratio, p)
        x = xp.where(going, x - 1.0, x)
        total = xp.where(going, total + p, total)
        return x, p, total, going & (x > low) & ~((ratio < 1.0) & (p < _NEGLIGIBLE))

    total = loop(lambda state: xp.any(state[3]), body, (x, p, p, inside & (x > low)))[2]
    return xp.where(first >= high, xp.ones_like(total), total)


def _beta_binomial_quantile(m: Array, a: Array, b: Array, u: Array, active: Array, loop: Loop) -> Array:
    """Smallest x with P(X <= x) >= u, for a small whole a or b.

    X is the number of batch rows below the a-th of a + b - 1 reference rows in a random order of them all, so
    X <= x exactly if the first x + a rows of that order hold at least a reference rows: a hypergeometric tail
    of a terms. The same from the other end has b terms.
    """
    xp = namespace(u)
    s = a + b - 1.0
    left = a <= b
    shape = xp.where(left, a, b)

    def body(state: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = state
        x = xp.floor((low + high) * 0.5)
        going = active & (low < high)
        tail = _tail_sum(s, m, xp.where(left, x, m - x - 1.0) + shape, shape - 1.0, going, loop)
        enough = xp.where(left, 1.0 - tail, tail) >= u
        low = xp.where(going & ~enough, x + 1.0, low)
        return low, xp.where(going & enough, x, high)

    zero = xp.zeros_like(m)
    start = (zero, xp.where(active, m, zero))
    return loop(lambda state: xp.any(state[0] < state[1]), body, start)[0]


def _sequential(cells: Array, size: Array, u: Array, draw: Draw) -> Array:
    """Cell by cell, each from what is left; the last cell takes the rest."""
    xp = namespace(cells)
    lanes, k = cells.shape
    if lanes == 0 or k == 0:
        return zeros((lanes, k), cells, xp.int64)
    left = xp.astype(size, xp.float64)
    later = xp.sum(cells, axis=1)
    columns = []
    for j in range(k - 1):
        later = later - cells[:, j]
        x = draw(left, xp.astype(cells[:, j], xp.float64), xp.astype(later, xp.float64), u[:, j], eager_loop)
        columns.append(xp.astype(x, xp.int64))
        left = left - x
    columns.append(xp.astype(left, xp.int64))
    return xp.stack(columns, axis=1)


def hypergeometric(pooled: Array, n: Array, u: Array, /) -> Array:
    """See `spec.OPS["hypergeometric"]`."""
    return _sequential(pooled, n, u, draw_hypergeometric)


def dirichlet_multinomial(weights: Array, m: Array, u: Array, /) -> Array:
    """See `spec.OPS["dirichlet_multinomial"]`."""
    return _sequential(weights, m, u, draw_beta_binomial)


def multinomial(weights: Array, m: Array, u: Array, /) -> Array:
    """See `spec.OPS["multinomial"]`."""
    return _sequential(weights, m, u, draw_binomial)
