"""The best rate of exponentials on this processor: powers of two by a polynomial, of numbers that lie in the cache.

It is a limit to hold kernels against, so it shares no code with them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from math import factorial, log
from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import extending, njit

VALUES = 4096
"""A quarter of a core's nearest cache in float32, for both arrays together half of it in float64."""

intrinsic: Any = extending.intrinsic

_ORDER = {"float32": 6, "float64": 12}
"""Degree of the polynomial: the remainder at 1/2 is below the spacing of the floats."""


@intrinsic
def _power(typing_context: Any, r: Any) -> Any:  # noqa: ARG001
    """2 to the whole number in the last bits of r, which are moved to where a float keeps its exponent."""
    place = {32: 23, 64: 52}[r.bitwidth]

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001
        word = ir.IntType(r.bitwidth)
        bits = builder.shl(builder.bitcast(args[0], word), ir.Constant(word, place))
        return builder.bitcast(bits, args[0].type)

    return r(r), generate


@cache
def exp2_loop(dtype: str) -> Callable[[npt.NDArray[Any], npt.NDArray[Any], int], None]:
    """A compiled loop (x, out, times): 2^x into `out`, as often as asked. Right for |x| up to 100."""
    number = np.dtype(dtype).type
    mantissa, bias = (23, 127) if dtype == "float32" else (52, 1023)
    # Adding 1.5 * 2^mantissa rounds to a whole number and leaves it, with the exponent's bias, in the last bits.
    shift = number(1.5 * 2.0**mantissa + bias)
    terms = tuple(number(log(2.0) ** k / factorial(k)) for k in range(_ORDER[dtype], -1, -1))
    first, rest = terms[0], terms[1:]

    # Only products and sums may be joined: to reorder sums would take the rounding away.
    @njit(nogil=True, error_model="numpy", fastmath={"contract"})
    def loop(x: Any, out: Any, times: int) -> None:
        for _ in range(times):
            for i in range(x.size):
                r = x[i] + shift
                f = x[i] - (r - shift)
                p = first
                for term in rest:
                    p = p * f + term
                out[i] = p * _power(r)

    made: Callable[[npt.NDArray[Any], npt.NDArray[Any], int], None] = loop
    return made


def on_all_cores(dtype: str, cores: int, times: int) -> Callable[[], object]:
    """A call that takes `cores * times * VALUES` powers, each core those of an array of its own."""
    loop = exp2_loop(dtype)
    rng = np.random.default_rng(2)
    own = [(rng.uniform(-20.0, 0.0, VALUES).astype(dtype), np.empty(VALUES, dtype)) for _ in range(cores)]
    loop(own[0][0], own[0][1], 1)

    def call() -> object:
        with ThreadPoolExecutor(cores) as pool:
            return list(pool.map(lambda pair: loop(pair[0], pair[1], times), own))

    return call
