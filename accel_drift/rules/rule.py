"""A rule: when an alert opens and ends, how severe it is, and who is told how often."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from math import isfinite
from typing import Any

from accel_drift.errors import ConfigError
from accel_drift.history.window import NAME_LENGTH, text
from accel_drift.monitor.windows import length
from accel_drift.options import at_least
from accel_drift.rules.grammar import LOUD, parse
from accel_drift.rules.levels import refused
from accel_drift.rules.tree import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When somebody is to be told.

    Attributes:
        name: what tells it from other rules.
        when: the condition, such as "income psi > 0.2 for 6 hours".
        severity: watch, warning or critical; None for that of what was found, where the condition asks for a severity
            alone, and else warning.
        clear: level below which (above, where the condition is < or <=) the alert ends; None for the condition's own.
            Only of a condition with one comparison.
        resolve_after: windows in a row that end the alert.
        cooldown: how long after its end no new one opens; one whose condition holds then opens at the first window
            after that.
        remind_every: how often to tell again while it is open; None for never.
        escalate_after: how long until others are told, too; None for never.
        escalate_to: their sinks.
        sinks: who is told; none for all.

    Times are lengths such as "30min", "6h", "1d", or a timedelta, and are those of windows, not of a clock.

    Raises:
        ConfigError: something of it cannot be; the message names the rule.
    """

    name: str
    when: str
    severity: str | None = None
    clear: float | None = None
    resolve_after: int = 1
    cooldown: str | timedelta | None = None
    remind_every: str | timedelta | None = None
    escalate_after: str | timedelta | None = None
    escalate_to: tuple[str, ...] = ()
    sinks: tuple[str, ...] = ()
    condition: Condition = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        text(self.name, NAME_LENGTH, "the name of a rule", "income drifts")
        try:
            object.__setattr__(self, "condition", parse(self.when))
            self._check()
        except ConfigError as error:
            raise ConfigError(f"rule {self.name!r}: {error}") from None

    def us(self, which: str) -> int | None:
        """One of its times in microseconds; None where there is none.

        Raises:
            ConfigError: it is no length of time.
        """
        given: Any = getattr(self, which)
        if given is None:
            return None
        found = length(given, which)
        if found.months:
            raise ConfigError(f"{which} is {given!r}; months differ in length: give days, such as 30d")
        return found.us

    @property
    def follows_findings(self) -> bool:
        """Whether the alert is as severe as what was found."""
        compares = self.condition.compares()
        return self.severity is None and len(compares) == 1 and compares[0].series.aspect == "severity"

    @property
    def identity(self) -> str:
        """What an alert must have in common with the rule to be of it still."""
        clear = None if self.clear is None else float(self.clear)
        return repr((self.name, self.condition.identity(), clear))

    def _check(self) -> None:
        if self.severity is not None and self.severity not in LOUD:
            raise ConfigError(f"severity is {self.severity!r}; it is one of {', '.join(LOUD)}")
        at_least(self.resolve_after, 1, "resolve_after", "windows in a row that end the alert")
        for which in ("cooldown", "remind_every", "escalate_after"):
            self.us(which)
        for which in ("sinks", "escalate_to"):
            given: Any = getattr(self, which)
            if isinstance(given, str) or not all(isinstance(one, str) and one for one in given):
                raise ConfigError(f"{which} is {given!r:.100}; it is a list of names of sinks")
            object.__setattr__(self, which, tuple(given))
        if (self.escalate_after is None) != (not self.escalate_to):
            raise ConfigError("escalate_after and escalate_to go together; give both, or neither")
        self._check_clear()

    def _check_clear(self) -> None:
        if self.clear is None:
            return
        given: Any = self.clear
        compares = self.condition.compares()
        if len(compares) != 1 or compares[0].series.aspect in ("severity", "drifted"):
            raise ConfigError("clear is given; it is of a condition with one comparison of a number")
        if isinstance(given, bool) or not isinstance(given, (int, float)) or not isfinite(given):
            raise ConfigError(f"clear is {given!r}; it is a number")
        one = compares[0]
        if why := refused(one.series, given):
            raise ConfigError(f"clear is {given:g}; {why}")
        above = one.operator.startswith(">")
        if given > one.level if above else given < one.level:
            raise ConfigError(
                f"clear is {given:g}; the alert opens at {one.operator} {one.level:g}, and would end at once: clear is "
                f"at {'most' if above else 'least'} that"
            )


DEFAULT = (
    Rule(name="column drifts", when="each column severity >= warning"),
    Rule(name="window drifts", when="severity >= critical"),
)
"""Rules where none are given: an alert for each column, and one for the window as a whole where it is bad."""
