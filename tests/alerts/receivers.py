"""Receivers on this machine: an SMTP server, and an HTTP server that may refuse, hang or answer 500 for a while."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


class Received:
    """What came, and how a receiver behaves.

    Attributes:
        mode: "well", "500", "hang", "drop" (the connection) or "late" (takes it, and closes without an answer).
        bodies: what was taken, parsed.
        headers: the headers of each.
        asked: how often somebody came.
        go: what "hang" waits for.
    """

    def __init__(self) -> None:
        self.mode, self.asked, self.go = "well", 0, Event()
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []

    def keys(self) -> list[str]:
        return [headers["Idempotency-Key"] for headers in self.headers]


@contextmanager
def http(port: int = 0) -> Iterator[tuple[int, Received]]:
    """An HTTP server on loopback: its port, and what it gets."""
    got = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.asked += 1
            mode, length = got.mode, int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            if mode == "hang":
                got.go.wait(60)
            if mode in ("drop", "hang"):
                self.close_connection = True
                return
            if mode == "500":
                self._answer(500, {"status": "no"})
                return
            found = json.loads(body)
            got.bodies.append(found)
            got.headers.append(dict(self.headers.items()))
            if mode == "late":
                self.close_connection = True
                return
            self._answer(202, {"status": "success", "dedup_key": found.get("dedup_key", "")})

        def _answer(self, status: int, value: dict[str, str]) -> None:
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.server_port, got
    finally:
        got.go.set()
        server.shutdown()
        server.server_close()
        thread.join(30)


@contextmanager
def smtp() -> Iterator[tuple[int, Received]]:
    """An SMTP server on loopback: its port, and what it gets."""
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult

    got = Received()

    class Handler:
        async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
            got.asked += 1
            while got.mode == "hang" and not got.go.is_set():
                await asyncio.sleep(0.01)
            if got.mode == "drop":
                server.transport.abort()
            if got.mode != "well":
                return "451 try again later"
            mail = message_from_bytes(envelope.content, policy=default)
            text = mail.get_body(("plain", "html"))
            got.bodies.append({"text": "" if text is None else text.get_content(), "to": envelope.rcpt_tos})
            got.headers.append({name: str(value) for name, value in mail.items()})
            return "250 taken"

    controller = Controller(
        Handler(), hostname="127.0.0.1", port=free_port(), ready_timeout=30, auth_require_tls=False,
        authenticator=lambda *_given: AuthResult(success=True),
    )  # fmt: skip
    controller.start()
    try:
        yield controller.port, got
    finally:
        got.go.set()
        controller.stop()


def free_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
