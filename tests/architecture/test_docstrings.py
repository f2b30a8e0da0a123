"""Every public name says what it is, what its fields mean, what it raises and where it comes from; examples run."""

from __future__ import annotations

import ast
import dataclasses
import doctest
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import accel_drift as ad
from accel_drift.detectors import get_class, names
from accel_drift.detectors.base import Detection, Detector, Fitted

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "accel_drift").rglob("*.py"))
PUBLIC = {name: getattr(ad, name) for name in ad.__all__ if name != "__version__"}
CLASSES = {name: value for name, value in PUBLIC.items() if inspect.isclass(value)}
RESULTS = {"Detector": Detector, "Fitted": Fitted, "Detection": Detection}
# What reads data or options: each can be given something that cannot work.
TAKE_DATA = [
    *(value for value in PUBLIC.values() if inspect.isfunction(value) and inspect.signature(value).parameters),
    *(ad.Profile.fit, ad.Profile.score, ad.Profile.load, ad.Profile.save),
    *(Detector.fit, Fitted.score, Fitted.detect),
]
ERRORS = {"ConfigError", "DataError", "SchemaError", "SourceError", "ProfileError", "BackendError"}


def members(kind: type) -> Iterator[tuple[str, str | None]]:
    """Public methods and properties of a class, with what is said of them."""
    for name, value in vars(kind).items():
        if not name.startswith("_") and (callable(getattr(value, "__func__", value)) or isinstance(value, property)):
            yield f"{kind.__name__}.{name}", inspect.getdoc(getattr(kind, name))


def documented(text: str) -> set[str]:
    """Names under `Attributes:`."""
    found = re.search(r"^Attributes:\n((?:    .*\n?|\n)*)", text, re.MULTILINE)
    return set(re.findall(r"^    (\w+):", found.group(1), re.MULTILINE)) if found else set()


def raised(function: ast.FunctionDef) -> set[str]:
    """Errors of ours that a function raises itself."""
    calls = (n.exc.func for n in ast.walk(function) if isinstance(n, ast.Raise) and isinstance(n.exc, ast.Call))
    return {call.id for call in calls if isinstance(call, ast.Name)} & ERRORS


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_and_all_of_its_parts_are_explained(name: str) -> None:
    value = PUBLIC[name]
    assert inspect.getdoc(value)
    if inspect.isclass(value):
        assert not [part for part, text in members(value) if not text]


@pytest.mark.parametrize("name", [*CLASSES, *RESULTS])
def test_every_field_is_explained(name: str) -> None:
    kind: Any = {**CLASSES, **RESULTS}[name]
    if not dataclasses.is_dataclass(kind):
        return
    own = {field for field in vars(kind).get("__annotations__", {}) if field in kind.__dataclass_fields__}
    fields = {f.name for f in dataclasses.fields(kind) if f.name in own}
    told = documented(inspect.getdoc(kind) or "")
    assert not fields - told
    assert not told - set(dir(kind)) - set(kind.__dataclass_fields__), "explained, and not there"


@pytest.mark.parametrize("name", names())
def test_every_detector_names_its_source_and_unit(name: str) -> None:
    kind = get_class(name)
    assert len(kind.source) > 8
    assert kind.unit


@pytest.mark.parametrize("function", TAKE_DATA, ids=lambda f: str(f.__qualname__))
def test_what_takes_data_says_what_it_raises(function: Any) -> None:
    text = inspect.getdoc(function) or ""
    assert "Raises:" in text
    assert re.search(r"^    (\w*Error): ", text, re.MULTILINE)


def silent(text: str) -> dict[str, set[str]]:
    """Public functions of a file that raise errors which their docstrings do not name."""
    public = (n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef) and not n.name.startswith("_"))
    missing = ((n.name, {error for error in raised(n) if error not in (ast.get_docstring(n) or "")}) for n in public)
    return {name: errors for name, errors in missing if errors}


def test_a_public_function_that_raises_says_so() -> None:
    found = {p.relative_to(ROOT).as_posix(): silent(p.read_text(encoding="utf-8")) for p in SOURCES}
    assert len(found) > 100
    assert not {path: functions for path, functions in found.items() if functions}


def test_the_scans_see_what_they_look_for() -> None:
    node = ast.parse("def f(x):\n    if x:\n        raise DataError('no')\n").body[0]
    assert isinstance(node, ast.FunctionDef)
    assert raised(node) == {"DataError"}
    assert silent(ast.unparse(node)) == {"f": {"DataError"}}
    assert documented("Says.\n\nAttributes:\n    a: one.\n        more.\n    b: two.\n\n>>> 1\n1\n") == {"a", "b"}
    assert {"Profile.fit", "Profile.score"} <= {part for part, _ in members(ad.Profile)}


WITH_EXAMPLES = [path for path in SOURCES if ">>> " in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_the_examples_run(path: Path) -> None:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted
    assert not found.failed


@pytest.mark.parametrize("name", [name for name in PUBLIC if inspect.isfunction(PUBLIC[name])])
def test_every_public_function_has_an_example(name: str) -> None:
    assert ">>> " in (inspect.getdoc(PUBLIC[name]) or "")
