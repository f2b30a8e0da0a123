"""Hooks as users write them, in a module that other processes find."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from accel_drift.retraining import Request


def trained(request: Request) -> dict[str, Any]:
    return {"f1": 0.9, "rows": request.data["rows"], "store": "postgresql://me:hushhush@here/db", "key": request.key}


def hangs(request: Request) -> None:  # noqa: ARG001
    time.sleep(600)


def counted(request: Request) -> None:
    with Path(request.data["file"]).open("a", encoding="utf-8") as file:
        file.write(request.key + "\n")


def without_a_number(request: Request) -> dict[str, Any]:  # noqa: ARG001
    return {"f1": float("nan")}


def fails(request: Request) -> None:  # noqa: ARG001
    raise ValueError("too few rows")
