"""Everything that is judged on the same scenarios and at the same magnitudes: ours, fixed thresholds, river's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import accel_drift as ad
from accel_drift import evaluation as ev
from bench.published.protocol import Floats
from bench.published.scores import SCORES

ALPHA = 0.01
"""False-alarm rate of a batch, or chance of ever a false alarm, of all that take one."""

TESTS: Mapping[str, Any] = {
    "PSI": ad.PSI(alpha=ALPHA),
    "KL": ad.KL(alpha=ALPHA),
    "KS": ad.KS(alpha=ALPHA),
    "Wasserstein": ad.Wasserstein(alpha=ALPHA),
    "MMD": ad.MMD(alpha=ALPHA),
    "Energy": ad.Energy(alpha=ALPHA),
    "PSI + KS + MMD": ev.OfProfile(("psi", "ks", "mmd"), {"alpha": ALPHA}),
}
"""A test of each batch by itself; the last is a profile of three with one verdict."""

WATCHES: Mapping[str, Any] = {
    "SequentialTwoSample": ad.SequentialTwoSample(alpha=ALPHA),
    "Sequential(KS)": ad.Sequential(ad.KS(), alpha=ALPHA),
}
"""Ever a false alarm in the whole stream: with a chance of `ALPHA` at most."""

STREAMS: Mapping[str, Any] = {
    "OnlineMMD": ad.OnlineMMD(),
    "KernelCUSUM": ad.KernelCUSUM(),
    "ADWIN, each column": ad.ADWIN(),
    "PageHinkley, each column": ad.PageHinkley(),
}
"""Rows one after the other, at an average run length or with a threshold by default."""


class Folk:
    """A published score that alarms above a fixed threshold, whatever the number of rows.

    Attributes:
        name: see `SCORES`.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def fit(self, reference: Any) -> Folk:
        """Learn a reference."""
        self._score: Callable[[Floats], float] = SCORES[self.name].fit(ev.adapters.matrix(reference))
        return self

    def detect(self, batch: Any) -> ev.Judged:
        """Ask about a batch."""
        score = self._score(ev.adapters.matrix(batch))
        return ev.Judged(score, score > SCORES[self.name].threshold)


FOLK: Mapping[str, Any] = {
    f"{score.name} > {score.threshold:g}, published": Folk(name) for name, score in SCORES.items()
}


def _river_adwin() -> Any:
    return import_module("river.drift").ADWIN()


def _river_page_hinkley() -> Any:
    return import_module("river.drift").PageHinkley()


RIVER: Mapping[str, Any] = {
    "river ADWIN, each column": ev.adapters.river(_river_adwin),
    "river PageHinkley, each column": ev.adapters.river(_river_page_hinkley),
}

ON_SCENARIOS: Mapping[str, Any] = {**TESTS, **WATCHES, **STREAMS, **FOLK, **RIVER}
SLOW = ("Energy", "PSI + KS + MMD", "KernelCUSUM")
"""Left out of the scenarios that are asked about less: each as slow as MMD."""

BY_BATCH: Mapping[str, Any] = {
    name: each for name, each in {**TESTS, **FOLK}.items() if name not in ("KL", "PSI + KS + MMD")
}
"""Whose power is shown: KL has the bins of PSI, and a profile of three is as its parts."""
