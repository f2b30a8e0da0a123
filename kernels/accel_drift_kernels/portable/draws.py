"""Random counts: the words of one counter decide one halving of cells, for many lanes (draws of columns) side by side.

A count with a large variance is a bent normal number, rounded. For a smaller one probabilities are added up in the
order mode, mode + 1, mode - 1, mode + 2, ... and it is the value at which the sum first reaches a uniform number.
Counts are carried as float64, which holds them exactly below 2**53.
`numba_cpu.urns` has the same formulas, in the same order, for one lane.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from accel_drift_kernels.portable.namespace import namespace, whole, zeros
from accel_drift_kernels.portable.pmf import binomial_pmf, hypergeometric_pmf, normal_quantile
from accel_drift_kernels.portable.words import mixed
from accel_drift_kernels.spec import MORE_WORDS, NORMAL_FORM_VARIANCE, Array
from accel_drift_kernels.tables import halves

_NEGLIGIBLE = 1e-20
"""Both next probabilities below this: what is left of the support cannot move the sum."""

Factors: TypeAlias = tuple[Array, Array, Array, float]
"""(c0, c1, c2, s): P(x + 1) / P(x) = (c0 - x)(c1 - s x) / ((x + 1)(c2 + s x)) in both laws."""

Loop: TypeAlias = Callable[[Callable[[Any], Any], Callable[[Any], Any], Any], Any]
"""loop(condition, body, state): `jax.lax.while_loop` is one."""

Draw: TypeAlias = Callable[[Array, Array, Array, Array, Loop], Array]
"""draw(rows to deal, weight of the left half, weight of the right half, u, loop): rows of the left half."""


class Lanes(NamedTuple):
    """The two words of each lane's key and the number of its draw, uint32 (L,) each."""

    k0: Array
    k1: Array
    number: Array


def lanes_of(keys: Array, first: int, count: int) -> Lanes:
    """Lanes of `count` draws of every column, column after column."""
    xp = namespace(keys)
    columns = keys.shape[0]
    numbers = whole(first, first + count, keys, xp.uint32)
    both = xp.broadcast_to(keys[:, None, :], (columns, count, 2))
    number = xp.broadcast_to(numbers[None, :], (columns, count))
    return Lanes(*(xp.reshape(part, (-1,)) for part in (both[:, :, 0], both[:, :, 1], number)))


def uniform(lanes: Lanes, cell: Array) -> Array:
    """Numbers strictly between 0 and 1, 52 bits each, from the counters (number, cell); cell uint32."""
    xp = namespace(lanes.number)
    high, low = mixed((lanes.k0, lanes.k1), lanes.number, cell)
    high, low = (xp.astype(word >> 6, xp.float64) for word in (high, low))
    return (high * 67108864.0 + low + 0.5) * 2.0**-52


