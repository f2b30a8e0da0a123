"""`accel-drift watch` and `accel-drift run`: windows as they come, and one cycle for cron."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import typer

from accel_drift.cli import options as o
from accel_drift.cli import watch_options as w
from accel_drift.cli.console import examples

app = typer.Typer()


@app.command(
    epilog=examples(
        "accel-drift watch june.adp inbox --history drift.db --name churn",
        "accel-drift watch june.adp inbox --time 1h --on event_time --lateness 10min --json",
        "accel-drift watch trailing:26 weeks --pattern '*.parquet' --block day:day --until-idle 60",
        "producer | accel-drift watch june.adp - --rows 10000",
        "accel-drift watch june.adp 'kafka://kafka-1:9092/scored?format=json' --rows 10000",
        "accel-drift watch --config drift.yaml --log-format json",
    )
)
def watch(
    context: typer.Context,
    reference: w.Compared = None,
    inbox: w.Inbox = None,
    config: w.ConfigFile = None,
    history: w.History = None,
    name: w.Name = None,
    rows: w.Rows = None,
    time: w.Time = None,
    on: w.On = None,
    every: w.Every = None,
    lateness: w.Lateness = None,
    finish: w.Finish = False,
    pattern: w.Pattern = None,
    order: w.Order = None,
    settle: w.Settle = 2.0,
    patience: w.Patience = 60.0,
    poll: w.Poll = 5.0,
    until_idle: w.UntilIdle = None,
    detectors: o.Detectors = None,
    backend: o.BackendName = "auto",
    alpha: o.Alpha = None,
    correction: o.Correction = None,
    rule: o.Rule = None,
    min_effect: o.MinEffect = None,
    block: o.Block = None,
    columns: o.Columns = None,
    drop: o.Drop = None,
    kinds: o.Kinds = None,
    label: o.Label = None,
    seed: o.Seed = None,
    json: w.Lines = None,
    log_format: w.LogFormat = None,
    metrics_port: w.MetricsPort = None,
    fail_on_drift: w.FailOnDrift = False,
    quiet: o.Quiet = False,
) -> int:
    """Compare what arrives in INBOX with REFERENCE, window by window; all of it stands in a history.

    Killed at any moment, the same command goes on where it stood. Ctrl-C and SIGTERM end it after the window at hand.
    """
    return _watched(context.params)


@app.command(
    epilog=examples(
        "accel-drift run june.adp inbox --history drift.db --name churn --fail-on-drift",
        "accel-drift run --config drift.yaml --quiet",
    )
)
def run(
    context: typer.Context,
    reference: w.Compared = None,
    inbox: w.Inbox = None,
    config: w.ConfigFile = None,
    history: w.History = None,
    name: w.Name = None,
    rows: w.Rows = None,
    time: w.Time = None,
    on: w.On = None,
    every: w.Every = None,
    lateness: w.Lateness = None,
    finish: w.Finish = False,
    pattern: w.Pattern = None,
    order: w.Order = None,
    settle: w.Settle = 2.0,
    patience: w.Patience = 60.0,
    detectors: o.Detectors = None,
    backend: o.BackendName = "auto",
    alpha: o.Alpha = None,
    correction: o.Correction = None,
    rule: o.Rule = None,
    min_effect: o.MinEffect = None,
    block: o.Block = None,
    columns: o.Columns = None,
    drop: o.Drop = None,
    kinds: o.Kinds = None,
    label: o.Label = None,
    seed: o.Seed = None,
    json: w.Lines = None,
    log_format: w.LogFormat = None,
    fail_on_drift: w.FailOnDrift = False,
    quiet: o.Quiet = False,
) -> int:
    """As `watch`, once: take what is there, and end. The next run goes on where this one ended."""
    return _watched({**context.params, "poll": 5.0, "until_idle": 0.0})


def _watched(given: Mapping[str, Any]) -> int:
    from accel_drift.cli import watched

    # Of an option that may be repeated and is not there, the context has an empty list.
    return watched.run({name: None if value in ((), []) else value for name, value in given.items()}, sys.stdin)
