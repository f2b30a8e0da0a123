"""Columns counted where they lie: rows of many blocks, many cuts, threads, and processors without wide registers."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from accel_drift_kernels import numba_cpu
from accel_drift_kernels.numba_cpu import columns, planes, tallies

RNG = np.random.default_rng(31)


def expected(values: Any, present: Any, cuts: Any) -> Any:
    """By binary search."""
    there = values[present]
    number = there[~np.isnan(there)]
    inside = np.bincount(np.searchsorted(cuts, number, side="left"), minlength=len(cuts) + 1)
    return [*inside, len(there) - len(number), len(values) - len(there)]


def drawn(shape: str, rows: int) -> Any:
    """Values of a shape; some are NaN."""
    z = RNG.standard_normal(rows)
    made = {"normal": z, "heavy": np.sign(z) * np.exp(6 * np.abs(z)), "few": np.round(z), "far": 1e9 + z}[shape]
    made[RNG.random(rows) < 0.01] = np.nan
    return made


def packed(present: Any, first: int) -> tuple[Any, int]:
    return np.packbits(np.concatenate([np.zeros(first, bool), present]), bitorder="little"), first


@pytest.mark.parametrize("shape", ["normal", "heavy", "few", "far"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_number_of_cuts_on_any_shape(dtype: Any, shape: str) -> None:
    rows = 3 * planes.ROWS + 777
    values, present = drawn(shape, rows).astype(dtype), RNG.random(rows) < 0.8
    pool = np.sort(values[~np.isnan(values)])
    for count in (0, 1, 14, 62, 63, 255) if dtype == np.float32 else (14, 15, 30, 63, 1_000):
        cuts = pool[np.linspace(0, len(pool) - 1, count).astype(int)]
        (got,) = numba_cpu.column_counts([(values, packed(present, 3))], [cuts])
        np.testing.assert_array_equal(got, expected(values, present, cuts), err_msg=str(count))


@pytest.mark.parametrize("dtype", [np.int32, np.uint64])
def test_whole_numbers_over_their_whole_range(dtype: Any) -> None:
    info, rows = np.iinfo(dtype), planes.ROWS + 5
    values = RNG.integers(info.min, info.max, rows, dtype=dtype, endpoint=True)
    values[:7] = info.min, info.max, 0, 1, info.max - 1, info.min, info.max // 2
    for count in (9, 300):
        cuts = np.sort(RNG.choice(values, count))
        (got,) = numba_cpu.column_counts([(values, None)], [cuts])
        np.testing.assert_array_equal(got, expected(values, np.ones(rows, bool), cuts))


def test_cuts_that_no_line_can_tell_apart() -> None:
    """A range beyond the largest number, no range, no finite cut."""
    values = np.concatenate([drawn("normal", 500), [-np.inf, np.inf, 1e308, -1e308, 5e-324, -5e-324, -0.0]])
    for ends in ([-1.7e308, 1.7e308], [0.5], [-np.inf, np.inf], [5e-324, 1e-323], [-np.inf, 0.0, 1.0, np.inf]):
        cuts = np.sort(np.resize(np.array(ends), 80))
        (got,) = numba_cpu.column_counts([(values, None)], [cuts])
        np.testing.assert_array_equal(got, expected(values, np.ones(len(values), bool), cuts))


def test_threads_share_columns_of_any_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces end within columns and between them; one column is many pieces."""
    monkeypatch.setattr(columns, "_LEAST", 1_000)
    lengths = [0, 13_000, 5, 0, 1_000, 999, 7_001, 0]
    table, cuts, want = [], [], []
    for rows in lengths:
        values, present = drawn("normal", rows), RNG.random(rows) < 0.7
        table.append((values, packed(present, rows % 11)))
        cuts.append(np.sort(RNG.standard_normal(rows % 13)))
        want.append(expected(values, present, cuts[-1]))
    for got, counts in zip(numba_cpu.column_counts(table, cuts), want, strict=True):
        np.testing.assert_array_equal(got, counts)
    codes, present = RNG.integers(-1, 70, 9_000).astype(np.int16), RNG.random(9_000) < 0.5
    for total in (20, 65):
        inside = present & (codes >= 0) & (codes < total)
        found = [*np.bincount(codes[inside], minlength=total), np.sum(~inside)]
        (got,) = numba_cpu.code_counts([(codes, packed(present, 9))], [total])
        np.testing.assert_array_equal(got, found)
    bits = RNG.random(9_000) < 0.5
    want = [np.sum(~bits & present), np.sum(bits & present), np.sum(~present)]
    np.testing.assert_array_equal(numba_cpu.bit_counts(packed(bits, 1), present, 9_000), want)


def test_a_hundred_thousand_rows_of_one_value() -> None:
    values = np.full(100_000, 0.25, np.float32)
    for cuts in ([0.0, 0.25, 0.5], np.linspace(0, 1, 101)):
        edges = np.array(cuts, np.float32)
        (got,) = numba_cpu.column_counts([(values, None)], [edges])
        assert got[np.searchsorted(edges, np.float32(0.25))] == 100_000
        assert got.sum() == 100_000


def test_a_table_of_counts_is_as_large_as_the_codes_say() -> None:
    codes = np.array([0, 2**31 - 1, 10**6, -1], np.int64)
    (counts,) = numba_cpu.code_counts([(codes, None)], [10**6])
    assert (counts[0], counts[-1], counts.sum()) == (1, 3, 4)


_OTHER = """
import numpy as np
from accel_drift_kernels import numba_cpu, reference
from accel_drift_kernels.numba_cpu import planes
from tests.kernels.column_cases import COLUMN_CASES
chosen = {"column_counts": ["float64", "int64-many-cuts"], "code_counts": ["int8"], "bit_counts": ["65-from-3"]}
for op, names in chosen.items():
    for name in names:
        args = COLUMN_CASES[op][name]
        got, want = (np.concatenate([np.ravel(a) for a in getattr(k, op)(*args)]) for k in (numba_cpu, reference))
        np.testing.assert_array_equal(got, want)
print(planes.TREES)
"""


def test_a_processor_without_wide_registers_counts_the_same() -> None:
    other = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    paths = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-c", _OTHER],
        env={**os.environ, **other, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False"]


def test_a_tree_asks_every_cut_once() -> None:
    """Every answer to the same questions leads to the same bin, for cuts that fill the tree and for fewer."""
    for depth, count in ((4, 14), (5, 19), (3, 0)):
        cuts = np.arange(count, dtype=np.float64)
        tree = np.zeros(sum(max(8, 1 << level) for level in range(depth)))
        tallies.plant(cuts, np.inf, depth, tree)
        for x in np.arange(count + 1) - 0.5:
            number, place, reached = 0, 0, 0
            for level in range(depth):
                right = int(x > tree[place + number])
                number, reached = number | right << level, 2 * reached + right
                place += max(8, 1 << level)
            assert reached == np.searchsorted(cuts, x)
