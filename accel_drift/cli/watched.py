"""The work of `watch` and `run`: from options to a monitor and a source, and what is written of each window."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from accel_drift.cli import logs, metering, places, scoring
from accel_drift.cli import options as o
from accel_drift.cli.console import Tell, aside, out, progress
from accel_drift.cli.delivering import delivering
from accel_drift.cli.retraining import MISTAKE, check_hook, hooked
from accel_drift.config import Config
from accel_drift.errors import ConfigError
from accel_drift.monitor import Monitor, Period, Source, Trailing, Windows
from accel_drift.monitor import watch as watched
from accel_drift.profiles import Profile
from accel_drift.report import Report, words

if TYPE_CHECKING:
    from accel_drift.history import History
    from accel_drift.telemetry.serving import Board

_LEARNING = (
    "detectors", "columns", "drop", "kinds", "rule", "alpha", "correction", "min_effect", "block", "label", "seed",
)  # fmt: skip
_CUT = ("rows", "time", "on", "every", "lateness")
_IN_FILE = ("reference", "inbox", "history", "name", *_CUT, *_LEARNING)
_CYCLE = {
    "poll": 5.0, "until_idle": 0.0, "finish": False, "pattern": None, "order": None, "settle": 2.0, "patience": 60.0,
}  # fmt: skip
"""Options of one look at what is there."""
_A_DAY = 86_400.0
_SHOWN = 5


class _Asked(NamedTuple):
    """What is watched.

    Attributes:
        monitor: what looks at it.
        inbox: where it comes from: a path, or what was made already.
        config: the configuration, where there is one.
        moving: the reference is made of windows.
    """

    monitor: Monitor
    inbox: str | Source
    config: Config | None
    moving: bool


def run(given: Mapping[str, Any], stdin: TextIO) -> int:
    """Watch, and write what is found; the exit code.

    Args:
        given: the options by their names.
        stdin: where a stream comes from.

    Raises:
        ConfigError: an option cannot work.
        DataError: the reference, or the place that batches come from, cannot be read.
        HistoryError: the database cannot be used.
    """
    check_lines(given["json"])
    config = None if given["config"] is None else _config(given)
    ending, alarm = Ending(), False
    with progress("learning the reference", quiet=bool(given["quiet"])) as tell, logs.logged(given, config):
        if config is not None:
            check_hook(config, quiet=bool(given["quiet"]))
        asked = _from_config(config, tell) if config is not None else _from_options(given, tell)
        section, history = None if config is None else config.metrics, asked.monitor.history
        with (
            asked.monitor,
            delivering(config, history),
            ending,
            _board(given, section, {asked.monitor.name: history}) as board,
            hooked(config, history, ending) as hook,
            closing(places.source(given, asked.inbox, asked.monitor, stdin)) as source,
        ):
            worse: list[str] = []

            def late(text: str) -> None:
                worse.append(text)
                write_late(text, given)

            for report in _reports(given, asked, source, ending, tell, board, late):
                write(report, given)
                alarm = alarm or _alarming(report, moving=asked.moving)
                alarm = alarm or bool(report.settings.get("silent_parts"))
                if ending.asked:
                    raise KeyboardInterrupt
        alarm = alarm or asked.monitor.passed_over > 0 or bool(worse)
    if hook is not None and hook.failed:
        return MISTAKE
    return int(alarm and bool(given["fail_on_drift"]))


def cycle(
    config: Config,
    write: Callable[[Report], object],
    ending: Ending,
    board: Board | None = None,
    late: Callable[[str], object] = lambda _text: None,
    history: History | None = None,
) -> str:
    """Take what is there, once, as `run` does by a configuration; how it went, in a sentence.

    Args:
        config: the configuration.
        write: told each report.
        ending: asked between windows whether to end.
        board: where numbers of it are shown.
        late: told of windows that labels showed to be degraded after their reports.
        history: the history, where that is open already: one that was removed since is not made anew.

    Raises:
        KeyboardInterrupt: it was asked to end, and did so between windows.
    """
    windows, drifted = 0, 0
    asked = _from_config(config, lambda _done, _of, _what: None, history)
    with (
        asked.monitor,
        delivering(config, asked.monitor.history),
        hooked(config, asked.monitor.history, ending) as hook,
        closing(places.source(_CYCLE, asked.inbox, asked.monitor, sys.stdin)) as source,
    ):
        for report in _reports(_CYCLE, asked, source, ending, lambda _done, _of, _what: None, board, late):
            write(report)
            windows, drifted = windows + 1, drifted + bool(report.drifted)
            if ending.asked:
                raise KeyboardInterrupt
    passed = asked.monitor.passed_over
    told = f"{windows:,} windows, {drifted:,} drifted" + (f", {passed:,} batches passed over" if passed else "")
    return told + (", retraining failed" if hook is not None and hook.failed else "")


def check_lines(json: str | None) -> None:
    """Refuse a file for lines of JSON.

    Raises:
        ConfigError: one is named.
    """
    if json not in (None, scoring.STDOUT):
        raise ConfigError("--json writes a line a window to standard output; for a file write > windows.jsonl")


class Ending:
    """Lets SIGTERM and Ctrl-C wait while a window is looked at; whoever asks twice is not kept waiting.

    Attributes:
        asked: somebody asked for the end.
    """

    def __init__(self) -> None:
        self.asked, self._held, self._before = False, False, dict[int, Any]()

    def __enter__(self) -> Ending:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._signalled)
        return self

    def __exit__(self, *raised: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """No interruption in here."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self.asked:
            raise KeyboardInterrupt

    def _signalled(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.asked or not self._held:
            raise KeyboardInterrupt
        self.asked = True


def _reports(
    given: Mapping[str, Any],
    asked: _Asked,
    source: Source,
    ending: Ending,
    tell: Tell,
    board: Board | None,
    late: Callable[[str], object],
) -> Iterator[Report]:
    meter, counts = metering.Meter(board, asked.monitor), [0, 0]
    pruned = time.monotonic()
    _prune(asked)

    def told(what: str) -> None:
        meter.moved()
        tell(0, 0, f"{what}; {counts[0]:,} windows, {counts[1]:,} drifted" if counts[0] else what)

    for report in watched(
        asked.monitor,
        source,
        labels=places.labels(given, asked.config),
        poll=given["poll"],
        until_idle=given["until_idle"],
        tell=told,
        late=late,
        held=ending.held,
    ):
        counts[0], counts[1] = counts[0] + 1, counts[1] + bool(report.drifted)
        meter.window(report)
        yield report
        if time.monotonic() - pruned > _A_DAY:
            pruned = time.monotonic()
            _prune(asked)
    if given["finish"]:
        with ending.held():
            for report in asked.monitor.finish():
                meter.window(report)
                yield report
    _prune(asked)


def _board(
    given: Mapping[str, Any], section: Any, histories: Mapping[str, Any]
) -> AbstractContextManager[Board | None]:
    """What `watch` shows to who asks; `run` has ended before anybody does."""
    if "metrics_port" not in given:
        return nullcontext()
    return metering.board(given["metrics_port"], section, histories, quiet=bool(given["quiet"]))


def _prune(asked: _Asked) -> None:
    if asked.config is not None and asked.monitor.history is not None:
        asked.config.prune(asked.monitor.history)


def _config(given: Mapping[str, Any]) -> Config:
    beside = [name for name in _IN_FILE if given[name] is not None]
    if beside or given["backend"] != "auto":
        told = ", ".join(
            name.upper() if name in ("reference", "inbox") else o.spelled({name: 0}) for name in beside or ["backend"]
        )
        raise ConfigError(f"{told} and --config are given; the configuration says that: leave one out")
    return Config.load(given["config"])


def _from_config(config: Config, tell: Tell, history: History | None = None) -> _Asked:
    inbox = places.of_config(config)
    from accel_drift.alerts import alerts_of

    return _Asked(config.monitor(tell, alerts_of(config), history), inbox, config, config.reference.mode != "fixed")


def _from_options(given: Mapping[str, Any], tell: Tell) -> _Asked:
    if given["reference"] is None or given["inbox"] is None:
        raise ConfigError(
            "what is compared with what? accel-drift watch REFERENCE INBOX, such as watch june.adp inbox; or --config"
        )
    inbox = places.of_word(given["inbox"], cut=given["rows"] is not None or given["time"] is not None)
    learning = o.learning(**{name: given[name] for name in _LEARNING})
    learning |= {} if given["backend"] == "auto" else {"backend": given["backend"]}
    on = given["on"]
    named = {str(given["block"]).partition(":")[0], *(learning.get("columns") or ()), *(learning.get("kinds") or ())}
    reference = _reference(given["reference"], learning, tell, None if on in named else on)
    place = given["history"] or "drift.db"
    monitor = Monitor(
        reference,
        _windows(given),
        history=place if "://" in place else f"sqlite:///{place}",
        name=given["name"] or "monitor",
    )
    return _Asked(monitor, inbox, None, not isinstance(reference, Profile))


def _reference(given: str, learning: dict[str, Any], tell: Tell, on: str | None) -> Profile | Trailing | Period:
    """What windows are compared with; of a data set without the column that only dates rows.

    Raises:
        ConfigError: options cannot work, or come with a profile that has its own.
        DataError: it cannot be read.
    """
    kind, sign, rest = given.partition(":")
    moving = bool(sign) and kind in ("trailing", "period")
    if on is not None and (moving or _has(given, on)):
        learning["drop"] = list(dict.fromkeys([*(learning.get("drop") or ()), on]))
    if sign and kind == "trailing":
        if not rest.isdigit():
            raise ConfigError(f"{given}: give a number of windows, such as trailing:26")
        return Trailing(int(rest), **learning)
    if sign and kind == "period":
        start, comma, end = rest.partition(",")
        if not comma:
            raise ConfigError(f"{given}: give its start and its end, such as period:2024-01-01,2024-01-08")
        return Period(start, end, **learning)
    scoring.must_exist(given)
    if not scoring.looks_like_a_profile(given):
        return Profile.fit(given, progress=tell, **learning)
    backend = learning.pop("backend", "auto")
    if learning:
        raise ConfigError(
            f"{given} is a saved profile, which fixes {o.spelled(learning)}; leave that out, or fit the reference "
            "again with it: see accel-drift fit --help"
        )
    return Profile.load(given, backend=backend)


def _has(path: str, column: str) -> bool:
    """Whether a data set has a column; of a saved profile nobody asks."""
    from accel_drift.config.writing import Found

    scoring.must_exist(path)
    if scoring.looks_like_a_profile(path):
        return False
    found = Found.of(path)
    return column in found.kinds or column in found.excluded


def _windows(given: Mapping[str, Any]) -> Windows:
    options = {name: given[name] for name in _CUT if given[name] is not None}
    if "rows" not in options and "time" not in options:
        options["by"] = "file"
    if str(options.get("every", "")).isdigit():
        options["every"] = int(options["every"])
    return Windows(**options)


def _alarming(report: Report, *, moving: bool) -> bool:
    """As of a report of `score`; but a stream has no reference of its own at first."""
    if not moving:
        return scoring.alarming(report)
    return report.drifted or bool(report.schema_diff.removed or report.schema_diff.retyped)


def write(report: Report, given: Mapping[str, Any], before: str = "") -> None:
    """Print a report as it is asked for: a line for people, or one of JSON.

    Args:
        report: of a window.
        given: the options by their names.
        before: what lines for people begin with.
    """
    if given["json"] is not None:
        out(report.to_json(indent=None))
    elif not given["quiet"]:
        out(before + _line(report))
        for warning in report.warnings:
            aside(f"Warning: {before}{words.visible(report.batch)}: {warning}")


def write_late(text: str, given: Mapping[str, Any], before: str = "") -> None:
    """Print what labels told of a window that is finished: lines of JSON are of new windows alone.

    Args:
        text: what they told.
        given: the options by their names.
        before: what lines for people begin with.
    """
    if given["json"] is None and not given["quiet"]:
        out(before + words.visible(text))


def _line(report: Report) -> str:
    """A window in a line for people."""
    columns = [words.visible(name) for name in report.drifted_columns]
    more = f" and {len(columns) - _SHOWN} more" if len(columns) > _SHOWN else ""
    tested = any(finding.status.tested for finding in report.findings)
    verdict = f"drift, {report.severity}" if report.drifted else "no drift" if tested else "not compared"
    which = f": {', '.join(columns[:_SHOWN])}{more}" if report.drifted and columns else ""
    return f"{words.visible(report.batch)}  {report.n_batch:,} rows  {verdict}{which}"
