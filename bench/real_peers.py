"""Other drift libraries on real tables, under a Python of their own and with their defaults.

`answers` writes the tables to a file and starts this file under that Python; `main` is what it runs there, and imports
neither the engine nor the rest of the bench. What the child prints last is one line of JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

PYTHON = "ACCEL_DRIFT_PEERS"
"""The variable that names that Python, as in `online_peer`."""

LEVEL = 0.001
"""Of Frouros, which has no level of its own: that of its own first example."""

MMD_ROWS = 500

Verdict = tuple[bool, list[str]]
"""Whether the data set drifted, and the columns that are said to have."""


def evidently(x: Any, y: Any) -> Verdict:
    """The preset: a test or a distance for each column, by its type and the number of rows."""
    presets, report = import_module("evidently.presets"), import_module("evidently").Report
    made = report([presets.DataDriftPreset()]).run(y, x).dict()["metrics"]
    share = made[0]["value"]["share"]
    columns = [m["config"]["column"] for m in made[1:] if _evident(m)]
    return share >= made[0]["config"].get("drift_share", 0.5), columns


def _evident(metric: Mapping[str, Any]) -> bool:
    """Its p-values drift below the threshold, its distances from there on."""
    config = metric["config"]
    value, threshold = float(metric["value"]), float(config["threshold"])
    return value < threshold if "p_value" in config["method"] else value >= threshold


def nannyml(x: Any, y: Any) -> Verdict:
    """Jensen-Shannon distances by chunks, ten a side: a column drifts where any chunk of the batch alerts."""
    made = import_module("nannyml").UnivariateDriftCalculator(column_names=list(x.columns))
    frame = made.fit(x).calculate(y).filter(period="analysis").to_df()
    alerts = frame.xs("alert", axis=1, level=2)
    columns = sorted({str(key[0]) for key in alerts.columns[alerts.any(axis=0)]})
    return bool(columns), columns


def alibi(x: Any, y: Any) -> Verdict:
    """TabularDrift: KS and chi-squared tests at 0.05 over the number of columns; rows without a value are dropped."""
    one, other, categories = _coded(x, y)
    made = import_module("alibi_detect.cd").TabularDrift(one, p_val=0.05, categories_per_feature=categories)
    told = made.predict(other, drift_type="batch")["data"]
    names = [name for name, p in zip(x.columns, told["p_val"], strict=True) if p < told["threshold"]]
    return bool(told["is_drift"]), names


def alibi_mmd(x: Any, y: Any) -> Verdict:
    """MMDDrift at 0.05 on at most `MMD_ROWS` rows of a side: numbers alone, each scaled by the reference."""
    numbers = [name for name in x.columns if x[name].dtype != object]
    x, y = (frame[numbers].dropna() for frame in (x, y))
    mean, spread = x.mean(), x.std().replace(0, 1)
    one, other = (((f - mean) / spread).sample(min(MMD_ROWS, len(f)), random_state=0) for f in (x, y))
    one, other = (f.to_numpy(dtype=np.float32) for f in (one, other))
    told = import_module("alibi_detect.cd").MMDDrift(one, backend="pytorch", device="cpu").predict(other)["data"]
    return bool(told["is_drift"]), []


def frouros(x: Any, y: Any) -> Verdict:
    """A KS test or a chi-squared test for each column, at the level of its first example; nothing is corrected."""
    drift = import_module("frouros.detectors.data_drift")
    columns = []
    for name in x.columns:
        one, other = (frame[name].dropna().to_numpy() for frame in (x, y))
        test = drift.KSTest() if one.dtype != object else drift.ChiSquareTest()
        test.fit(X=one)
        if test.compare(X=other)[0].p_value <= LEVEL:
            columns.append(name)
    return bool(columns), columns


def _coded(x: Any, y: Any) -> tuple[Any, Any, dict[int, int]]:
    """Rows with every value, categories as whole numbers, and how many categories a column has."""
    frames = [frame.dropna() for frame in (x, y)]
    categories = {}
    for j, name in enumerate(x.columns):
        if x[name].dtype == object:
            values = sorted({*frames[0][name], *frames[1][name]})
            categories[j] = len(values)
            frames = [frame.assign(**{name: frame[name].map(values.index)}) for frame in frames]
    one, other = (frame.to_numpy(dtype=np.float32) for frame in frames)
    return one, other, categories


LIBRARIES: Mapping[str, tuple[str, str]] = {
    "evidently": ("evidently", "DataDriftPreset"),
    "nannyml": ("nannyml", "UnivariateDriftCalculator, any of ten chunks"),
    "alibi-detect": ("alibi-detect", "TabularDrift at 0.05, Bonferroni"),
    "alibi-detect MMD": ("alibi-detect", f"MMDDrift at 0.05, numbers alone, up to {MMD_ROWS:,} rows a side"),
    "frouros": ("frouros", f"KSTest and ChiSquareTest for each column at {LEVEL}"),
}
"""Name -> distribution, and what of it is asked."""

_TESTS: Mapping[str, Callable[[Any, Any], Verdict]] = {
    "evidently": evidently,
    "nannyml": nannyml,
    "alibi-detect": alibi,
    "alibi-detect MMD": alibi_mmd,
    "frouros": frouros,
}


def answers(name: str, pairs: Sequence[tuple[Any, Any]]) -> dict[str, Any]:
    """The verdicts of one library.

    Args:
        name: one of `LIBRARIES`.
        pairs: Arrow tables, reference and batch.

    Returns:
        "answers", one of each pair, and "version"; or no answers and "failed".

    Raises:
        RuntimeError: no Python is named.
    """
    if not os.environ.get(PYTHON):
        raise RuntimeError("other libraries run under a Python of their own; name that by --peers, see bench/peers.txt")
    with tempfile.TemporaryDirectory() as folder:
        from pyarrow import csv

        for i, sides in enumerate(pairs):
            for side, table in zip("xy", sides, strict=True):
                csv.write_csv(table, Path(folder) / f"{i}{side}.csv")
        texts = [[f.name for f in x.schema if str(f.type) == "string"] for x, _ in pairs]
        (Path(folder) / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
        command = [os.environ[PYTHON], "-I", __file__, folder, name]
        alone = {**os.environ, "OMP_NUM_THREADS": "1", "DO_NOT_TRACK": "1"}
        made = subprocess.run(command, capture_output=True, text=True, check=False, env=alone)
    if made.returncode:
        # The last line of a traceback names the error; the lines above name folders.
        return {"answers": [], "failed": (made.stderr.strip().splitlines() or ["no word"])[-1][:120]}
    told: dict[str, Any] = json.loads(made.stdout.splitlines()[-1])
    return told


def main() -> None:
    """Read every pair and ask one library about it; the time is that of the asking alone."""
    warnings.simplefilter("ignore")
    folder, name = Path(sys.argv[1]), sys.argv[2]
    distribution, _ = LIBRARIES[name]
    frames = import_module("pandas").read_csv
    found = []
    for i, texts in enumerate(json.loads((folder / "texts.json").read_text(encoding="utf-8"))):
        kinds = dict.fromkeys(texts, object)
        x, y = (frames(folder / f"{i}{side}.csv", dtype=kinds, keep_default_na=False, na_values=[""]) for side in "xy")
        started = perf_counter()
        drifted, columns = _TESTS[name](x, y)
        seconds = perf_counter() - started
        told = {"drifted": drifted, "columns": sorted(columns), "tested": len(x.columns), "seconds": round(seconds, 4)}
        found.append({**told, "significant": told["columns"] or (["(together)"] if drifted else [])})
    print(json.dumps({"answers": found, "version": version(distribution)}, default=bool))


if __name__ == "__main__":
    main()
