"""Inputs on which every kernel set is compared with `reference`: fixed ones, and random tables."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.kernels.column_cases import COLUMN_CASES, cuts_of, rows_of
from tests.kernels.ordered_cases import ORDERED, in_order, tied
from tests.kernels.stream_cases import STREAM_CASES

Args: TypeAlias = tuple[Any, ...]

KERNELS = ("gaussian", "laplace", "distance")
SCALES = np.array([1.0, 0.04])

KEY = np.array([2026, 7], dtype=np.uint32)


def _words(count: int) -> npt.NDArray[np.uint32]:
    return np.arange(count, dtype=np.uint32)


def _cuts(x: Any, c: int, seed: int = 1) -> Any:
    rng = np.random.default_rng(seed)
    low, high = (-0.5, 0.5) if x.dtype.kind == "f" else (-4, 5)
    cuts = rng.uniform(low, high, size=(x.shape[1], c)).astype(x.dtype)
    cuts = np.sort(cuts, axis=1)
    if c > 2:
        cuts[:, -1] = np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).max
        if x.shape[0]:
            cuts[:, 0] = 0
            cuts = np.sort(cuts, axis=1)
    return cuts


def _binned(n: int, d: int, c: int, dtype: Any) -> Args:
    x, mask = tied(n, d, dtype)
    return x, _cuts(x, c), mask


def _strided() -> Args:
    x, cuts, mask = _binned(60, 6, 5, np.float64)
    x, mask = x[::2, ::-2], mask[::2, ::-2]
    x.flags.writeable = False
    return x, np.asfortranarray(cuts[::-2]), mask


def _special(dtype: str) -> Args:
    """Numbers at which comparisons go wrong, as values and as cuts; NaN where the mask is False, and elsewhere."""
    x = rows_of(dtype, 120).reshape(40, 3)
    return x, np.stack([cuts_of(dtype, 6)] * 3), np.random.default_rng(2).random(x.shape) < 0.7


def _binning() -> dict[str, Args]:
    x, cuts, mask = _binned(40, 3, 6, np.float64)
    return {
        "float64": (x, cuts, mask),
        "float32": _binned(40, 3, 6, np.float32),
        "int64": _binned(40, 3, 6, np.int64),
        "special-float64": _special("float64"),
        "special-float32": _special("float32"),
        "special-int64": _special("int64"),
        "special-uint64": _special("uint64"),
        "many-cuts": _binned(50, 2, 600, np.float64),
        "blocks": _binned(9_000, 2, 5, np.float32),
        "column-order": (np.asfortranarray(x), cuts, np.asfortranarray(mask)),
        "strided-read-only": _strided(),
        "nothing-masked": (np.nan_to_num(x), cuts, np.ones_like(mask)),
        "all-masked": (x, cuts, np.zeros_like(mask)),
        "one-row": (x[:1], cuts, mask[:1]),
        "one-column": (x[:, :1], cuts[:1], mask[:, :1]),
        "no-cuts": (x, cuts[:, :0], mask),
        "no-rows": (x[:0], cuts, mask[:0]),
        "no-columns": (x[:, :0], cuts[:0], mask[:, :0]),
    }


def _bands() -> dict[str, Args]:
    rng = np.random.default_rng(3)
    n, m = rng.integers(1, 13, size=(2, 24))
    width = rng.integers(0, n * m + 1)
    return {
        "some": (width, n, m),
        "read-only-strided": (width[::-2], n[::-2], m[::-2]),
        "edges": (np.array([0, 1, 12, 13, 1]), np.array([3, 3, 3, 3, 1]), np.array([4, 4, 4, 4, 1])),
        "tiny-share": (np.array([900]), np.array([30]), np.array([30])),
        "nothing": (width[:0], n[:0], m[:0]),
    }


def _labels() -> dict[str, Args]:
    return {
        "some": (KEY, _words(13), _words(50), 20),
        "more-than-a-chunk": (KEY, _words(75), _words(33), 7),
        "without-observed": (KEY, _words(16)[3:] + np.uint32(2**31), _words(40), 39),
        "all-ones": (KEY, _words(5), _words(9), 9),
        "no-ones": (KEY, _words(5), _words(9), 0),
        "one-row": (KEY, _words(3), _words(1), 1),
        "no-rows": (KEY, _words(3), _words(0), 0),
        "no-labellings": (KEY, _words(0), _words(4), 2),
    }


def _draws(op: str) -> dict[str, Args]:
    rng = np.random.default_rng(2)
    # Four cells throughout, and at most 64 draws: JAX compiles every shape.
    weights = rng.integers(0, 40, size=(12, 4))
    size = np.minimum(weights.sum(axis=1), rng.integers(0, 90, size=12))
    huge = rng.integers(10**5, 5 * 10**8, size=(12, 4))
    lopsided = np.array([[3, 10**9, 5, 1], [1, 1, 1, 2 * 10**9], [10**9, 2, 0, 10**9]])
    zero = np.zeros((3, 4), dtype=np.int64)
    few = {
        "some": (5, weights, size),
        "read-only-strided": (5, weights[::-2], size[::-2]),
        "normal-form": (3, huge, np.full(12, 10**5)),
        "one-cell": (5, weights[:, :1], np.minimum(size, weights[:, 0])),
        "nothing-drawn": (5, weights, np.zeros_like(size)),
        "no-columns": (5, weights[:0], size[:0]),
        "no-cells": (5, weights[:, :0], np.zeros_like(size)),
        "no-draws": (0, weights, size),
        "lopsided": (5, lopsided, np.array([40, 30, 20])),
    }
    if op == "hypergeometric":
        few["whole-urn"] = (5, weights, weights.sum(axis=1))
        few["empty-urn"] = (5, zero, zero[:, 0])
    else:
        few["all-weights-zero"] = (5, zero, np.array([0, 3, 9]))
        few["wide-and-skewed"] = (5, rng.integers(1, 9, size=(6, 4)), np.full(6, 3_000))
    made = {}
    for name, (count, cells, rows) in few.items():
        keys = rng.integers(0, 2**32, size=(len(cells), 2), dtype=np.uint32)
        made[name] = urn_args(op, keys, count, cells, rows)
    for part in made["read-only-strided"]:
        if isinstance(part, np.ndarray):
            part.flags.writeable = False
    return made


def _cells() -> dict[str, Args]:
    rng = np.random.default_rng(12)
    a, b = rng.integers(0, 6, (2, 40, 9)) * rng.integers(0, 2, (2, 40, 9))
    heavy = np.where(rng.random((40, 9)) < 0.2, 90, a)
    return {
        "some": (a, b, 4),
        "two-bins": (a, b, 2),
        "more-bins-than-cells": (a, b, 30),
        "atoms": (heavy, b, 5),
        "read-only-strided": (a[::2], b[::-2], 4),
        "no-reference": (np.zeros_like(a), b, 3),
        "one-cell": (a[:, :2], b[:, :2], 3),
        "no-rows": (a[:0], b[:0], 3),
    }


def urn_args(op: str, keys: Any, count: int, cells: Any, rows: Any, first: int = 2**20) -> Args:
    """What an operation of random counts is called with: `count` draws of every column."""
    if op != "dirichlet_multinomial":
        return keys, first, count, cells, rows
    weights = np.repeat(cells[:, None], count, axis=1)
    return keys, first, weights, np.repeat(rows[:, None], count, axis=1)


def _kernel_sums() -> dict[str, Args]:
    rng = np.random.default_rng(3)

    def case(n: int, d: int, count: int) -> Args:
        bits = rng.integers(0, 2, size=(n, count), dtype=np.uint8)
        return rng.standard_normal((n, d)), np.packbits(bits, axis=1, bitorder="little"), count

    # JAX compiles every shape of a bucket: most cases share one.
    z, labels, count = case(60, 3, 11)
    frozen = z[:, ::-1]
    frozen.flags.writeable = False
    cases = {
        "some": (z, labels, count),
        "tiles": case(1_300, 2, 17),
        "ties": (np.round(z), labels, count),
        "strided-read-only": (frozen, labels, count),
        "one-row": case(1, 3, 11),
        "one-column": case(70, 1, 8),
        "no-columns": case(30, 0, 3),
        "no-rows": case(0, 3, 3),
        "no-labellings": case(20, 2, 0),
        "far-apart": (z * 1e3, labels, count),
    }
    # An odd shape says nothing new about another kernel, and XLA compiles each anew.
    odd = ("strided-read-only", "one-row", "one-column", "no-columns", "no-rows", "no-labellings")
    return {
        f"{kernel}-{name}": (*args, kernel, SCALES)
        for name, args in cases.items()
        for kernel in (KERNELS[:1] if name in odd else KERNELS)
    }


def _row_sums() -> dict[str, Args]:
    rng = np.random.default_rng(4)
    return {
        name: (z, rng.standard_normal((z.shape[0], 1 + z.shape[0] % 3)) ** 2, *rest)
        for name, (z, _, _, *rest) in _kernel_sums().items()
    }


def _runs(rows: int) -> np.ndarray:
    """Runs of all lengths, one of them empty."""
    return np.unique([0, rows // 7, rows // 3, rows // 3 + 1, rows]) if rows else np.zeros(1, dtype=np.int64)


def _group_sums() -> dict[str, Args]:
    return {name: (z, _runs(len(z)), *rest) for name, (z, _, _, *rest) in _kernel_sums().items()}


def _cross(groups: bool) -> dict[str, Args]:
    made: dict[str, Args] = {}
    for name, (z, w, *rest) in _row_sums().items():
        x, y = z[: len(z) // 3], z[len(z) // 3 :]
        sides = w[len(x) :], w[: len(x), :1]
        made[name] = (x, _runs(len(x)), y, _runs(len(y)), *rest) if groups else (x, y, *sides, *rest)
    return made


def _chosen_pairs() -> dict[str, Args]:
    rng = np.random.default_rng(6)
    sizes = {
        "some": (50, 3, 40),
        "one-row": (1, 2, 3),
        "no-columns": (9, 0, 4),
        "no-pairs": (9, 2, 0),
        "far": (30, 2, 9),
    }
    made = {}
    for name, (rows, d, pairs) in sizes.items():
        z = rng.standard_normal((rows, d)) + (1e9 if name == "far" else 0.0)
        made[name] = (z, rng.integers(0, rows, pairs), rng.integers(0, rows, pairs))
    made["float32"] = (rng.standard_normal((20, 4)).astype(np.float32), np.arange(10), np.arange(10, 20))
    return made


def _probabilities() -> dict[str, Args]:
    rng = np.random.default_rng(9)

    def case(rows: int, k: int, dtype: Any = np.float64) -> Args:
        return rng.dirichlet(np.full(k, 0.3), rows).astype(dtype), rng.random(rows) < 0.9

    odd = np.array([[0.5, 0.5], [1.0, 0.0], [-0.0, 0.25], [-0.1, 1.1], [np.nan, 1.0], [np.inf, 0.0], [0.0, 0.0]])
    tiny = np.array([1e-16, 3e-10, 1e-3, 0.2, 1 - np.sqrt(0.5), 0.5, 1e-200, 5e-324])
    p, valid = case(60, 3)
    turned = np.asfortranarray(p)[::-2, ::-1]
    turned.flags.writeable = False
    return {
        "some": (p, valid),
        "float32": case(60, 3, np.float32),
        "odd": (odd, np.ones(7, bool)),
        "nearly-sure": (np.stack([1 - tiny, tiny], axis=1), np.ones(8, bool)),
        "strided-read-only": (turned, valid[::-2]),
        "one-class": (np.ones((5, 1)), valid[:5]),
        "ties": (np.full((9, 4), 0.25), np.ones(9, bool)),
        "many-classes": case(30, 1_000),
        "threads": case(9_000, 4),
        "no-rows": (p[:0], valid[:0]),
    }


def _subsets() -> dict[str, Args]:
    rng, made = np.random.default_rng(5), {}
    for name, (z, _, count, *rest) in _kernel_sums().items():
        size = min(len(z), 40)
        made[name] = (
            z,
            np.stack([rng.permutation(len(z))[:size] for _ in range(min(count, 5))] or [np.arange(size)]),
            *rest,
        )
    return made


def _phases() -> dict[str, Args]:
    rng, made = np.random.default_rng(7), {}
    sizes: dict[str, tuple[int, int, int, list[int]]] = {
        "some": (50, 3, 5, [7, 7, 20, 50]),
        "one-run": (9, 2, 4, [9]),
        "one-row": (1, 1, 1, [1]),
    }
    sizes |= {"own-runs": (300, 2, 3, list(range(1, 301))), "threads": (1500, 2, 200, [40, 1100, 1500])}
    sizes |= {"no-columns": (6, 0, 2, [2, 6]), "no-rows": (0, 2, 3, []), "empty-runs": (0, 2, 3, [0, 0])}
    for name, (rows, d, count, ends) in sizes.items():
        z, turns = rng.standard_normal((rows, d)) * 5, rng.standard_normal((d, count))
        table = rng.integers(-(2**20), 2**20, 64)
        made[name] = (np.round(z * 2**20) / 2**20, np.round(turns * 2**16) / 2**16, table, np.array(ends, np.int64))
    ties = np.arange(-9.0, 9.0)[:, None] / 8
    made["ties-of-phases"] = (ties, np.array([[0.5, 1.0]]), np.arange(8), np.array([18]))
    return made


def _phase_products() -> dict[str, Args]:
    rng, made = np.random.default_rng(8), {}
    sizes = {"some": (50, 3, 5, 2), "one-row": (1, 1, 1, 1), "threads": (1500, 2, 200, 1), "strips": (600, 3, 60, 0)}
    sizes |= {"no-columns": (6, 0, 2, 2), "no-rows": (0, 2, 3, 1), "nothing": (5, 0, 2, 0), "lanes": (40, 2, 24, 3)}
    sizes |= {"many-rows": (10_001, 2, 2, 1)}
    for name, (rows, d, count, coded) in sizes.items():
        z, turns, added = (rng.standard_normal(shape) * 5 for shape in ((rows, d), (d, count), (7, count)))
        codes, table = rng.integers(0, 7, (rows, coded)), rng.integers(-(2**7), 2**7 + 1, 64)
        made[name] = (*(np.round(v * 2**16) / 2**16 for v in (z, turns)), codes, np.round(added * 2**20) / 2**20, table)
    furthest = np.full(64, -(2**7))
    made["largest"] = (np.zeros((3000, 1)), np.zeros((1, 3)), np.zeros((3000, 0), np.int64), np.zeros((0, 3)), furthest)
    return made


CASES: dict[str, dict[str, Args]] = {
    "random_words": {
        "some": (KEY, _words(5), _words(7) + np.uint32(2**32 - 4)),
        "known": (np.zeros(2, dtype=np.uint32), _words(1), _words(1)),
        "no-rows": (KEY, _words(0), _words(3)),
    },
    "permutation_labels": _labels(),
    "bin_index": _binning(),
    "histogram": _binning(),
    **COLUMN_CASES,
    **STREAM_CASES,
    "count_codes": {
        "some": (np.array([3, -1, 0, 3, 5, -7, 3]), 8),
        "all-negative": (np.array([-1, -2]), 2),
        "no-rows": (np.zeros(0, dtype=np.int64), 3),
        "no-cells": (np.array([-1]), 0),
    },
    **ORDERED,
    "lattice_tail": _bands(),
    "hypergeometric": _draws("hypergeometric"),
    "dirichlet_multinomial": _draws("dirichlet_multinomial"),
    "multinomial": _draws("multinomial"),
    "quantile_bins": _cells(),
    "confidence_rows": _probabilities(),
    "pair_distances": _chosen_pairs(),
    "pair_label_sums": _kernel_sums(),
    "pair_row_sums": _row_sums(),
    "pair_group_sums": _group_sums(),
    "cross_row_sums": _cross(groups=False),
    "cross_group_sums": _cross(groups=True),
    "subset_pair_sums": _subsets(),
    "phase_totals": _phases(),
    "phase_products": _phase_products(),
}

_VALUES = st.sampled_from([-np.inf, -1.5, -0.5, 0.0, 0.25, 0.5, 1.0, 3.0, np.inf])


@st.composite
def tables(draw: st.DrawFn, d: int | None = None) -> tuple[Any, Any]:
    """A small table of few distinct values, and a mask over NaN; few shapes, for JAX compiles each."""
    shape = (draw(st.integers(0, 7)), draw(st.sampled_from([0, 1, 3])) if d is None else d)
    x = draw(hnp.arrays(np.float64, shape, elements=_VALUES))
    mask = draw(hnp.arrays(np.bool_, shape))
    return np.where(mask, x, np.nan), mask


@st.composite
def binnings(draw: st.DrawFn) -> Args:
    """A table with cuts, some of which are its values."""
    x, mask = draw(tables())
    cuts = draw(hnp.arrays(np.float64, (x.shape[1], draw(st.sampled_from([0, 1, 5]))), elements=_VALUES))
    return x, np.sort(cuts, axis=1), mask


@st.composite
def rows_of_probabilities(draw: st.DrawFn) -> Args:
    """Small tables, most of whose rows could be probabilities, and which of them are valid."""
    shape = (draw(st.integers(0, 7)), draw(st.sampled_from([1, 2, 5])))
    p = draw(hnp.arrays(np.float64, shape, elements=st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0, -1.0, np.nan, np.inf])))
    return p, draw(hnp.arrays(np.bool_, shape[:1]))


@st.composite
def two_samples(draw: st.DrawFn) -> Args:
    """Two tables of the same columns, in order."""
    x = draw(tables())
    return (*in_order(*x), *in_order(*draw(tables(d=x[0].shape[1]))))


@st.composite
def urns(draw: st.DrawFn) -> tuple[Any, int, Any, Any]:
    """Keys, a number of draws, weights, and sizes that urns of those weights can give."""
    columns, count = draw(st.integers(0, 3)), draw(st.integers(0, 4))
    keys = draw(hnp.arrays(np.uint32, (columns, 2)))
    cells = draw(hnp.arrays(np.int64, (columns, draw(st.sampled_from([1, 4]))), elements=st.integers(0, 60)))
    share = draw(hnp.arrays(np.float64, (columns,), elements=st.floats(0, 1)))
    return keys, count, cells, (cells.sum(axis=1) * share).astype(np.int64)
