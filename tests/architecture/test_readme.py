"""The README's two command lines are there, and are lines that a plain shell and pip understand."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def command(name: str) -> str:
    """The one line in the block after the marker, as .ci/run takes it."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(rf"^<!-- command: {name} -->\n+```\w*\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1, f"README.md needs one '<!-- command: {name} -->' followed by a code block"
    return str(blocks[0])


@pytest.mark.parametrize(("name", "end"), [("demo", "accel-drift demo"), ("test", "-m pytest -n 2 --dist loadfile")])
def test_one_line_makes_the_environment_and_does_the_work(name: str, end: str) -> None:
    line = command(name)
    assert "\n" not in line
    assert line.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert line.endswith(end)


@pytest.mark.parametrize("name", ["demo", "test"])
def test_the_extras_it_installs_exist(name: str) -> None:
    extras = re.findall(r"'\.\[([\w,]+)\]'", command(name))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert extras
    assert set(extras[0].split(",")) <= set(project["optional-dependencies"])
