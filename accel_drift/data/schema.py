"""Columns by name, kind and type, and how two sets of columns differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from accel_drift.errors import ConfigError, SchemaError

NULL_TYPE = "null"
"""Type of a column that holds no value at all; it fits every kind."""

DERIVED = {"length": ("length",), "gaps": ("gaps",), "text": ("length", "unseen words")}
"""What a column can be compared by instead of its values -> the columns that are made of it: see `derive`."""

_NUMBER_TYPES = ("int", "uint", "float", "double", "halffloat", "decimal", "duration")


class Kind(StrEnum):
    """What a column holds, as far as a comparison is concerned."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    IDENTIFIER = "identifier"
    EMBEDDING = "embedding"

    @classmethod
    def named(cls, word: str) -> Kind:
        """The kind of that name.

        Raises:
            ConfigError: there is no such kind.
        """
        try:
            return cls(str(word).lower())
        except ValueError:
            raise ConfigError(f"there is no kind {word!r}; there are {', '.join((*cls, *DERIVED))}") from None


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, its kind, and the Arrow type that it came with.

    Attributes:
        name: the column's name.
        kind: what it holds.
        type: name of its Arrow type, `int64` or `dictionary<string>`; `null` if it holds no value.
        reason: why it is of this kind, where that is not obvious.
        derived: `length`, `gaps` or `unseen words` where it is made from another column, which `source` names.
        vocabulary: the words of some reference rows, of a column of unseen words: see `words`.
    """

    name: str
    kind: Kind
    type: str
    reason: str = ""
    derived: str = ""
    vocabulary: str = ""

    @property
    def source(self) -> str:
        """The column that it is made from; itself where it was read as it is."""
        return self.name.removeprefix(derived_name(self.derived, "")) if self.derived else self.name

    @property
    def group(self) -> str:
        """`numeric`, `text`, `boolean`, `time`, `embedding[k]`, or `any` for a column without a value.

        Two columns can be compared when their groups are equal. An identifier keeps the group of its
        storage, so that an integer key that is a number in the other table is not called retyped.
        """
        if self.type == NULL_TYPE:
            return "any"
        if self.kind is Kind.IDENTIFIER:
            return "numeric" if self.type.startswith(_NUMBER_TYPES) else "text"
        if self.kind is Kind.EMBEDDING:
            return f"embedding[{dimensions(self.type)}]"
        return _GROUPS[self.kind]


_OPTIONAL = ("reason", "derived", "vocabulary")
_GROUPS = {
    Kind.NUMERIC: "numeric",
    Kind.CATEGORICAL: "text",
    Kind.BOOLEAN: "boolean",
    Kind.TIMESTAMP: "time",
}


def derived_name(how: str, source: str) -> str:
    """What the column derived from `source` is called: `length of comment`."""
    return f"{how} of {source}"


def embedding_type(item: str, k: int) -> str:
    """Name of the Arrow type of embeddings of `k` numbers."""
    return f"fixed_size_list<item: {item}>[{k}]"


def dimensions(type_name: str) -> int:
    """How many numbers an embedding of this type has: 8 of `fixed_size_list<item: float>[8]`; 0 of other types."""
    if not type_name.startswith("fixed_size_list") or not type_name.endswith("]"):
        return 0
    return int(type_name[type_name.rindex("[") + 1 : -1])


@dataclass(frozen=True)
class Schema:
    """The columns of a table, in order."""

    columns: tuple[Column, ...]

    @cached_property
    def _by_name(self) -> Mapping[str, Column]:
        return {column.name: column for column in reversed(self.columns)}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns."""
        return tuple(column.name for column in self.columns)

    def of(self, *kinds: Kind) -> tuple[str, ...]:
        """Names of the columns of these kinds."""
        return tuple(column.name for column in self.columns if column.kind in kinds)

    def get(self, name: str) -> Column | None:
        """The column of that name, or None."""
        return self._by_name.get(name)

    def select(self, names: Iterable[str]) -> Schema:
        """Only these columns, in the order given; names that are not there are left out."""
        known = {column.name: column for column in self.columns}
        return Schema(tuple(known[name] for name in names if name in known))

    def to_list(self) -> list[dict[str, str]]:
        """The columns as plain JSON values."""
        return [
            {"name": c.name, "kind": str(c.kind), "type": c.type, "reason": c.reason}
            | ({"derived": c.derived} if c.derived else {})
            | ({"vocabulary": c.vocabulary} if c.vocabulary else {})
            for c in self.columns
        ]

    @classmethod
    def from_list(cls, columns: Iterable[Mapping[str, str]]) -> Schema:
        """What `to_list` gave.

        Raises:
            SchemaError: an entry lacks its name, kind or type, or names an unknown kind.
        """
        try:
            return cls(
                tuple(
                    Column(c["name"], Kind(c["kind"]), c["type"], *(c.get(f, "") for f in _OPTIONAL)) for c in columns
                )
            )
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise SchemaError(f"not a list of columns: {error!r}") from error


