"""Numbers for Prometheus, and signs of life, of what `watch` and `schedule` do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from accel_drift.cli.console import aside
from accel_drift.history import History
from accel_drift.monitor import Monitor
from accel_drift.report import Report

if TYPE_CHECKING:
    from accel_drift.config.running import Metrics
    from accel_drift.telemetry.serving import Board


class Meter:
    """What one monitor shows, where anything is shown.

    Args:
        board: where it is shown; None for nowhere.
        monitor: the monitor.
    """

    def __init__(self, board: Board | None, monitor: Monitor) -> None:
        self._board, self._monitor = board, monitor

    def moved(self) -> None:
        """Between windows."""
        if self._board is not None:
            monitor = self._monitor
            self._board.stands(monitor.name, reference=monitor.has_reference, passed_over=monitor.passed_over)

    def window(self, report: Report) -> None:
        """A window is finished, and stands in the history."""
        if self._board is not None:
            self._board.window(self._monitor.name, report)
            self.moved()


@contextmanager
def board(
    port: int | None,
    section: Metrics | None,
    histories: Mapping[str, History | None],
    *,
    quiet: bool,
    reference: bool = False,
) -> Iterator[Board | None]:
    """Listen while this lasts, where a port is given.

    Args:
        port: by an option, which comes before the configuration's.
        section: of the configuration, where there is one.
        histories: monitor's name -> its history.
        quiet: print nothing.
        reference: none is waited for.

    Raises:
        ConfigError: the address cannot be listened at.
        ExtraMissingError: prometheus-client is not there.
    """
    port = port if port is not None or section is None else section.port
    if port is None:
        yield None
        return
    from accel_drift.telemetry.serving import Board

    urls = {
        name: history.engine.url.render_as_string(hide_password=False)
        for name, history in histories.items()
        if history is not None
    }
    given = {} if section is None else {name: value for name, value in section if name != "port"}
    with Board(urls, port=port, reference=reference, **given) as made:
        if not quiet:
            aside(f"Metrics: http://{made.host}:{made.port}/metrics, and /live and /ready")
        yield made
