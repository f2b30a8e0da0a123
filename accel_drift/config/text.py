"""YAML as plain values with the line of every key: a part of YAML 1.2, without anchors, tags and further documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from accel_drift.config.mistakes import Key, dotted

_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(("false", "False", "FALSE"), False)
_WORDS |= {".nan": float("nan"), ".NaN": float("nan"), ".NAN": float("nan")}
_WORDS |= {f"{sign}.{inf}": float(f"{sign}inf") for sign in ("", "+", "-") for inf in ("inf", "Inf", "INF")}
_WHOLE = re.compile(r"[-+]?[0-9]+(_[0-9]+)*", re.ASCII)
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(_[0-9]+)*(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_DEEPEST = 12
_LONGEST_NUMBER = 400
_ABSENT = object()


@dataclass
class Read:
    """What a text says.

    Attributes:
        value: plain values: a mapping, if the text is well formed.
        lines: the line of each key and each place of a list, from 1.
        wrong: line and text of each mistake.
    """

    value: Any = None
    lines: dict[Key, int] = field(default_factory=dict)
    wrong: list[tuple[int, str]] = field(default_factory=list)


def read(text: str) -> Read:
    """Take a text apart; what is wrong with it is told and left out."""
    found = Read()
    try:
        _Reader(found, yaml.parse(text, Loader=yaml.SafeLoader)).document()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        found.wrong.append((line, f"the character {chr(error.character)!r} cannot stand in YAML; remove it"))
    except yaml.MarkedYAMLError as error:
        found.wrong.append(_syntax(error, text))
    return found


def plain(word: str) -> Any:
    """What a word without quotes means: null, true or false, a number, or itself.

    >>> plain("no"), plain("1e-3"), plain("10_000"), plain("~")
    ('no', 0.001, 10000, None)
    """
    if word in _WORDS:
        return _WORDS[word]
    if len(word) <= _LONGEST_NUMBER:
        if _WHOLE.fullmatch(word):
            return int(word)
        if _NUMBER.fullmatch(word):
            return float(word)
    return word


class _Reader:
    """Makes values of a parser's events, one document."""

    def __init__(self, found: Read, events: Iterator[Any]) -> None:
        self.found, self.events = found, events

    def document(self) -> None:
        next(self.events)
        if isinstance(next(self.events), yaml.StreamEndEvent):
            return
        value = self.node(next(self.events), ())
        next(self.events)
        self.found.value = None if value is _ABSENT else value
        after = next(self.events)
        if not isinstance(after, yaml.StreamEndEvent):
            self.wrong(after, "a second document begins here (---); one file is one configuration")

    def wrong(self, event: Any, text: str) -> None:
        self.found.wrong.append((event.start_mark.line + 1, text))

    def node(self, event: Any, key: Key) -> Any:
        """The value that begins with an event, or _ABSENT where it was told to be wrong."""
        self.found.lines.setdefault(key, event.start_mark.line + 1)
        if isinstance(event, yaml.AliasEvent):
            self.wrong(event, f"{_named(key)} is *{event.anchor}; anchors are not read here: write the value itself")
            return _ABSENT
        good = self.without_extras(event, key)
        if len(key) > _DEEPEST:
            raise yaml.MarkedYAMLError(problem="keys are nested too deep", problem_mark=event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            value = plain(event.value) if event.style is None else event.value
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self.sequence(key)
        else:
            value = self.mapping(key)
        return value if good else _ABSENT

    def without_extras(self, event: Any, key: Key) -> bool:
        if event.anchor is not None:
            self.wrong(event, f"{_named(key)} has an anchor, &{event.anchor}; anchors are not read here: remove it")
        elif event.tag is not None:
            self.wrong(event, f"{_named(key)} has a tag, {event.tag}; tags are not read here: write the value alone")
        else:
            return True
        return False

    def sequence(self, key: Key) -> list[Any]:
        made: list[Any] = []
        place = 0
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            value = self.node(event, (*key, place))
            place += 1
            if value is not _ABSENT:
                made.append(value)
        return made

    def mapping(self, key: Key) -> dict[str, Any]:
        made: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self.wrong(event, f"a key of {_named(key)} is no word; keys are words, followed by a colon")
                self.apart(event)
                self.apart(next(self.events))
                continue
            own = (*key, event.value)
            if not self.without_extras(event, own):
                self.apart(next(self.events))
                continue
            if own in self.found.lines:
                self.wrong(event, f"{dotted(own)} stands here a second time, after line {self.found.lines[own]}")
                self.apart(next(self.events))
                continue
            self.found.lines[own] = event.start_mark.line + 1
            value = self.node(next(self.events), own)
            if value is not _ABSENT:
                made[event.value] = value
        return made

    def apart(self, event: Any) -> None:
        """Pass over a value that is of no use."""
        _Reader(Read(), self.events).node(event, ())


def _named(key: Key) -> str:
    return dotted(key) or "the file"


def _syntax(error: yaml.MarkedYAMLError, text: str) -> tuple[int, str]:
    """Line and words of what the parser stopped at."""
    mark = error.problem_mark or error.context_mark
    line = 1 if mark is None else mark.line + 1
    lines = text.splitlines()
    here = lines[line - 1] if line <= len(lines) else ""
    if "\t" in here[: len(here) - len(here.lstrip())] or "'\\t'" in str(error.problem):
        return line, "a tab; YAML is indented with spaces"
    why = str(error.problem or error.context).replace("<", "").replace(">", "")
    if "mapping values are not allowed" in why:
        why = "a colon where no key can stand: a text with a colon and a space is written in quotes, and the keys of a "
        why += "section are indented alike"
    began = error.context_mark
    if began is not None and began.line + 1 != line:
        why += f" ({error.context} in line {began.line + 1})"
    return line, f"no YAML: {why}"
