"""Files and functions stay small, names say something, the folder `kernels` is no package."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST_FILE = 400
LONGEST_FUNCTION = 50
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
# Path (and ":function") -> why it may be longer. An entry that is no longer needed fails a test.
MAY_BE_LONGER: dict[str, str] = {}


def sources() -> list[Path]:
    """Every Python file of ours."""
    folders = (ROOT / name for name in ("accel_drift", "kernels", "tests", "bench"))
    return sorted(f for folder in folders for f in folder.rglob("*.py"))


def label(path: Path) -> str:
    """The path inside the repository."""
    return path.relative_to(ROOT).as_posix()


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, the docstring not counted."""
    first = function.body[0]
    spoken = 0
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        spoken = (first.end_lineno or first.lineno) - first.lineno + 1
    return (function.end_lineno or function.lineno) - function.lineno + 1 - spoken


def too_long(path: Path, text: str) -> Iterator[tuple[str, int]]:
    """What in this file is over its limit, and how long it is."""
    lines = text.count("\n")
    if lines > LONGEST_FILE:
        yield label(path), lines
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and code_lines(node) > LONGEST_FUNCTION:
            yield f"{label(path)}:{node.name}", code_lines(node)


def imported(text: str) -> Iterator[str]:
    """Every module that a file imports by name."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_there_are_sources() -> None:
    assert {"accel_drift/__init__.py", label(Path(__file__))} <= {label(path) for path in sources()}


def test_files_and_functions_are_short() -> None:
    found = {name: n for path in sources() for name, n in too_long(path, path.read_text(encoding="utf-8"))}
    assert not {name: n for name, n in found.items() if name not in MAY_BE_LONGER}
    assert not set(MAY_BE_LONGER) - set(found), "no longer too long: take it off the list"


def test_a_long_function_and_a_long_file_are_seen() -> None:
    text = '"""A file."""\n\n\ndef long():\n    """Says."""\n' + "    x = 1\n" * 50
    assert list(too_long(ROOT / "a.py", text)) == [("a.py:long", 51)]
    assert list(too_long(ROOT / "a.py", text.replace("    x = 1\n", "", 1))) == []
    assert list(too_long(ROOT / "b.py", "x = 1\n" * 401)) == [("b.py", 401)]


def vague(path: Path) -> set[str]:
    """Words of a file's path, inside the repository, that say nothing."""
    return VAGUE.intersection(*[re.split(r"[_\W]+", path.relative_to(ROOT).with_suffix("").as_posix())])


def of_kernels(text: str) -> list[str]:
    """What a file imports from the folder `kernels`, as if it were a package."""
    return [name for name in imported(text) if name == "kernels" or name.startswith("kernels.")]


# One test for all files: a thousand tests of a millisecond cost more to hand out than to run.
def test_names_say_something() -> None:
    assert not {label(path): words for path in sources() if (words := vague(path))}
    assert vague(ROOT / "accel_drift" / "io_utils.py") == {"utils"}
    assert vague(ROOT / "common" / "a.py") == {"common"}


def test_the_kernels_folder_is_not_a_package() -> None:
    assert not {label(path): names for path in sources() if (names := of_kernels(path.read_text(encoding="utf-8")))}
    text = "import kernels.a\nfrom kernels import b\nimport accel_drift_kernels\n"
    assert of_kernels(text) == ["kernels.a", "kernels"]
