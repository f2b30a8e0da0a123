"""What the two packages import is what pyproject.toml declares, and the other way round."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OURS = {"accel_drift", "accel_drift_kernels"}
_IMPORTED_AS = {"scikit_learn": "sklearn", "pyyaml": "yaml", "opentelemetry_api": "opentelemetry"}


def modules(requirements: list[str]) -> set[str]:
    """The import names of requirements: here they are the projects' names with "_" for "-", but for a few."""
    names = {re.split(r"[\s\[<>=!~;]", line)[0].lower().replace("-", "_") for line in requirements}
    names = {re.sub(r"^cupy_cuda\d+x$", "cupy", name) for name in names}
    return {_IMPORTED_AS.get(name, name) for name in names}


def imported(folder: str) -> dict[str, str]:
    """Third-party modules imported anywhere under the folder, each with one file that does it."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            found.update({name.partition(".")[0]: path.relative_to(ROOT).as_posix() for name in names})
    return {name: file for name, file in found.items() if name not in sys.stdlib_module_names | OURS}


def test_every_import_is_declared() -> None:
    extras = PROJECT["optional-dependencies"]
    ours = ("jax", "cuda12", "cuda13", "kafka", "monitor", "otel", "report", "sklearn")
    declared = modules(PROJECT["dependencies"]) | modules([line for extra in ours for line in extras[extra]])
    used = imported("accel_drift") | imported("kernels")
    assert {"numpy", "numba", "jax"} <= set(used)
    assert not {name: file for name, file in used.items() if name not in declared}


def test_every_core_dependency_is_imported() -> None:
    assert not modules(PROJECT["dependencies"]) - set(imported("accel_drift") | imported("kernels"))
