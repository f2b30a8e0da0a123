"""What evidently and NannyML say of columns in a file: run by `record` under a Python that has them.

It imports neither the engine nor the tests. What it prints last is one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import version
from typing import Any

import numpy as np

Sides = Mapping[str, tuple[Any, Any]]
"""Column -> values of the reference and of the batch."""

EVIDENTLY = {
    "numbers": ("ks", "wasserstein", "cramer_von_mises", "psi", "kl_div", "jensenshannon", "hellinger"),
    "categories": ("psi", "kl_div", "jensenshannon", "hellinger", "chisquare"),
}
NANNYML = {
    "numbers": ("kolmogorov_smirnov", "wasserstein", "jensen_shannon", "hellinger"),
    "categories": ("chi2", "jensen_shannon", "hellinger", "l_infinity"),
}


def evidently(kind: str, columns: Sides) -> dict[str, dict[str, float]]:
    """Drift score of each of its tests, by column."""
    series = import_module("pandas").Series
    tests = import_module("evidently.legacy.calculations.stattests.registry")
    types = import_module("evidently.legacy.core").ColumnType
    sort = {"numbers": types.Numerical, "categories": types.Categorical}[kind]
    found: dict[str, dict[str, float]] = {name: {} for name in EVIDENTLY[kind]}
    for column, (x, y) in columns.items():
        for name in EVIDENTLY[kind]:
            test = tests.get_stattest(series(x), series(y), sort, name)
            found[name][column] = float(test(series(x), series(y), sort, None).drift_score)
    if kind == "categories":
        # Of the total variation its test tells the p-value alone.
        distance = import_module("evidently.legacy.calculations.stattests.tvd_stattest")._total_variation_distance
        found["total variation"] = {c: float(distance(series(x), series(y))) for c, (x, y) in columns.items()}
    return found


def nannyml(kind: str, columns: Sides) -> dict[str, dict[str, float]]:
    """Value of each of its methods, by column; the batch is one chunk, and nothing is estimated from bins."""
    frame = import_module("pandas").DataFrame
    drift = import_module("nannyml").UnivariateDriftCalculator
    found: dict[str, dict[str, float]] = {name: {} for name in NANNYML[kind]}
    for column, (x, y) in columns.items():
        made = drift(
            column_names=[column],
            treat_as_categorical=[column] if kind == "categories" else [],
            continuous_methods=list(NANNYML["numbers"]),
            categorical_methods=list(NANNYML["categories"]),
            chunk_number=1,
            # The names switch its parameters on, and it reads them beside the names.
            computation_params={"kolmogorov_smirnov": {}, "wasserstein": {}, "calculation_method": "exact"},
        ).fit(frame({column: x}))
        told = made.calculate(frame({column: y})).filter(period="analysis").to_df()
        for name in NANNYML[kind]:
            (found[name][column],) = (float(v) for v in told[(column, name, "value")])
    return found


def main() -> None:
    """Score every pair of the file whose path is given."""
    warnings.simplefilter("ignore")
    # Neither is to call home.
    os.environ.update(NML_DISABLE_USAGE_LOGGING="1", DO_NOT_TRACK="1")
    told: dict[str, Any] = {}
    with np.load(sys.argv[1]) as held:
        for key in held.files:
            pair, kind, column, side = key.split("|")
            told.setdefault(pair, {}).setdefault(kind, {}).setdefault(column, [None, None])[int(side)] = held[key]
    libraries = {"evidently": evidently, "nannyml": nannyml}
    values = {
        library: {kind: {pair: score(kind, told[pair][kind]) for pair in told} for kind in ("numbers", "categories")}
        for library, score in libraries.items()
    }
    versions = {name: version(name) for name in (*libraries, "scipy", "numpy", "pandas")}
    print(json.dumps({"versions": versions, "values": values}))  # noqa: T201  (the answer)


if __name__ == "__main__":
    main()
