"""The options of `watch` and `run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_CUT, _FILES, _WRITE = "What makes a window", "Where files come from", "What comes out"

Compared = Annotated[
    str | None,
    typer.Argument(
        metavar="REFERENCE",
        help="What windows are compared with: a profile, a Parquet, CSV or Arrow file, or windows of the stream "
        "itself: trailing:26 for those before, period:2024-01-01,2024-01-08 for those of a while.",
        show_default=False,
    ),
]
Inbox = Annotated[
    str | None,
    typer.Argument(
        metavar="INBOX",
        help="A folder that files arrive in, a file or a pattern, - for a stream of Arrow batches on standard input, "
        "or topics: kafka://HOST:9092/TOPIC?format=json.",
        show_default=False,
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="All of it from a configuration; see accel-drift init."),
]
History = Annotated[
    str | None,
    typer.Option(
        "--history",
        metavar="URL",
        help="A file, or postgresql://user:password@host/name. Without it: drift.db.",
        rich_help_panel=_WRITE,
    ),
]
Name = Annotated[
    str | None,
    typer.Option(
        "--name", metavar="NAME", help="Of the monitor in the history. Without it: monitor.", rich_help_panel=_WRITE
    ),
]
Rows = Annotated[int | None, typer.Option("--rows", metavar="N", help="So many rows.", rich_help_panel=_CUT)]
Time = Annotated[
    str | None,
    typer.Option("--time", metavar="LENGTH", help="A stretch of time: 1h, 1d, 1w, 1mo.", rich_help_panel=_CUT),
]
On = Annotated[
    str | None,
    typer.Option("--on", metavar="COLUMN", help="When rows happened, for --time.", rich_help_panel=_CUT),
]
Every = Annotated[
    str | None,
    typer.Option("--every", metavar="STEP", help="From one window to the next: rows, or time.", rich_help_panel=_CUT),
]
Lateness = Annotated[
    str | None,
    typer.Option("--lateness", metavar="LENGTH", help="How late rows may come, for --time.", rich_help_panel=_CUT),
]
Finish = Annotated[
    bool,
    typer.Option("--finish", help="At the end also hand out windows that are not full.", rich_help_panel=_CUT),
]
Pattern = Annotated[
    list[str] | None,
    typer.Option(
        "--pattern",
        metavar="PATTERN",
        help="Only files like this: '*.parquet'. May be repeated.",
        rich_help_panel=_FILES,
    ),
]
Order = Annotated[
    str | None,
    typer.Option("--order", metavar="NAME", help="Of files that are there: name or time.", rich_help_panel=_FILES),
]
Poll = Annotated[
    float, typer.Option("--poll", metavar="SECONDS", help="From one look to the next.", rich_help_panel=_FILES)
]
Settle = Annotated[
    float,
    typer.Option(
        "--settle",
        metavar="SECONDS",
        help="A file has arrived when it did not change for so long.",
        rich_help_panel=_FILES,
    ),
]
Patience = Annotated[
    float,
    typer.Option(
        "--patience", metavar="SECONDS", help="A file is passed over when nobody could read it for so long.",
        rich_help_panel=_FILES,
    ),
]  # fmt: skip
UntilIdle = Annotated[
    float | None,
    typer.Option("--until-idle", metavar="SECONDS", help="End when nothing came for so long.", rich_help_panel=_FILES),
]
Lines = Annotated[
    str | None,
    typer.Option(
        "--json",
        metavar="[-]",
        help="Write each report as a line of JSON to standard output.",
        rich_help_panel=_WRITE,
    ),
]
LogFormat = Annotated[
    str | None,
    typer.Option(
        "--log-format",
        metavar="NAME",
        help="Log to standard error: text, or json for an object a line. Without it: warnings alone.",
        rich_help_panel=_WRITE,
    ),
]
MetricsPort = Annotated[
    int | None,
    typer.Option(
        "--metrics-port",
        metavar="PORT",
        min=0,
        max=65_535,
        help="Show /metrics (Prometheus), /live and /ready at this port of this machine; 0 for any that is free.",
        rich_help_panel=_WRITE,
    ),
]
FailOnDrift = Annotated[
    bool, typer.Option("--fail-on-drift", help="Exit with 1 when a window drifted.", rich_help_panel=_WRITE)
]
