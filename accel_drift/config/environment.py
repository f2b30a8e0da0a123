"""Keys from the environment: `ACCEL_DRIFT_HISTORY__URL` is `history.url`, and comes before the file's."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from accel_drift.config import schema
from accel_drift.config.checking import unknown
from accel_drift.config.mistakes import Key, Mistake
from accel_drift.config.text import read

PREFIX = "ACCEL_DRIFT_"


def overrides(environ: Mapping[str, str]) -> tuple[dict[Key, tuple[str, Any]], list[Mistake]]:
    """The keys that variables give, each with its variable and its value, and the mistakes in them.

    A variable without "__" that is no key is passed over, as others may be called so, unless it is nearly one.
    """
    given: dict[Key, tuple[str, Any]] = {}
    wrong: list[Mistake] = []
    for name in sorted(environ):
        if not name.upper().startswith(PREFIX):
            continue
        key: Key = tuple(name[len(PREFIX) :].lower().split("__"))
        if len(key) == 1 and key != ("name",):
            near = difflib.get_close_matches(name.upper(), _variables(), n=1, cutoff=0.9)
            if near:
                wrong.append(Mistake(name, 0, f"{name} is no key; did you mean {near[0]}?"))
            continue
        fragment, known = schema.at(key)
        if known != key:
            wrong.append(Mistake(name, 0, unknown(key[: len(known) + 1], None)))
            continue
        value, mistakes = _value(environ[name], fragment)
        wrong += [Mistake(name, 0, text) for text in mistakes]
        if not mistakes:
            given[key] = name, value
    return given, wrong


def variable(key: Key) -> str:
    """The variable of a key."""
    return PREFIX + "__".join(str(part).upper() for part in key)


def _value(text: str, fragment: schema.Fragment) -> tuple[Any, list[str]]:
    """Text is taken as it stands, anything else as YAML; a list of names also without its brackets."""
    if schema.is_text(fragment):
        return text or None, []
    found = read(text)
    bare = found.value is not None and not found.wrong and not isinstance(found.value, (list, dict))
    if bare and schema.is_list_of_names(fragment):
        return [part.strip() for part in text.split(",") if part.strip()], []
    return found.value, [words for _, words in found.wrong]


def _variables() -> list[str]:
    return [variable(key) for key in schema.leaves()]
