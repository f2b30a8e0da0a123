"""The CuPy kernel set without a GPU: its own code, with its CUDA files compiled for the CPU."""

from __future__ import annotations

import os
import shutil
from typing import Any

import numpy as np
import pytest

from accel_drift_kernels import cupy_cuda, reference
from accel_drift_kernels.cupy_cuda import device
from accel_drift_kernels.spec import OPS
from tests.kernels.cases import CASES, KERNELS, SCALES, Args
from tests.kernels.cuda_on_cpu import CpuDevice

SUMS = [op for op in OPS if op.endswith("_sums")]
FUSED = {"mma": "label_sums_mma", "wgmma": "label_sums_wgmma", "groups": "group_sums_mma"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> CpuDevice:
    if shutil.which("g++") is None and not os.environ.get("CI"):
        pytest.skip("no g++ here to compile the CUDA files for the CPU")
    return CpuDevice(tmp_path_factory.mktemp("cuda"))


@pytest.fixture
def cpu(built: CpuDevice, monkeypatch: pytest.MonkeyPatch) -> CpuDevice:
    """The device that the kernel set finds; without tensor cores until a test says otherwise."""
    monkeypatch.setattr(device, "current", lambda: built)
    built.tensor_cores = built.hopper = built.falling = False
    built.launched.clear()
    return built


def close(op: str, args: Args, rtol: float, atol: float = 1e-300) -> None:
    got, want = getattr(cupy_cuda, op)(*args), getattr(reference, op)(*args)
    for one, expected in zip(*((x if isinstance(x, tuple) else (x,)) for x in (got, want)), strict=True):
        assert one.dtype == expected.dtype
        assert one.shape == expected.shape
        np.testing.assert_allclose(one, expected, rtol=rtol, atol=atol)


def with_rows(op: str, args: Args, change: Any) -> Args:
    rows = {"cross_group_sums": (0, 2), "cross_row_sums": (0, 1)}.get(op, (0,))
    return tuple(change(a) if i in rows else a for i, a in enumerate(args))


@pytest.mark.usefixtures("cpu")
@pytest.mark.parametrize(("op", "case"), [(op, case) for op in SUMS for case in CASES[op]])
def test_tiles_match_reference(op: str, case: str) -> None:
    close(op, CASES[op][case], OPS[op].rtol)


@pytest.mark.usefixtures("cpu")
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("op", SUMS)
def test_tiles_of_narrow_rows_match_reference(op: str, kernel: str) -> None:
    args = CASES[op][f"{kernel}-some"]
    close(op, with_rows(op, args, lambda z: z.astype(np.float32)), 2e-6)
    # Rounding the kernel to 16 bits moves it by up to one part in 2048, and a sum by less.
    close(op, with_rows(op, args, lambda z: z.astype(np.float16)), 3e-4, 1e-3)
    steps = with_rows(op, args, lambda z: np.rint(z * 20).astype(np.int8))
    close(op, (*steps[:-1], steps[-1] / 400.0), 3e-4, 1e-3)


def test_a_subset_larger_than_a_tile_is_made_of_tiles(cpu: CpuDevice) -> None:
    rng = np.random.default_rng(6)
    subsets = np.stack([rng.permutation(900)[:300] for _ in range(2)])
    close("subset_pair_sums", (rng.standard_normal((900, 3)), subsets, "laplace", SCALES), 1e-10)
    assert "label_sums_f64" in cpu.launched


def low(how: str, kernel: str, dtype: str, shape: tuple[int, int, int]) -> Args:
    """Arguments with rows of 8 or 16 bits, two of them equal."""
    rng, (n, d, count) = np.random.default_rng(7), shape
    z = rng.standard_normal((n, d))
    z[n // 2] = z[0]
    rows, scales = (z.astype(dtype), SCALES) if dtype == "float16" else (np.rint(z * 30).astype(dtype), SCALES / 900)
    if how == "groups":
        # An empty run among them.
        return rows, np.array([n // 3, n // 3, n // 2 + 7, n]), kernel, scales
    labels = np.packbits(rng.integers(0, 2, (n, count), dtype=np.uint8), axis=1, bitorder="little")
    return rows, labels, count, kernel, scales


def fused(how: str, args: Args, cpu: CpuDevice) -> None:
    cpu.tensor_cores, cpu.hopper = True, how == "wgmma"
    close("pair_group_sums" if how == "groups" else "pair_label_sums", args, 3e-4, 1e-3)
    expected = FUSED[how] if how != "groups" or args[0].shape[0] >= 256 else "run_sums"
    assert expected in cpu.launched


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("shape", [(1, 3, 5), (130, 0, 127), (333, 20, 128)])
@pytest.mark.parametrize("how", FUSED)
def test_fused_sums_match_reference(how: str, shape: tuple[int, int, int], kernel: str, cpu: CpuDevice) -> None:
    fused(how, low(how, kernel, "float16", shape), cpu)


@pytest.mark.parametrize("how", FUSED)
def test_fused_sums_need_no_order_of_the_threads(how: str, cpu: CpuDevice) -> None:
    cpu.falling = True
    fused(how, low(how, "gaussian", "float16", (260, 70, 3)), cpu)


@pytest.mark.parametrize("how", FUSED)
def test_fused_sums_of_whole_numbers(how: str, cpu: CpuDevice) -> None:
    fused(how, low(how, "distance", "int8", (270, 4, 9)), cpu)


@pytest.mark.parametrize("how", ["mma", "groups"])
def test_fused_distances_of_any_size_fit_in_16_bits(how: str, cpu: CpuDevice) -> None:
    cpu.tensor_cores = True
    rows, *rest, _ = low(how, "distance", "float16", (260, 3, 4))
    for size in (1e-7, 1e7):
        args = (rows, *rest, np.array([size**2]))
        op = "pair_group_sums" if how == "groups" else "pair_label_sums"
        close(op, args, 3e-4)


@pytest.mark.parametrize(("rows", "runs"), [(0, 0), (200, 4), (63, 1)])
def test_short_runs_go_through_tiles(rows: int, runs: int, cpu: CpuDevice) -> None:
    cpu.tensor_cores = True
    z = low("groups", "gaussian", "float16", (max(rows, 1), 3, 0))[0][:rows]
    close("pair_group_sums", (z, np.arange(1, runs + 1) * rows // max(runs, 1), "gaussian", SCALES), 3e-4, 1e-3)
    assert "group_sums_mma" not in cpu.launched


def test_rows_too_wide_for_a_block_go_through_tiles(cpu: CpuDevice) -> None:
    cpu.tensor_cores = True
    close("pair_label_sums", low("mma", "gaussian", "float16", (20, 450, 3)), 3e-4, 1e-3)
    assert "label_sums_f32" in cpu.launched


@pytest.mark.parametrize("how", FUSED)
def test_fused_distances_of_equal_rows_are_nothing(how: str, cpu: CpuDevice) -> None:
    rows = np.repeat(np.random.default_rng(13).normal(5.0, 1.0, (1, 40)), 256, axis=0).astype("float16")
    fused(how, (rows, *low(how, "distance", "float16", (256, 1, 3))[1:]), cpu)
    *_, made = cupy_cuda.pair_label_sums(rows, np.zeros((256, 1), dtype=np.uint8), 3, "distance", SCALES)
    np.testing.assert_array_equal(made, 0.0)


@pytest.mark.parametrize("case", CASES["histogram"])
@pytest.mark.parametrize("by_rows", [False, True])
@pytest.mark.parametrize("falling", [False, True])
def test_histograms_match_reference(case: str, by_rows: bool, falling: bool, cpu: CpuDevice) -> None:
    cpu.falling = falling
    x, cuts, mask = CASES["histogram"][case]
    # The mask lies the other way round: its order is its own.
    one, other = (np.ascontiguousarray, np.asfortranarray) if by_rows else (np.asfortranarray, np.ascontiguousarray)
    args = (one(x), cuts, other(mask))
    np.testing.assert_array_equal(cupy_cuda.histogram(*args), reference.histogram(*args))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_long_columns_are_counted_in_pieces(dtype: Any, cpu: CpuDevice) -> None:
    """Columns that begin at multiples of 16 bytes, and between; more cuts than one pass has."""
    rng = np.random.default_rng(14)
    x = np.asfortranarray(np.round(rng.standard_normal((17_001, 3)) * 9).astype(dtype))
    mask, cuts = rng.random(x.shape) < 0.9, np.sort(rng.integers(-20, 20, (3, 19)), axis=1).astype(dtype)
    got = cupy_cuda.histogram(x, cuts, mask)
    for j in range(3):
        inside = np.bincount(np.searchsorted(cuts[j], x[mask[:, j], j]), minlength=20)
        np.testing.assert_array_equal(got[j], [*inside, np.sum(~mask[:, j])])
    assert cpu.launched == [f"histogram_{x.dtype.kind}{8 * x.itemsize}"]
