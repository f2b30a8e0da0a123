"""`import accel_drift` is cheap, and the public names are there when asked for."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import accel_drift
from accel_drift import streams
from accel_drift.detectors import names

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {
    *("array_api_compat", "numpy", "scipy", "numba", "llvmlite", "jax", "jaxlib", "cupy"),
    *("pyarrow", "pandas", "polars", "jinja2", "rich", "typer", "threadpoolctl", "pydantic", "yaml"),
}


def loaded_after(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after `code`."""
    script = f"import sys, json\n{code}\nprint(json.dumps([m.partition('.')[0] for m in sys.modules]))"
    path = [str(ROOT), str(ROOT / "kernels")]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}\n{script}"],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return set(json.loads(done.stdout))


def test_the_probe_sees_a_heavy_import() -> None:
    assert "numpy" in loaded_after("import numpy")


def test_importing_the_package_loads_no_library() -> None:
    assert not HEAVY & loaded_after("import accel_drift")


@pytest.mark.parametrize("name", ["AccelDriftError", "Finding", "Status", "__version__"])
def test_plain_names_load_no_library(name: str) -> None:
    assert not HEAVY & loaded_after(f"import accel_drift; accel_drift.{name}; dir(accel_drift)")


def test_the_list_of_names_loads_no_array_library() -> None:
    loaded = loaded_after("import accel_drift as ad; ad.get_backend, ad.Profile, ad.Report, ad.PSI, ad.MMD")
    assert not {"jax", "cupy", "pandas", "polars", "rich", "typer", "jinja2"} & loaded


def test_public_names_are_few_beside_statistics_alone_and_detectors_of_streams() -> None:
    """A function such as `psi` is its detector's number under its detector's name: no new idea to learn.

    Detectors of streams are one idea, too: `PageHinkley` is used as `ADWIN` is. So are those that look at every row or
    batch: each names its method and its source. `e_bh` is used as LORD and SAFFRON are. Thirty names are of comparing
    and looking; what runs all year has five more.
    """
    year = {"Confidence", "History", "Monitor", "Performance", "Windows"} & set(accel_drift.__all__)
    home = accel_drift._HOME
    alone = [name for name in home if home[name] == "accel_drift.functions"]
    assert set(alone) <= set(names())
    watching = [name for name in home if home[name] in {f"accel_drift.streams.{own}" for own in streams.names()}]
    looking = [name for name in home if home[name].startswith("accel_drift.sequential.")]
    watching += ["e_bh", *(name for name in looking if hasattr(getattr(accel_drift, name), "source"))]
    assert {"PageHinkley", "OnlineMMD", "LORD"} <= set(watching)
    assert len(set(accel_drift.__all__)) == len(accel_drift.__all__) <= 30 + len(year) + len(alone) + len(watching)


@pytest.mark.parametrize("name", accel_drift.__all__)
def test_every_public_name_is_there(name: str) -> None:
    value = getattr(accel_drift, name)
    assert getattr(value, "__name__", name) == name
    assert name in dir(accel_drift)


def test_type_checkers_see_the_same_names_from_the_same_modules() -> None:
    tree = ast.parse((ROOT / "accel_drift" / "__init__.py").read_text(encoding="utf-8"))
    block = next(n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING")
    seen = {alias.name: n.module for n in block.body if isinstance(n, ast.ImportFrom) for alias in n.names}
    assert seen == accel_drift._HOME
    assert {*seen, "__version__"} == set(accel_drift.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        accel_drift.Nonsense  # noqa: B018
