"""What NannyML's CBPE says of rows that anyone can draw again: writes nannyml_answers.json beside this file.

Run it where nannyml is installed (0.13.1 wrote what is here); the tests only read its answers.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

ANSWERS = Path(__file__).with_suffix(".json")
METRICS = {"accuracy": "accuracy", "f1": "f1", "precision": "precision", "recall": "recall", "auc": "roc_auc"}


def drawn(classes: int, rows: int, shift: float, seed: int) -> tuple[Any, Any]:
    """Probabilities (n, k) of a model that is far too sure, to six digits, and labels."""
    rng = np.random.default_rng(seed)
    x = 2 * rng.random((rows, classes)) - 1
    x[:, 0] += shift
    odds = np.exp(2 * x)
    right = odds / odds.sum(axis=1, keepdims=True)
    labels = (rng.random((rows, 1)) > right[:, :-1].cumsum(axis=1)).sum(axis=1)
    odds = np.exp(6 * x)
    return (odds / odds.sum(axis=1, keepdims=True)).round(6), labels


def frame(classes: int, rows: int, shift: float, seed: int) -> Any:
    pd = import_module("pandas")
    p, labels = drawn(classes, rows, shift, seed)
    if classes == 2:
        return pd.DataFrame({"p": p[:, 1], "said": (p[:, 1] > 0.5).astype(int), "y": labels})
    names = {f"p{place}": p[:, place] for place in range(classes)}
    return pd.DataFrame({**names, "said": p.argmax(axis=1), "y": labels})


def asked(classes: int) -> dict[str, float]:
    """CBPE's estimates for 1,000 shifted rows after 4,000 of a reference."""
    nannyml = import_module("nannyml")
    problem = "classification_binary" if classes == 2 else "classification_multiclass"
    estimator = nannyml.CBPE(
        y_pred_proba="p" if classes == 2 else {place: f"p{place}" for place in range(classes)},
        y_pred="said",
        y_true="y",
        problem_type=problem,
        metrics=list(METRICS.values()),
        chunk_size=1000,
    ).fit(frame(classes, 4000, 0.0, 1))
    if classes == 2:
        assert estimator.needs_calibration
    else:
        kinds = {type(one).__name__ for one in estimator._calibrators.values()}
        assert kinds == {"IsotonicCalibrator"}, kinds
    table = estimator.estimate(frame(classes, 1000, 0.4, 2)).filter(period="analysis").to_df()
    return {ours: float(table[(theirs, "value")].iloc[0]) for ours, theirs in METRICS.items()}


if __name__ == "__main__":
    made = {"nannyml": import_module("nannyml").__version__, **{str(k): asked(k) for k in (2, 3)}}
    ANSWERS.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{ANSWERS}\n")
