"""The section of a configuration that says when the model is learned again, and what does it."""

from __future__ import annotations

import difflib
from typing import Any, Literal, Self, TypeAlias

from pydantic import model_validator

from accel_drift.config.sections import AtLeastZero, Duration, Fall, Names, Section, Whole
from accel_drift.errors import ConfigError
from accel_drift.history import History
from accel_drift.monitor.windows import length
from accel_drift.retraining import Gate, Policy, Runner
from accel_drift.retraining.hooks import hook_of
from accel_drift.retraining.policy import GATE_KEYS, seconds_of

On: TypeAlias = Literal["data_drift", "concept_drift", "either", "f1_drop"]


class Retraining(Section):
    """When the model is to be learned again, and what does it; requests and what came of them stand in the history."""

    enabled: bool = False
    """Whether it is asked for."""
    retrain_on: On = "either"
    """What asks: columns drifted, the model became worse, either, or a fall of F1 by more than `f1_drop`."""
    min_drift_windows: Whole = 3
    """So many windows one after another; those in which it could not be tested do not count."""
    f1_drop: Fall = 0.05
    """The fall of F1 below the baseline's that is put up with."""
    cooldown: Duration = "7d"
    """Time from one request to the next at least, by the ends of windows."""
    again: bool = False
    """Ask again after the cool-down while the same drift goes on; false asks once a drift."""
    strategy: Literal["append", "replace"] = "append"
    """Learn on the reference's data and the drifted windows', or on the windows' alone: the hook is told."""
    save_path: str | None = None
    """Where the new model belongs: the hook is told."""
    gate: dict[str, Any] = {}  # noqa: RUF012  (pydantic copies it)
    """Ask only where it pays, such as {rows_per_day: 9000, value_per_row: 2, horizon_days: 30, fixed_cost: 900}."""
    command: Names = ()
    """The hook: words, run by no shell for every request, by `watch`, `run`, `schedule` and `retrain run`."""
    callable: str | None = None
    """Instead of a command, a function that is given the request: package.module:function."""
    folder: str | None = None
    """Where it runs; null for the folder of the process that runs it."""
    timeout: Duration | None = None
    """Time that it may take; it and all that it started are ended then; null for any."""
    attempts: Whole = 3
    """So many times it is tried where it fails."""
    pause: AtLeastZero = 60.0
    """Seconds until it is tried again, twice as long each further time, up to an hour."""

    @model_validator(mode="after")
    def _it_can_be_made(self) -> Self:
        for key in self.gate:
            if key not in GATE_KEYS:
                near = difflib.get_close_matches(key, GATE_KEYS, 1)
                meant = f"; did you mean {near[0]}?" if near else ";"
                raise ConfigError(f"gate has no key {key}{meant} it has {', '.join(GATE_KEYS)}")
        self.policy()
        if self.command and self.callable is not None:
            raise ConfigError("command and callable are given; one hook is run: leave one out")
        self._hook()
        if self.has_hook and "enabled" not in self.model_fields_set:
            raise ConfigError("enabled is not given, and a hook is: say enabled: true, or false to ask for nothing")
        return self

    def policy(self) -> Policy:
        """When to ask.

        Raises:
            ConfigError: a value cannot work.
        """
        try:
            gate = Gate(**self.gate) if self.gate else None
        except TypeError:
            raise ConfigError("gate needs rows_per_day, value_per_row, horizon_days and fixed_cost") from None
        return Policy(
            on=self.retrain_on,
            windows=self.min_drift_windows,
            strategy=self.strategy,
            cooldown=self.cooldown,
            again=self.again,
            f1_drop=self.f1_drop,
            gate=gate,
            save_path=self.save_path,
        )

    def runner(self, history: History, monitor: str) -> Runner | None:
        """What runs the hook for requests of a monitor; None where there is no hook.

        Raises:
            ConfigError: a value cannot work.
        """
        hook = self._hook()
        if hook is None:
            return None
        return Runner(history, hook, monitor=monitor, attempts=self.attempts, pause=max(self.pause, 0.001))

    @property
    def has_hook(self) -> bool:
        """Whether anything is run for a request."""
        return bool(self.command) or self.callable is not None

    def check_hook(self) -> None:
        """Look whether the hook could be run here; a callable is imported, in a process of its own.

        Raises:
            ConfigError: it could not.
        """
        if (hook := self._hook()) is not None:
            try:
                hook.check()
            except ConfigError as error:
                raise ConfigError(f"retraining.{error}") from None

    def _hook(self) -> Any:  # a Command or None
        timeout = None if self.timeout is None else seconds_of(length(self.timeout, "timeout"))
        given: Any = self.command or self.callable
        return hook_of(given, folder=self.folder, timeout=timeout) if given else None
