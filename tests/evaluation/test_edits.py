"""A trial is run again after any edit of its contender's code, and after no other."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from accel_drift import evaluation as ev
from accel_drift.evaluation import origins
from accel_drift.evaluation.identity import digest
from tests.evaluation.fakes import Shifted

ROOT = Path(__file__).resolve().parents[2]
NAME = "edited_contender"

PLAIN = """
class {name}:
    def fit(self, reference):
        return self

    def detect(self, batch):
        return {answer}
"""

# What is edited is 0.0 before and 9.0 after; a contender alarms where it is above 1.
EDITS = {
    "a constant in a method": PLAIN.format(name="A", answer="0.0 > 1"),
    "a default argument": PLAIN.format(name="A", answer="False").replace(
        "self, batch):\n        return False", "self, batch, level=0.0):\n        return level > 1"
    ),
    "a class attribute": PLAIN.format(name="A", answer="self.level > 1") + "    level = 0.0\n",
    "a static method": PLAIN.format(name="A", answer="self.level() > 1")
    + "    @staticmethod\n    def level():\n        return 0.0\n",
    "a class method": PLAIN.format(name="A", answer="self.level() > 1")
    + "    @classmethod\n    def level(cls):\n        return 0.0\n",
    "a property": PLAIN.format(name="A", answer="self.level > 1")
    + "    @property\n    def level(self):\n        return 0.0\n",
    "a method of a base": PLAIN.format(name="Base", answer="0.0 > 1") + "\nclass A(Base):\n    pass\n",
    "a dataclass's method": "from dataclasses import dataclass\n\n@dataclass(frozen=True)"
    + PLAIN.format(name="A", answer="0.0 > self.most").replace("def fit", "most: float = 1.0\n\n    def fit", 1),
    "a method beside get_params": PLAIN.format(name="A", answer="0.0 > 1")
    + "    def get_params(self, deep=True):\n        return {}\n",
    "a constant of the module": "LEVEL = 0.0\n" + PLAIN.format(name="A", answer="LEVEL > 1"),
    "a helper": "def level():\n    return 0.0\n" + PLAIN.format(name="A", answer="level() > 1"),
    "a helper's helper": "def deep():\n    return 0.0\n\ndef level():\n    return deep()\n"
    + PLAIN.format(name="A", answer="level() > 1"),
    "the class that fit gives": PLAIN.format(name="Fitted", answer="0.0 > 1")
    + PLAIN.format(name="A", answer="None").replace("return self", "return Fitted()"),
    "a decorator": "def above(level):\n    return lambda method: lambda self, batch: level > method(self, batch)\n"
    + PLAIN.format(name="A", answer="1").replace("    def detect", "    @above(0.0)\n    def detect"),
    "a metaclass": "class Meta(type):\n    def level(cls):\n        return 0.0\n"
    + PLAIN.format(name="A(metaclass=Meta)", answer="type(self).level() > 1"),
    "an instance of a class of the module": "class Level:\n    def __init__(self, by):\n        self.by = by\n\n"
    "LEVEL = Level(0.0)\n" + PLAIN.format(name="A", answer="LEVEL.by > 1"),
    "what another module has": "import edited_helper\n" + PLAIN.format(name="A", answer="edited_helper.level() > 1"),
    "what is taken from another module": "from edited_helper import level\n"
    + PLAIN.format(name="A", answer="level() > 1"),
    "what a method imports": PLAIN.format(name="A", answer="level() > 1").replace(
        "        return level", "        from edited_helper import level\n        return level"
    ),
    "a cached helper": "import functools\n\n@functools.lru_cache\ndef level():\n    return 0.0\n"
    + PLAIN.format(name="A", answer="level() > 1"),
    "a function of from_functions": "from accel_drift import evaluation as ev\n\ndef level():\n    return 0.0\n\n"
    "def A():\n    return ev.adapters.from_functions(lambda rows: 1, lambda most, batch: level() > most)\n",
}
HELPER = "UNUSED = 1\nDEEP = {'level': 0.0}\n\ndef level():\n    return DEEP['level']\n"
OTHER = "from edited_helper import level\n\nLEVEL = 0.0\n" + PLAIN.format(name="A", answer="level() + LEVEL > 1")


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Writes a module, imports it as a fresh process would, and gives its contender."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(source: str, helper: str = HELPER) -> Any:
        for name, text in ((NAME, source), ("edited_helper", helper)):
            sys.modules.pop(name, None)
            (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        importlib.invalidate_caches()
        return importlib.import_module(NAME).A()

    yield write
    for name in (NAME, "edited_helper"):
        sys.modules.pop(name, None)


def alarms(contender: Any, out: Path) -> set[bool]:
    results = ev.Evaluation({"A": contender}, Shifted(batches=2, onset=1), seeds=1).run(out=out)
    return {row["alarm"] for row in results.table.to_pylist() if row["contender"] == "A"}


@pytest.mark.parametrize("edit", EDITS)
def test_after_an_edit_a_trial_is_run_again(edit: str, written: Any, tmp_path: Path) -> None:
    source, out = EDITS[edit], tmp_path / "out"
    helped = "edited_helper" in source
    assert alarms(written(source), out) == {False}
    changed = written(source if helped else source.replace("0.0", "9.0"), HELPER.replace("0.0", "9.0"))
    assert alarms(changed, out) == {True}
    assert len(list((out / "parts").iterdir())) == 4 + 2
    assert alarms(written(source), out) == {False}
    assert len(list((out / "parts").iterdir())) == 4 + 2, "as it was at first, it is there already"


def test_an_edit_of_what_it_does_not_use_runs_nothing_again(written: Any) -> None:
    first = digest(written(OTHER))
    assert digest(written(f"# a remark\n\n{OTHER}\nSEEDS = 20\n\ndef study():\n    return A(), SEEDS\n")) == first
    assert digest(written(OTHER, HELPER.replace("UNUSED = 1", "UNUSED = 2"))) == first
    assert digest(written(OTHER, HELPER.replace("0.0", "9.0"))) != first


@pytest.mark.parametrize("edited", ["sub.py", "late.py"])
def test_modules_of_a_package_are_followed(edited: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "__init__.py": "",
        "sub.py": "def level():\n    return 0.0\n",
        "late.py": "LEVEL = 0.0\n",
        "main.py": "import edited_package.sub\n"
        + PLAIN.format(name="A", answer="edited_package.sub.level() + LEVEL > 1").replace(
            "        return edited", "        from .late import LEVEL\n        return edited"
        ),
    }
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "edited_package").mkdir()

    def made() -> str:
        for name, text in files.items():
            (tmp_path / "edited_package" / name).write_text(text, encoding="utf-8")
        for name in [name for name in sys.modules if name.startswith("edited_package")]:
            monkeypatch.delitem(sys.modules, name)
        importlib.invalidate_caches()
        return digest(importlib.import_module("edited_package.main").A())

    first = made()
    assert made() == first
    files[edited] = files[edited].replace("0.0", "9.0")
    assert made() != first


@pytest.mark.parametrize("edit", ["a class attribute", "a helper", "the class that fit gives", "a decorator"])
def test_what_is_typed_at_a_prompt_is_read_too(edit: str) -> None:
    def typed(source: str) -> Any:
        space: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(source, "<stdin>", "exec"), space)  # noqa: S102
        return space["A"]()

    assert digest(typed(EDITS[edit])) == digest(typed(EDITS[edit]))
    assert digest(typed(EDITS[edit])) != digest(typed(EDITS[edit].replace("0.0", "9.0")))


def test_another_process_reads_the_same_of_a_script(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    head = f"import sys; sys.path[:0] = {[str(ROOT), str(ROOT / 'kernels')]!r}\nimport numpy as np, re, logging\n"
    body = """
