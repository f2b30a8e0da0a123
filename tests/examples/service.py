"""A service that answers requests, and watches what it answers in the background: python service.py drift.db 8000."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field
from sklearn.linear_model import LogisticRegression

import accel_drift as ad
from accel_drift import monitor as mo
from accel_drift import predictions as pr

NAMES, CLASSES = ["age", "income", "visits"], ["stays", "leaves"]


class Customers(BaseModel):
    ids: list[str]
    rows: list[tuple[float, float, float]] = Field(max_length=1_000)


class Labels(BaseModel):
    ids: list[str]
    labels: list[str]


def make_app(url: str, model: Any, x: Any, y: Any, on_report: Callable[[ad.Report], Any] | None = None) -> FastAPI:
    """The service: where its history is, a model, rows (n, 3) that it did not learn from, and their classes."""
    known = {**dict(zip(NAMES, x.T, strict=True)), "p": model.predict_proba(x)[:, 1]}
    parts = [
        mo.Confidences(score="p", classes=CLASSES, reference=known),
        mo.Performance(score="p", id="id", classes=CLASSES, baseline=pr.performance(known["p"], y, classes=CLASSES)),
    ]
    profile = ad.Profile.fit(known, ["psi", "ks"])
    history = ad.History(url)
    monitor = ad.Monitor(profile, ad.Windows(rows=500), history=history, name="churn", parts=parts)
    scorer = mo.Background(monitor, room=5_000, warm_up=known, on_report=on_report)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with history, scorer:  # on the way out the scorer sees to the rows that wait
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/predict")
    def predict(given: Customers) -> dict[str, list[float]]:
        asked = np.array(given.rows)
        p = model.predict_proba(asked)[:, 1]
        scorer.offer({"id": given.ids, **dict(zip(NAMES, asked.T, strict=True)), "p": p})
        return {"p": p.tolist()}

    @app.post("/labels", status_code=202)
    def label(given: Labels) -> None:
        if not scorer.label(given.ids, given.labels):
            raise HTTPException(503, "too much waits; send them again")

    @app.get("/ready")
    def ready() -> dict[str, Any]:
        if not scorer.ready.is_set():
            raise HTTPException(503, "warming up")
        return {"waiting": scorer.waiting, "dropped": scorer.dropped, "trouble": scorer.trouble}

    @app.get("/drift")
    def drift() -> dict[str, Any]:
        if "churn" not in history.names():
            raise HTTPException(404, "no window is full yet")
        window, findings = history.runs("churn", last=1), history.latest("churn")
        return {"window": window.to_pylist()[0], "findings": findings.to_pylist()}

    return app


def learned() -> tuple[Any, Any, Any]:
    """A model, rows that it did not learn from, and their classes; load yours."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4_000, 3))
    y = np.array(CLASSES)[(x @ [1.0, -2.0, 0.5] + rng.logistic(size=4_000) > 0).astype(int)]
    return LogisticRegression().fit(x[:2_000], y[:2_000] == CLASSES[1]), x[2_000:], y[2_000:]


if __name__ == "__main__":
    uvicorn.run(make_app(f"sqlite:///{sys.argv[1]}", *learned()), port=int(sys.argv[2]))
