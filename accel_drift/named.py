"""Classes that are found by name: ours by the file that each stands in, third parties' by entry points."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from accel_drift.errors import ConfigError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Named(Generic[T]):
    """The classes of a package.

    Attributes:
        package: its full name, and that of the group of the entry points. A module of it holds its class as DETECTOR.
        word: what such a class is called in an error.
        others: modules that hold none.
    """

    package: str
    word: str
    others: frozenset[str]

    def names(self) -> tuple[str, ...]:
        """All there are, in alphabetical order."""
        return tuple(sorted(self._own() | {e.name for e in entry_points(group=self.package)}))

    def get_class(self, name: str) -> type[T]:
        """The class of a name; ours before third parties'.

        Raises:
            ConfigError: there is none.
        """
        # To look for entry points takes many times as long as to save a stream.
        if name in self._own():
            own: type[T] = importlib.import_module(f"{self.package}.{name}").DETECTOR
            return own
        for entry in entry_points(group=self.package, name=name):
            found: type[T] = entry.load()
            return found
        raise ConfigError(f"no {self.word} {name!r}; there are {', '.join(self.names())}")

    def _own(self) -> set[str]:
        return {m.name for m in pkgutil.iter_modules(sys.modules[self.package].__path__)} - self.others
