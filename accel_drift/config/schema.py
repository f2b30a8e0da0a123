"""What a key takes, in words: from the JSON schema, so that checks, messages and the README say the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, cast

from accel_drift.config.mistakes import Key

_PLAIN = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "text"}
_PLURAL = {"integer": "whole numbers", "number": "numbers", "boolean": "true or false", "string": "names"}

Fragment = Mapping[str, Any]


@cache
def whole() -> dict[str, Any]:
    """The JSON schema of a configuration."""
    from accel_drift.config.config import Config

    made = Config.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "accel-drift"}


def schema_text() -> str:
    """The JSON schema, for editors: `# yaml-language-server: $schema=FILE` in a configuration names it."""
    return json.dumps(whole(), indent=2, ensure_ascii=False)


def at(key: Key) -> tuple[Fragment, Key]:
    """What the schema says of a key, and how much of it the schema knows: the rest are parts of a union."""
    here: Fragment = whole()
    for done, part in enumerate(key):
        inner = next((found for one in _members(here) if (found := _step(one, part)) is not None), None)
        if inner is None:
            return here, key[:done]
        here = inner
    return here, key


def keys(fragment: Fragment) -> list[str]:
    """The keys below one; none where it holds a plain value."""
    return [name for one in _members(fragment) for name in one.get("properties", ())]


def is_text(fragment: Fragment) -> bool:
    """Whether it takes text and nothing else, but perhaps null."""
    kinds = {one.get("type") for one in _members(fragment)}
    return "string" in kinds and kinds <= {"string", "null"}


def is_list_of_names(fragment: Fragment) -> bool:
    """Whether it takes a list of texts, whatever else, and no single text."""
    members = _members(fragment)
    lists = [one for one in members if one.get("type") == "array"]
    texts = any(one.get("type") == "string" for one in members)
    return bool(lists) and not texts and all(is_text(one.get("items", {})) for one in lists)


def words_of(fragment: Fragment) -> list[str]:
    """The words that it takes, where it takes some only."""
    found: list[str] = []
    for one in _members(fragment):
        found += [str(word) for word in one.get("enum", [one["const"]] if "const" in one else [])]
    return found


def allowed(fragment: Fragment) -> str:
    """What it takes: `a whole number of at least 1, or null`."""
    members = _members(fragment)
    words = words_of(fragment)
    told = [_told(one) for one in members if "enum" not in one and "const" not in one and one.get("type") != "null"]
    null = ["null"] if any(one.get("type") == "null" for one in members) else []
    parts = [*words, *told, *null]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}" if parts else "anything"


def _told(one: Fragment) -> str:
    kind = one.get("type", "")
    if "properties" in one:
        return f"keys below it ({', '.join(one['properties'])})"
    if kind == "object":
        return "a mapping of names"
    if kind == "array":
        return _list(one)
    text = _PLAIN.get(str(kind), "anything") + _bounds(one)
    return text + (f" such as {one['examples'][0]}" if one.get("examples") else "")


def _list(one: Fragment) -> str:
    if "prefixItems" in one:
        return f"a list of {len(one['prefixItems'])} numbers"
    item = one.get("items", {})
    words = words_of(item)
    least = f", at least {one['minItems']}" if one.get("minItems") else ""
    if words:
        return f"a list of any of {', '.join(words)}{least}"
    members = _members(item)
    return f"a list of {_PLURAL.get(members[0].get('type', ''), 'values') if len(members) == 1 else 'values'}{least}"


def _bounds(one: Fragment) -> str:
    least, most = one.get("minimum"), one.get("maximum")
    above, below = one.get("exclusiveMinimum"), one.get("exclusiveMaximum")
    told = [f"of at least {least:g}"] if least is not None else []
    told += [f"above {above:g}"] if above is not None else []
    told += [f"at most {most:g}"] if most is not None else []
    told += [f"below {below:,.15g}"] if below is not None else []
    if one.get("minLength"):
        told.append("that is not empty")
    return f" {' and '.join(told)}" if told else ""


def _members(fragment: Fragment) -> list[Fragment]:
    """The parts of a union, with what they refer to."""
    found = _resolved(fragment)
    return [m for one in found["anyOf"] for m in _members(one)] if "anyOf" in found else [found]


def _resolved(fragment: Fragment) -> Fragment:
    if "$ref" in fragment:
        name = fragment["$ref"].rpartition("/")[2]
        return {**whole()["$defs"][name], **{k: v for k, v in fragment.items() if k != "$ref"}}
    return fragment


def _step(one: Fragment, part: str | int) -> Fragment | None:
    if isinstance(part, int):
        items = one.get("prefixItems")
        if items is not None:
            return cast("Fragment", items[part]) if part < len(items) else None
        return one.get("items")
    found = one.get("properties", {}).get(part)
    if found is None and isinstance(one.get("additionalProperties"), dict):
        return cast("Fragment", one["additionalProperties"])
    return cast("Fragment | None", found)


@cache
def leaves() -> tuple[Key, ...]:
    """All keys that hold a value."""
    return tuple(key for key, fragment in _walk(whole(), ()) if not keys(fragment))


@cache
def sections() -> tuple[Key, ...]:
    """All keys that hold keys."""
    return tuple(key for key, fragment in _walk(whole(), ()) if keys(fragment))


def _walk(fragment: Fragment, key: Key) -> Iterator[tuple[Key, Fragment]]:
    for one in _members(fragment):
        for name, inner in one.get("properties", {}).items():
            yield (*key, name), inner
            yield from _walk(inner, (*key, name))