from accel_drift.evaluation.identity import digest
LOG, SHAPE, RNG, NAMES = logging.getLogger("a"), re.compile("a+"), np.random.default_rng(3), {"a", "b", "c", "d"}
class A:
    def fit(self, reference):
        LOG.info(SHAPE.match(NAMES, RNG.normal()))
        return A
"""
    found = []
    for seeds in (20, 30):
        script.write_text(f"{head}{body}\nSEEDS = {seeds}\nprint(digest(A()))\n", encoding="utf-8")
        ran = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, check=True)
        found.append(ran.stdout)
    assert found[0] == found[1]


def test_another_version_of_an_installed_package_is_another_contender(monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    def furthest(known: float, batch: Any) -> bool:
        return bool(np.max(batch) > known)

    given = [ev.adapters.from_functions(len, furthest), np.random.default_rng(0), np.mean]
    before = [digest(thing) for thing in given]
    assert origins.version_of("numpy.random").startswith("numpy ")
    assert origins.version_of("json") == origins.version_of("accel_drift") == ""
    monkeypatch.setattr(
        "accel_drift.evaluation.identity.version_of", lambda module: "numpy 9" if "numpy" in str(module) else ""
    )
    assert all(digest(thing) != was for thing, was in zip(given, before, strict=True))


def test_whose_code_a_module_is() -> None:
    for name in ("numpy", "json", "builtins", "sys", "accel_drift.evaluation", "_thread"):
        assert origins.is_installed(name), name
    assert not any(origins.is_installed(own) for own in ("__main__", __name__, "no_such_module", None, ""))
