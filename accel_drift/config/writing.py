"""A configuration as YAML: with every key, its default and what it means, or as short as it can be."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accel_drift.config.config import Config
from accel_drift.config.detectors import DetectorOptions, Detectors, options_of
from accel_drift.config.mistakes import as_keys
from accel_drift.config.sections import Section
from accel_drift.config.text import plain
from accel_drift.data.schema import Kind
from accel_drift.detectors import names
from accel_drift.history.hidden import hidden

if TYPE_CHECKING:
    from accel_drift.data.table import Table

WIDTH = 110
_SAFE = re.compile(r"[A-Za-z_/.][\w/.-]*", re.ASCII)
_ODD = frozenset({"y", "n", "yes", "no", "on", "off"})
"""Words that readers of YAML 1.1 take for true or false."""
_NO_JSON = {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}


@dataclass(frozen=True, slots=True)
class Found:
    """What a reference's columns are.

    Attributes:
        kinds: column -> kind.
        excluded: column -> why it is not compared.
    """

    kinds: Mapping[str, str]
    excluded: Mapping[str, str]

    @classmethod
    def of(cls, reference: Any, *, label: str | None = None, drop: Sequence[str] = ()) -> Found:
        """Look at a data set: at a sample of its rows, where it comes in pieces.

        Raises:
            DataError: it cannot be read, or has no rows.
        """
        from accel_drift.profiles.learning import Asked, learn
        from accel_drift.profiles.plan import sample_of

        asked = Asked(detectors=("missing",), label=label, drop=drop)
        table: Table = learn(reference, asked, pick=sample_of(0)).table
        return cls({c.name: str(c.kind) for c in table.schema.columns}, dict(table.excluded))

    def of_kind(self, kind: Kind) -> tuple[str, ...]:
        """The columns of a kind."""
        return tuple(name for name, own in self.kinds.items() if own == kind)


def started(reference: str, *, label: str | None = None, drop: Sequence[str] = ()) -> str:
    """A configuration to begin with, as YAML: for a data set, with its columns and why some are not compared.

    Args:
        reference: the path of a data set.
        label: the label's column.
        drop: columns to leave out.

    Raises:
        DataError: the data set cannot be read, or has no rows or no such columns.
    """
    found = Found.of(reference, label=label, drop=drop)
    columns = {"numerical": found.of_kind(Kind.NUMERIC), "categorical": found.of_kind(Kind.CATEGORICAL), "drop": drop}
    config = Config.of(
        {
            "name": Path(reference).stem or "monitor",
            "data": {"reference_path": reference, "label_column": label},
            "columns": columns,
        }
    )
    return commented(config, found)


def commented(config: Config, found: Found | None = None) -> str:
    """The configuration as YAML, with a line of meaning for every key; password and all.

    Args:
        config: what is written.
        found: columns that are told of beside those that the configuration names.
    """
    lines = [*_wrapped(_HEAD, ""), ""]
    for name, value in _fields(config):
        if not isinstance(value, Section):
            lines += [*_wrapped(_meaning(config, name), ""), f"{name}: {word(value)}"]
            continue
        lines += ["", *_wrapped(_about(value), ""), f"{name}:"]
        if isinstance(value, Detectors):
            lines += _detectors(value)
            continue
        lines += _columns(found) if name == "columns" and found is not None else []
        lines += _keys(value, "  ", set())
    return "\n".join(lines) + "\n"


def effective(config: Config) -> str:
    """The settings as YAML, without meanings and without passwords; of detectors those in use."""
    lines = []
    for name, value in _fields(config):
        if not isinstance(value, Section):
            lines.append(f"{name}: {word(value)}")
            continue
        lines.append(f"{name}:")
        if isinstance(value, Detectors):
            lines.append(f"  use: {word(value.use)}")
            for detector in value.use:
                lines += [f"  {detector}:", *(_set(k, v, "    ") for k, v in _fields(options_of(value, detector)))]
            continue
        lines += [_set(key, inner, "  ") for key, inner in _fields(value)]
    return hidden("\n".join(lines)) + "\n"


def word(value: Any) -> str:
    """A value as YAML writes it in one line, so that it is read back as it is, by any reader of YAML.

    >>> word((1, "no", "a b", None, 0.5, {"x": True}))
    '[1, "no", "a b", null, 0.5, {x: true}]'
    """
    if isinstance(value, str):
        safe = _SAFE.fullmatch(value) and plain(value) == value and value.lower() not in _ODD
        return value if safe and plain(value.lower()) == value.lower() else json.dumps(value, ensure_ascii=False)
    if isinstance(value, Section):
        value = value.changed()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{word(str(key))}: {word(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(word, value)) + "]"
    return _NO_JSON.get(str(value), json.dumps(value))


_HEAD = (
    "What accel-drift watches, and how. Every key stands here with its default; a key that is left out has it, too. "
    "Any key can be given by the environment: ACCEL_DRIFT_HISTORY__URL is history.url. Check this file: accel-drift "
    "config FILE"
)


def _fields(section: Section) -> Iterator[tuple[str, Any]]:
    for name in type(section).model_fields:
        yield name, getattr(section, name)


def _meaning(section: Section, name: str) -> str:
    return type(section).model_fields[name].description or ""


def _about(section: Section) -> str:
    return " ".join((type(section).__doc__ or "").split()).replace("`", "")


def _wrapped(text: str, indent: str, more: str = "") -> list[str]:
    """A text as comment lines; those after the first stand further in by `more`."""
    return textwrap.wrap(text, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# {more}")


def _set(name: str, value: Any, indent: str) -> str:
    """A key with its value, a long list over several lines."""
    line = f"{indent}{name}: {word(value)}"
    if len(line) <= WIDTH or not isinstance(value, tuple):
        return line
    items = textwrap.wrap(", ".join(map(word, value)), WIDTH - 4, break_long_words=False, break_on_hyphens=False)
    return "\n".join([f"{indent}{name}: [", *(f"{indent}  {item}" for item in items), f"{indent}]"])


def _keys(section: Section, indent: str, said: set[str]) -> list[str]:
    lines = []
    for name, value in _fields(section):
        meaning = _meaning(section, name)
        lines += [] if meaning in said else _wrapped(meaning.replace("`", ""), indent)
        said.add(meaning)
        lines.append(_set(name, value, indent))
    return lines


def _detectors(section: Detectors) -> list[str]:
    """The detectors in use with all options; the others as comments. What options have in common is said once."""
    lines = [*_wrapped(_meaning(section, "use"), "  "), _set("use", section.use, "  ")]
    said: set[str] = set()
    for name in [*section.use, *(n for n in names() if n not in section.use)]:
        options: DetectorOptions = options_of(section, name)
        block = [*_wrapped(_about(options), "  "), f"  {name}:", *_keys(options, "    ", said)]
        if name not in section.use:
            block = [line if line.lstrip().startswith("#") else f"  # {line[2:]}" for line in _split(block)]
        lines += block
    return lines


def _split(lines: Sequence[str]) -> list[str]:
    return [part for line in lines for part in line.split("\n")]


def _columns(found: Found) -> list[str]:
    """What is told of columns that no list below names."""
    lines = []
    for kind in Kind:
        if kind not in (Kind.NUMERIC, Kind.CATEGORICAL) and found.of_kind(kind):
            lines += _wrapped(f"{kind}: {', '.join(map(word, found.of_kind(kind)))}", "  ")
    if found.excluded:
        lines.append("  # Not compared:")
        told = [f"  {word(name)}: {as_keys(why)}" for name, why in found.excluded.items()]
        lines += [line for one in told for line in _wrapped(one, "  ", "    ")]
    return lines
