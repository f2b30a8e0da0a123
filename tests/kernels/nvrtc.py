"""NVIDIA's run-time compiler without a GPU: what CuPy does with our CUDA files on a user's machine."""

from __future__ import annotations

import ctypes
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple


class Compiled(NamedTuple):
    """Machine code of one architecture: registers, bytes of stack and of spills by kernel; assembly; what was said."""

    registers: dict[str, int]
    stack: dict[str, int]
    spilled: dict[str, int]
    ptx: str
    log: str


@cache
def opened() -> ctypes.CDLL | None:
    """The library of the wheel, or None where there is none."""
    spec = find_spec("nvidia")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    found = [p for folder in folders for p in Path(folder).glob("cuda_nvrtc/lib/libnvrtc.so.*")]
    return ctypes.CDLL(str(found[0])) if found else None


def _text(nvrtc: ctypes.CDLL, program: ctypes.c_void_p, what: str) -> str:
    size = ctypes.c_size_t()
    assert getattr(nvrtc, f"nvrtcGet{what}Size")(program, ctypes.byref(size)) == 0
    text = ctypes.create_string_buffer(size.value + 1)
    assert getattr(nvrtc, f"nvrtcGet{what}")(program, text) == 0
    return text.value.decode()


def compiled(source: str, arch: str, defined: tuple[str, ...] = ()) -> Compiled:
    """Compile for one architecture, such as "sm_80".

    Raises:
        AssertionError: it does not compile; with what the compiler said.
    """
    nvrtc = opened()
    assert nvrtc is not None
    program = ctypes.c_void_p()
    assert nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernels.cu", 0, None, None) == 0
    wanted = ("-std=c++17", f"-arch={arch}", "--ptxas-options=-v", *(f"-D{name}" for name in defined))
    options = (ctypes.c_char_p * len(wanted))(*(o.encode() for o in wanted))
    try:
        status = nvrtc.nvrtcCompileProgram(program, len(wanted), options)
        log = _text(nvrtc, program, "ProgramLog")
        assert status == 0, log
        return Compiled(*_numbers(log), _text(nvrtc, program, "PTX"), log)
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def _numbers(log: str) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    found: Any = re.findall(
        r"Function properties for (\w+)\n\D+(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads"
        r"\n.*?Used (\d+) registers",
        log,
    )
    registers, stack, spilled = ({name: int(numbers[i]) for name, *numbers in found} for i in (3, 0, 1))
    return registers, stack, spilled
