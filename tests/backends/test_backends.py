"""What every backend promises."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from accel_drift.backends import Backend, get_backend, why_not
from accel_drift_kernels.numba_cpu import threads
from accel_drift_kernels.spec import Kernels


def test_it_has_a_name_a_device_and_every_kernel(backend: Backend) -> None:
    assert backend.name
    assert backend.device
    assert isinstance(backend.kernels, Kernels)
    assert backend.free_bytes() > 0
    assert backend.name in repr(backend)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint32", "uint8", "bool"])
def test_there_and_back(dtype: str, backend: Backend) -> None:
    host = np.array([[0, 1, 5], [7, 1, 0]]).astype(dtype)
    back = backend.to_numpy(backend.asarray(host))
    assert back.dtype == host.dtype
    np.testing.assert_array_equal(back, host)
    assert backend.to_numpy(backend.asarray([1, 2], dtype=dtype)).dtype == np.dtype(dtype)


def test_float64_stays_float64(backend: Backend) -> None:
    xp = backend.xp
    x = backend.asarray(np.array([1.0, 1.0 + 2.0**-40]))
    difference = backend.to_numpy(x[1:] - x[:1])
    assert difference.dtype == np.float64
    assert difference[0] == 2.0**-40
    assert backend.to_numpy(xp.sum(backend.asarray(np.array([2**60, 1])))) == 2**60 + 1


def test_compiled_function_means_the_same(backend: Backend) -> None:
    xp = backend.xp
    x = backend.asarray(np.linspace(0, 1, 7))

    def squares(v: Any) -> Any:
        return xp.sum(v * v)

    compiled = backend.compile(squares)
    assert float(compiled(x)) == pytest.approx(float(squares(x)), rel=1e-14)


def test_numpy_takes_read_only_rows_without_a_copy() -> None:
    backend = get_backend("numpy")
    host = np.arange(6.0)
    host.flags.writeable = False
    assert backend.asarray(host) is host
    assert backend.asarray(host, dtype="float64") is host
    assert np.shares_memory(backend.to_numpy(backend.asarray(host)), host)


@pytest.mark.skipif(why_not("jax") is not None, reason="needs JAX")
def test_jax_precision_is_not_switched_outside_the_scope() -> None:
    jax = pytest.importorskip("jax")
    backend = get_backend("jax")
    with backend.scope():
        assert backend.asarray(np.ones(2)).dtype == np.float64
    assert jax.config.jax_enable_x64 is False


def test_kernels_may_run_in_two_threads_at_once() -> None:
    """Numba's own parallel regions would end the process here."""
    kernels = get_backend("numpy").kernels
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60_000, 5))
    cuts, mask = np.tile(np.linspace(-1, 1, 9), (5, 1)), np.ones(x.shape, dtype=np.bool_)
    want = kernels.histogram(x, cuts, mask)
    failures: list[str] = []

    def work() -> None:
        same = [np.array_equal(kernels.histogram(x, cuts, mask), want) for _ in range(5)]
        if not all(same):
            failures.append("a histogram differs")

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures


def test_pieces_cover_everything_in_order() -> None:
    for total in (0, 1, 7, 1_000, 100_003):
        pieces = threads.spans(total, 64)
        assert [i for piece in pieces for i in range(*piece)] == list(range(total))
    assert threads.on_threads(lambda i: i * i, range(20), large=True) == [i * i for i in range(20)]


def test_kernels_compile_where_nothing_can_be_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only container without a home folder is such a place."""
    asked: list[bool] = []

    def njit(*, cache: bool = False, **_: Any) -> Any:
        asked.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda fn: fn

    monkeypatch.setattr(threads, "njit", njit)
    assert threads.compiled(abs) is abs
    assert asked == [True, False]
