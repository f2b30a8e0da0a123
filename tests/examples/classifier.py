"""A classifier of scikit-learn whose predictions are watched: python classifier.py drift.db."""

from __future__ import annotations

import sys
from typing import Any

from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

import accel_drift as ad
from accel_drift import monitor as mo


class Watched:
    """A fitted classifier, and a monitor that sees each row that it is asked about, with what it says."""

    def __init__(self, model: Any, x: Any, y: Any, **options: Any) -> None:
        """The reference are rows (n, d) that the model did not learn from, and their classes (n,)."""
        self.model, self.classes = model, [str(name) for name in model.classes_]
        known = self.rows(x, y)
        sure = mo.Confidences("p", classes=self.classes, reference=known)
        right = mo.Performance("p", label="label", classes=self.classes, baseline=known)
        profile = ad.Profile.fit(sure.prepare(known), ["psi", "ks", "mmd"], drop=["p", "label"])
        self.monitor = ad.Monitor(profile, parts=[sure, right], **options)

    def rows(self, x: Any, y: Any = None) -> dict[str, Any]:
        """Rows with the chances of their classes (n, k), and their true classes where they are known."""
        labels = [None] * len(x) if y is None else [str(one) for one in y]
        return {"x": x, "p": self.model.predict_proba(x), "label": labels}

    def predict(self, x: Any, y: Any = None) -> tuple[Any, list[ad.Report]]:
        """Classes (n,), and the reports of windows that are full now."""
        rows = self.rows(x, y)
        return self.model.classes_[rows["p"].argmax(axis=1)], list(self.monitor.observe([rows]))


def main(url: str) -> list[ad.Report]:
    """Digits as they were learned, and then digits whose lower half is dark."""
    x, y = load_digits(return_X_y=True)
    model = RandomForestClassifier(random_state=0).fit(x[:600], y[:600])
    watched = Watched(model, x[600:1_200], y[600:1_200], window=ad.Windows(rows=100), history=url, name="digits")
    dark = x[1_500:].copy()
    dark[:, 32:] = 0
    reports = []
    for batch, labels in ((x[1_200:1_500], y[1_200:1_500]), (dark, y[1_500:])):
        _, found = watched.predict(batch, labels)
        reports += found
    return reports


if __name__ == "__main__":
    for report in main(f"sqlite:///{sys.argv[1]}"):
        print(repr(report))
