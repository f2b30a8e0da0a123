"""How sure each row of probabilities is.

Nearly all of the time goes into logarithms, so a run of rows first has those of all its numbers taken, by a loop that
compiles to vector instructions: a call of the C library for each would take four to five times as long.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.numba_cpu.threads import compiled, frozen, on_threads, spans

_RUN = 4096
"""Numbers of a run: they and what is made of them stay in the first-level cache."""

_LN_2 = (6.93147180369123816490e-01, 1.90821492927058770002e-10)
"""The logarithm of 2 in two parts: the first has so few bits that its product with an exponent is exact."""

_SERIES = tuple(2.0 / (2 * n + 1) for n in range(12))
"""Of ln((1 + s) / (1 - s)) = 2 s + 2 s^3 / 3 + ...; up to |s| = 0.1716 the next term is below 2^-62 of it."""

_SPLIT = 0x3FF0000000000000 - 0x3FE6A09E667F3BCD
"""What carries the bits of the root of 1/2 over into the next exponent."""


@compiled
def _terms(p: Any, out: Any) -> None:
    """-p ln p of each number, within 5e-16 of itself; 0 of 0 and below. What that is of a denormal is tiny anyway."""
    for i in range(p.size):
        x = np.float64(p[i])
        bits = np.float64(x).view(np.int64)
        exponent = np.int64((bits + np.int64(_SPLIT)) >> np.int64(52)) - np.int64(1023)
        f = np.int64(bits - (exponent << np.int64(52))).view(np.float64) - 1.0
        s = f / (2.0 + f)
        z = s * s
        total = _SERIES[11]
        for n in range(10, -1, -1):
            total = _SERIES[n] + z * total
        power = np.float64(exponent)
        logarithm = power * _LN_2[0] + (power * _LN_2[1] + s * total)
        out[i] = -x * logarithm if x > 0.0 else 0.0


@compiled
def _rows(p: Any, valid: Any, facts: Any, place: Any) -> None:
    k = p.shape[1]
    step = max(1, _RUN // k)
    terms = np.empty(step * k)
    for first in range(0, place.size, step):
        last = min(first + step, place.size)
        _terms(p[first:last].ravel(), terms)
        for i in range(first, last):
            _row(p[i], terms[(i - first) * k : (i - first + 1) * k], valid[i], i, facts, place)


@compiled
def _row(p: Any, terms: Any, good: Any, i: int, facts: Any, place: Any) -> None:
    best, top, second, entropy, total = 0, -1.0, 0.0, 0.0, 0.0
    for j in range(p.size):
        value = np.float64(p[j])
        total += value
        entropy += terms[j]
        # Conditional moves: which number is the largest so far is no branch that a processor could foresee.
        good &= (value >= 0.0) & (value < np.inf)
        second = max(second, min(value, top))
        best = j if value > top else best
        top = max(top, value)
    if good:
        facts[i, 0], facts[i, 1], facts[i, 2], facts[i, 3] = top, entropy, top - second, total
        place[i] = best
    else:
        facts[i, :] = np.nan
        place[i] = -1


def confidence_rows(
    probabilities: npt.NDArray[Any], valid: npt.NDArray[Any], /
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """See `spec.OPS["confidence_rows"]`."""
    p, there = frozen(probabilities), frozen(valid)
    facts, place = np.empty((len(p), 4)), np.empty(len(p), dtype=np.int64)

    def work(span: tuple[int, int]) -> None:
        part = slice(*span)
        _rows(p[part], there[part], facts[part], place[part])

    on_threads(work, spans(len(p), 1 << 12), large=p.size > 1 << 16)
    return facts, place
