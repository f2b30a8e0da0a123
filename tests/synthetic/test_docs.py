"""Every public name says what it is and what its fields mean."""

from __future__ import annotations

import dataclasses
import inspect
from types import ModuleType
from typing import Any

import pytest

from accel_drift import synthetic as sy
from tests.architecture.test_docstrings import documented, members

PUBLIC: dict[str, Any] = {
    name: value for name, value in vars(sy).items() if not name.startswith("_") and not isinstance(value, ModuleType)
}


def test_the_public_names_are_those_that_are_meant() -> None:
    functions = {name for name, value in PUBLIC.items() if inspect.isfunction(value)}
    assert functions == {"scenario", "scenarios", "write"}
    assert {kind.__name__ for kind in sy.KINDS} == {
        name for name, value in PUBLIC.items() if inspect.isclass(value) and issubclass(value, sy.Drift)
    } - {"Drift"}


@pytest.mark.parametrize("name", sorted(set(PUBLIC) - {"KINDS"}))
def test_it_explains_itself(name: str) -> None:
    value = PUBLIC[name]
    assert inspect.getdoc(value)
    if inspect.isclass(value):
        assert not [part for part, text in members(value) if not text]
    if dataclasses.is_dataclass(value):
        own = {field for field in vars(value).get("__annotations__", {}) if field in value.__dataclass_fields__}
        fields = {f.name for f in dataclasses.fields(value) if f.name in own and f.init}
        assert not fields - documented(inspect.getdoc(value) or "")
