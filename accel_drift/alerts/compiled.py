"""Rules as arrays: one row for each that has a state of its own, and whether its condition is true of a window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import inf, nextafter
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from accel_drift.alerts.facts import Facts
from accel_drift.finding import Severity
from accel_drift.rules import Compare, Logic, Rule

NEVER = np.iinfo(np.int64).max

Bools: TypeAlias = npt.NDArray[np.bool_]
Rows: TypeAlias = npt.NDArray[np.intp]
Shape: TypeAlias = tuple[int | str, ...]
"""A condition in postfix order: places of its comparisons, and the words that join them."""

_SIMPLE: Shape = (0,)
_COLUMNS = ("windows", "us", "resolve_after", "cooldown", "remind", "escalate", "severity")


@dataclass(slots=True)
class _Form:
    """What the rows of one rule have in common."""

    shape: Shape
    compares: tuple[Compare, ...]
    numbers: tuple[int, ...]
    identity: bytes


class Compiled:
    """Rules as arrays.

    A rule without `each column` has one row; of another one a row is added for every column that is seen.

    Attributes:
        rules: the rules.
        rule: (n,) place of each row's rule.
        subjects: n columns, "" where the rule is not about each.
        digests: n names that a row has in every process.
        timed: (n,) rows about windows that do not come.
        found: (n,) place of the fact that says how severe the alert is; -1 where the rule does.
        windows, us, resolve_after, cooldown, remind, escalate, severity: (n,) the rules' numbers; times are in us.
    """

    windows: npt.NDArray[np.int64]
    us: npt.NDArray[np.int64]
    resolve_after: npt.NDArray[np.int64]
    cooldown: npt.NDArray[np.int64]
    remind: npt.NDArray[np.int64]
    escalate: npt.NDArray[np.int64]
    severity: npt.NDArray[np.int64]

    def __init__(self, rules: Sequence[Rule], facts: Facts) -> None:
        self.rules, self._facts = tuple(rules), facts
        self._forms = [_form(rule) for rule in self.rules]
        self.each = [i for i, rule in enumerate(self.rules) if rule.condition.each]
        self.subjects: list[str] = []
        self.digests: list[bytes] = []
        self.index: dict[bytes, int] = {}
        self._of: list[int] = []
        self._found: list[int] = []
        self._places: list[int] = []
        self._levels: list[float] = []
        self._clears: list[float] = []
        self._rows: dict[Shape, tuple[list[int], list[list[int]]]] = {}
        self._columns: set[str] = set()
        templates = set(self.each)
        for i in range(len(self.rules)):
            if i not in templates:
                self._add(i, "")
        self._build()

    def __len__(self) -> int:
        return len(self._of)

    def see(self, columns: Sequence[str]) -> bool:
        """Add the rows of columns that are new; whether there were any."""
        new = [column for column in columns if column not in self._columns] if self.each else []
        if not new:
            return False
        self._columns |= {*new}
        for i in self.each:
            for column in new:
                self._add(i, column)
        self._build()
        return True

    def clear_at(self, rows: Rows, opened: bool) -> None:
        """From now on these rows' conditions are looked at by the level of an alert that is open, or of none."""
        of = self._only[rows]
        of = of[of >= 0]
        self._now[of] = (self._clear if opened else self._level)[of]

    def truth(self) -> tuple[Bools, Bools]:
        """(n,) where the condition is true, and where it is false; neither where what it asks for is unknown."""
        values = self._facts.values[self._place] if len(self._place) else np.zeros(0)
        above, below = values > self._now, values <= self._now
        true, false = np.zeros(len(self), dtype=bool), np.zeros(len(self), dtype=bool)
        for shape, (rows, compares) in self._groups.items():
            if shape == _SIMPLE and len(rows) == len(self):
                return above, below
            true[rows], false[rows] = _joined(shape, compares, above, below)
        return true, false

    def touched(self, places: Sequence[int]) -> Bools:
        """(n,) rows whose condition asks for one of these facts."""
        asked = np.isin(self._place % max(len(self._facts), 1), np.array(places, dtype=np.int64))
        found = np.zeros(len(self), dtype=bool)
        for rows, compares in self._groups.values():
            if len(compares):
                found[rows] = asked[compares].any(axis=0)
        return found

    def compares(self, row: int) -> tuple[Compare, ...]:
        """The comparisons of a row, of its own column."""
        of = self._forms[self._of[row]].compares
        return tuple(one._replace(series=one.series.of(self.subjects[row])) for one in of)

    def _add(self, i: int, subject: str) -> None:
        form, row = self._forms[i], len(self._of)
        rows, compares = self._rows.setdefault(form.shape, ([], [[] for _ in form.compares]))
        rows.append(row)
        rule = self.rules[i]
        for k, one in enumerate(form.compares):
            compares[k].append(len(self._places))
            place = self._facts.place(one.series.of(subject))
            less = one.operator.startswith("<")
            self._places.append(-1 - place if less else place)
            self._levels.append(_strict(one.operator, one.level))
            self._clears.append(_strict(one.operator, one.level if rule.clear is None else rule.clear))
        digest = blake2b(form.identity + subject.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        self.index[digest] = row
        self.digests.append(digest)
        self.subjects.append(subject)
        self._of.append(i)
        self._found.append(self._places[-1] if rule.follows_findings else -1)

    def _build(self) -> None:
        """The lists as arrays."""
        count = len(self._facts)
        places = np.array(self._places, dtype=np.int64)
        self._place = np.where(places < 0, count - 1 - places, places)
        self._level, self._clear = np.array(self._levels), np.array(self._clears)
        self._now = self._level.copy()
        self.rule = np.array(self._of, dtype=np.int64)
        self.found = np.array(self._found, dtype=np.int64)
        self._groups = {
            shape: (np.array(rows, dtype=np.intp), np.array(compares, dtype=np.intp).reshape(len(compares), len(rows)))
            for shape, (rows, compares) in self._rows.items()
        }
        self._only = np.full(len(self), -1, dtype=np.intp)
        if _SIMPLE in self._groups:
            rows, compares = self._groups[_SIMPLE]
            self._only[rows] = compares[0]
        numbers = np.array([form.numbers for form in self._forms], dtype=np.int64).reshape(-1, len(_COLUMNS))
        for k, name in enumerate(_COLUMNS):
            setattr(self, name, numbers[self.rule, k])
        timed = np.array([rule.condition.tree is None for rule in self.rules], dtype=bool)
        self.timed = timed[self.rule]


def _form(rule: Rule) -> _Form:
    condition = rule.condition
    severity = Severity.WARNING if rule.severity is None else Severity(rule.severity)
    times = [rule.us(which) for which in ("cooldown", "remind_every", "escalate_after")]
    cooldown, remind, escalate = times[0] or 0, *(NEVER if us is None else us for us in times[1:])
    numbers = (condition.windows, condition.us, int(rule.resolve_after), cooldown, remind, escalate, severity.rank)
    shape = () if condition.tree is None else tuple(_postfix(condition.tree, [0]))
    return _Form(shape, condition.compares(), numbers, rule.identity.encode("utf-8", "surrogatepass") + b"\0")


def _postfix(tree: Any, counted: list[int]) -> Shape:
    if isinstance(tree, Compare):
        counted[0] += 1
        return (counted[0] - 1,)
    assert isinstance(tree, Logic)  # noqa: S101
    found = _postfix(tree.of[0], counted)
    if tree.word == "not":
        return (*found, "not")
    for one in tree.of[1:]:
        found = (*found, *_postfix(one, counted), tree.word)
    return found


def _strict(operator: str, level: float) -> float:
    """The level that a number, or the number with the other sign, is above where the comparison is true."""
    level = -level if operator.startswith("<") else level
    return nextafter(level, -inf) if operator.endswith("=") else level + 0.0


def _joined(shape: Shape, compares: Rows, above: Bools, below: Bools) -> tuple[Bools, Bools]:
    """Where conditions of one shape are true, and where false, by Kleene's logic of the unknown."""
    stack: list[tuple[Bools, Bools]] = []
    for code in shape:
        if isinstance(code, int):
            stack.append((above[compares[code]], below[compares[code]]))
        elif code == "not":
            true, false = stack.pop()
            stack.append((false, true))
        else:
            (true, false), (one, other) = stack.pop(), stack.pop()
            stack.append((true & one, false | other) if code == "and" else (true | one, false & other))
    if not stack:  # about windows that do not come: one that comes is against it
        nothing = np.zeros(1, dtype=bool)
        return nothing, ~nothing
    return stack[0]
