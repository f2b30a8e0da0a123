"""`accel-drift init` and `accel-drift config`: a configuration is written, checked and shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accel_drift.cli import options as o
from accel_drift.cli.console import aside, examples, out, progress
from accel_drift.errors import ConfigError, SourceError

if TYPE_CHECKING:
    from accel_drift.config import Config

app = typer.Typer()


@app.command(
    epilog=examples(
        "accel-drift init june.parquet",
        "accel-drift init june.csv --out churn.yaml --label churned --drop customer",
    )
)
def init(
    reference: o.DataSet,
    out_file: Annotated[Path, typer.Option("--out", metavar="FILE", help="The configuration to write.")] = Path(
        "drift.yaml"
    ),
    label: o.Label = None,
    drop: o.Drop = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    quiet: o.Quiet = False,
) -> None:
    """Write a configuration for REFERENCE: its columns, and every key with its default and its meaning."""
    from accel_drift.config import started
    from accel_drift.files import write_text_atomically

    _can_be_done(reference, out_file, force=force)
    with progress("reading", quiet=quiet):
        text = started(reference, label=label, drop=tuple(o.names_in(drop) or ()))
    write_text_atomically(out_file, text)
    if not quiet:
        out(f"Wrote {out_file}. Check it after a change: accel-drift config {out_file}")


@app.command(
    epilog=examples(
        "accel-drift config drift.yaml",
        "ACCEL_DRIFT_WINDOWS__ROWS=5000 accel-drift config drift.yaml",
        "accel-drift config --schema > drift.schema.json",
    )
)
def config(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A configuration, such as drift.yaml.", show_default=False)
    ] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema, for editors.")] = False,
) -> None:
    """Check FILE and print the settings in force, those of the environment among them; passwords are hidden."""
    from accel_drift.config import effective, schema_text

    if schema:
        if file is not None:
            aside(f"Warning: {file} was not looked at; --schema is of every file")
        out(schema_text())
    else:
        found = loaded(file)
        if found.alerts.sinks:
            from accel_drift.alerts.sinks.making import sinks_of

            sinks_of(found.alerts.sinks)
        out(effective(found).rstrip("\n"))


def loaded(file: Path | None) -> Config:
    """The configuration in a file.

    Raises:
        ConfigError: no file is named, or something in it is wrong.
        SourceError: there is no such file.
    """
    from accel_drift.config import Config

    if file is None:
        raise ConfigError("which file? accel-drift config drift.yaml checks one, and accel-drift init writes one")
    return Config.load(file)


def _can_be_done(reference: str, out_file: Path, *, force: bool) -> None:
    from accel_drift.cli import scoring

    if out_file.exists() and not force:
        raise SourceError(f"{out_file} is there already; give --force to replace it, or another name with --out")
    scoring.check_outputs({"--out": out_file}, (reference,))
    scoring.must_exist(reference)
    if scoring.looks_like_a_profile(reference):
        raise ConfigError(f"{reference} is a saved profile; give the data that it was fitted on")
