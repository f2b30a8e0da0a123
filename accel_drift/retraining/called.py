"""Calls a function in a process of its own: `python -m accel_drift.retraining.called package.module:function`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from accel_drift.errors import ConfigError


def function_of(name: str) -> Callable[[Any], Any]:
    """The function that "package.module:function" names.

    Raises:
        ConfigError: there is no such function.
    """
    module, sign, path = name.partition(":")
    try:
        if not (module and sign and path):
            raise ValueError("it is package.module:function")
        found: Any = import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"there is no function {name!r} to call: {error}") from error
    if not callable(found):
        raise ConfigError(f"{name!r} names {found!r:.100}, which cannot be called")
    return found  # type: ignore[no-any-return]


def look(name: str) -> None:
    """End with the reason on the last line where there is no such function."""
    try:
        function_of(name)
    except ConfigError as error:
        sys.exit(str(error))


def main(name: str) -> None:
    """Call it with the request, and write what it returns."""
    from accel_drift.retraining.asked import Request

    told = json.loads(Path(os.environ["ACCEL_DRIFT_REQUEST_FILE"]).read_text(encoding="utf-8"))
    answer = function_of(name)(Request.from_dict(told))
    if answer is not None:
        Path(os.environ["ACCEL_DRIFT_OUTCOME_FILE"]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
