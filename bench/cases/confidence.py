"""How fast is each row of probabilities summed up, against the same formulas in NumPy, a pass for each?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from bench.goals import Goal, faster
from bench.question import Answer, Case, Contender, Floor, Question, Sizes

_PLAIN = "NumPy, a pass for each"

Rows = npt.NDArray[np.floating]


def ask(sizes: Sizes, backends: Sequence[Backend]) -> Question:
    """Confidence, entropy, margin and sum of n rows of k probabilities."""
    n, k = sizes["n"], sizes["k"]
    p = np.random.default_rng(7).dirichlet(np.ones(k), n).astype(f"float{sizes['bits']}")
    found = {_PLAIN: Contender("peer", partial(_plain, p), floor="read")}
    for backend in backends:
        with backend.scope():
            given = backend.asarray(p), backend.asarray(np.ones(n, bool))
        compute = partial(_ours, backend, *given)
        found[backend.name] = Contender("ours", compute, _PLAIN, "read", 1e-6)
    floors = {"read": Floor(((float(p.nbytes), "read"),), "the probabilities read once from memory, all cores")}
    return Question("confidence", sizes, found, floors)


def _ours(backend: Backend, p: object, valid: object) -> Answer:
    with backend.scope():
        return backend.to_numpy(backend.kernels.confidence_rows(p, valid)[0])


def _plain(p: Rows) -> Answer:
    wide = p.astype(np.float64)
    second, top = np.partition(wide, -2, axis=1)[:, -2:].T
    terms = wide * np.log(np.where(wide > 0, wide, 1.0))
    return np.stack([top, -terms.sum(axis=1), top - second, wide.sum(axis=1)], axis=1)


CASE = Case(
    "confidence",
    "Confidence, entropy, margin and sum of each of n rows of k probabilities",
    (
        {"n": 100_000, "k": 2, "bits": 64},
        {"n": 20_000, "k": 1000, "bits": 32},
        {"n": 1_000_000, "k": 10, "bits": 32},
    ),
    ({"n": 1000, "k": 3, "bits": 64},),
    ask,
    goals=(Goal("numpy, times as fast as NumPy's own formulas", faster("numpy", _PLAIN), 2),),
    devices=("cpu", "gpu"),
)