def masses(lanes: Lanes, cell: Array, weight: Array, loop: Loop) -> Array:
    """Gamma(weight) numbers, 0 where the weight is 0; else it is 1 or more. Source: Marsaglia & Tsang 2000."""
    xp = namespace(weight)
    d = xp.maximum(weight, xp.ones_like(weight)) - 1.0 / 3.0

    def attempt(place: Array) -> tuple[Array, Array]:
        z = normal_quantile(uniform(lanes, place))
        u = uniform(lanes, place + MORE_WORDS)
        v = 1.0 + z / xp.sqrt(9.0 * d)
        v = v * v * v
        right = xp.where(v > 0.0, v, xp.ones_like(v))
        near = u < 1.0 - 0.0331 * (z * z) * (z * z)
        accepted = (v > 0.0) & (near | (xp.log(u) < 0.5 * z * z + d - d * right + d * xp.log(right)))
        return d * v, accepted

    def again(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        place, mass, done = state
        place = place + 2 * MORE_WORDS
        fresh, accepted = attempt(place)
        return place, xp.where(done, mass, fresh), done | accepted

    place = cell + MORE_WORDS
    mass, accepted = attempt(place)
    none = weight <= 0.0
    mass = loop(lambda state: xp.any(~state[2]), again, (place, mass, accepted | none))[1]
    return xp.where(none, xp.zeros_like(mass), mass)


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
    return (c[0] - x) * (c[1] - c[3] * x), (x + 1.0) * (c[2] + c[3] * x)


def _down(x: Array, c: Factors) -> tuple[Array, Array]:
    """Numerator and denominator of P(x - 1) / P(x)."""
    return x * (c[2] + c[3] * (x - 1.0)), (c[0] - x + 1.0) * (c[1] - c[3] * (x - 1.0))


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


def _bent(cumulants: tuple[Array, Array, Array, Array, Array], z: Array) -> Array:
    """A whole number of the law with these cumulants, from a normal number.

    Cumulants: mean, variance V, then V lean, V peak, V lean third. What rounding adds to the variance, 1/12, is taken
    off first (Sheppard 1897). Source: Cornish & Fisher 1938, to the third order.
    """
    xp = namespace(z)
    mean, variance, lean, peak, third = cumulants
    variance = xp.maximum(variance, xp.ones_like(variance))
    v = variance - 1.0 / 12.0
    s, h, z2 = xp.sqrt(v), lean * (variance / v), z * z
    z4 = z2 * z2
    second = peak * (z2 - 3.0) / 24.0 - h * h * (2.0 * z2 - 5.0) / 36.0
    a = third * (z4 - 6.0 * z2 + 3.0) / 120.0 - peak * (z4 - 5.0 * z2 + 2.0) / 24.0
    b = h * h * (12.0 * z4 - 53.0 * z2 + 17.0) / 324.0
    return xp.round(mean + z * (s + second / s) + h * ((z2 - 1.0) / 6.0 + (a + b) / v))


def _whole_ratio(a: Array, b: Array, c: Array) -> Array:
    """Return floor(a b / c) in whole numbers; products stay below 2**63 for counts up to 2**31."""
    xp = namespace(a)
    product = xp.astype(a, xp.int64) * xp.astype(b, xp.int64)
    return xp.astype(product // xp.astype(c, xp.int64), xp.float64)


def draw_hypergeometric(draws: Array, good: Array, bad: Array, u: Array, loop: Loop) -> Array:
    """Good ones among `draws` taken without replacement."""
    xp = namespace(u)
    low = xp.maximum(draws - bad, xp.zeros_like(draws))
    high = xp.minimum(draws, good)
    fixed = low == high
    # Lanes with nothing to draw get an urn that no formula trips over; their answer is `low`.
    two = xp.full_like(u, 2.0)
    good, bad, n = xp.where(fixed, two, good), xp.where(fixed, two, bad), xp.where(fixed, two, draws)
    total = good + bad
    p, q, f, g = good / total, bad / total, n / total, (total - n) / total
    s, r = p * q, f * g
    variance = s * r * (total * (total / (total - 1.0)))
    sides, both = s + r, s * r
    peak, third = 1.0 - 6.0 * sides + 30.0 * both, 1.0 - 12.0 * sides + 84.0 * both
    wide = variance >= NORMAL_FORM_VARIANCE
    far = _bent((n * p, variance, (q - p) * (g - f), peak, third), normal_quantile(u))
    least, most = xp.maximum(n - bad, xp.zeros_like(n)), xp.minimum(n, good)
    mode = xp.minimum(xp.maximum(_whole_ratio(n + 1.0, good + 1.0, total + 2.0), least), most)
    c = (good, n, bad - n + 1.0, 1.0)
    x = invert((least, mode, most), hypergeometric_pmf(mode, good, bad, n), c, u, ~fixed & ~wide, loop)
    return xp.where(fixed, low, xp.where(wide, xp.minimum(xp.maximum(far, least), most), x))


def draw_binomial(m: Array, w: Array, rest: Array, u: Array, loop: Loop) -> Array:
    """Successes among m when the chance of one is w / (w + rest)."""
    xp = namespace(u)
    fixed = (w == 0.0) | (rest == 0.0) | (m == 0.0)
    zero, one = xp.zeros_like(u), xp.ones_like(u)
    certain = xp.where(w == 0.0, zero, m)
    a, b, n = xp.where(fixed, one, w), xp.where(fixed, one, rest), xp.where(fixed, one, m)
    total = a + b
    p, q = a / total, b / total
    s = p * q
    variance = n * s
    wide = variance >= NORMAL_FORM_VARIANCE
    far = _bent((n * p, variance, q - p, 1.0 - 6.0 * s, 1.0 - 12.0 * s), normal_quantile(u))
    mode = xp.minimum(xp.floor((n + 1.0) * p), n)
    x = invert((zero, mode, n), binomial_pmf(mode, n, p, q), (n, a, b, 0.0), u, ~fixed & ~wide, loop)
    return xp.where(fixed, certain, xp.where(wide, xp.minimum(xp.maximum(far, zero), n), x))


def _cell(lanes: Lanes, j: int) -> Array:
    """The number of a cell, uint32 (1,)."""
    return whole(j, j + 1, lanes.number, namespace(lanes.number).uint32)


def _dealt(lanes: Lanes, cells: Array, size: Array, draw: Draw) -> Array:
    """Rows dealt to halves of the cells, and so on down to single cells: (L, k) -> (L, k)."""
    xp = namespace(cells)
    runs = list(halves(cells.shape[1]))
    mass = [xp.astype(cells[:, j], xp.float64) for j in range(cells.shape[1])]
    left, right = {}, {}
    # From the smallest runs up; a run's mass stands in the place of its first cell.
    for first, middle, _, _ in reversed(runs):
        left[middle], right[middle] = mass[first], mass[middle]
        mass[first] = mass[first] + mass[middle]
    counts = {0: xp.astype(size, xp.float64)}
    for first, middle, _, _ in runs:
        u = uniform(lanes, _cell(lanes, middle))
        x = draw(counts[first], left[middle], right[middle], u, eager_loop)
        counts[first], counts[middle] = x, counts[first] - x
    return xp.stack([xp.astype(counts[j], xp.int64) for j in range(cells.shape[1])], axis=1)


def each_draw(x: Array, count: int) -> Array:
    """Rows of `x` (C, ...) once for each draw: (C count, ...)."""
    xp = namespace(x)
    wide = xp.broadcast_to(x[:, None, ...], (x.shape[0], count, *x.shape[1:]))
    return xp.reshape(wide, (x.shape[0] * count, *x.shape[1:]))


def _of_columns(keys: Array, first: int, count: int, cells: Array, size: Array, draw: Draw) -> Array:
    columns, k = cells.shape
    if columns * count * k == 0:
        return zeros((columns, count, k), cells, namespace(cells).int64)
    lanes, cells = lanes_of(keys, first, count), each_draw(cells, count)
    made = _dealt(lanes, cells, each_draw(size, count), draw)
    return namespace(cells).reshape(made, (columns, count, k))


def hypergeometric(keys: Array, first: int, count: int, pooled: Array, n: Array, /) -> Array:
    """See `spec.OPS["hypergeometric"]`."""
    return _of_columns(keys, first, count, pooled, n, draw_hypergeometric)


def dirichlet_multinomial(keys: Array, first: int, weights: Array, m: Array, /) -> Array:
    """See `spec.OPS["dirichlet_multinomial"]`."""
    xp = namespace(weights)
    columns, count, k = weights.shape
    if columns * count * k == 0:
        return zeros((columns, count, k), weights, xp.int64)
    lanes, weights = lanes_of(keys, first, count), xp.astype(xp.reshape(weights, (-1, k)), xp.float64)
    mass = xp.stack([masses(lanes, _cell(lanes, j), weights[:, j], eager_loop) for j in range(k)], axis=1)
    made = _dealt(lanes, mass, xp.reshape(m, (-1,)), draw_binomial)
    return xp.reshape(made, (columns, count, k))


def multinomial(keys: Array, first: int, count: int, weights: Array, m: Array, /) -> Array:
    """See `spec.OPS["multinomial"]`."""
    return _of_columns(keys, first, count, weights, m, draw_binomial)
