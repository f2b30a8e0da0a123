"""Mistakes in a configuration: all of a file at once, each with its place."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from accel_drift.errors import ConfigError
from accel_drift.history.hidden import hidden

Key: TypeAlias = tuple[str | int, ...]
"""Where a value stands: the keys and places in lists that lead to it."""

_LONGEST = 60
_KEYS = {
    "label": "data.label_column",
    "columns": "columns.only",
    "drop": "columns.drop",
    "kinds": "columns.kinds",
    "content": "reference.content",
    "sample_rows": "reference.sample_rows",
    "detectors": "detectors.use",
    **{name: f"drift.{name}" for name in ("alpha", "correction", "rule", "min_effect", "block", "seed", "backend")},
}
"""Options of `Profile.fit` -> the keys that give them."""
_OPTION = re.compile(rf"\b({'|'.join(_KEYS)})= ")
_GIVEN = re.compile(rf"\b({'|'.join(_KEYS)})=(?=['\"\[{{\w])")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong.

    Attributes:
        where: the file with the line, `drift.yaml:4`, or the variable of the environment.
        line: of the file, from 1; 0 where it is none.
        text: what is wrong, what is allowed and what may have been meant.
    """

    where: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


class ConfigFileError(ConfigError):
    """A configuration that cannot work.

    Attributes:
        mistakes: all of them, in the order of the file.
    """

    def __init__(self, source: str, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes, key=lambda m: (m.line == 0, m.line)))
        one = len(self.mistakes) == 1
        head = "" if one else f"{source} has {len(self.mistakes)} mistakes:\n"
        super().__init__(head + "\n".join(map(str, self.mistakes)))


def dotted(key: Key) -> str:
    """A key as it is written in messages: `detectors.psi.bins`, `columns.drop[2]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)
    return text.removeprefix(".")


def shown(value: Any) -> str:
    """A value as it was given, cut where it is long, without passwords."""
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    text = hidden(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def as_keys(text: str) -> str:
    """An error's advice with the options as they are keys here.

    >>> as_keys("label= names 'x'; leave it out with drop=['x']")
    "data.label_column names 'x'; leave it out with columns.drop: ['x']"
    """
    text = _OPTION.sub(lambda found: f"{_KEYS[found[1]]} ", text)
    return _GIVEN.sub(lambda found: f"{_KEYS[found[1]]}: ", text)


def nearest(word: Any, there: Sequence[str]) -> str:
    """`; did you mean rows?` where a name is close to one that there is, or ""."""
    near = difflib.get_close_matches(str(word).lower(), there, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""
