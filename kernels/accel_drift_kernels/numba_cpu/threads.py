"""Compiling a loop and calling it from several threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
from numba import njit

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
R = TypeVar("R")


def compiled(fn: F) -> F:
    """Compile a loop with Numba, keep the machine code on disk, and let other threads run meanwhile."""
    try:
        return cast("F", njit(cache=True, nogil=True, error_model="numpy")(fn))
    except RuntimeError:
        # Neither the package's folder nor the user's cache can be written: compile anew in each process.
        return cast("F", njit(nogil=True, error_model="numpy")(fn))


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


def spans(total: int, at_least: int) -> list[tuple[int, int]]:
    """Cut `total` items into about four pieces a thread, none (but the last) below `at_least` items."""
    step = max(at_least, -(-total // (4 * thread_count())), 1)
    return [(start, min(start + step, total)) for start in range(0, total, step)]


def frozen(x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A contiguous read-only view: Numba compiles once instead of once per flag and layout of the caller."""
    view = np.ascontiguousarray(x).view()
    view.flags.writeable = False
    return view
