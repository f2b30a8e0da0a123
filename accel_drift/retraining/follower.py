"""Asks for a model to be learned again, as a policy says: the request is written with the window that brings it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from accel_drift.errors import ConfigError
from accel_drift.history import History, Metric, Window
from accel_drift.history.steps import Recorded
from accel_drift.monitor.followers import Follower, Work
from accel_drift.options import is_finite
from accel_drift.retraining import asked
from accel_drift.retraining.asked import Request, key_of
from accel_drift.retraining.policy import Policy
from accel_drift.retraining.seen import Seen, shown

KEPT = 1_000
"""So many of the latest windows may still change by late labels."""

_STATE, _WINDOW = "state", "window "
_WORDS = {
    "data_drift": "data drifted",
    "concept_drift": "the model became worse",
    "either": "data drifted, or the model became worse,",
    "f1_drop": "F1 fell",
}


@dataclass(slots=True)
class _State:
    """Where it stands, beside the windows.

    Attributes:
        last: number of the last window, from 1.
        used: windows up to this number asked, or were before one that did.
        asked_at: end of the window that asked last, ISO 8601.
        waits: a window without drift must come before the next request.
        up: errors stand as more frequent before the first window that is kept.
        refused: the first window of the row for which the gate's answer was written.
        baseline: of measures.
    """

    last: int
    used: int
    asked_at: str | None
    waits: bool
    up: bool
    refused: str | None
    baseline: dict[str, float]


class Retraining(Follower):
    """Asks for a model to be learned again, as a policy says; `Runner` has a hook do it.

    The same windows ask for the same, whatever the process did between: a request is written in the transaction of the
    window that brings it, under a key made of monitor, policy and the first window of the drift. One that the gate
    refuses is written once, too, and does not begin a cool-down.

    Args:
        policy: when to ask.
        baseline: measures of the model where it is good, such as {"f1": 0.81}, from which drops are taken where labels
            come late; by default those of the baseline of `Performance`, once a window told them.

    Raises:
        ConfigError: these cannot be.
    """

    def __init__(self, policy: Policy | None = None, *, baseline: Mapping[str, float] | None = None) -> None:
        self.policy = Policy() if policy is None else policy
        if not isinstance(self.policy, Policy):
            raise ConfigError(f"policy is {policy!r:.100}; it is a Policy(on=..., windows=...)")
        given: Any = {} if baseline is None else baseline
        if not isinstance(given, Mapping) or not all(is_finite(value) for value in given.values()):
            raise ConfigError(f"baseline is {baseline!r:.100}; it maps measures to numbers, such as {{'f1': 0.81}}")
        self.name, self._monitor = self.policy.name, ""
        self._baseline = {name: float(value) for name, value in given.items()}
        self._state = _State(0, 0, None, waits=False, up=False, refused=None, baseline={**self._baseline})
        self._windows: dict[int, Seen] = {}
        self._touched: set[int] = set()

    def begin(self, monitor: str, history: History | None) -> None:
        """It follows this monitor from now on.

        Raises:
            ConfigError: there is no history to write requests to.
        """
        if history is None:
            raise ConfigError("requests to retrain are kept in a history; give the monitor one: history=...")
        self._monitor = monitor

    def follow(self, window: Recorded) -> Work | None:
        """A window is finished."""
        self._state.last += 1
        self._windows[self._state.last] = Seen.of(window, self._state.baseline)
        self._touched.add(self._state.last)
        return self._concluded()

    def measured(
        self,
        found: Mapping[str, tuple[Metric, ...]],
        windows: Mapping[str, Window],  # noqa: ARG002
    ) -> Work | None:
        """Labels came late: what earlier windows showed may be other."""
        there = {one.key: number for number, one in self._windows.items()}
        changed = {there[key]: metrics for key, metrics in found.items() if key in there}
        for number, metrics in changed.items():
            self._windows[number].take(metrics, self._state.baseline)
            self._touched.add(number)
        return self._concluded() if changed else None

    def changes(self) -> Mapping[str, bytes | None]:
        """The windows that are new or changed, and where it stands."""
        if not self._touched:
            return {}
        pieces: dict[str, bytes | None] = {_STATE: json.dumps(asdict(self._state)).encode()}
        for number in sorted(self._touched):
            one = self._windows.get(number)
            pieces[f"{_WINDOW}{number}"] = None if one is None else one.packed()
        self._touched = set()
        return pieces

    def restore(self, pieces: Mapping[str, bytes]) -> None:
        """Go on from what was written."""
        self._touched = set()
        state = json.loads(pieces.get(_STATE, b"{}"))
        self._state = _State(0, 0, None, waits=False, up=False, refused=None, baseline={**self._baseline})
        if state:
            self._state = _State(**{**state, "baseline": {**state["baseline"], **self._baseline}})
        found = {int(name.removeprefix(_WINDOW)): body for name, body in pieces.items() if name.startswith(_WINDOW)}
        self._windows = {number: Seen.unpacked(found[number]) for number in sorted(found)}

    def _concluded(self) -> Work | None:
        """What is to be asked, as the windows stand now."""
        state, numbers = self._state, list(self._windows)
        windows = [self._windows[number] for number in numbers]
        told, up = shown(windows, self.policy.on, self.policy.f1_drop, up=state.up)
        free = [place for place, answer in enumerate(told) if answer is False]
        state.waits = state.waits and not free
        first = free[-1] + 1 if free else 0
        while first < len(told) and told[first] is None:
            first += 1
        run = windows[first:]
        work = None
        if not state.waits and told[first:].count(True) >= self.policy.windows and self._cooled(run[-1]):
            work = self._asked(run, told[first:])
        if state.used == state.last:
            self._forget(len(windows), up=False)
        elif len(windows) > KEPT:
            self._forget(len(windows) - KEPT, up=up[len(windows) - KEPT - 1])
        return work

    def _cooled(self, last: Seen) -> bool:
        before = self._state.asked_at
        return before is None or _moment(last.end) - _moment(before) >= self.policy.pause

    def _asked(self, run: Sequence[Seen], told: Sequence[bool | None]) -> Work | None:
        """A request for a row of windows; None where the gate refuses, and that was written before."""
        policy, state = self.policy, self._state
        first, last = run[0], run[-1]
        request = Request(
            key=key_of(self._monitor, policy.name, first.key),
            monitor=self._monitor,
            policy=policy.name,
            window=last.key,
            asked_at=_moment(last.end),
            reason=f"{_WORDS[policy.on]} in {told.count(True)} windows since {first.key}",
            data=self._data(run, told),
        )
        if policy.gate is not None:
            drop = next((one.drop(policy.gate.metric) for one in reversed(run) if one.drop(policy.gate.metric)), None)
            worth, numbers = policy.gate.judge(drop)
            request = replace(request, data={**request.data, "gate": numbers})
            if not worth:
                if state.refused == first.key:
                    return None
                state.refused = first.key
                key = key_of(self._monitor, policy.name, first.key, "refused")
                refused = replace(request, key=key, state=asked.REFUSED, reason=f"{request.reason}; {numbers['text']}")
                return partial(asked.put, request=refused)
        state.used, state.asked_at, state.waits = state.last, last.end, not policy.again
        return partial(asked.put, request=request)

    def _data(self, run: Sequence[Seen], told: Sequence[bool | None]) -> dict[str, Any]:
        """What the hook is told of the data."""
        policy = self.policy
        windows = [
            {"key": one.key, "start": one.start, "end": one.end, "rows": one.rows, "drifted": answer}
            for one, answer in zip(run, told, strict=True)
        ]
        numbers = {name: value for one in run for name, value in one.numbers.items()}
        return {
            "on": policy.on,
            "strategy": policy.strategy,
            "save_path": policy.save_path,
            "reference": run[-1].reference,
            "start": min(one.start for one in run),
            "end": max(one.end for one in run),
            "rows": sum(one.rows for one in run),
            "windows": windows,
            "metrics": numbers,
            "baseline": {name: self._state.baseline[name] for name in numbers if name in self._state.baseline},
        }

    def _forget(self, count: int, *, up: bool) -> None:
        """Let go of the first windows."""
        for number in list(self._windows)[:count]:
            del self._windows[number]
            self._touched.add(number)
        self._state.up = up


def _moment(told: str) -> datetime:
    return datetime.fromisoformat(told)
