"""A network of PyTorch whose predictions are watched, with dropout left on: python network.py drift.db."""

from __future__ import annotations

import sys
from typing import Any

import torch  # pyright: ignore[reportMissingImports]
from sklearn.datasets import load_digits

import accel_drift as ad
from accel_drift import monitor as mo
from accel_drift import predictions as pr

CLASSES = [str(digit) for digit in range(10)]


def learned(x: Any, y: Any) -> Any:
    """A network that tells digits from their pixels (n, 64)."""
    torch.manual_seed(0)
    nn = torch.nn
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 10))
    step = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(150):
        step.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        step.step()
    return model.eval()


def rows(model: Any, x: Any, y: Any = None, samples: int = 20) -> dict[str, Any]:
    """Rows with chances (n, k), how much samples with dropout disagree, and the true classes where they are known."""
    torch.manual_seed(0)
    with torch.no_grad():
        chances = torch.softmax(model(x), dim=1)
        model.train()  # dropout on; of a network with batch normalisation set the dropout layers alone
        drawn = torch.stack([torch.softmax(model(x), dim=1) for _ in range(samples)])  # (s, n, k)
        model.eval()
    unsure = pr.predicted(drawn)["mutual_information"]
    labels = [None] * len(x) if y is None else [CLASSES[one] for one in y]
    # Tensors are read by DLPack.
    return {"pixels": x, "p": chances, "mutual_information": unsure, "label": labels}


def main(url: str) -> list[ad.Report]:
    """Digits as they were learned, and then with noise."""
    numbers, names = load_digits(return_X_y=True)
    x, y = torch.tensor(numbers, dtype=torch.float32) / 16, torch.tensor(names)
    model = learned(x[:600], y[:600])
    known = rows(model, x[600:1_200], y[600:1_200])
    sure = mo.Confidences("p", classes=CLASSES, reference=known)
    right = mo.Performance("p", label="label", classes=CLASSES, baseline=known)
    profile = ad.Profile.fit(sure.prepare(known), ["ks", "psi", "mmd"], drop=["p", "label"])
    monitor = ad.Monitor(profile, ad.Windows(rows=100), history=url, name="digits", parts=[sure, right])
    noisy = (x[1_500:] + 0.5 * torch.randn(x[1_500:].shape)).clip(0, 1)
    batches = [rows(model, x[1_200:1_500], y[1_200:1_500]), rows(model, noisy, y[1_500:])]
    return list(monitor.observe(batches))


if __name__ == "__main__":
    for report in main(f"sqlite:///{sys.argv[1]}"):
        print(repr(report))
