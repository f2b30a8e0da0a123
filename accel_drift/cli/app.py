"""The commands, and what becomes of mistakes: one line on standard error and an exit code."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, cast

import typer

from accel_drift.cli import alerting, configuring, histories, retraining, scheduling, studying, watching
from accel_drift.cli import options as o
from accel_drift.cli.console import (
    aside,
    complain,
    examples,
    forget_stdout,
    get_ready,
    out,
    progress,
    show,
    show_explanation,
)
from accel_drift.errors import AccelDriftError

NO_DRIFT, DRIFT, MISTAKE, BUG, INTERRUPTED = 0, 1, 2, 3, 130

# The common parent of typer's own complaints. It is taken from a public name, since the module that defines it is
# another one in other versions of typer.
_WrongUse = cast("type[Exception]", typer.BadParameter.__mro__[1])

app = typer.Typer(
    name="accel-drift",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(histories.app, name="history")
app.add_typer(alerting.app, name="alerts")
app.add_typer(retraining.app, name="retrain")


def main(args: Sequence[str] | None = None) -> None:
    """Run a command line and exit with its code; being told to end (SIGTERM) is what Ctrl-C is."""
    get_ready()
    sys.exit(run(sys.argv[1:] if args is None else args))


def run(args: Sequence[str]) -> int:
    """Run a command line; the exit code.

    A drift is 1, so nothing else may be: an error that nobody foresaw is 3 and not Python's own 1.
    """
    words = o.with_stdout_for_json(args)
    try:
        code = app(words, prog_name="accel-drift", standalone_mode=False, obj=shlex.join(["accel-drift", *args]))
        if code == INTERRUPTED:  # newer versions of typer make it of a KeyboardInterrupt
            aside("interrupted")
        return int(code or NO_DRIFT)
    except (AccelDriftError, _WrongUse) as error:
        complain(error)
        return MISTAKE
    except BrokenPipeError:
        forget_stdout()
        return NO_DRIFT
    except (KeyboardInterrupt, typer.Abort):
        aside("interrupted")
        return INTERRUPTED
    except MemoryError:
        aside("error: not enough memory; give fewer columns with --columns, or fewer rows")
        return MISTAKE
    except OSError as error:
        aside(f"error: {error.filename or 'a file'}: {error.strerror or error}")
        return MISTAKE
    except Exception:  # noqa: BLE001  a crash must not look like a drift
        import traceback

        traceback.print_exc()
        aside("error: this is a fault in accel-drift; please report it with the lines above")
        return BUG


def _print_version(asked: bool) -> None:
    if asked:
        from accel_drift._version import version

        out(f"accel-drift {version()}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Says whether two data sets differ: what drifted, how much, how sure, and what to look at.

    Exit codes: 0 no drift, 1 drift, a column gone or of another type, or no answer (only with --fail-on-drift), 2 wrong
    use, bad data or a retraining hook that failed, 3 a fault of accel-drift, 130 interrupted.
    """


@app.command(
    epilog=examples(
        "accel-drift score june.parquet september.parquet",
        "accel-drift score june.csv september.csv --drop id --block date:day",
        "accel-drift score june.adp september.csv --html report.html",
        "accel-drift score june.csv september.csv --detectors psi,ks --json",
        "accel-drift score june.csv september.csv --explain price --csv findings.csv",
        "accel-drift score june.csv september.csv --fail-on-drift || echo drifted",
    )
)
def score(
    context: typer.Context,
    reference: o.Reference,
    current: o.Current,
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
    html: o.Html = None,
    pdf: o.Pdf = None,
    json: o.Json = None,
    csv: o.Csv = None,
    parquet: o.Parquet = None,
    explain: o.Explain = None,
    fail_on_drift: o.FailOnDrift = False,
    top: o.Top = None,
    verbose: o.Verbose = False,
    quiet: o.Quiet = False,
) -> int:
    """Compare CURRENT with REFERENCE and print what drifted."""
    from accel_drift.cli import scoring

    given = o.learning(
        detectors=detectors, columns=columns, drop=drop, kinds=kinds, rule=rule, alpha=alpha,
        correction=correction, min_effect=min_effect, block=block, label=label, seed=seed,
    )  # fmt: skip
    files = {"--html": html, "--pdf": pdf, "--json": json, "--csv": csv, "--parquet": parquet}
    scoring.check_outputs(files, (reference, current))
    with progress("reading", quiet=quiet) as tell:
        report = scoring.score(reference, current, given, backend, tell)
    report = scoring.with_command(report, str(context.obj))
    told = [report.explain(column) for column in explain or ()]
    if json == scoring.STDOUT:
        out(report.to_json())
    elif not quiet:
        show(report, verbose=verbose, top=top)
        for explanation in told:
            show_explanation(explanation)
    for name in scoring.write(report, files, top):
        if not quiet:
            aside(f"Wrote {name}")
    return DRIFT if fail_on_drift and scoring.alarming(report) else NO_DRIFT


