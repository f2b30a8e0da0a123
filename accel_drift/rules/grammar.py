"""The language of rules: its words, and how a text is read, by recursive descent."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple, NoReturn

from accel_drift.detectors import get_class
from accel_drift.detectors import names as detector_names
from accel_drift.errors import ConfigError
from accel_drift.finding import Severity
from accel_drift.predictions.changed import METRICS
from accel_drift.rules.levels import refused
from accel_drift.rules.tree import ANY, EVERY, MAJORITY, OPERATORS, Compare, Condition, Logic, Series, Tree

NUMBERS = (
    *("health", "rows", *METRICS, "degraded", "labelled_rows", "mean_confidence", "mean_entropy", "mean_margin"),
    *(f"estimated_{name}" for name in METRICS),
    *("late_rows", "partly_late_rows", "untimed_rows", "dropped_rows", "ahead_rows"),
)
"""Numbers of a window that go by their bare names; others are written in quotes."""
_UNITS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3_600),
    **dict.fromkeys(("d", "day", "days"), 86_400),
    **dict.fromkeys(("w", "week", "weeks"), 604_800),
}
_LONGEST_S = 100 * 366 * 86_400
_MOST_WINDOWS = 1_000_000
_TOKEN = re.compile(
    r"\s*(?:(?P<quoted>\"[^\"]*\"|'[^']*')|(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|(?P<word>[^\W\d][\w.]*)"
    r"|(?P<sign>>=|<=|[><()%=!-]))"
)
_KEYWORDS = frozenset({"and", "or", "not", "for", "of", "any", "every", "each", "all", "majority", "most", "no"})
_IN_WORDS = {
    **dict.fromkeys(("below", "under", "less"), "<"),
    **dict.fromkeys(("above", "over", "exceeds", "greater", "more"), ">"),
}
_detectors = cache(detector_names)
LOUD = tuple(one for one in Severity if one is not Severity.NONE)
"""What an alert can be."""


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


def parse(text: str) -> Condition:
    """Read the condition of a rule.

    Raises:
        ConfigError: it cannot be read: where, what could stand there, and what may have been meant.

    >>> parse("income psi > 0.2 for 3 windows").windows
    3
    >>> parse("any column severity >= warning").compares()[0].level
    2.0
    """
    return _Reader(text).condition()


class _Reader:
    """Reads a text from left to right."""

    def __init__(self, text: str) -> None:
        self._text, self._tokens, self._at = text, _tokens(text), 0

    # Conditions.

    def condition(self) -> Condition:
        """The whole text."""
        if self._is("no") and self._is("data", skip=1):
            self._at += 2
            if not self._is("for"):
                self._wrong("for and a time are missing, such as: no data for 2 hours")
            self._at += 1
            if self._kind() == "number" and self._is("windows", "window", skip=1):
                self._wrong("windows that do not come cannot be counted; give a time, such as: no data for 2 hours")
            us = self._time()
            self._over("a rule about missing data stands alone: make two rules of it")
            return Condition(None, us=us)
        tree = self._either()
        windows, us = self._hold() if self._is("for") else (1, 0)
        self._over("")
        return Condition(tree, windows, us)

    def _either(self) -> Tree:
        found = [self._both()]
        while self._taken("or"):
            found.append(self._both())
        return found[0] if len(found) == 1 else Logic("or", tuple(found))

    def _both(self) -> Tree:
        found = [self._negated()]
        while self._taken("and"):
            found.append(self._negated())
        return found[0] if len(found) == 1 else Logic("and", tuple(found))

    def _negated(self) -> Tree:
        if self._taken("not"):
            return Logic("not", (self._negated(),))
        if self._taken("("):
            inner = self._either()
            if not self._taken(")"):
                self._wrong("a ) is missing")
            return inner
        return self._comparison()

    def _comparison(self) -> Compare:
        start = self._at
        many = self._many()
        if many is not None:
            return self._measured(many, start)
        if self._is("drifted") or (self._is("severity") and self._operator(1)):
            return self._measured(Series("report"), start)
        name = self._name()
        self._said_in_words()
        if self._operator():
            bare = self._tokens[start].kind == "word"
            if bare and name not in NUMBERS:
                self._at = start
                if name.lower() in _detectors():
                    whose = "all columns together" if get_class(name.lower()).joint else "a column"
                    or_name = "" if whose.startswith("all") else f", or a column before it: income {name} > 0.2"
                    self._wrong(f"{name} is of {whose}; write each column {name}{or_name}")
                self._wrong(
                    f"{name} is no number of a window{_nearest(name, NUMBERS)}; of a column say what is compared, such "
                    f"as {name} psi > 0.2; other numbers stand in quotes"
                )
            return self._compared(Series("report", name), start)
        if self._taken("drop"):
            return self._compared(Series("column", name, "performance"), start)
        return self._measured(Series("column", name), start)

    def _many(self) -> Series | None:
        """The words for several columns, if they stand here."""
        if self._is("any", "every", "each") and self._is("columns", skip=1):
            self._wrong(f"write {self._here()} column")
        if self._is("any", "every", "each") and self._is("column", skip=1):
            word = self._tokens[self._at].text.lower()
            self._at += 2
            return Series("each") if word == "each" else Series("columns", share=ANY if word == "any" else EVERY)
        if self._is("all") and self._is("columns", skip=1):
            self._at += 2
            return Series("columns", share=EVERY)
        if self._is("majority", "most") and self._is("of", skip=1):
            self._at += 2
            self._expect("columns")
            return Series("columns", share=MAJORITY)
        if self._kind() == "number":
            before, share = self._at, self._number()
            if not self._taken("of"):
                self._at = before
                self._wrong("a number cannot stand first, other than in: 30% of columns")
            self._expect("columns")
            if not 0 < share <= 1:
                self._at = before
                self._wrong("a share of columns is above 0% and at most 100%")
            return Series("columns", share=share)
        return None

    def _measured(self, series: Series, start: int) -> Compare:
        """What is compared of columns: a detector's number, a severity, or that it drifted."""
        report = series.over == "report"
        detector = "" if report or self._is("severity", "drifted", "p") else self._detector()
        if series.over == "columns" and detector and get_class(detector).joint:
            self._at -= 1
            self._wrong(f"{detector} is of all columns together, and of none alone; write each column {detector}")
        series = series._replace(detector=detector)
        if self._taken("drifted"):
            series = series._replace(aspect="drifted")
            return Compare(series, ">", 0.5, self._words(start))
        if self._taken("severity"):
            return self._compared(series._replace(aspect="severity"), start)
        if self._taken("p"):
            return self._compared(series._replace(aspect="p"), start)
        rise = detector == "missing" and self._taken("rise")
        return self._compared(series._replace(aspect="share") if detector == "missing" and not rise else series, start)

    def _compared(self, series: Series, start: int) -> Compare:
        """An operator and a level."""
        operator = self._operator()
        if not operator:
            self._said_in_words()
            self._wrong("one of > >= < <= is missing")
        self._at += 1
        level = self._severity() if series.aspect == "severity" else self._level(series)
        if series.over == "columns":
            series = series._replace(largest=operator.startswith(">"))
        return Compare(series, operator, level, self._words(start))

    # Words.

    def _level(self, series: Series) -> float:
        """A number that the series can be."""
        start = self._at
        level = self._number()
        if why := refused(series, level, percent=self._tokens[self._at - 1].text == "%"):
            self._at = start
            self._wrong(why)
        return level

    def _said_in_words(self) -> None:
        if sign := _IN_WORDS.get(self._here()):
            self._wrong(f"{self._shown()} is written {sign}")

    def _detector(self) -> str:
        known = _detectors()
        what = (*known, "severity", "drifted", "p", "drop")
        if self._kind() != "word" or self._tokens[self._at].text.lower() not in known:
            said = f"{self._shown()} is nothing that is measured{_nearest(self._here(), what)}"
            self._wrong(f"{said}; here stands one of {', '.join(what)}")
        self._at += 1
        return self._tokens[self._at - 1].text.lower()

    def _name(self) -> str:
        """A column or a number."""
        if self._kind() not in ("word", "quoted") or self._is(*_KEYWORDS):
            self._wrong(f"{self._shown()} stands where a column, a number of the window or any column ... should")
        token = self._tokens[self._at]
        self._at += 1
        return token.text[1:-1] if token.kind == "quoted" else token.text

    def _number(self) -> float:
        minus = self._taken("-")
        if self._kind() != "number":
            self._wrong(f"{self._shown()} stands where a number should")
        value = float(self._tokens[self._at].text)
        self._at += 1
        if self._taken("%"):
            value /= 100
        return -value if minus else value

    def _severity(self) -> float:
        word = self._here()
        if word not in LOUD:
            self._wrong(f"{self._shown()} is no severity{_nearest(word, LOUD)}; it is one of {', '.join(LOUD)}")
        self._at += 1
        return float(Severity(word).rank)

    def _hold(self) -> tuple[int, int]:
        """How long: windows, microseconds."""
        self._at += 1
        if self._kind() == "number" and self._is("windows", "window", skip=1):
            count = float(self._tokens[self._at].text)
            if not (count.is_integer() and 1 <= count <= _MOST_WINDOWS):
                self._wrong(f"windows are counted from 1 to {_MOST_WINDOWS:,}")
            self._at += 2
            return int(count), 0
        return 1, self._time()

    def _time(self) -> int:
        """A length of time, in microseconds."""
        value = self._number()
        word = self._here()
        if word not in _UNITS:
            near = _nearest(word, (*_UNITS, "windows"))
            self._wrong(f"{self._shown()} is no unit of time{near}; such as: 30 minutes, 6 hours, 2 days, 3 windows")
        self._at += 1
        if not 0 < value * _UNITS[word] <= _LONGEST_S:
            self._at -= 2
            self._wrong("a length of time is above 0 and at most 100 years")
        return round(value * _UNITS[word] * 1_000_000)

    # Tokens.

    def _kind(self) -> str:
        return self._tokens[self._at].kind if self._at < len(self._tokens) else ""

    def _here(self) -> str:
        return self._tokens[self._at].text.lower() if self._at < len(self._tokens) else ""

    def _is(self, *words: str, skip: int = 0) -> bool:
        """Whether one of some words stands here, or so many tokens on."""
        at = self._at + skip
        there = at < len(self._tokens) and self._tokens[at].kind in ("word", "sign")
        return there and self._tokens[at].text.lower() in words

    def _taken(self, word: str) -> bool:
        if not self._is(word):
            return False
        self._at += 1
        return True

    def _expect(self, word: str) -> None:
        if not self._taken(word):
            self._wrong(f"{self._shown()} stands where {word} should")

    def _operator(self, skip: int = 0) -> str:
        at = self._at + skip
        found = self._tokens[at] if at < len(self._tokens) else None
        return found.text if found is not None and found.kind == "sign" and found.text in OPERATORS else ""

    def _over(self, why: str) -> None:
        if self._at < len(self._tokens):
            held = any(token.text.lower() == "for" for token in self._tokens[: self._at])
            last = "for stands at the end of a rule, and is for the whole of it"
            self._wrong(why or (last if held else f"{self._shown()} is not understood here; and, or, for may follow"))

    def _words(self, start: int) -> str:
        return self._text[self._tokens[start].start : self._tokens[self._at - 1].end]

    def _shown(self) -> str:
        return self._tokens[self._at].text if self._at < len(self._tokens) else "the end"

    def _wrong(self, what: str) -> NoReturn:
        place = self._tokens[self._at].start if self._at < len(self._tokens) else self._tokens[-1].end
        raise ConfigError(f"{self._text!r:.300}, character {place + 1}: {what}")


def _tokens(text: str) -> list[_Token]:
    """The words of a text.

    Raises:
        ConfigError: it is no text, is empty, or a character is none of the language.
    """
    given: Any = text
    if not isinstance(given, str) or not given.strip():
        raise ConfigError(f"the condition is {given!r:.100}; it is a text such as 'income psi > 0.2 for 6 hours'")
    found: list[_Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            raise ConfigError(f"{text!r:.300}, character {at + 1}: {text[at]!r} is not understood")
        kind = match.lastgroup
        if kind == "sign" and match[kind] in ("=", "!"):
            raise ConfigError(f"{text!r:.300}, character {match.start(kind) + 1}: compare with > >= < or <=")
        found.append(_Token(kind, match[kind], match.start(kind), match.end(kind)))
        at = match.end()
    return found


def _nearest(word: str, there: Sequence[str]) -> str:
    near = difflib.get_close_matches(word.lower(), [str(one) for one in there], n=1, cutoff=0.6)
    return f" (did you mean {near[0]}?)" if near else ""
