"""The state machine of rules: from one window to the next, which alerts open, get worse, are told again, and end.

A function of the reports alone: the same reports give the same events with the same keys, wherever the process was
stopped and begun again in between. Times are those of windows, and of the clock only where no window comes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from math import isnan
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from accel_drift.alerts import told
from accel_drift.alerts.compiled import NEVER, Bools, Compiled, Rows
from accel_drift.alerts.events import Event, Kind
from accel_drift.alerts.facts import Facts, may_be_late
from accel_drift.alerts.states import Orphan, State, buckets, fresh, packed, unpacked
from accel_drift.finding import Severity
from accel_drift.history import Metric, Window
from accel_drift.report import Report
from accel_drift.rules import Rule, Series

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK = "clock"
_NONE: Mapping[str, Window] = MappingProxyType({})
_RANKS = tuple(Severity)


class _Seen(NamedTuple):
    """A window that rows are told of.

    Attributes:
        key: of the window.
        number: its key as a number.
        since: what begins to be true with it, is true since then, in us.
        end: of the window, in us.
        late: whether it ended before the one before.
        clock: whether it is none, and the clock says that one should have come.
        labels: whether its labels came late; it is told of by its own time then.
    """

    key: str
    number: int
    since: int
    end: int
    late: bool = False
    clock: bool = False
    labels: bool = False


class Machine:
    """How rules stand, from window to window.

    Args:
        name: of the monitor.
        rules: no two of one name.
        sinks: who is told of alerts whose rules name nobody.
    """

    def __init__(self, name: str, rules: Sequence[Rule], sinks: Sequence[str] = ()) -> None:
        self._name, self._rules, self._sinks = name, tuple(rules), tuple(sinks)
        self._mixed = _mixed(self._rules)
        self.facts = Facts()
        self._compiled = Compiled(self._rules, self.facts)
        self.reset()

    @property
    def open(self) -> int:
        """Alerts that are open."""
        return int(self._state["open"].sum()) + len(self._orphans)

    def reset(self) -> None:
        """Nothing was seen yet."""
        self._dirty: set[int] = set()
        self._stand(fresh(len(self._compiled)), [])
        self._now, self._window = -NEVER, ""
        self._arrived: int | None = None
        self._kept: dict[Series, float] = {}
        self._clock_new = False

    @property
    def unwritten(self) -> bool:
        """Whether the clock told something that no window will write."""
        return self._clock_new

    def step(
        self,
        report: Report,
        metrics: Iterable[Metric],
        key: str,
        start: datetime,
        end: datetime,
        arrived: datetime | None = None,
    ) -> list[Event]:
        """A window is finished: what happened to alerts, in the order of the rules.

        Args:
            report: what was found in it.
            metrics: its numbers.
            key: its own.
            start: when it began.
            end: when it ended.
            arrived: the time by the clock, from which on no data came; None for its end.
        """
        self.facts.look(report, metrics)
        if self._compiled.see(self.facts.columns):
            self._grow()
        self.facts.read()
        begin, close = _us(start), _us(end)
        # What overlaps an earlier window, or comes late, says nothing of the time before that one's end.
        seen = _Seen(key, _digest(key), max(begin, self._now), close, late=close < self._now)
        self._now, self._window = max(self._now, close), key
        self._arrived, self._clock_new = _us(end if arrived is None else arrived), True
        self._kept = {series: value for series in self._mixed if not isnan(value := self.facts.known(series))}
        true, false = self._compiled.truth()
        false |= self._compiled.timed
        events = self._advance(true, false, seen, self._now)
        return [*self._bereft(key, self._now), *events]

    def measured(self, found: Mapping[str, Sequence[Metric]], windows: Mapping[str, Window] = _NONE) -> list[Event]:
        """Numbers of earlier windows came: rules that ask for them are looked at again, window by window.

        Where labels come in the order of windows, the same happens at the same times as if they had come with the rows.

        Args:
            found: key of a window -> its numbers.
            windows: key -> when it was; what is told of one that is not there is told of the last window's end.
        """
        events: list[Event] = []
        for key, metrics in found.items():
            places = self.facts.remeasured(metrics, self._kept)
            if not places:
                continue
            touched = self._compiled.touched(places)
            true, false = self._compiled.truth()
            seen = _Seen(key, _digest(key), self._now, self._now)
            if (of := windows.get(key)) is not None and of.start is not None and of.end is not None:
                seen = _Seen(key, _digest(key), _us(of.start), _us(of.end), late=True, labels=True)
            events += self._advance(true & touched, false & touched, seen, seen.end)
        return events

    def tick(self, now: datetime) -> list[Event]:
        """No window came, by the clock: whether one should have."""
        clock, timed = _us(now), self._compiled.timed
        if self._arrived is None or clock < self._arrived:
            # It begins to wait, or the clock was set back.
            self._arrived, self._clock_new = clock, bool(timed.any())
        true = np.zeros(len(self._compiled), dtype=bool)
        true[timed] = clock - self._arrived >= self._compiled.us[timed]
        if not true.any():
            return self._bereft(self._window, clock)
        seen = _Seen(self._window, _digest(f"{self._window} {clock}"), self._arrived, clock, clock=True)
        events = self._advance(true, np.zeros_like(true), seen, clock, only=timed)
        return [*self._bereft(self._window, clock), *events]

    def changes(self) -> dict[str, bytes | None]:
        """Pieces of the state that changed since the last call."""
        pieces: dict[str, bytes | None] = {}
        if self._dirty:
            pieces |= packed(self._compiled, self._state, self._bucket, self._dirty)
            self._dirty = set()
        if self._clock_new:
            kept = [[list(series), value] for series, value in self._kept.items()]
            pieces[_CLOCK] = json.dumps([self._now, self._window, self._arrived, kept]).encode()
            self._clock_new = False
        return pieces

    def restore(self, pieces: Mapping[str, bytes]) -> None:
        """Stand where these pieces say."""
        self.reset()
        self._stand(*unpacked(self._compiled, pieces))
        if _CLOCK in pieces:
            self._now, self._window, self._arrived, kept = json.loads(pieces[_CLOCK])
            self._kept = {Series(*series): value for series, value in kept}

    # Inside.

    def _stand(self, state: State, orphans: list[Orphan]) -> None:
        self._state, self._orphans = state, orphans
        self._dirty = set()
        self._grow()

    def _grow(self) -> None:
        """As many states as there are rows, and what is known of each at a glance."""
        compiled = self._compiled
        count = len(compiled)
        if len(self._state) < count:
            self._state = np.concatenate((self._state, fresh(count - len(self._state))))
        self._bucket = buckets(compiled.digests)
        everything = np.arange(count)
        self._steady, self._busy = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
        self._due = np.full(count, NEVER, dtype=np.int64)
        compiled.clear_at(everything, opened=False)
        compiled.clear_at(np.flatnonzero(self._state["open"]), opened=True)
        self._glance(everything, self._state)

    def _glance(self, rows: Rows, state: State) -> None:
        """Which of these rows need not be looked at while their condition stays as it is."""
        opened, count = state["open"], state["count"]
        follows = self._compiled.found[rows] >= 0
        self._steady[rows] = opened & (state["falses"] == 0) & ~follows
        self._busy[rows] = opened | (count > 0)
        self._due[rows] = np.where(opened, np.minimum(state["remind"], state["escalate"]), NEVER)

    def _advance(self, true: Bools, false: Bools, seen: _Seen, now: int, only: Bools | None = None) -> list[Event]:
        """Rows for which something may change, and what does."""
        due = self._due <= now
        due &= ~self._compiled.timed if only is None else only
        rows = np.flatnonzero(true | false if seen.labels else (true & ~self._steady) | (false & self._busy) | due)
        if not len(rows):
            return []
        compiled, before = self._compiled, self._state[rows]
        s = before.copy()
        t, f = true[rows], false[rows]
        if seen.late:
            # What is older than what it would end says nothing of it.
            f &= s["since"] <= seen.end
        if seen.labels:
            f &= s["labelled"] <= seen.end
        was = s["open"].copy()
        self._count(s, t, f, rows, seen)
        held = (s["count"] >= compiled.windows[rows]) & (now - s["since"] >= compiled.us[rows])
        held |= compiled.timed[rows]
        opening = t & ~was & held & (now >= s["until"])
        resolving = was & (s["falses"] >= compiled.resolve_after[rows])
        events = [
            *self._opened(s, rows, np.flatnonzero(opening), seen, now),
            *self._raised(s, rows, np.flatnonzero(was & t & (compiled.found[rows] >= 0)), seen, now),
            *self._again(s, rows, np.flatnonzero(was & ~resolving), seen, now),
            *self._resolved(s, rows, np.flatnonzero(resolving), seen, now),
        ]
        changed = s != before
        self._state[rows] = s
        self._dirty |= {*self._bucket[rows[changed]].tolist()}
        self._glance(rows, s)
        events.sort(key=lambda pair: pair[0])
        return [event for _, event in events]

    def _count(self, s: State, t: Bools, f: Bools, rows: Rows, seen: _Seen) -> None:
        """Count windows: a window that is looked at again does not count again."""
        new, since = s["seen"] != seen.number, np.full(len(s), seen.since)
        if seen.labels:
            latest = s["labelled"] <= seen.end
            new &= latest
            since = np.where(latest, np.maximum(since, s["labelled"]), since)
        closed = ~s["open"]
        begins = t & closed & (s["count"] == 0)
        s["since"][begins] = since[begins]
        more = t & closed & (s["count"] < self._compiled.windows[rows]) & (new | begins)
        s["count"][more] += 1
        ends = f & closed
        s["count"][ends] = 0
        against = f & ~closed & (new | (s["falses"] == 0))
        s["falses"][against] += 1
        s["falses"][t & ~closed] = 0
        s["seen"][more | against] = seen.number
        if seen.labels:
            np.maximum(s["labelled"], seen.end, out=s["labelled"])

    def _opened(self, s: State, rows: Rows, at: Rows, seen: _Seen, now: int) -> list[tuple[Any, Event]]:
        if not len(at):
            return []
        compiled, of = self._compiled, rows[at]
        s["open"][at], s["falses"][at], s["raises"][at], s["reminders"][at] = True, 0, 0, 0
        s["openings"][at] += 1
        s["opened_at"][at] = now
        s["remind"][at], s["escalate"][at] = _later(now, compiled.remind[of]), _later(now, compiled.escalate[of])
        s["severity"][at] = self._severity(of)
        for i in at.tolist():
            s["key"][i] = self._key(int(rows[i]), seen.key, int(s["openings"][i]))
        compiled.clear_at(of, opened=True)
        return [self._event(s[i], int(rows[i]), Kind.OPENED, seen, now) for i in at.tolist()]

    def _raised(self, s: State, rows: Rows, at: Rows, seen: _Seen, now: int) -> list[tuple[Any, Event]]:
        found = self._severity(rows[at])
        worse = found > s["severity"][at]
        at = at[worse]
        s["severity"][at] = found[worse]
        s["raises"][at] += 1
        return [self._event(s[i], int(rows[i]), Kind.RAISED, seen, now, int(s["raises"][i])) for i in at.tolist()]

    def _again(self, s: State, rows: Rows, at: Rows, seen: _Seen, now: int) -> list[tuple[Any, Event]]:
        """Reminders and escalations."""
        # Rows about windows that do not come go by the clock, all others by the windows.
        at = at[self._compiled.timed[rows[at]] == seen.clock]
        told_to = at[s["escalate"][at] <= now]
        s["escalate"][told_to] = NEVER
        events = [self._event(s[i], int(rows[i]), Kind.ESCALATED, seen, now) for i in told_to.tolist()]
        again = at[s["remind"][at] <= now]
        every = self._compiled.remind[rows[again]]
        s["remind"][again] += every * ((now - s["remind"][again]) // np.maximum(every, 1) + 1)
        s["reminders"][again] += 1
        events += [
            self._event(s[i], int(rows[i]), Kind.REMINDER, seen, now, int(s["reminders"][i])) for i in again.tolist()
        ]
        return events

    def _resolved(self, s: State, rows: Rows, at: Rows, seen: _Seen, now: int) -> list[tuple[Any, Event]]:
        compiled, of = self._compiled, rows[at]
        # What went by the clock ends by it.
        ended = np.where(compiled.timed[of], now if self._arrived is None else self._arrived, now)
        events = [
            self._event(s[i], int(rows[i]), Kind.RESOLVED, seen, int(then))
            for i, then in zip(at.tolist(), ended, strict=True)
        ]
        s["open"][at], s["falses"][at], s["count"][at] = False, 0, 0
        s["remind"][at] = s["escalate"][at] = NEVER
        s["until"][at] = _later(ended, compiled.cooldown[of])
        compiled.clear_at(of, opened=False)
        return events

    def _bereft(self, window: str, now: int) -> list[Event]:
        """Alerts whose rules are gone end."""
        events = []
        for one in self._orphans:
            details = {"reason": "the rule was removed or changed"}
            severity = _RANKS[one.severity]
            sinks = tuple(dict.fromkeys((*(one.sinks or self._sinks), *one.others)))
            events.append(
                Event(one.key, one.rule, one.subject, Kind.RESOLVED, severity, window, _at(now), 0, sinks, details)
            )
            self._dirty.add(one.bucket)
        self._orphans = []
        return events

    def _severity(self, rows: Rows) -> Any:
        """(k,) how severe alerts of these rows are now."""
        compiled = self._compiled
        found = compiled.found[rows]
        seen = self.facts.values[found] if len(self.facts.values) else np.zeros(len(rows))
        known = np.nan_to_num(np.where(found >= 0, seen, 0.0))
        return np.where(found >= 0, np.clip(known, 1, 3).astype(np.int64), compiled.severity[rows])

    def _key(self, row: int, window: str, opening: int) -> bytes:
        rule = self._rules[self._compiled.rule[row]]
        what = json.dumps([self._name, rule.name, self._compiled.subjects[row], window, opening])
        return blake2b(what.encode(), digest_size=16).hexdigest().encode()

    def _event(self, s: Any, row: int, kind: Kind, seen: _Seen, now: int, number: int = 0) -> tuple[Any, Event]:
        place = int(self._compiled.rule[row])
        rule, subject = self._rules[place], self._compiled.subjects[row]
        compares = self._compiled.compares(row)
        details = told.details(rule, compares, self.facts, _at(int(s["opened_at"])), _at(int(s["since"])))
        sinks = rule.sinks or self._sinks
        if kind is Kind.ESCALATED:
            sinks = rule.escalate_to
        elif kind is Kind.RESOLVED and s["escalate"] == NEVER:
            sinks = tuple(dict.fromkeys((*sinks, *rule.escalate_to)))
        severity = _RANKS[int(s["severity"])]
        event = Event(
            key=s["key"].decode(),
            rule=rule.name,
            subject=subject,
            kind=kind,
            severity=severity,
            window=seen.key,
            at=_at(max(now, int(s["opened_at"]))),
            number=number,
            sinks=sinks,
            details=details,
        )
        return (place, subject, list(Kind).index(kind)), event


def _mixed(rules: Sequence[Rule]) -> tuple[Series, ...]:
    """Series that rules join with numbers that may come late."""
    found: dict[Series, None] = {}
    for rule in rules:
        series = [one.series for one in rule.condition.compares()]
        if len(series) > 1 and any(may_be_late(one) for one in series):
            found |= dict.fromkeys(one for one in series if one.over != "each")
    return tuple(found)


def _later(now: Any, us: Any) -> Any:
    """(k,) now and so much more; never where that is never."""
    never = us == NEVER
    return np.where(never, NEVER, now + np.where(never, 0, us))


def _digest(key: str) -> int:
    return int.from_bytes(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little") | 1


def _us(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _at(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)
