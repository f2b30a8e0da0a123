"""Compiling a loop and calling it from several threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from importlib.resources import files
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
from numba import config, njit

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
R = TypeVar("R")


COMPILES = not getattr(config, "DISABLE_JIT", 0)
"""Whether Numba compiles at all: NUMBA_DISABLE_JIT stops it, and vector instructions have no slow form."""


def _sources() -> str:
    """A digest of all files that machine code here may be made of; "" in an application that comes without them."""
    digest = sha256()
    try:
        for package in ("accel_drift_kernels", "accel_drift_kernels.numba_cpu"):
            for file in sorted(files(package).iterdir(), key=lambda file: file.name):
                if file.name.endswith(".py"):
                    digest.update(file.read_bytes())
    except OSError:
        return ""
    return digest.hexdigest()


_SOURCES = _sources()


def compiled(fn: F, /, *, fastmath: frozenset[str] = frozenset()) -> F:
    """Compile a loop with Numba, keep the machine code on disk, and let other threads run meanwhile.

    Machine code holds the constants and the code of functions of other files. Numba asks only whether the loop's own
    file is still the same, so what it compares is made to tell of all files. Where it no longer can be, nothing is
    kept on disk: compiling anew costs seconds, machine code of other files wrong numbers.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": set(fastmath)}
    try:
        made: Any = njit(cache=True, **options)(fn)
        kept = made._cache._cache_file
        kept._source_stamp = (kept._source_stamp, _SOURCES)
    except (RuntimeError, AttributeError):
        # Neither the package's folder nor the user's cache can be written, or this Numba keeps its stamp elsewhere.
        made = njit(**options)(fn)
    return cast("F", made)


def compiled_in_any_order(fn: F) -> F:
    """As `compiled`, for a loop whose sums may be added in any order, and so by vector instructions."""
    return compiled(fn, fastmath=frozenset({"reassoc"}))


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
