"""How fast is the MMD test, against the ten lines of NumPy that a good engineer writes?

The test alone: labellings made, statistic of every labelling, given scaled rows. And the whole detector on raw
columns: read, scaled, median bandwidth, test, interval; the peer then takes its bandwidth from 1,000 of the rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.detectors import get_detector
from accel_drift.statistics.kernel_test import KernelSums
from bench.question import Answer, Case, Contender, Floor, Question, Sizes

_GROUPS = 64
"""Groups of rows of both sides together: 32 a side, the engine's own choice for n = m."""

_DTYPES = ("float64", "float32")
_PEER = "NumPy, whole Gram float32"
_WHOLE_PEER = "NumPy, whole Gram float32, with bandwidth"
_NEAR = 2e-2
"""The peer sums in float32."""

Floats = npt.NDArray[np.floating]


def whole_gram(z: Floats, n: int, permutations: int, seed: int) -> Answer:
    """The peer: the whole kernel matrix in memory, one product with all labellings, float32."""
    rng, x = np.random.default_rng(seed), (z - z.mean(axis=0)).astype(np.float32)
    half = 0.5 * (x * x).sum(axis=1)
    gram = x @ x.T
    gram -= half[:, None]
    gram -= half
    np.exp(np.minimum(gram, 0, out=gram), out=gram)
    np.fill_diagonal(gram, 0)
    labels = np.zeros((len(x), permutations), np.float32)
    labels[:n, 0] = 1
    for p in range(1, permutations):
        labels[rng.permutation(len(x))[:n], p] = 1
    product, total = gram @ labels, gram.sum(dtype=np.float64)
    quad, linear, m = (labels * product).sum(axis=0), product.sum(axis=0), len(x) - n
    return np.asarray(
        quad / (n * (n - 1)) + (total - 2 * linear + quad) / (m * (m - 1)) - 2 * (linear - quad) / (n * m)
    )


def _rows(sizes: Sizes) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(7)
    shape = sizes["n"], sizes["d"]
    return rng.standard_normal(shape), rng.standard_normal(shape) + 0.1


def ask(sizes: Sizes, backends: Sequence[Backend]) -> Question:
    """The contenders at one size."""
    n, d, permutations = sizes["n"], sizes["d"], sizes["P"]
    reference, batch = _rows(sizes)
    z = np.concatenate([reference, batch]) / np.sqrt(2 * d)
    z -= z.mean(axis=0)
    found: dict[str, Contender] = {}
    for backend in backends:
        for dtype in _DTYPES:
            found[f"{backend.name} rows {dtype}"] = _ours(backend, z.astype(dtype), n, permutations, groups=False)
        for dtype in _DTYPES:
            found[f"{backend.name} groups {dtype}"] = _ours(backend, z.astype(dtype), n, permutations, groups=True)
    found[_PEER] = Contender("peer", lambda: whole_gram(z, n, permutations, 3)[:1], "", "rows float32")
    for backend in backends:
        found[f"{backend.name} whole detector float32"] = _detector(backend, reference, batch, permutations)
    found[_WHOLE_PEER] = Contender("peer", lambda: _with_bandwidth(reference, batch, permutations), "", "rows float32")
    rows = 2 * n
    floors = {
        f"{mode} {dtype}": Floor(work * rows**2, f"gemm {dtype}", f"{text} in {dtype} on all cores")
        for dtype in _DTYPES
        for mode, work, text in (
            ("rows", d + permutations, "(d + P) N² operations"),
            ("groups", d, "d N² operations"),
        )
    }
    return Question("mmd", sizes, found, floors)


def _ours(backend: Backend, z: Floats, n: int, permutations: int, *, groups: bool) -> Contender:
    half = _GROUPS // 2
    side = np.arange(n) * half // n
    ids = np.concatenate([side, side + half])

    def compute() -> Answer:
        dealt = (ids, (half, _GROUPS)) if groups else (None, (0, 0))
        with backend.scope():
            there = backend.asarray(z)
        return KernelSums(there, n, backend, 0, *dealt).mmd2(0, permutations, "unbiased")[0][:1]

    return Contender("ours", compute, _PEER, f"{'groups' if groups else 'rows'} {z.dtype}", _NEAR)


def _detector(backend: Backend, reference: Floats, batch: Floats, permutations: int) -> Contender:
    made = get_detector("mmd", permutations=permutations - 1, precision="float32", max_rows=None)

    def compute() -> Answer:
        return np.atleast_1d(made.fit(reference, backend=backend).detect(batch).statistic)

    return Contender("ours", compute, _WHOLE_PEER, "rows float32")


def _with_bandwidth(reference: Floats, batch: Floats, permutations: int) -> Answer:
    from scipy.spatial.distance import pdist

    pooled = np.concatenate([reference, batch])
    pooled = (pooled - np.median(pooled, axis=0)) / np.subtract(*np.quantile(pooled, [0.75, 0.25], axis=0))
    sample = np.random.default_rng(5).permutation(len(pooled))[:1000]
    return whole_gram(pooled / np.median(pdist(pooled[sample])), len(reference), permutations, 3)[:1]


CASE = Case(
    "mmd",
    "MMD: the kernel sums of P labellings of n + n rows in d columns",
    (
        {"n": 500, "d": 5, "P": 200},
        {"n": 2000, "d": 5, "P": 200},
        {"n": 2000, "d": 32, "P": 500},
        {"n": 10000, "d": 32, "P": 500},
    ),
    ({"n": 500, "d": 5, "P": 200}, {"n": 2000, "d": 5, "P": 200}),
    ask,
)
