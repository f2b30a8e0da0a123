"""Inputs of the operations on sorted columns, adversarial ones among them."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Args: TypeAlias = tuple[Any, ...]
Pair: TypeAlias = tuple[Any, Any, Any, Any]

TINY = 5e-324


def tied(n: int, d: int, dtype: Any, seed: int = 0) -> tuple[Any, Any]:
    """Values with many ties, infinities where the dtype has them, NaN only where the mask is False."""
    rng = np.random.default_rng(seed)
    x = (rng.integers(0, 9, size=(n, d)) - 4).astype(dtype)
    mask = rng.random((n, d)) < 0.8
    if x.dtype.kind == "f":
        x /= x.dtype.type(8)
        x[rng.random((n, d)) < 0.05] = np.inf
        x[rng.random((n, d)) < 0.05] = -np.inf
        x[~mask] = np.nan
    return x, mask


def in_order(x: Any, mask: Any) -> tuple[Any, npt.NDArray[np.int64]]:
    """Each column's values in order, with what must not be looked at behind them; how many there are."""
    out = np.full_like(x, np.nan if x.dtype.kind == "f" else 77)
    for j in range(x.shape[1]):
        kept = np.sort(x[mask[:, j], j])
        out[: len(kept), j] = kept
    return out, mask.sum(axis=0)


def _column(*values: float) -> Any:
    return np.array(values)[:, None]


def _pairs() -> dict[str, Pair]:
    """Two tables of the same columns with their masks."""
    x, xm = tied(40, 3, np.float64)
    y, ym = tied(25, 3, np.float64, seed=5)
    i, im = tied(40, 2, np.int64)
    f, fm = tied(33, 2, np.float32)
    some = ym.copy()
    some[:, 1] = False
    rng = np.random.default_rng(2)
    four, there = np.ones((4, 1), bool), np.ones((300, 2), bool)
    untied, half = rng.standard_normal((300, 2)), np.ones((90, 2), bool)
    ends = np.where(i > 0, 2**63 - 1, i), np.where(i[5:] < 0, -(2**63), i[5:])
    wide = np.finfo(np.float64).max
    return {
        "float64": (x, xm, y, ym),
        "int64": (i, im, i[:9], im[:9]),
        "float32": (f, fm, f[20:], fm[20:]),
        "untied": (untied, there, rng.standard_normal((90, 2)), half),
        "many-and-tied": (untied.round(2), there, rng.standard_normal((90, 2)).round(2), half),
        "big-int": (i + 2**62, im, i[5:] + (2**62 + 1), im[5:]),
        "ends-of-int64": (ends[0], im, ends[1], im[5:]),
        "beyond-int64": (np.uint64(2**63) + i.astype(np.uint8), im, i[5:].astype(np.uint8) * np.uint64(2**55), im[5:]),
        "largest-floats": (np.where(x > 0, 1.7e308, -1.7e308), xm, np.where(y > 0.3, 1.7e308, -1.7e308), ym),
        "whole-range": (np.full((9, 2), wide), im[:9], -np.full((5, 2), wide), im[:5]),
        "denormals": (_column(TINY, -TINY, 0.0, 3 * TINY), four, _column(2 * TINY, -0.0, TINY, 1e-310), four),
        "equal-infinities": (_column(-np.inf, 1, 2, np.inf), four, _column(-np.inf, 3, 9, np.inf), four),
        "same": (x, xm, x, xm),
        "apart": (np.nan_to_num(x) + 99, xm, np.nan_to_num(y, posinf=0.0), ym),
        "empty-side": (x, xm, y, np.zeros_like(ym)),
        "empty-column": (x, xm, y, some),
        "nothing-at-all": (x, np.zeros_like(xm), y, np.zeros_like(ym)),
        "one-row": (x[:1], xm[:1], y, ym),
        "no-rows": (x[:0], xm[:0], y, ym),
        "no-columns": (x[:, :0], xm[:, :0], y[:, :0], ym[:, :0]),
    }


def _strided(args: Args) -> Args:
    """The same by columns of a larger array, which may not be written to."""
    big = np.empty((args[0].shape[0], 2 * args[0].shape[1]), args[0].dtype)
    big[:, ::2] = args[0]
    big.flags.writeable = False
    return (big[:, ::2], *args[1:])


def _two_sides() -> dict[str, Args]:
    made: dict[str, Args] = {name: (*in_order(*pair[:2]), *in_order(*pair[2:])) for name, pair in _pairs().items()}
    return {**made, "strided-read-only": _strided(made["float64"])}


def _distinct(args: Args) -> npt.NDArray[np.int64]:
    x, n, y, m = args
    d = range(x.shape[1])
    return np.array([len({*x[: n[j], j].tolist(), *y[: m[j], j].tolist()}) for j in d], dtype=np.int64)


def _cells() -> dict[str, Args]:
    made = {name: (*args, _distinct(args), 4) for name, args in _two_sides().items()}
    many = {f"{name}-128": (*made[name][:-1], 128) for name in ("untied", "many-and-tied", "int64")}
    return {**made, **many}


def _binned() -> dict[str, Args]:
    made = {}
    for name, (x, n, *_) in _two_sides().items():
        cuts = np.sort(np.zeros((x.shape[1], 5), x.dtype), axis=1)
        for j in range(x.shape[1]):
            if n[j]:
                cuts[j] = x[np.linspace(0, n[j] - 1, 5).astype(int), j]
        made[name] = (x, n, cuts)
    x, n, cuts = made["float64"]
    return {**made, "no-cuts": (x, n, cuts[:, :0])}


def _parts() -> dict[str, Args]:
    made: dict[str, Args] = {}
    for name, (x, mask, _, _) in _pairs().items():
        made[name] = ([(x, mask)], x.dtype.name)
    x, mask = tied(70, 3, np.float64)
    i = np.random.default_rng(4).integers(-120, 120, 70)
    whole = [(i.astype(f"i{size}"), None) for size in (1, 2, 4, 8)]
    positive = [(np.abs(i).astype(f"u{size}"), mask[:, 0]) for size in (1, 2, 4)]
    frozen = x[:, 1].copy()
    frozen.flags.writeable = False
    return {
        **made,
        "columns": ([(frozen, mask[:, 1]), (np.asfortranarray(x[:, 2]), mask[:, 2])], "float64"),
        "all-there": ([(np.nan_to_num(x[:, 0]), None)], "float64"),
        "strided": ([(x[:, ::-2], mask[:, ::-2])], "float64"),
        "integers": ([*whole, *positive], "int64"),
        "integers-as-floats": ([(i, None), (x[:, 0], mask[:, 0]), (x[:, 1].astype("f4"), mask[:, 1])], "float64"),
    }


ORDERED = {
    "sort_columns": _parts(),
    "cdf_distances": _two_sides(),
    "pooled_cells": _cells(),
    "sorted_counts": _binned(),
}