@dataclass(frozen=True, slots=True)
class SchemaDiff:
    """How a batch's columns differ from its reference's. False when they do not.

    Attributes:
        added: columns that only the batch has.
        removed: columns that only the reference has.
        retyped: (name, type in the reference, type in the batch) of columns that became another kind of
            thing: numbers that are text now. An int64 that is a float64 now is still a number.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    retyped: tuple[tuple[str, str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.retyped)

    def to_dict(self) -> dict[str, Any]:
        """The difference as plain JSON values."""
        return {
            "added": list(self.added),
            "removed": list(self.removed),
            "retyped": [{"column": name, "reference": was, "batch": now} for name, was, now in self.retyped],
        }

    @classmethod
    def from_dict(cls, parts: Mapping[str, Any]) -> SchemaDiff:
        """What `to_dict` gave."""
        retyped = tuple((r["column"], r["reference"], r["batch"]) for r in parts["retyped"])
        return cls(tuple(parts["added"]), tuple(parts["removed"]), retyped)


def diff(reference: Schema, batch: Schema) -> SchemaDiff:
    """What was added, removed and retyped between the reference and the batch."""
    ours, theirs = set(reference.names), set(batch.names)
    retyped = []
    for was in reference.columns:
        now = batch.get(was.name)
        if now is not None and not comparable(was, now):
            retyped.append((was.name, _said(was, now), _said(now, was)))
    return SchemaDiff(
        added=tuple(name for name in batch.names if name not in ours),
        removed=tuple(name for name in reference.names if name not in theirs),
        retyped=tuple(retyped),
    )


def comparable(one: Column, other: Column) -> bool:
    """Whether two columns hold the same sort of thing. A column without any value fits every other."""
    return "any" in (one.group, other.group) or one.group == other.group


def common(reference: Schema, batch: Schema) -> tuple[str, ...]:
    """Names of the columns that can be compared, in the reference's order.

    Raises:
        SchemaError: the two have no column name in common.
    """
    shared = [name for name in reference.names if batch.get(name) is not None]
    if not shared:
        raise nothing_common(reference, batch.names)
    retyped = {name for name, _, _ in diff(reference, batch).retyped}
    return tuple(name for name in shared if name not in retyped)


def nothing_common(reference: Schema, names: Iterable[str]) -> SchemaError:
    """What to raise where a batch with columns of these names has none of the reference's."""
    return SchemaError(
        "reference and batch have no column in common: the reference has "
        f"{listed(reference.names)}; the batch has {listed(names)}"
    )


def listed(names: Iterable[str], most: int = 12) -> str:
    """Names for a message, cut off after a dozen; "no columns" when there are none."""
    names = [repr(name) for name in names]
    if not names:
        return "no columns"
    if len(names) > most:
        return ", ".join(names[:most]) + f" and {len(names) - most} more"
    return ", ".join(names)


def _said(column: Column, other: Column) -> str:
    """The type, with the kind where the types alone do not show the difference."""
    return column.type if column.type != other.type else f"{column.type} ({column.kind})"
