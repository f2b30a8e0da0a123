"""What the questions about MMD share: the yardstick, our kernel sums as contenders, and the floors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.data.read import read_table
from accel_drift.detectors import get_detector
from accel_drift.detectors.base import Fitted
from accel_drift.statistics import rounding
from accel_drift.statistics.comparison import Plan, pair_tables
from accel_drift.statistics.kernel_test import KernelSums
from accel_drift.statistics.rounding import Precision
from bench.question import Answer, Contender, Floor, Sizes

GRAM = "NumPy, whole Gram float32"
WHOLE = "NumPy, whole Gram float32, with bandwidth"
GRAM_ROWS = 20_000
"""Pooled rows up to which the whole Gram matrix is kept: 1.6 GB, and 0.1 GB of labels and products."""

NEAR = 2e-2
"""The yardstick sums in float32."""

_GROUPS = 32
"""Groups a side, the engine's own choice for n = m."""

Floats = npt.NDArray[np.floating]


def whole_gram(z: Floats, n: int, permutations: int, seed: int) -> Answer:
    """The yardstick: the whole kernel matrix in memory, one product with all labellings, float32."""
    x = (z - z.mean(axis=0)).astype(np.float32)
    half = 0.5 * (x * x).sum(axis=1)
    gram = x @ x.T
    gram -= half[:, None]
    gram -= half
    np.exp(np.minimum(gram, 0, out=gram), out=gram)
    return labelled(gram, n, permutations, seed)


def labelled(gram: Floats, n: int, permutations: int, seed: int) -> Answer:
    """The statistics of a kernel matrix (N, N), of the given sides and then of sides dealt; its diagonal becomes 0."""
    rng = np.random.default_rng(seed)
    np.fill_diagonal(gram, 0)
    labels = np.zeros((len(gram), permutations), np.float32)
    labels[:n, 0] = 1
    for p in range(1, permutations):
        labels[rng.permutation(len(gram))[:n], p] = 1
    product, total = gram @ labels, gram.sum(dtype=np.float64)
    quad, linear, m = (labels * product).sum(axis=0), product.sum(axis=0), len(gram) - n
    return np.asarray(
        quad / (n * (n - 1)) + (total - 2 * linear + quad) / (m * (m - 1)) - 2 * (linear - quad) / (n * m)
    )


def samples(sizes: Sizes) -> tuple[Floats, Floats]:
    """Reference (n, d) and batch (m, d; m = n unless said), normal, a tenth of a deviation apart in every column."""
    rng = np.random.default_rng(7)
    n, d = sizes["n"], sizes["d"]
    return rng.standard_normal((n, d)), rng.standard_normal((sizes.get("m", n), d)) + 0.1


def scaled(reference: Floats, batch: Floats) -> Floats:
    """Pooled rows about their mean in units of a bandwidth near the median distance."""
    z = np.concatenate([reference, batch]) / float(np.sqrt(2 * reference.shape[1]))  # a float keeps float32
    return np.asarray(z - z.mean(axis=0))


def ours(
    backend: Backend, z: Floats, n: int, permutations: int, mode: str, against: str, near: float = NEAR
) -> Contender:
    """The kernel sums of all labellings: single rows dealt, or whole groups of equal size."""
    with backend.scope():
        there = backend.asarray(z)
    compute = _sums(backend, there, n, permutations, mode)
    return Contender("ours", compute, against, f"{mode} {z.dtype}", near if against else None)


def rounded(
    backend: Backend,
    z: Floats,
    n: int,
    permutations: int,
    mode: str,
    precision: Precision,
    floor: str,
    against: str,
    near: float,
) -> Contender:
    """The same of rows that the engine rounds to a precision."""
    with backend.scope():
        there, unit = rounding.rounded(backend.asarray(z), precision, backend)
    compute = _sums(backend, there, n, permutations, mode, unit)
    return Contender("ours", compute, against, floor, near if against else None)


