"""Contenders and scenarios of a few lines, in a module that other processes can import."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from accel_drift import evaluation as ev


@dataclass
class MeanShift:
    """Alarms where the mean of the first column is further off than `most` of its standard errors."""

    most: float = 2.5758293035489004
    mean: float = 0.0
    deviation: float = 1.0
    rows: int = 1

    def fit(self, reference: Any) -> MeanShift:
        first = np.asarray(reference)[:, 0]
        return MeanShift(self.most, float(first.mean()), float(first.std(ddof=1)), len(first))

    def detect(self, batch: Any) -> ev.Judged:
        first = np.asarray(batch)[:, 0]
        error = self.deviation * (1 / len(first) + 1 / self.rows) ** 0.5
        score = abs(float(first.mean()) - self.mean) / error
        return ev.Judged(score, score > self.most)


class FitsItself:
    """Gives back nothing from fit, keeps what it learned and counts how often."""

    def __init__(self) -> None:
        self.fits = 0

    def fit(self, _reference: Any) -> None:
        self.fits += 1

    def detect(self, _batch: Any) -> ev.Judged:
        return ev.Judged(float(self.fits), False)


class Broken:
    """Raises where it is told to."""

    def __init__(self, where: str, every: int = 1) -> None:
        self.where, self.every, self.seen = where, every, 0

    def fit(self, _reference: Any) -> Broken:
        if self.where == "fit":
            raise ValueError("no such\n reference")
        return Broken(self.where, self.every)

    def detect(self, _batch: Any) -> Any:
        self.seen += 1
        if self.where == "detect" and self.seen % self.every == 0:
            raise RuntimeError("out of order")
        return 0.25 if self.where == "answer" else True


class Ended:
    """Ends its process at the batch of one seed, as a kill would, unless a file says that it did."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def fit(self, _reference: Any) -> Ended:
        runs = Path(self.folder)
        (runs / f"{len(list(runs.iterdir()))}-{os.getpid()}").touch()
        if len(list(runs.iterdir())) == 3:
            os._exit(9)
        return self

    def detect(self, _batch: Any) -> bool:
        return False


class FromShared:
    """Draws from the generator that everybody shares."""

    def fit(self, _reference: Any) -> FromShared:
        return self

    def detect(self, _batch: Any) -> ev.Judged:
        return ev.Judged(float(np.random.random()), False)  # noqa: NPY002


class Late:
    """The first seeds take longest, so that trials end in another order than they begin."""

    def fit(self, reference: Any) -> Late:
        self.mean = float(np.asarray(reference)[0, 0])
        return self

    def detect(self, _batch: Any) -> ev.Judged:
        until = time.perf_counter() + (0.02 if self.mean > 0 else 0.0)
        while time.perf_counter() < until:
            pass
        return ev.Judged(self.mean, False)


@dataclass(frozen=True)
class Shifted:
    """Batches of normal rows whose means move by `shift` from batch `onset` on; a function of the seed."""

    batches: int = 10
    onset: int = 5
    shift: float = 1.0
    rows: int = 50
    reference_rows: int = 400
    columns: int = 2

    def __call__(self, seed: int) -> ev.Batches:
        rng = np.random.default_rng(seed)
        reference = rng.normal(size=(self.reference_rows, self.columns))
        batches, drifted = [], []
        for number in range(self.batches):
            drift = number >= self.onset
            batches.append(rng.normal(size=(self.rows, self.columns)) + self.shift * drift)
            drifted.append(drift)
        return ev.Batches(reference, batches, drifted, [self.shift * d for d in drifted])


class Latch(MeanShift):
    """A MeanShift that alarms for ever once it has alarmed."""

    stateful = True

    def fit(self, reference: Any) -> Latch:
        made = MeanShift.fit(self, reference)
        return Latch(made.most, made.mean, made.deviation, made.rows)

    def detect(self, batch: Any) -> ev.Judged:
        made = MeanShift.detect(self, batch)
        self.most = -1.0 if made.alarm else self.most
        return made


class Held:
    """Calls a port and waits, at the first batch, until it is answered or the port is gone."""

    def __init__(self, port: int) -> None:
        self.port = port

    def fit(self, _reference: Any) -> Held:
        return self

    def detect(self, _batch: Any) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), timeout=120) as line:
            line.recv(1)
        return False
