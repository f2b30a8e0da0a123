"""Columns, dictionary codes and bits to be counted: all that tables of the real world hold."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Args: TypeAlias = tuple[Any, ...]

FLOATS = ("float32", "float64")
WHOLE = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def packed(present: npt.NDArray[np.bool_], first: int) -> tuple[npt.NDArray[np.uint8], int]:
    """Arrow's bits, from bit `first` on; the bits around them are set where a row's bit says nothing of it."""
    around = np.concatenate([np.ones(first, bool), present, np.ones(5, bool)])
    return np.packbits(around, bitorder="little"), first


def special(dtype: str) -> npt.NDArray[Any]:
    """Numbers at which comparisons go wrong: the ends, both zeros, denormals, NaN of both signs with a payload."""
    kind = np.dtype(dtype)
    if kind.kind != "f":
        low, high = int(np.iinfo(kind).min), int(np.iinfo(kind).max)
        return np.unique(np.array([low, low + 1, low // 2, 0, 1, 2, high // 2, high - 1, high], dtype=kind))
    info, word = np.finfo(kind), f"uint{kind.itemsize * 8}"
    small = [info.smallest_subnormal, 2 * info.smallest_subnormal, info.tiny / 2, info.tiny]
    below = np.nextafter(info.tiny, 0, dtype=kind)
    found = np.array([0.0, *small, below, 1.0, 1.0 + info.eps, info.max, np.inf], dtype=kind)
    quiet = np.array([np.nan], kind).view(word)
    payload = np.concatenate([quiet | 1, quiet | 1 << (kind.itemsize * 8 - 1), quiet | 77]).astype(word).view(kind)
    return np.concatenate([-found[::-1], found, payload])


def rows_of(dtype: str, rows: int, seed: int = 0) -> npt.NDArray[Any]:
    """Rows of those numbers, each number among them where there is room."""
    rng, pool = np.random.default_rng(seed), special(dtype)
    return rng.permutation(np.resize(pool, rows))


def cuts_of(dtype: str, count: int) -> npt.NDArray[Any]:
    """Ascending cuts, the special numbers first, each once or more; then numbers between."""
    pool = special(dtype)
    pool = np.unique(pool[~np.isnan(pool)])
    if count <= pool.size:
        return np.asarray(pool[np.linspace(0, pool.size - 1, count).astype(int)])
    if np.dtype(dtype).kind == "f":
        more = np.random.default_rng(count).standard_normal(count - pool.size).astype(dtype)
    else:
        info = np.iinfo(dtype)
        more = np.linspace(float(info.min) / 2, float(info.max) / 2, count - pool.size).astype(dtype)
    return np.sort(np.concatenate([pool, more]))


def _columns() -> dict[str, Args]:
    rng = np.random.default_rng(21)
    made: dict[str, Args] = {}
    for dtype in (*FLOATS, *WHOLE):
        values, present = rows_of(dtype, 150), rng.random(150) < 0.7
        made[dtype] = ([(values, packed(present, 3))], [cuts_of(dtype, 9)])
        made[f"{dtype}-many-cuts"] = ([(rows_of(dtype, 90, 1), None)], [cuts_of(dtype, 70)])
    x, present = rows_of("float64", 150), rng.random(150) < 0.6
    few, edges = x[:30], cuts_of("float64", 9)
    frozen = np.concatenate([x, x])[::-2]
    frozen.flags.writeable = False
    made["all-kinds-at-once"] = (
        [(rows_of(dtype, rows, rows), valid) for dtype, rows, valid in (
            ("float32", 70, None), ("uint64", 30, rng.random(30) < 0.5), ("float64", 0, None), ("int8", 65, None),
            ("float64", 64, packed(rng.random(64) < 0.5, 0)), ("int16", 1, packed(np.zeros(1, bool), 8)),
        )],
        [cuts_of(dtype, c) for dtype, c in zip(
            ("float32", "uint64", "float64", "int8", "float64", "int16"), (4, 0, 3, 40, 1, 2), strict=True
        )],
    )  # fmt: skip
    for first in (0, 1, 7, 8, 13, 63, 64, 65):
        rows = 65 + first // 8
        made[f"bits-from-{first}"] = ([(x[:rows], packed(rng.random(rows) < 0.5, first))], [edges])
    made["bool-mask"] = ([(x, present)], [edges])
    made["strided-read-only"] = ([(frozen, np.concatenate([present, present])[::-2])], [edges[::1]])
    made["all-null"] = ([(few, packed(np.zeros(30, bool), 2)), (few, np.zeros(30, bool))], [edges, edges[:0]])
    made["all-nan"] = ([(np.full(40, np.nan, np.float32), None)], [cuts_of("float32", 3)])
    made["one-row"] = ([(x[:1], None), (few[:1], packed(np.ones(1, bool), 5))], [edges, edges])
    made["no-cuts"] = ([(x, packed(present, 1)), (rows_of("int64", 20), None)], [edges[:0], cuts_of("int64", 0)])
    made["no-rows"] = ([(x[:0], None), (x[:0], packed(present[:0], 0)), (x[:0], present[:0])], [edges] * 3)
    made["no-columns"] = ([], [])
    made["equal-cuts"] = ([(x, None)], [np.array([0.0, 0.0, -0.0, 1.0, 1.0, np.inf, np.inf])])
    return made


def _codes() -> dict[str, Args]:
    rng = np.random.default_rng(22)
    made: dict[str, Args] = {}
    for dtype in WHOLE:
        info, low = np.iinfo(dtype), -2 if dtype.startswith("i") else 0
        codes = rng.integers(low, 9, 170).astype(dtype)
        codes[:4] = info.min, info.max, info.max - 1, info.max // 2 + 1
        made[dtype] = ([(codes, packed(rng.random(170) < 0.8, 5))], [7])
        made[f"{dtype}-many"] = ([(rng.permutation(codes), rng.random(170) < 0.8)], [100])
    codes = rng.integers(-1, 2_000, 300).astype(np.int32)
    made["thousands"] = ([(codes, None)], [2_000])
    frozen = codes[::-3]
    frozen.flags.writeable = False
    made["strided-read-only"] = ([(frozen, None)], [1_000])
    made["all-null"] = ([(codes, packed(np.zeros(300, bool), 0))], [2_000])
    made["no-categories"] = ([(codes[:9], None)], [0])
    made["no-rows"] = ([(codes[:0], packed(np.zeros(0, bool), 3))], [4])
    made["one-row"] = ([(np.array([2], np.int8), None)], [3])
    made["no-columns"] = ([], [])
    made["all-kinds-at-once"] = (
        [(codes, None), (codes[:0], None), (codes[:70].astype(np.int64), rng.random(70) < 0.5), (codes[:64], None)],
        [2_000, 5, 64, 33],
    )
    return made


def _bits() -> dict[str, Args]:
    rng = np.random.default_rng(23)
    made: dict[str, Args] = {}
    for rows, first, other in ((0, 0, 0), (1, 7, 0), (63, 0, 1), (64, 64, 0), (65, 3, 3), (200, 13, 6), (1_000, 1, 65)):
        values, present = rng.random(rows) < 0.4, rng.random(rows) < 0.7
        made[f"{rows}-from-{first}"] = (packed(values, first), packed(present, other), rows)
        made[f"{rows}-bool-mask"] = (packed(values, first), present, rows)
        made[f"{rows}-all-valid"] = (packed(values, first), None, rows)
    return made


COLUMN_CASES: dict[str, dict[str, Args]] = {
    "column_counts": _columns(),
    "code_counts": _codes(),
    "bit_counts": _bits(),
}
