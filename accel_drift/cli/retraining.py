"""`accel-drift retrain`: what was asked to be learned again, on which data, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from accel_drift.cli.console import aside, examples, out
from accel_drift.cli.histories import Csv, Where, opened, tell
from accel_drift.errors import ConfigError

if TYPE_CHECKING:
    from accel_drift.cli.watched import Ending
    from accel_drift.config import Config
    from accel_drift.history import History
    from accel_drift.retraining import Runner

MISTAKE = 2
app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")

Key = Annotated[
    str, typer.Argument(metavar="KEY", help="The request's key, or how it begins; retrain list tells them.")
]
_SHOWN = ("key", "monitor", "asked_at", "state", "attempts", "seconds", "reason")


@app.callback()
def _root() -> None:
    """Requests to learn a model again: list them, run the hook for them, call one off."""


@app.command("list", epilog=examples("accel-drift retrain list drift.db", "accel-drift retrain list drift.db churn"))
def listed(
    where: Where,
    monitor: Annotated[str | None, typer.Argument(metavar="MONITOR", help="Only of this one.")] = None,
    state: Annotated[str | None, typer.Option("--state", metavar="STATE", help="Only in this state.")] = None,
    csv: Csv = None,
) -> None:
    """What was asked, the oldest first, and how it stands."""
    from accel_drift.retraining import requests

    with opened(where) as history:
        tell(requests(history, monitor, state=state), _SHOWN, csv)


@app.command(epilog=examples("accel-drift retrain show drift.db 5f3a"))
def show(where: Where, key: Key) -> None:
    """All of a request as JSON: why, on which data, and what came of each attempt."""
    from accel_drift.retraining import find

    with opened(where) as history:
        out(json.dumps(find(history, key).to_dict(), indent=2, ensure_ascii=False))


@app.command(
    epilog=examples(
        "accel-drift retrain run --config drift.yaml", "accel-drift retrain run --config drift.yaml --poll 60"
    )
)
def run(
    config: Annotated[Path, typer.Option("--config", metavar="FILE", help="The configuration with the hook.")],
    poll: Annotated[
        float | None, typer.Option("--poll", metavar="SECONDS", help="Keep on, and look for requests so often.")
    ] = None,
) -> int:
    """Run the hook for every request that is due; 2 where one failed for good."""
    return _ran(config, poll)


@app.command(epilog=examples("accel-drift retrain cancel drift.db 5f3a"))
def cancel(where: Where, key: Key) -> None:
    """Call a request off; a command that runs for it is ended by its runner."""
    with opened(where) as history:
        aside(f"Cancelled {_called_off(history, key)}")


def check_hook(config: Config, *, quiet: bool) -> None:
    """Look at the hook that this configuration runs before anything is watched.

    Raises:
        ConfigError: it cannot be run here.
    """
    section = config.retraining
    if not section.enabled:
        return
    section.check_hook()
    if not section.has_hook and not quiet:
        from accel_drift.report import words

        aside(
            f"Warning: {words.visible(config.name)}: retraining has no command and no callable; requests wait until a "
            "runner elsewhere takes them"
        )


@contextmanager
def hooked(config: Config | None, history: History | None, ending: Ending) -> Iterator[Runner | None]:
    """Run the hook of a configuration for what is asked in here, beside it; at the end what is due is waited for.

    Whoever is asked to end does not wait: a hook that runs is ended, and its request is due again.

    Yields:
        what runs it, where there is a hook.
    """
    wanted: Any = config is not None and config.retraining.enabled and history is not None
    runner = config.retraining.runner(history, config.name) if wanted and config and history else None
    if runner is None:
        yield None
        return
    with runner:
        yield runner
        runner.finish(lambda: not ending.asked)


def _ran(file: Path, poll: float | None) -> int:
    """Run what is due, once or again and again; the exit code.

    Raises:
        ConfigError: an option cannot work, or the configuration has no hook.
        HistoryError: the database cannot be used.
    """
    from accel_drift.config import Config
    from accel_drift.history import History
    from accel_drift.options import is_finite

    if poll is not None and not (is_finite(poll) and poll > 0):
        raise ConfigError(f"--poll is {poll}; it is a number of seconds above 0")
    made = Config.load(file)
    with History(made.history.url, wait=made.history.wait) as history:
        runner = made.retraining.runner(history, made.name)
        if runner is None:
            raise ConfigError(f"{file} has no retraining.command and no retraining.callable: there is nothing to run")
        made.retraining.check_hook()
        while True:
            for one in runner.run():
                out(f"{one.key}  {one.state}  {one.seconds or 0:.3g} s  {one.reason}")
            if poll is None:
                return MISTAKE if runner.failed else 0
            runner.rest(poll)


def _called_off(history: History, key: str) -> str:
    """The request's whole key.

    Raises:
        ConfigError: there is no such request, or it has ended.
        HistoryError: the database failed.
    """
    from accel_drift.retraining import cancel as call_off
    from accel_drift.retraining import find

    found = find(history, key)
    if not call_off(history, found.key, datetime.now(UTC)):
        raise ConfigError(f"request {found.key} is {found.state}; what has ended is not called off")
    return found.key
