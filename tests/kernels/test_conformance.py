"""Every kernel set means what `reference` says."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from accel_drift.backends import Backend
from accel_drift_kernels import cupy_cuda, numba_cpu, portable, reference
from accel_drift_kernels.spec import OPS, Kernels
from tests.kernels.cases import CASES, KERNELS, Args, binnings, rows_of_probabilities, two_samples, urn_args, urns

SMALL = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def kernels_of(backend: Backend, which: str) -> Kernels:
    if which == "own":
        return backend.kernels
    if backend.kernels is portable or backend.name == "jax":
        # JAX runs the portable formulas in its own set; eagerly they take seconds a case.
        pytest.skip("the set is the backend's own, or too slow without compilation")
    return portable


def _sent(given: Any, backend: Backend) -> Any:
    """The arguments with the backend's arrays in the place of NumPy's."""
    if isinstance(given, tuple | list):
        return type(given)(_sent(one, backend) for one in given)
    return backend.asarray(given) if isinstance(given, np.ndarray) else given


def check(op: str, args: Args, backend: Backend, kernels: Kernels, rtol: float | None = None) -> None:
    got = getattr(kernels, op)(*_sent(args, backend))
    want = getattr(reference, op)(*args)
    got, want = ((got,), (want,)) if not isinstance(want, tuple | list) else (got, want)
    assert len(got) == len(want)
    for one, expected in zip(got, want, strict=True):
        host = backend.to_numpy(one)
        assert host.dtype == expected.dtype
        assert host.shape == expected.shape
        allowed = OPS[op].rtol if rtol is None else rtol
        if allowed == 0:
            np.testing.assert_array_equal(host, expected)
        else:
            np.testing.assert_allclose(host, expected, rtol=allowed, atol=1e-300)


def test_every_operation_has_cases() -> None:
    assert set(CASES) == set(OPS)


@pytest.mark.parametrize("kernels", [reference, portable, numba_cpu, cupy_cuda], ids=lambda m: m.__name__)
@pytest.mark.parametrize("op", OPS)
def test_every_set_has_every_operation(op: str, kernels: ModuleType) -> None:
    assert callable(getattr(kernels, op, None)), f"{kernels.__name__} lacks {op}: define it or import it from portable"


@pytest.mark.parametrize("op", OPS)
def test_every_backend_has_every_operation(op: str, backend: Backend) -> None:
    assert callable(getattr(backend.kernels, op, None))


def test_the_table_and_the_protocol_list_the_same_operations() -> None:
    assert {name for name in vars(Kernels) if not name.startswith("_")} == set(OPS)


@pytest.mark.parametrize("which", ["own", "portable"])
@pytest.mark.parametrize(("op", "case"), [(op, case) for op, cases in CASES.items() for case in cases])
def test_matches_reference(op: str, case: str, which: str, backend: Backend) -> None:
    check(op, CASES[op][case], backend, kernels_of(backend, which))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("op", [op for op in OPS if op.endswith("_sums")])
def test_float32_rows_stay_within_float32(op: str, kernel: str, backend: Backend) -> None:
    args = CASES[op][f"{kernel}-some"]
    rows = [0, 2] if op == "cross_group_sums" else [0, 1] if op == "cross_row_sums" else [0]
    narrow = (a.astype(np.float32) if i in rows else a for i, a in enumerate(args))
    check(op, tuple(narrow), backend, backend.kernels, rtol=2e-6)


@pytest.mark.parametrize("op", ["bin_index", "histogram"])
@given(args=binnings())
@SMALL
def test_binning_of_any_small_table(op: str, backend: Backend, args: Args) -> None:
    check(op, args, backend, backend.kernels)


@given(args=rows_of_probabilities())
@SMALL
def test_confidence_of_any_small_rows(backend: Backend, args: Args) -> None:
    check("confidence_rows", args, backend, backend.kernels)


@given(args=two_samples())
@SMALL
def test_distances_of_any_small_samples(backend: Backend, args: Args) -> None:
    check("cdf_distances", args, backend, backend.kernels)


@pytest.mark.parametrize("op", ["hypergeometric", "dirichlet_multinomial", "multinomial"])
@given(urn=urns())
@SMALL
def test_draws_of_any_small_urn(op: str, backend: Backend, urn: Any) -> None:
    check(op, urn_args(op, *urn), backend, backend.kernels)


@pytest.mark.parametrize("op", ["hypergeometric", "dirichlet_multinomial", "multinomial"])
def test_sets_draw_the_same_counts(op: str, backend: Backend) -> None:
    """Thousands of draws against the Numba set: too many for the slow loops."""
    rng = np.random.default_rng(8)
    cells = rng.integers(0, 3_000, size=(200, 7))
    cells[:60] //= 100
    cells[70:140] *= 400_000
    size = np.where(np.arange(200) % 2, cells.sum(axis=1) // 7, cells.sum(axis=1) // 3)
    args = urn_args(op, rng.integers(0, 2**32, size=(200, 2), dtype=np.uint32), 100, cells, size)
    want: Any = getattr(numba_cpu, op)(*args)
    got = getattr(backend.kernels, op)(*_sent(args, backend))
    np.testing.assert_array_equal(backend.to_numpy(got), want)