def _sums(
    backend: Backend, there: Any, n: int, permutations: int, mode: str, unit: float = 1.0
) -> Callable[[], Answer]:
    rows = int(there.shape[0])
    ids = np.concatenate([np.arange(n) * _GROUPS // n, _GROUPS + np.arange(rows - n) * _GROUPS // (rows - n)])

    def compute() -> Answer:
        groups, numbers = (ids, (_GROUPS, 2 * _GROUPS)) if mode == "groups" else (None, (0, 0))
        made = KernelSums(there, n, backend, 0, groups, numbers, unit=unit)
        return made.mmd2(0, permutations, "unbiased")[0][:1]

    return compute


def gram(z: Floats, n: int, permutations: int, mode: str = "rows") -> Contender:
    """The yardstick; `mode` is that of the floor that bounds it."""
    return Contender("peer", lambda: whole_gram(z, n, permutations, 3)[:1], "", f"{mode} float32")


def detector(backend: Backend, reference: Floats, batch: Floats, permutations: int) -> Contender:
    """What a user calls: as `whole_test`, and an interval and the parts of columns and rows."""
    made = get_detector("mmd", permutations=permutations - 1, precision="float32", max_rows=None)

    def compute() -> Answer:
        return np.atleast_1d(made.fit(reference, backend=backend).detect(batch).statistic)

    return Contender("ours", compute, WHOLE, "rows float32")


def whole_test(backend: Backend, reference: Floats, batch: Floats, permutations: int) -> Contender:
    """Statistic and p-value from raw columns: read, scaled, median bandwidth, test; no interval, no parts."""
    made = get_detector("mmd", permutations=permutations - 1, precision="float32", max_rows=None)

    def compute() -> Answer:
        return np.atleast_1d(tested(made.fit(reference, backend=backend), batch))

    return Contender("ours", compute, WHOLE, "rows float32")


def tested(fitted: Fitted, batch: Any) -> float:
    """The statistic of a batch, and its p-value with it; what `detect` explains besides is left out."""
    known, made = fitted.reference.schema, fitted.detector
    table = read_table(batch, schema=known, columns=known.names, name="batch", backend=fitted.backend)
    comparison = pair_tables(fitted.reference, table, known.names, fitted.backend, None, kept=fitted.kept)
    (found,) = made.outcomes(comparison, Plan(made.alpha, made.alpha, made.seed, intervals=False))
    return found.statistic or 0.0


def gram_of_columns(reference: Floats, batch: Floats, permutations: int) -> Contender:
    """The yardstick on raw columns: scaled by NumPy, bandwidth from 1,000 of the rows, no interval."""
    from scipy.spatial.distance import pdist

    def compute() -> Answer:
        pooled = np.concatenate([reference, batch])
        pooled = (pooled - np.median(pooled, axis=0)) / np.subtract(*np.quantile(pooled, [0.75, 0.25], axis=0))
        sample = np.random.default_rng(5).permutation(len(pooled))[:1000]
        return whole_gram(pooled / np.median(pdist(pooled[sample])), len(reference), permutations, 3)[:1]

    return Contender("peer", compute, "", "rows float32")


def floors(
    rows: int, d: int, permutations: int, backend: Backend, dtypes: Sequence[str] = ("float32", "float64")
) -> dict[str, Floor]:
    """The floors of both modes: half of the N² pairs, each d products and an exponential, and of rows P products more.

    On a GPU the exponentials have units of their own beside those of the products, and are left out.
    """
    found = {}
    for dtype in dtypes:
        for mode, work, text in (("rows", d + permutations, "(d + P) N²"), ("groups", d, "d N²")):
            parts = [(float(work) * rows**2, f"gemm {dtype}")]
            words = f"{text} operations of products in {dtype}"
            if not backend.is_gpu:
                parts.append((rows**2 / 2, f"exp {dtype}"))
                words += ", then N² / 2 exponentials"
            found[f"{mode} {dtype}"] = Floor(tuple(parts), f"{words}, on all cores")
    return found
