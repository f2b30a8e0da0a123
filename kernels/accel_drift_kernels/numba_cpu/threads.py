"""Compiling a loop and calling it from several threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
from numba import njit
from threadpoolctl import OpenBLASController, ThreadpoolController

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
R = TypeVar("R")


def compiled(fn: F, **options: Any) -> F:
    """Compile a loop with Numba, keep the machine code on disk, and let other threads run meanwhile."""
    try:
        return cast("F", njit(cache=True, nogil=True, error_model="numpy", **options)(fn))
    except RuntimeError:
        # Neither the package's folder nor the user's cache can be written: compile anew in each process.
        return cast("F", njit(nogil=True, error_model="numpy", **options)(fn))


def vectorised(fn: F) -> F:
    """As `compiled`, for loops over finite floats whose products and sums may be contracted, but not regrouped."""
    return compiled(fn, fastmath={"contract", "nnan", "ninf", "nsz"})


def thread_count() -> int:
    """How many CPUs this process may use (a container or taskset may leave fewer than the machine has)."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def on_threads(work: Callable[[T], R], pieces: Iterable[T], *, large: bool) -> list[R]:
    """Call `work` on every piece, in threads when the job is large; results in the order of the pieces."""
    todo = list(pieces)
    threads = min(thread_count(), len(todo))
    if not large or threads < 2:
        return [work(piece) for piece in todo]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, todo))


class OneBlasThread:
    """One BLAS thread while anybody is inside: the first caller sets the limit, the last one puts it back.

    BLAS threads inside ours cost 10 to 40 times the work. The limit is one for the whole process, so callers that
    each set and restored their own would take back each other's: the products of the one still at work would be cut
    up otherwise, and the process might keep the limit for good.
    """

    def __init__(self) -> None:
        self._controller: ThreadpoolController | None = None
        self._limit: Any = None
        self._start()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0

    def _after_fork(self) -> None:
        # Whoever held the lock or was inside is not in the child.
        if self._inside and self._limit is not None:
            _free_blas()
            self._limit.restore_original_limits()
        self._start()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                # Finding the loaded BLAS libraries takes milliseconds; NumPy's are loaded by now.
                self._controller = self._controller or ThreadpoolController()
                _free_blas()
                self._limit = self._controller.limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                _free_blas()
                self._limit.restore_original_limits()
                _free_blas()


def _free_blas() -> None:
    """Let this thread set the limit: since threadpoolctl 3.8 those of all threads but the first do nothing."""
    clear = getattr(OpenBLASController, "clear_controlling_thread", None)
    if clear is not None:
        clear(force=True)


one_blas_thread = OneBlasThread()


def spans(total: int, at_least: int) -> list[tuple[int, int]]:
    """Cut `total` items into about four pieces a thread, none (but the last) below `at_least` items."""
    step = max(at_least, -(-total // (4 * thread_count())), 1)
    return [(start, min(start + step, total)) for start in range(0, total, step)]


def frozen(x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A contiguous read-only view: Numba compiles once instead of once per flag and layout of the caller."""
    view = np.ascontiguousarray(x).view()
    view.flags.writeable = False
    return view
