"""`accel-drift alerts`: which alerts are open, what became of their messages, and what people say of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accel_drift.cli import watch_options as w
from accel_drift.cli.console import aside, out

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")

Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="The configuration: its history, name and sinks.")
]
History = Annotated[
    str | None, typer.Option("--history", metavar="URL", help="A file or URL. Without it: the configuration's.")
]
Name = Annotated[str | None, typer.Option("--name", metavar="NAME", help="Of the monitor, where there is no --config.")]
Key = Annotated[str, typer.Argument(metavar="ALERT", help="The alert's key, or its beginning.")]
Json = Annotated[str | None, typer.Option("--json", metavar="[-]", help="Print JSON, with everything that is known.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who says so. Without it: the user's name.")]


@app.callback()
def _root() -> None:
    """Alerts: list, acknowledge and silence them; send what waits; test a sink."""


@app.command("list")
def listed(
    config: Config = None,
    history: History = None,
    name: Name = None,
    ended: Annotated[bool, typer.Option("--all", help="Alerts that ended, too.")] = False,
    json: Json = None,
) -> None:
    """Open alerts, the latest first, and the silences that hold."""
    from accel_drift.cli import alerted

    with alerted.desk(config, history, name) as desk:
        out(desk.listed(ended=ended, json=json))


@app.command()
def show(alert: Key, config: Config = None, history: History = None, name: Name = None, json: Json = None) -> None:
    """One alert, and what became of each of its messages."""
    from accel_drift.cli import alerted

    with alerted.desk(config, history, name) as desk:
        out(desk.shown(alert, json=json))


@app.command()
def ack(alert: Key, config: Config = None, history: History = None, name: Name = None, by: By = "") -> None:
    """Acknowledge an alert: no reminders or escalations of it any more; its end is told."""
    from accel_drift.cli import alerted

    with alerted.desk(config, history, name) as desk:
        aside(f"Acknowledged {desk.acknowledged(alert, by)}.")


@app.command()
def silence(
    duration: Annotated[str, typer.Option("--for", metavar="TIME", help="How long, such as 2h or 1d.")],
    rule: Annotated[str, typer.Option("--rule", metavar="NAME", help="Rules; * stands for any text.")] = "*",
    subject: Annotated[str, typer.Option("--column", metavar="NAME", help="Columns; * stands for any text.")] = "*",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")] = "",
    config: Config = None,
    history: History = None,
    name: Name = None,
    by: By = "",
) -> None:
    """Send nothing of some alerts for a while. What is still open then is told then; what ended is not."""
    from accel_drift.cli import alerted

    with alerted.desk(config, history, name) as desk:
        aside(desk.silenced(rule, subject, duration, reason, by))


@app.command()
def unsilence(
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar="NUMBERS", help="Which silences, as list tells; all without any.")
    ] = None,
    config: Config = None,
    history: History = None,
    name: Name = None,
) -> None:
    """End silences now; what they held back is sent."""
    from accel_drift.cli import alerted

    with alerted.desk(config, history, name) as desk:
        aside(f"Ended {desk.unsilenced(numbers or [])} silences.")


@app.command("test")
def send_test(
    sink: Annotated[str, typer.Argument(metavar="SINK", help="The name of a sink in the configuration.")],
    config: Config = None,
) -> int:
    """Send a test message to a sink now, and say why where it did not go: exit code 1. It needs no history."""
    from accel_drift.cli import alerted

    return alerted.tested(config, sink)


@app.command()
def deliver(
    config: Config = None,
    history: History = None,
    once: Annotated[bool, typer.Option("--once", help="Send what is due, and end: exit code 1 if any stays.")] = False,
    log_format: w.LogFormat = None,
) -> int:
    """Send what waits, and what comes, until Ctrl-C or SIGTERM. Any number of processes may do so."""
    from accel_drift.cli import alerted

    with alerted.desk(config, history, None, sinks=True) as desk:
        return desk.delivered(once=once, log_format=log_format)
