"""`accel-drift schedule`: monitors that are run by the clock."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accel_drift.cli import options as o
from accel_drift.cli import watch_options as w
from accel_drift.cli.console import examples

app = typer.Typer()


@app.command(
    epilog=examples(
        "accel-drift schedule --config drift.yaml",
        "accel-drift schedule --config churn.yaml --config fraud.yaml --log-format json",
        "accel-drift schedule --config drift.yaml --list",
    )
)
def schedule(
    config: Annotated[
        list[Path] | None,
        typer.Option("--config", metavar="FILE", help="A configuration with a schedule; give it again for more."),
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Print schedules, last and next runs, and end.")] = False,
    json: w.Lines = None,
    log_format: w.LogFormat = None,
    metrics_port: w.MetricsPort = None,
    quiet: o.Quiet = False,
) -> int:
    """Do what `run` does by each configuration's schedule, until Ctrl-C or SIGTERM.

    Any number of processes may do so: one at a time runs a monitor. A run that fails is written down and logged, and
    the next one is done. Exit code 130 after the windows at hand.
    """
    from accel_drift.cli import scheduled

    if listed:
        scheduled.show(config or [])
        return 0
    return scheduled.run(
        config or [], {"json": json, "log_format": log_format, "metrics_port": metrics_port, "quiet": quiet}
    )
