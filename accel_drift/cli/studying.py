"""`accel-drift simulate` and `accel-drift evaluate`: drift made on purpose, and who finds it."""

from __future__ import annotations

import typer

from accel_drift.cli import evaluation_options as e
from accel_drift.cli import options as o
from accel_drift.cli.console import aside, examples, out, progress

app = typer.Typer()


@app.command(
    epilog=examples(
        "accel-drift simulate --list",
        "accel-drift simulate sudden --out stream --magnitude 0.3",
        "accel-drift simulate arriving_files --out inbox --format csv --interval 5",
        "accel-drift simulate sudden --reference june.parquet --label target --out replay",
        "accel-drift score stream/reference.parquet stream/batches/0030.parquet",
    )
)
def simulate(
    name: o.ScenarioName = None,
    out_folder: o.SimulationOut = None,
    magnitude: o.Magnitude = None,
    batches: o.Batches = None,
    rows: o.BatchRows = None,
    reference: o.OwnRows = None,
    reference_rows: o.ReferenceRows = 2_000,
    label: o.ScenarioLabel = None,
    seed: o.ScenarioSeed = 0,
    file_format: o.FileFormat = "parquet",
    interval: o.Interval = 0.0,
    force: o.Force = False,
    listed: o.ListScenarios = False,
    quiet: o.Quiet = False,
) -> None:
    """Make a stream of batches with known drift: a reference, a file for each batch, and the truth as JSON."""
    from accel_drift.cli import simulating

    if listed:
        out(simulating.listed())
        return
    sizes = {"batches": batches, "rows": rows, "reference_rows": reference_rows}
    made = simulating.scenario(name, out_folder, reference, label, magnitude=magnitude, seed=seed, **sizes)
    with progress("drawing the reference", quiet=quiet) as tell:
        text = simulating.write(made, out_folder, file_format, interval, tell, force=force)
    if not quiet:
        out(text)


@app.command(
    epilog=examples(
        "accel-drift evaluate --scenarios sudden,gradual --detectors psi,mmd --out results",
        "accel-drift evaluate --scenarios sudden --detectors psi+ks,adwin --magnitude 0.2 --seeds 40 --out results",
    )
)
def evaluate(
    out_folder: e.ResultsOut,
    scenarios: e.Scenarios = None,
    detectors: e.Contenders = None,
    seeds: e.Seeds = 20,
    magnitude: e.Size = None,
    batches: e.Count = None,
    rows: e.RowsEach = None,
    processes: e.Processes = 1,
    quiet: o.Quiet = False,
) -> None:
    """Evaluate detectors on streams with known drift, with dummies beside them; what is in FOLDER is not run again."""
    from accel_drift.cli import evaluating

    study = evaluating.study(
        o.names_in(scenarios), o.names_in(detectors), seeds, magnitude=magnitude, batches=batches, rows=rows
    )
    with progress("evaluating", quiet=quiet) as tell:
        results = study.run(processes=processes, out=out_folder, progress=tell)
    files = evaluating.write(results, out_folder)
    if not quiet:
        out(evaluating.told(results))
        aside(f"Wrote {', '.join(files)} to {out_folder}")
