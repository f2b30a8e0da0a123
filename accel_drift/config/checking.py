"""What pydantic finds wrong, in our words: place, key, what was given, what is allowed, what may have been meant."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from accel_drift.config import schema
from accel_drift.config.mistakes import Key, dotted, nearest, shown
from accel_drift.history.hidden import hidden

FAMILIAR: Mapping[str, str] = {
    "f1_drop": "performance.f1_drop",
    "production": "data.production_path",
    "reference_data": "data.reference_path",
    "inbox": "data.production_path",
    "topic": "kafka.topics",
    "brokers": "kafka.servers",
    "bootstrap.servers": "kafka.servers",
    "bootstrap_servers": "kafka.servers",
    "group.id": "kafka.group",
    "group_id": "kafka.group",
    "auto.offset.reset": "kafka.start",
    "auto_offset_reset": "kafka.start",
    "target": "data.label_column",
    "ks_pvalue_lt": "drift.alpha",
    "chi2_p_value": "drift.alpha",
    "p_value": "drift.alpha",
    "ks_statistic": "detectors.ks.min_effect",
    "js_divergence_gt": "detectors.jensen_shannon.min_effect",
    "psi_gt": "detectors.psi.min_effect",
    "aggregate_rule": "drift.rule",
    "drift_feature_fraction": "drift.rule",
    "drift_share": "drift.rule",
    "js": "detectors.jensen_shannon",
    "chi2": "detectors.chi_square",
    "emd": "detectors.wasserstein",
    "buckets": "bins",
    "epsilon": "pseudo_count",
    "numeric": "columns.numerical",
    "numerical_columns": "columns.numerical",
    "categorical_columns": "columns.categorical",
    "features": "columns.only",
    "rows": "windows.rows",
    "window_size": "windows.rows",
    "database": "history.url",
    "ttl_days": "history.retention_days",
}
"""Names that other tools have for a key -> ours."""


class Contradiction(NamedTuple):
    """What several sections say does not go together.

    Attributes:
        key: the one to look at.
        text: what is wrong with it.
        sections: all that were looked at.
    """

    key: Key
    text: str
    sections: tuple[str, ...]


class ContradictionError(ValueError):
    """Some of them."""

    def __init__(self, found: Sequence[Contradiction]) -> None:
        self.found = found
        super().__init__("; ".join(f"{dotted(one.key)}: {one.text}" for one in found))


def told(error: ValidationError, values: Any, faulty: Collection[str] = ()) -> list[tuple[Key, str]]:
    """The mistakes, each once: key and text.

    Args:
        error: what pydantic found.
        values: what it looked at.
        faulty: sections that were left out, of which nothing is known.
    """
    found: dict[Key, str] = {}
    for one in error.errors(include_url=False, include_input=False):
        cause = one.get("ctx", {}).get("error")
        if isinstance(cause, ContradictionError):
            known = [c for c in cause.found if not {*c.sections} & {*faulty}]
            found |= {c.key: f"{dotted(c.key)}: {c.text}" for c in known}
            continue
        key, text = _one(one["type"], tuple(one["loc"]), cause, values)
        found.setdefault(key, text)
    return [(key, hidden(text)) for key, text in found.items()]


def _one(kind: str, loc: Key, cause: Any, values: Any) -> tuple[Key, str]:
    if kind == "missing" and isinstance(loc[-1], str):
        said = str(schema.at(loc)[0].get("description", "")).rstrip(".")
        return loc[:-1], f"{dotted(loc[:-1])} lacks {loc[-1]}" + (f": {said[0].lower()}{said[1:]}" if said else "")
    if kind == "missing":  # a place of a list that has a fixed length
        loc = loc[:-1]
    if kind == "extra_forbidden":
        return loc, unknown(loc, _given(values, loc))
    fragment, key = schema.at(loc)
    if cause is not None and not schema.words_of(fragment):
        return _of_the_engine(str(cause), key, schema.keys(fragment))
    value = _given(values, key)
    near = nearest(value, schema.words_of(fragment)) if isinstance(value, str) else ""
    said = str(fragment.get("description", "")).rstrip(".")
    plain = said and not near and not schema.keys(fragment)
    meaning = f": {said[0].lower()}{said[1:]}" if plain else ""
    return key, f"{dotted(key)} is {shown(value)}; it takes {schema.allowed(fragment)}{near or meaning}"


def unknown(key: Key, value: Any) -> str:
    """What is said of a key that there is not."""
    section, _ = schema.at(key[:-1])
    there, name = schema.keys(section), str(key[-1])
    near = nearest(name, there)
    if not near:
        ours = {word: _elsewhere(word) for word in (name, *_leaves(value))}
        near = "".join(f"; {word} is {other} here" for word, other in ours.items() if other)
    end = "" if near.endswith("?") else ";"
    return f"there is no key {dotted(key)}{near}{end} {dotted(key[:-1]) or 'the file'} has {', '.join(there)}"


def _elsewhere(name: str) -> str:
    """Where a name from another place, or another tool, stands here; "" where nobody knows."""
    if name in FAMILIAR:
        return FAMILIAR[name]
    found = [dotted(key) for key in schema.leaves() if key[-1] == name and len(key) > 1]
    return found[0] if len(found) == 1 else f"detectors.{name}" if ("detectors", name) in schema.sections() else ""


def _leaves(value: Any) -> list[str]:
    if not isinstance(value, dict):
        return []
    return [name for key, inner in value.items() for name in (_leaves(inner) or [str(key)])]


def _of_the_engine(text: str, key: Key, there: list[str]) -> tuple[Key, str]:
    """A complaint of ours begins with the option that it is about, which may be a key below."""
    first = text.partition(" ")[0]
    if first in there:
        return (*key, first), f"{dotted(key)}.{text}"
    if key and first == key[-1]:
        return key, f"{dotted(key[:-1])}.{text}"
    return key, f"{dotted(key)}: {text}"


def _given(values: Any, key: Key) -> Any:
    for part in key:
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            return None
    return values
