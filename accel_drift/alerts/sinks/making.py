"""Sinks by the names of their kinds."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from inspect import signature
from typing import Any

from accel_drift.alerts.secrets import Secret
from accel_drift.alerts.sinks.base import Sink
from accel_drift.errors import ConfigError

GROUP = "accel_drift.sinks"
OURS = ("apprise", "jsonl", "log", "pagerduty")


def kinds() -> tuple[str, ...]:
    """All there are: ours, and those of other distributions."""
    return tuple(sorted({*OURS, *(entry.name for entry in entry_points(group=GROUP))}))


def sink_of(kind: str, *, secret: str | None = None, **options: Any) -> Sink:
    """A sink.

    Args:
        kind: one of `kinds()`.
        secret: the name of its secret, where it has one.
        **options: as its class takes them.

    Raises:
        ConfigError: there is no such kind, or an option cannot work.
    """
    given = {**options, **({} if secret is None else {"secret": Secret(secret)})}
    found = _class_of(kind)
    try:
        signature(found).bind(**given)
    except TypeError as error:
        takes = ", ".join(signature(found).parameters) or "nothing"
        raise ConfigError(f"a sink of kind {kind} takes {takes}: {error}") from None
    try:
        made = found(**given)
    except TypeError as error:
        raise ConfigError(f"a sink of kind {kind} cannot be made of {', '.join(given) or 'nothing'}: {error}") from None
    if not isinstance(made, Sink):
        raise ConfigError(f"the sink {kind!r} is no accel_drift.alerts.sinks.Sink; derive its class from that")
    return made


def sinks_of(sections: Mapping[str, Any]) -> dict[str, Sink]:
    """The sinks of a configuration, by their names.

    Args:
        sections: names -> sections with `kind`, `secret`, `path` and `options`.

    Raises:
        ConfigError: one of them cannot be made.
    """
    made: dict[str, Sink] = {}
    for name, section in sections.items():
        options = dict(section.options)
        if section.path is not None:
            options["path"] = section.path
        try:
            made[name] = sink_of(section.kind, secret=section.secret, **options)
        except ConfigError as error:
            raise ConfigError(f"alerts.sinks.{name}: {error}") from None
    return made


def _class_of(kind: str) -> Any:
    # A library of an extra is imported by the class that needs it, when it sends.
    if kind == "apprise":
        from accel_drift.alerts.sinks.services import Apprise

        return Apprise
    if kind == "pagerduty":
        from accel_drift.alerts.sinks.pager import PagerDuty

        return PagerDuty
    if kind in ("jsonl", "log"):
        from accel_drift.alerts.sinks import local

        return local.JsonLines if kind == "jsonl" else local.Log
    for entry in entry_points(group=GROUP, name=kind):
        return entry.load()
    raise ConfigError(f"there is no sink {kind!r}; there are {', '.join(kinds())}")
