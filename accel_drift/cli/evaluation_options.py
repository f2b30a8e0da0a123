"""The options of `evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ResultsOut = Annotated[
    Path,
    typer.Option("--out", metavar="FOLDER", help="Where results go, each trial as it is done.", show_default=False),
]
Scenarios = Annotated[
    list[str] | None,
    typer.Option(
        "--scenarios", metavar="NAMES", help="Separated by commas; see simulate --list. Without it: healthy,sudden."
    ),
]
Contenders = Annotated[
    list[str] | None,
    typer.Option(
        "--detectors",
        metavar="NAMES",
        help="Detectors of batches or of streams, separated by commas; psi+ks are two with one verdict. Without it: "
        "psi,ks,mmd.",
    ),
]
Seeds = Annotated[int, typer.Option("--seeds", help="How many times each scenario is drawn.")]
Size = Annotated[
    float | None, typer.Option("--magnitude", help="Of the drift, in deviations of the reference. Without it: 0.5.")
]
Count = Annotated[int | None, typer.Option("--batches", help="Of each stream. Without it: the scenario's own number.")]
RowsEach = Annotated[int | None, typer.Option("--rows", help="Of each batch. Without it: the scenario's own number.")]
Processes = Annotated[int, typer.Option("--processes", help="Trials that run at a time.")]
