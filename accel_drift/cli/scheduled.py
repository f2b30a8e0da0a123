"""The work of `schedule`: a thread for each configuration, and a table of how their jobs stand."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accel_drift.cli import logs, metering, places, watched
from accel_drift.cli.console import out
from accel_drift.cli.histories import opened as opened_there
from accel_drift.cli.retraining import check_hook
from accel_drift.config import Config
from accel_drift.errors import ConfigError, SourceError
from accel_drift.history import History
from accel_drift.report import Report, words
from accel_drift.schedule import Job, Runner, Schedule, Standing, jobs

if TYPE_CHECKING:
    from accel_drift.telemetry.serving import Board

_HEAD = ("monitor", "schedule", "last run", "ended", "outcome", "next run")


def run(files: Sequence[Path], given: Mapping[str, Any]) -> int:
    """Run each configuration by its schedule until Ctrl-C or SIGTERM.

    Args:
        files: the configurations.
        given: the options by their names.

    Raises:
        ConfigError: a configuration cannot work, or has no schedule.
        HistoryError: a database cannot be opened.
        KeyboardInterrupt: it was told to end, and all windows at hand are written.
    """
    found = _scheduled(files)
    watched.check_lines(given["json"])
    for config, _ in found:
        check_hook(config, quiet=bool(given["quiet"]))
    stop, endings = threading.Event(), [watched.Ending() for _ in found]
    with logs.logged(given, found[0][0]), ExitStack() as opened:
        histories = [opened.enter_context(History(c.history.url, wait=c.history.wait)) for c, _ in found]
        shown = {config.name: history for (config, _), history in zip(found, histories, strict=True)}
        section = next((config.metrics for config, _ in found if config.metrics.port is not None), found[0][0].metrics)
        port, quiet = given["metrics_port"], bool(given["quiet"])
        board = opened.enter_context(metering.board(port, section, shown, quiet=quiet, reference=True))
        runners = []
        for (config, schedule), history, ending in zip(found, histories, endings, strict=True):
            cycle = _Cycle(config, history, ending, given, board, several=len(found) > 1)
            runners.append(Runner(Job(config.name, schedule, history, cycle), moved=cycle.moved))
        threads = [threading.Thread(target=runner.loop, args=(stop,), daemon=True) for runner in runners]
        with _all_end(threads, endings, stop):
            for thread in threads:
                thread.start()
            stop.wait()
    return 0


def show(files: Sequence[Path]) -> None:
    """Print how each configuration's job stands.

    Raises:
        ConfigError: a configuration cannot work, or has no schedule.
        HistoryError: a database cannot be opened.
    """
    now = datetime.now(UTC)
    rows = [_HEAD, *(_row(config.name, schedule, _standing(config), now) for config, schedule in _scheduled(files))]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEAD))]
    for row in rows:
        out("  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip())


class _Cycle:
    """One run of a configuration's monitor, and what is printed of it.

    Args:
        config: the configuration.
        history: its history.
        ending: asked between windows whether to end.
        given: the options by their names.
        board: where numbers of it are shown.
        several: monitors run at once, so that lines begin with their names.
    """

    def __init__(
        self,
        config: Config,
        history: History,
        ending: watched.Ending,
        given: Mapping[str, Any],
        board: Board | None,
        *,
        several: bool,
    ) -> None:
        self._config, self._history, self._ending = config, history, ending
        self._given, self._board = given, board
        self._before = f"{words.visible(config.name)}: " if several else ""

    def __call__(self) -> str:
        return watched.cycle(self._config, self._write, self._ending, self._board, self._late, self._history)

    def moved(self) -> None:
        """A sign of life."""
        if self._board is not None:
            self._board.moved(self._config.name)

    def _late(self, text: str) -> None:
        watched.write_late(text, self._given, self._before)

    def _write(self, report: Report) -> None:
        watched.write(report, self._given, self._before)


@contextmanager
def _all_end(
    threads: Sequence[threading.Thread], endings: Sequence[watched.Ending], stop: threading.Event
) -> Iterator[None]:
    """Let what runs finish the window at hand; whoever asks twice is not kept waiting."""
    try:
        yield
    finally:
        stop.set()
        for ending in endings:
            ending.asked = True
        for thread in threads:
            if thread.ident is not None:
                thread.join()


def _scheduled(files: Sequence[Path]) -> list[tuple[Config, Schedule]]:
    if not files:
        raise ConfigError("which monitors? accel-drift schedule --config drift.yaml, once for each configuration")
    found: list[tuple[Config, Schedule]] = []
    for file in files:
        config = Config.load(file)
        schedule = config.schedule.made()
        if schedule is None:
            raise ConfigError(f"{file} has no schedule; give it one, such as schedule: {{every: 1h}}")
        if config.data.production_path in (None, places.STDIN) and not config.kafka.in_use:
            raise ConfigError(f"{file}: data.production_path names no folder or data set to look at, nor kafka topics")
        if any((one.name, one.history.url) == (config.name, config.history.url) for one, _ in found):
            raise ConfigError(f"{file}: another configuration has the name {config.name!r} in the same history")
        found.append((config, schedule))
    return found


def _standing(config: Config) -> Standing | None:
    """How its job stands; of a run without an end its outcome says whether anybody is at it."""
    try:
        history = opened_there(config.history.url)
    except SourceError:
        return None
    with history:
        found = jobs.standing(history, config.name)
        if found is None or found.started_at is None or found.ended_at is not None:
            return found
        return found._replace(outcome="runs" if jobs.runs(history, config.name) else "was killed")


def _row(name: str, schedule: Schedule, standing: Standing | None, now: datetime) -> tuple[str, ...]:
    """The words of one job."""
    told = (words.visible(name), str(schedule))
    coming = _spelled(schedule.after(now))
    if standing is None or standing.schedule != str(schedule):
        return (*told, "", "", "", coming)
    if schedule.missed == "run" and schedule.latest(standing.due_at, now) is not None:
        coming = "due"
    outcome = words.visible(standing.outcome or "")
    said = f"failed: {outcome}" if standing.failed else outcome
    return (*told, _spelled(standing.started_at), _spelled(standing.ended_at), said, coming)


def _spelled(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
