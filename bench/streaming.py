"""The best rate at which cores read memory: several streams a core, each value looked at once and joined to the others.

It is a limit to hold kernels against, so it shares no code with them. One stream a core, such as NumPy's max, leaves
up to a sixth of the rate unused, for the processor fetches ahead for each stream apart.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit


@njit(nogil=True)
def joined(words: Any) -> Any:
    """All words (n,) uint64 joined by "or", four streams at a time; n a multiple of 4."""
    part = words.size // 4
    found = np.uint64(0)
    for i in range(part):
        found |= words[i] | words[i + part] | words[i + 2 * part] | words[i + 3 * part]
    return found


def on_all_cores(big: npt.NDArray[Any], cores: int) -> Callable[[], object]:
    """A call that reads an array once, a part of it on each core. Its bytes are a multiple of 32 for each core."""
    parts = np.split(big.view(np.uint64), cores)
    joined(parts[0][:4])

    def call() -> object:
        with ThreadPoolExecutor(cores) as pool:
            return list(pool.map(joined, parts))

    return call
