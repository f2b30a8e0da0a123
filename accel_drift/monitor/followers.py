"""What draws conclusions from windows that are finished, and has them written in the window's own transaction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from accel_drift.errors import ConfigError
from accel_drift.history import History, Metric, Window
from accel_drift.history.steps import Recorded

Work = Callable[[Any], object]
"""What is done with a connection to the history's database, in the transaction at hand; it may be called again."""


class Follower(ABC):
    """One that is told of every window of a monitor, in their order, before it is written.

    What it knows is written with the window, as `Part` does it: a process killed at any moment finds the follower where
    the last written window left it.

    Attributes:
        name: what tells it from other followers and parts of the monitor.
    """

    name: str

    def begin(self, monitor: str, history: History | None) -> None:  # noqa: B027  (most have nothing to do)
        """It follows this monitor from now on.

        Raises:
            ConfigError: it cannot, as where it needs a history and there is none.
        """

    @abstractmethod
    def follow(self, window: Recorded) -> Work | None:
        """A window is finished.

        Returns:
            What is to be written with it, of what was concluded.
        """

    def measured(
        self,
        found: Mapping[str, tuple[Metric, ...]],  # noqa: ARG002
        windows: Mapping[str, Window],  # noqa: ARG002
    ) -> Work | None:
        """Labels came late: earlier windows have these numbers anew.

        Args:
            found: key of a window -> its numbers, the earliest window first.
            windows: key -> when it was; those that the history no longer has are not among them.
        """
        return None

    def tick(self, now: datetime) -> Work | None:  # noqa: ARG002
        """Time passed, and no window was finished."""
        return None

    @abstractmethod
    def changes(self) -> Mapping[str, bytes | None]:
        """As of a `Part`: what became other since the last call, of what it knows."""

    @abstractmethod
    def restore(self, pieces: Mapping[str, bytes]) -> None:
        """As of a `Part`: know what these pieces say, and nothing else; no piece is the beginning."""


def checked(followers: Any, taken: Iterable[str], monitor: str, history: History | None) -> tuple[Follower, ...]:
    """Followers of a monitor, which begin anew with it.

    Args:
        followers: what was given.
        taken: names of the monitor's parts.
        monitor: its own.
        history: its history.

    Raises:
        ConfigError: they are no list of followers, one cannot follow this monitor, or two have one name.
    """
    given = (*followers,) if isinstance(followers, Iterable) else (followers,)
    names = [*taken]
    for one in given:
        if not isinstance(one, Follower):
            raise ConfigError(f"followers holds {one!r:.100}; it is a list of followers, such as Alerts(...)")
        if one.name in names or "/" in one.name:
            raise ConfigError(f"a follower is called {one.name!r}; give it a name of its own, without a slash")
        names.append(one.name)
    for one in given:
        one.begin(monitor, history)
        one.restore({})
    return given


def all_of(works: Iterable[Work | None]) -> tuple[Work, ...]:
    """What there is to write."""
    return tuple(work for work in works if work is not None)
