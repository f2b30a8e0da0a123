"""What XLA adds to the kernel sums: few compilations, low precision, several devices."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("jax")

import jax

from accel_drift.backends import Backend, get_backend
from accel_drift_kernels import numba_cpu
from accel_drift_kernels.jax_xla.pair_tiles import tile_rows, tile_slots
from tests.kernels.cases import KERNELS

REPOSITORY = Path(__file__).parents[2]
ONE = np.ones(1)
ENDS = np.array([400, 700])


@pytest.fixture
def xla() -> Iterator[Backend]:
    backend = get_backend("jax")
    with backend.scope():
        yield backend


@contextmanager
def compilations() -> Iterator[list[str]]:
    """What XLA compiles meanwhile."""
    made: list[str] = []

    def seen(event: str, duration_secs: float, **said: Any) -> None:  # noqa: ARG001
        if event.endswith("backend_compile_duration"):
            made.append(str(said.get("fun_name", event)))

    jax.monitoring.register_event_duration_secs_listener(seen)
    try:
        yield made
    finally:
        jax.monitoring.unregister_event_duration_listener(seen)


def inputs(op: str, n: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(n)
    z = rng.standard_normal((n, 2)).astype(np.float32)
    few, ends = z[:700] + 1, np.append(np.arange(1, 64) * (n // 64), n)
    words = np.arange(n, dtype=np.uint32)
    return {
        "permutation_labels": (words[:2], words[:8], words, n // 2),
        "pair_distances": (z, np.arange(n // 2), np.arange(n // 2) + 3),
        "pair_label_sums": (z, rng.integers(0, 256, (n, 1), dtype=np.uint8), 8),
        "pair_row_sums": (z, rng.standard_normal((n, 1))),
        "pair_group_sums": (z, ends),
        "cross_row_sums": (few, z, rng.standard_normal((n, 1)), rng.standard_normal((700, 2))),
        "cross_group_sums": (few, ENDS, z, ends),
        "subset_pair_sums": (z, np.stack([rng.permutation(n)[:40] for _ in range(2_000)])),
    }[op]


SUMS = ("pair_label_sums", "pair_row_sums", "pair_group_sums", "cross_row_sums", "cross_group_sums", "subset_pair_sums")


def run(backend: Backend, op: str, args: tuple[Any, ...], *options: Any) -> tuple[Any, ...]:
    ready = (backend.asarray(a) if isinstance(a, np.ndarray) else a for a in (*args, *options))
    made = getattr(backend.kernels, op)(*ready)
    return tuple(backend.to_numpy(s) for s in (made if isinstance(made, tuple) else (made,)))


@pytest.mark.parametrize("op", [*SUMS, "permutation_labels", "pair_distances"])
def test_a_stream_of_sizes_compiles_at_most_twice(op: str, xla: Backend) -> None:
    with compilations() as made:
        for n in (9_000, 11_234, 13_579, 16_000):
            run(xla, op, inputs(op, n), *(("gaussian", ONE * (n / 1e4)) if op in SUMS else ()))
    assert 1 <= len(made) <= 2, made


@pytest.mark.parametrize(("least", "most"), [(9_000, 16_000), (19_000, 26_000), (20_500, 21_000), (500, 1_000)])
def test_few_shapes_serve_many_sizes(least: int, most: int) -> None:
    kind = np.dtype(np.float32)
    shapes = {(tile_rows(n, kind), tile_slots(n, tile_rows(n, kind))) for n in range(least, most + 1)}
    assert len(shapes) <= 2, shapes


@pytest.mark.parametrize("n", [1, 63, 256, 257, 1_025, 5_000, 100_000])
def test_tiles_hold_all_rows_and_little_else(n: int) -> None:
    tile = tile_rows(n, np.dtype(np.float32))
    used = -(-n // tile)
    assert used <= tile_slots(n, tile) < 2 * used + 1
    assert n <= 256 or used >= 2


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int8"])
def test_low_precision_stays_near(dtype: str, kernel: str, xla: Backend) -> None:
    """The sums of the rounded rows: a tile of 8 or 11 bits where it meets labels, of float32 elsewhere."""
    assert dtype in xla.low_precision
    rng, n = np.random.default_rng(6), 300
    z, labels = rng.normal(0.0, 0.5, (n, 4)), rng.integers(0, 256, (n, 2), dtype=np.uint8)
    scales = np.array([1.0, 0.3])
    if dtype == "int8":
        unit = np.abs(z).max() / 127
        z, scales = np.rint(z / unit), scales * unit**2
    given = xla.xp.astype(xla.asarray(z), getattr(xla.xp, dtype))
    exact = xla.to_numpy(xla.xp.astype(given, xla.xp.float64))
    # Rounding to r bits is off by 2^-r at most, and by much less over many rows. What meets no labels is not rounded.
    calls: dict[str, tuple[float, tuple[Any, ...]]] = {"pair_label_sums": (2e-4, (labels, 16))}
    if kernel == "gaussian":
        calls["pair_group_sums"] = 2e-6, (np.array([80, 190, 300]),)
    for op, (rtol, rest) in calls.items():
        got = run(xla, op, (given, *rest), kernel, scales)
        want = getattr(numba_cpu, op)(exact, *rest, kernel, scales)
        for one, other in zip(got, want if isinstance(want, tuple) else (want,), strict=True):
            np.testing.assert_allclose(one, other, rtol=rtol)


def test_equal_rows_are_at_distance_nothing_in_whole_numbers(xla: Backend) -> None:
    z = np.tile(np.array([[127, -128, 3] * 400], dtype=np.int8), (300, 1))
    (got,) = run(xla, "pair_row_sums", (z, np.ones((300, 1))), "distance", ONE)
    np.testing.assert_array_equal(got, 0.0)


def test_groups_are_symmetric_to_the_bit(xla: Backend) -> None:
    (got,) = run(xla, "pair_group_sums", inputs("pair_group_sums", 2_500), "laplace", ONE)
    np.testing.assert_array_equal(got, got.swapaxes(1, 2))


DEVICES = """
import json, sys
import numpy as np
from accel_drift.backends import get_backend
from accel_drift_kernels.jax_xla.pair_tiles import share_out
from tests.kernels.test_jax_sums import ONE, SUMS, inputs, run
backend = get_backend("jax")
with backend.scope():
    assert share_out(8) == 4
    sums = [run(backend, op, inputs(op, 4_500), "laplace", ONE) for op in SUMS]
print(json.dumps([[s.ravel()[:500].tolist() for s in made] for made in sums]))
"""


def test_four_devices_find_what_one_does(xla: Backend) -> None:
    path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "kernels")])
    done = subprocess.run(
        [sys.executable, "-c", DEVICES],
        env={**os.environ, "PYTHONPATH": path, "XLA_FLAGS": "--xla_force_host_platform_device_count=4"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for op, got in zip(SUMS, json.loads(done.stdout), strict=True):
        want = [s.ravel()[:500] for s in run(xla, op, inputs(op, 4_500), "laplace", ONE)]
        for one, other in zip(got, want, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, err_msg=op)
