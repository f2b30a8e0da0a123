"""Sinks that stay on this machine."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accel_drift.alerts.sinks.base import Message, Sink
from accel_drift.errors import ConfigError, SinkError

LOG = logging.getLogger("accel_drift.alerts")
_LEVELS = {"critical": logging.ERROR, "warning": logging.WARNING}


@dataclass(frozen=True)
class Log(Sink):
    """The log `accel_drift.alerts`: critical as an error, warning as a warning, the rest as information.

    The line ends with the message's key.
    """

    def send(self, message: Message) -> None:
        """Log it."""
        level = logging.INFO if message.kind == "resolved" else _LEVELS.get(message.severity, logging.INFO)
        LOG.log(level, "%s [%s]", message.text, message.key)


@dataclass(frozen=True)
class JsonLines(Sink):
    """A file that grows by a JSON object a message, with its key as "key". Any number of processes may share it.

    Args:
        path: the file; it is made where there is none.

    Raises:
        ConfigError: the path is no text.
    """

    path: Any = None

    def __post_init__(self) -> None:
        if not isinstance(self.path, str | Path) or not str(self.path):
            raise ConfigError("a sink of kind jsonl needs a path, such as path: alerts.jsonl")

    def send(self, message: Message) -> None:
        """Add it in one piece, and see it on the disk.

        Raises:
            SinkError: the file cannot be written.
        """
        line = json.dumps(message.as_dict(), ensure_ascii=True).encode() + b"\n"
        try:
            number = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
            try:
                if _is_torn(number):
                    line = b"\n" + line
                if os.write(number, line) != len(line):
                    raise SinkError(f"the disk of {self.path} is full")
                os.fsync(number)
            finally:
                os.close(number)
        except OSError as error:
            raise SinkError(f"cannot write {self.path}: {error.strerror or error}") from error


def _is_torn(number: int) -> bool:
    """Whether a file ends within a line, as when a machine went down while it was written."""
    end = os.lseek(number, 0, os.SEEK_END)
    if end == 0:
        return False
    os.lseek(number, end - 1, os.SEEK_SET)
    return os.read(number, 1) != b"\n"
