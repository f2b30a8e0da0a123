"""How often XLA compiles while batches of different sizes come: `count` starts a fresh process, `main` is it."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
sys.path.insert(1, str(ROOT / "kernels"))

_COMPILED = re.compile(r"Finished XLA compilation of (\S+) in ([\d.e-]+) sec")
KERNEL = "compilations of the kernel sums"


def count(n: int, batches: Sequence[int], permutations: int) -> dict[str, float]:
    """What XLA compiles while the kernel sums of n rows and each batch are made, in float32; {} without JAX.

    The kernel sums are the program that takes longest to compile; the others move and pad arrays.

    Raises:
        RuntimeError: the process failed.
    """
    from accel_drift.backends import why_not

    if why_not("jax") is not None:
        return {}
    asked = json.dumps([n, list(batches), permutations])
    made = subprocess.run([sys.executable, __file__, asked], capture_output=True, text=True, check=False, cwd=ROOT)
    if made.returncode:
        raise RuntimeError(f"counting compilations failed: {made.stderr.strip().splitlines()[-1:]}")
    found: dict[str, list[float]] = json.loads(made.stdout.splitlines()[-1])
    return {
        KERNEL: len(max(found.values(), key=sum)),
        "compilations in all": sum(map(len, found.values())),
        "seconds of all compilations": round(sum(map(sum, found.values())), 3),
    }


class _Counted(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.found: defaultdict[str, list[float]] = defaultdict(list)

    def emit(self, record: logging.LogRecord) -> None:
        told = _COMPILED.match(record.getMessage())
        if told:
            self.found[told[1]].append(float(told[2]))


def main() -> None:
    import jax
    import numpy as np

    from accel_drift.backends import get_backend
    from bench import mmd

    n, batches, permutations = json.loads(sys.argv[1])
    backend, counted = get_backend("jax"), _Counted()
    logger = logging.getLogger("jax._src.dispatch")
    logger.addHandler(counted)
    logger.propagate = False
    rng = np.random.default_rng(0)
    with jax.log_compiles():
        for m in batches:
            z = rng.standard_normal((n + m, 4), dtype=np.float32) / np.float32(3.0)
            mmd.ours(backend, z, n, permutations, "rows", "").compute()
    print(json.dumps(counted.found))


if __name__ == "__main__":
    main()