@app.command(
    epilog=examples(
        "accel-drift fit june.parquet --out june.adp",
        "accel-drift fit june.csv --out june.adp --detectors psi,ks,mmd --alpha 0.05 --drop id",
        "accel-drift fit june-01.parquet --plan june.plan.adp --out june-01.adp",
        "accel-drift score june.adp september.csv",
    )
)
def fit(
    reference: o.DataSet,
    out_file: o.Out,
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
    sample_rows: o.SampleRows = None,
    content: o.Content = None,
    plan_file: o.PlanFile = None,
    quiet: o.Quiet = False,
) -> int:
    """Learn REFERENCE once and save it as a profile, to score against without the data set."""
    from accel_drift.cli import learning, scoring

    given = o.learning(
        detectors=detectors, columns=columns, drop=drop, kinds=kinds, rule=rule, alpha=alpha,
        correction=correction, min_effect=min_effect, block=block, label=label, seed=seed, sample_rows=sample_rows,
        content=content,
    )  # fmt: skip
    scoring.check_outputs({"--out": out_file}, (reference, *([] if plan_file is None else [str(plan_file)])))
    with progress("learning", quiet=quiet) as tell:
        profile = learning.fit(reference, given, backend, plan_file, out_file, tell)
    if not quiet:
        out(learning.described(profile, out_file))
    return NO_DRIFT


@app.command(
    epilog=examples(
        "accel-drift plan june-01.parquet --out june.plan.adp",
        "accel-drift fit june-02.parquet --plan june.plan.adp --out june-02.adp",
        "accel-drift fit june-03.parquet --plan june.plan.adp --out june-03.adp",
        "accel-drift merge june-02.adp june-03.adp --out june.adp",
    )
)
def plan(
    sample: o.Sample,
    out_file: o.PlanOut,
    detectors: o.Detectors = None,
    alpha: o.Alpha = None,
    correction: o.Correction = None,
    rule: o.Rule = None,
    min_effect: o.MinEffect = None,
    columns: o.Columns = None,
    drop: o.Drop = None,
    kinds: o.Kinds = None,
    label: o.Label = None,
    seed: o.Seed = None,
    quiet: o.Quiet = False,
) -> int:
    """Decide from SAMPLE what is counted of a reference, so that its parts can be fitted apart and merged."""
    from accel_drift.cli import learning, scoring

    given = o.learning(
        detectors=detectors, columns=columns, drop=drop, kinds=kinds, rule=rule, alpha=alpha,
        correction=correction, min_effect=min_effect, label=label, seed=seed,
    )  # fmt: skip
    scoring.check_outputs({"--out": out_file}, (sample,))
    with progress("planning", quiet=quiet) as tell:
        made = learning.plan(sample, given, out_file, tell)
    if not quiet:
        out(learning.planned(made, out_file))
    return NO_DRIFT


@app.command(epilog=examples("accel-drift merge june-02.adp june-03.adp --out june.adp"))
def merge(profiles: o.Profiles, out_file: o.Out, quiet: o.Quiet = False) -> int:
    """Add up profiles that were fitted on one plan; their order does not matter, to the byte."""
    from accel_drift.cli import learning, scoring

    scoring.check_outputs({"--out": out_file}, tuple(profiles))
    with progress("merging", quiet=quiet):
        merged = learning.merge(profiles, out_file)
    if said := learning.repeated(profiles):
        aside(f"Warning: {said}")
    if not quiet:
        out(learning.described(merged, out_file))
    return NO_DRIFT


@app.command(
    epilog=examples(
        "accel-drift calibrate june.adp --rows 500 --out june-500.adp",
        "accel-drift calibrate june.adp --rows 5000 --rate 0.05 --block time:day --out june-days.adp",
        "accel-drift score june-500.adp september.csv",
    )
)
def calibrate(
    profile: o.ProfileFile,
    rows: o.RowsToCome,
    out_file: o.Out,
    rate: o.Rate = 0.01,
    block: o.Block = None,
    resamples: o.Resamples = None,
    seed: o.Seed = None,
    quiet: o.Quiet = False,
) -> int:
    """Give a PROFILE thresholds of its statistics for batches of so many rows, at a rate of false alarms."""
    from accel_drift.cli import learning, scoring

    scoring.check_outputs({"--out": out_file}, (profile,))
    with progress("calibrating", quiet=quiet) as tell:
        made = learning.calibrate(profile, rows, rate, block, resamples, seed or 0, out_file, tell)
    if not quiet:
        out(f"{made.thresholds}\nWrote {out_file}. Use it: accel-drift score {out_file} CURRENT")
    return NO_DRIFT


@app.command(
    epilog=examples(
        "accel-drift demo",
        "accel-drift demo --html flights.html",
    )
)
def demo(
    html: Annotated[Path, typer.Option("--html", metavar="FILE", help="Where the report goes.")] = Path(
        "accel-drift-demo.html"
    ),
) -> int:
    """Find a real drift: flights from New York, June against September 2013.

    Needs the data: pip install 'accel-drift[demo]'. Takes up to a minute.
    """
    from accel_drift import demo as story
    from accel_drift.cli import scoring

    scoring.check_outputs({"--html": html}, ())
    with progress("reading the flights") as tell:
        for section in story.sections(html, tell):
            out(section)
    return NO_DRIFT


@app.command(epilog=examples("accel-drift info"))
def info() -> int:
    """Say what the engine runs on here, and what would make it faster."""
    from accel_drift.cli.machine import lines

    with progress("opening the backends"):
        text = "\n".join(lines())
    out(text)
    return NO_DRIFT


for _more in (studying, configuring, watching, scheduling):
    app.registered_commands += _more.app.registered_commands
