"""The small network of the confidence study, under a Python that has PyTorch.

`confidences` writes the rows to a file and starts this file there; `main` is what runs there, and imports neither the
engine nor the rest of the bench. What the child prints last is one line of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

HIDDEN, EPOCHS, BATCH, RATE = 32, 30, 128, 0.01
WAIT_S = 600.0


def confidences(python: Path, **rows: Any) -> dict[str, Any]:
    """Mean confidence and accuracy of every batch of K trials, and the version of PyTorch.

    Args:
        python: the interpreter of an environment with NumPy and PyTorch.
        rows: `seeds` (K,), `x` (K, n, d), `y` (K, n), `batches` (K, B, m, d), `labels` (K, B, m).

    Raises:
        RuntimeError: the child failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trials.npz"
        np.savez(path, **rows)
        command = [str(python), "-I", __file__, str(path)]
        made = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WAIT_S)
    if made.returncode:
        # The last line of a traceback names the error; the lines above name folders.
        raise RuntimeError((made.stderr.strip().splitlines() or ["no word"])[-1][:200])
    told: dict[str, Any] = json.loads(made.stdout.splitlines()[-1])
    return told


def _trial(torch: Any, seed: int, x: Any, y: Any, batches: Any, labels: Any) -> tuple[list[float], list[float]]:
    nn = torch.nn
    torch.manual_seed(seed)
    features = x.shape[1]
    model = nn.Sequential(
        nn.Linear(features, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2)
    )
    step = torch.optim.Adam(model.parameters(), lr=RATE)
    loss_of = nn.CrossEntropyLoss()
    rows = torch.utils.data.TensorDataset(torch.from_numpy(x).float(), torch.from_numpy(y).long())
    loader = torch.utils.data.DataLoader(rows, batch_size=BATCH, shuffle=True)
    for _ in range(EPOCHS):
        for some, known in loader:
            step.zero_grad()
            loss_of(model(some), known).backward()
            step.step()
    confidence, accuracy = [], []
    with torch.no_grad():
        for batch, known in zip(batches, labels, strict=True):
            shares = torch.softmax(model(torch.from_numpy(batch).float()), dim=1).numpy()
            confidence.append(float(shares.max(axis=1).mean()))
            accuracy.append(float((shares.argmax(axis=1) == known).mean()))
    return confidence, accuracy


def main() -> None:
    """Train and ask one network a trial."""
    torch = import_module("torch")
    torch.set_num_threads(1)
    with np.load(sys.argv[1]) as held:
        given = {name: held[name] for name in held.files}
    order = ("seeds", "x", "y", "batches", "labels")
    trials = [_trial(torch, int(seed), *rows) for seed, *rows in zip(*(given[name] for name in order), strict=True)]
    confidence, accuracy = zip(*trials, strict=True)
    print(json.dumps({"confidence": confidence, "accuracy": accuracy, "version": str(torch.__version__)}))


if __name__ == "__main__":
    main()
