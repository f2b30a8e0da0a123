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
_OWN = frozenset({"secrets", "request", "request_file", "outcome_file", "wgmma", "postgres", "peers", "bench_rows"})
"""What is no key and is read by this package, its tests or its benchmarks."""
_MOST = 3


def overrides(environ: Mapping[str, str]) -> tuple[dict[Key, tuple[str, Any]], list[Mistake]]:
    """The keys that variables give, each with its variable and its value, and the mistakes in them.

    A variable that is no key is a mistake, but for those that are read elsewhere in this project.
    """
    given: dict[Key, tuple[str, Any]] = {}
    wrong: list[Mistake] = []
    for name in sorted(environ):
        if not name.upper().startswith(PREFIX):
            continue
        key: Key = tuple(name[len(PREFIX) :].lower().split("__"))
        if len(key) == 1 and key != ("name",):
            if key[0] not in _OWN:
                wrong.append(Mistake(name, 0, f"{name} is no key; {_advice(name)}"))
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


def _advice(name: str) -> str:
    """Which variables may have been meant."""
    last = name[len(PREFIX) :].lower()
    keys = list(schema.leaves())
    all_of = [variable(key) for key in keys]
    same = [variable(key) for key in keys if str(key[-1]) == last]
    near = same[:_MOST] or difflib.get_close_matches(name.upper(), all_of, n=1, cutoff=0.8)
    if near:
        return f"did you mean {', '.join(near)}?"
    return f"a key is written as {PREFIX}HISTORY__URL is for history.url; give a variable of your own another name"
