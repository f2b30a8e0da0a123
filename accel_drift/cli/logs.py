"""What is logged, for people or for machines, while a command runs."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from accel_drift.errors import ConfigError

if TYPE_CHECKING:
    from accel_drift.config import Config


class _Dated(logging.Formatter):
    """A record as a line that begins with its time in UTC."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s: %(message)s", "%Y-%m-%dT%H:%M:%SZ")


class _AsJson(logging.Formatter):
    """A record as a JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        return json.dumps(told, ensure_ascii=False)


@contextmanager
def logged(given: Mapping[str, Any], config: Config | None) -> Iterator[None]:
    """What is logged, written while it watches.

    Args:
        given: the options by their names.
        config: the configuration, where there is one.

    Raises:
        ConfigError: there is no such form.
    """
    form, level, file = given["log_format"], logging.WARNING, None
    if form not in (None, "text", "json"):
        raise ConfigError(f"--log-format is {form!r}; there are text and json")
    if config is not None and (form is not None or config.logging.changed()):
        level, file = logging.getLevelNamesMapping()[config.logging.level.upper()], config.logging.file
        form = form or config.logging.format
    elif form is not None:
        level = logging.INFO
    handler = logging.StreamHandler(sys.stderr) if file is None else logging.FileHandler(file, encoding="utf-8")
    # A file is read later; who looks on, or collects standard error, knows the time.
    plain = logging.Formatter("%(levelname)s: %(message)s") if file is None else _Dated()
    handler.setFormatter(_AsJson() if form == "json" else plain)
    logger = logging.getLogger("accel_drift")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)
        handler.close()
