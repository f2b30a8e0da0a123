"""Our CUDA files as plain C++ on the CPU: a device for the CuPy kernel set whose arrays are NumPy's."""

from __future__ import annotations

import ctypes
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from accel_drift_kernels.cupy_cuda import device

WORDS = Path(__file__).with_name("cuda_on_cpu.h")
FLAGS = ("-std=c++17", "-O2", "-fPIC", "-shared", "-Wall", "-Wno-unused-function", "-Wno-unknown-pragmas", "-Werror")
MEETING = (
    "run_sums",
    "label_sums_mma",
    "label_sums_wgmma",
    "group_sums_mma",
    "histogram_f32",
    "histogram_f64",
    "histogram_i64",
)
"""Kernels whose threads wait for one another."""


def kernels_in(source: str) -> list[str]:
    """The names of the kernels of a CUDA file, those that a macro defines among them."""
    plain = re.findall(r"^KERNEL (?:__launch_bounds__\([\w, ]+\) )?(\w+)\(", source, flags=re.MULTILINE)
    return plain + re.findall(r"^[A-Z_]+\((\w+), [\w, ]+\)$", source, flags=re.MULTILINE)


def build(file: str, folder: Path) -> ctypes.CDLL:
    """One of our CUDA files as a library; its instructions are those of the header."""
    # Sums move on so often that a few hundred rows show it.
    body = device.text(file).replace("FLUSH = 64", "FLUSH = 2")
    runs = "\n".join(f"RUNS({name})" for name in kernels_in(body))
    cpp, library = folder / f"{file}.cpp", folder / f"{file}.so"
    cpp.write_text(f'#include "{WORDS}"\n{body}\n{runs}\n', encoding="utf-8")
    # Jumps between the coroutines' stacks look like an attack to the fortified longjmp.
    command = ["g++", *FLAGS, "-U_FORTIFY_SOURCE", "-o", str(library), str(cpp)]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(library))


class CpuDevice:
    """Runs the CUDA files' kernels on NumPy arrays.

    Args:
        folder: where to put the libraries.
    """

    tensor_cores = False
    hopper = False
    l2_bytes = 1 << 20
    shared_bytes = 227 << 10
    falling = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.launched: list[str] = []
        self._libraries: dict[str, ctypes.CDLL] = {}

    def launch(
        self,
        kernel: str,
        blocks: tuple[int, int],
        threads: int,
        args: tuple[Any, ...],
        *,
        file: str = "tiles",
        defined: tuple[str, ...] = (),
        shared: int = 0,
    ) -> None:
        if 0 in blocks:
            return
        assert blocks[1] < 1 << 16, "the grid is too high"
        self.launched.append(kernel)
        if file not in self._libraries:
            self._libraries[file] = build(file, self.folder)
        for name in defined:
            word, _, number = name.partition("=")
            ctypes.c_int.in_dll(self._libraries[file], word).value = int(number or 1)
        run = self._libraries[file][f"run_{kernel}"]
        run.restype = ctypes.c_char_p
        shape = (ctypes.c_uint * 6)(*blocks, threads, shared, self.falling, kernel in MEETING)
        values = [_word(a) for a in args]
        words = (ctypes.c_void_p * len(values))(*(ctypes.addressof(v) for v in values))
        broken = run(shape, words)
        assert broken is None, f"{kernel}: {broken.decode()}"

    def product(self, a: Any, b: Any, out: Any, turned: str = "") -> None:
        assert all(x.flags.c_contiguous for x in (a, b, out))
        a, b = (x.astype(out.dtype) for x in (a, b))
        np.matmul(a.T if "a" in turned else a, b.T if "b" in turned else b, out=out)


def _word(value: Any) -> Any:
    """An argument as 64 bits."""
    if isinstance(value, np.ndarray):
        assert value.flags.c_contiguous
        return ctypes.c_void_p(value.ctypes.data)
    return ctypes.c_double(value) if isinstance(value, float) else ctypes.c_longlong(value)
