"""Logarithms of the Numba set are those of the C library, and threads change nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from accel_drift_kernels.numba_cpu import confidence_rows
from accel_drift_kernels.numba_cpu.confidences import _terms

RNG = np.random.default_rng(11)


@pytest.mark.parametrize("type_", [np.float64, np.float32])
def test_terms_are_those_of_the_c_library(type_: Any) -> None:
    low = -1000 if type_ is np.float64 else -120
    x: Any = np.concatenate(
        [
            RNG.random(20_000),
            2.0 ** RNG.uniform(low, 0, 20_000),
            1 - 2.0 ** RNG.uniform(-53, -1, 20_000),
            np.sqrt(0.5) * (1 + np.arange(-50, 50) * 2.0**-53),
            [0.0, -0.0, 0.5, 1.0, 1.0 + 1e-9, 2.0],
        ]
    ).astype(type_)
    out = np.empty(x.size)
    _terms(x, out)
    want = np.array([-float(v) * math.log(v) if v > 0 else 0.0 for v in x])
    np.testing.assert_allclose(out, want, rtol=6e-16, atol=0)


def test_a_row_says_the_same_wherever_it_stands() -> None:
    p, valid = RNG.dirichlet(np.ones(7), 30_000), np.ones(30_000, bool)
    whole, place = confidence_rows(p, valid)
    for start in (0, 1, 585, 17_001):
        facts, here = confidence_rows(p[start : start + 900], valid[:900])
        np.testing.assert_array_equal(facts, whole[start : start + 900])
        np.testing.assert_array_equal(here, place[start : start + 900])
