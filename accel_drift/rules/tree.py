"""What a rule's text says, as plain records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

Over = Literal["report", "column", "each", "columns"]
Aspect = Literal["value", "share", "p", "severity", "drifted"]

OPERATORS = (">=", "<=", ">", "<")
ANY, EVERY, MAJORITY = 0.0, 1.0, 0.5 + 1e-6
"""Shares of columns: at least one, all of them, more than half."""


class Series(NamedTuple):
    """A number that every window has, or lacks.

    Attributes:
        over: report: a number of the window as a whole; column: of one column; each: of every column by itself;
            columns: of the column that the question over many columns turns on.
        name: of the number, where it is of the report; of the column, where it is of one.
        detector: whose finding it is; "" for all of a column's findings together.
        aspect: value (the effect, else the statistic), share (of rows that are missing), p (the adjusted p-value),
            severity (0 none to 3 critical) or drifted (0 or 1).
        share: of `columns`: at least this share of them; 0 for any of them.
        largest: of `columns`: whether the question is which of their numbers are large enough, or small enough.
    """

    over: Over
    name: str = ""
    detector: str = ""
    aspect: Aspect = "value"
    share: float = ANY
    largest: bool = True

    def of(self, column: str) -> Series:
        """The same of one column, where it is of each."""
        return self._replace(over="column", name=column) if self.over == "each" else self


class Compare(NamedTuple):
    """A series beside a number.

    Attributes:
        series: what is compared.
        operator: one of > >= < <=.
        level: with what.
        text: the words of the rule that say so.
    """

    series: Series
    operator: str
    level: float
    text: str


class Logic(NamedTuple):
    """Conditions that are joined.

    Attributes:
        word: and, or, not.
        of: two or more conditions; of not, one.
    """

    word: Literal["and", "or", "not"]
    of: tuple[Tree, ...]


Tree: TypeAlias = Compare | Logic


@dataclass(frozen=True, slots=True)
class Condition:
    """When a rule holds.

    Attributes:
        tree: what must be true of a window; None where the rule is about windows that do not come.
        windows: of so many windows in a row.
        us: and over so many microseconds from the first one's start to the last one's end; of windows that do not come,
            how long they must not.
    """

    tree: Tree | None
    windows: int = 1
    us: int = 0

    def compares(self) -> tuple[Compare, ...]:
        """All comparisons, in the order of the text."""
        if isinstance(self.tree, Compare):
            return (self.tree,)
        return () if self.tree is None else tuple(_compares(self.tree))

    @property
    def each(self) -> bool:
        """Whether every column has an alert of its own."""
        return any(one.series.over == "each" for one in self.compares())

    def identity(self) -> str:
        """A text that is the same for conditions that say the same, however they are written."""
        return repr((None if self.tree is None else _plain(self.tree), self.windows, self.us))


def _compares(tree: Tree) -> Iterator[Compare]:
    if isinstance(tree, Compare):
        yield tree
        return
    for one in tree.of:
        yield from _compares(one)


def _plain(tree: Tree) -> object:
    if isinstance(tree, Compare):
        return (tuple(tree.series), tree.operator, tree.level)
    return (tree.word, *map(_plain, tree.of))
