"""/metrics, /live and /ready over HTTP, from the server that prometheus_client has."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self
from wsgiref.simple_server import WSGIRequestHandler, make_server

from accel_drift.errors import ConfigError
from accel_drift.report import Report
from accel_drift.telemetry.database import Databases
from accel_drift.telemetry.metrics import Metrics

_TEXT = ("Content-Type", "text/plain; charset=utf-8")


class Board:
    """What a running process shows: `/metrics`, `/live` (it moves), `/ready` (it can compare, the database answers).

    `/live` and `/ready` answer 200, or 503 with the reason in a line. Whoever can reach the address may read it: by
    default that is this machine.

    Args:
        urls: monitor's name -> URL of its history.
        port: to listen at; 0 for any that is free.
        host: to listen at.
        columns: see `Metrics`.
        reference: whether monitors have something to compare with from the beginning, or need nothing.
        stalled_after: seconds without a sign of life after which it is not live.
        clock: seconds that only go forward.

    Attributes:
        metrics: what is counted.
        host: that it listens at.
        port: that it listens at.

    Raises:
        ConfigError: the address cannot be listened at.
        ExtraMissingError: prometheus-client is not there.
    """

    def __init__(
        self,
        urls: Mapping[str, str],
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        columns: int = 50,
        reference: bool = False,
        stalled_after: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.metrics, self._databases = Metrics(columns), Databases(urls)
        self.metrics.registry.register(self._databases)
        self._clock, self._stalled_after = clock, stalled_after
        self._moved = dict.fromkeys(urls, clock())
        self._referenced = dict.fromkeys(urls, reference)
        from prometheus_client import make_wsgi_app
        from prometheus_client.exposition import ThreadingWSGIServer

        self._pages: Any = make_wsgi_app(self.metrics.registry)
        try:
            self._server = make_server(host, port, self._answer, ThreadingWSGIServer, handler_class=_Silent)
        except OSError as error:
            raise ConfigError(f"cannot listen at {host}:{port}: {error.strerror or error}; give another port") from None
        self.host, self.port = host, int(self._server.server_port)
        self._serving = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True, name="metrics")
        self._serving.start()

    def moved(self, monitor: str) -> None:
        """A sign of life."""
        self._moved[monitor] = self._clock()

    def stands(self, monitor: str, *, reference: bool, passed_over: int = 0) -> None:
        """How a monitor stands between windows.

        Args:
            monitor: its name.
            reference: it has something to compare with.
            passed_over: batches that it passed over since it was made.
        """
        self.moved(monitor)
        self._referenced[monitor] = reference
        self.metrics.passed_over(monitor, passed_over)

    def window(self, monitor: str, report: Report) -> None:
        """A window is finished, and stands in the history."""
        self.moved(monitor)
        self.metrics.window(monitor, report)

    def not_live(self) -> str:
        """Why it is not live; "" where it is."""
        now = self._clock()
        still = [name for name, at in self._moved.items() if now - at > self._stalled_after]
        return f"no sign of life for {self._stalled_after:g} s: {', '.join(still)}" if still else ""

    def not_ready(self) -> str:
        """Why it is not ready; "" where it is."""
        if silent := self._databases.silent():
            return f"the history does not answer: {', '.join(silent)}"
        without = [name for name, there in self._referenced.items() if not there]
        return f"there is no reference yet: {', '.join(without)}" if without else ""

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._serving.join()
        self._databases.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _answer(self, environ: Any, start: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            pages: Iterable[bytes] = self._pages(environ, start)
            return pages
        asked = {"/live": self.not_live, "/ready": self.not_ready}.get(path)
        if asked is None:
            start("404 Not Found", [_TEXT])
            return [b"there are /metrics, /live and /ready\n"]
        wrong = asked()
        start("503 Service Unavailable" if wrong else "200 OK", [_TEXT])
        return [f"{wrong or 'yes'}\n".encode(errors="replace")]


class _Silent(WSGIRequestHandler):
    """Requests are not logged."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing."""
