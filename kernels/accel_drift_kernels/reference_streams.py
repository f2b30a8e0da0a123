"""What the operations on streams mean, one value after the other."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.spec import STREAM_FIELDS, Rule

_SCALARS = SimpleNamespace(
    where=lambda condition, one, other: one if condition else other, sqrt=math.sqrt, log=math.log, exp=math.exp
)


def scan_streams(
    rule: Rule, values: Any, state: Any, options: tuple[float, ...], /
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """See `spec.OPS["scan_streams"]`."""
    step, new, where, told = rule(_SCALARS), state.copy(), [], []
    for t, row in enumerate(values.tolist()):
        for s, x in enumerate(row):
            if not math.isnan(x):
                event, before, after, *fields = step(float(x), *new[:, s].tolist(), options)
                new[:, s] = fields
                if event:
                    where.append((t, s, int(event)))
                    told.append((before, after))
    assert new.shape[0] in STREAM_FIELDS  # noqa: S101
    return new, np.array(where, np.int64).reshape(-1, 3), np.array(told, np.float64).reshape(-1, 2)
