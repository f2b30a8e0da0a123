"""A published benchmark again: its figures from its seeds, the honest form's thresholds, and leads that are none."""

from __future__ import annotations

import numpy as np
import pytest

from bench.published import confidence, figures, metrics, protocol
from bench.published.scores import SCORES


@pytest.fixture(scope="module")
def drawn() -> list[protocol.Batches]:
    return [protocol.batches(seed) for seed in protocol.SEEDS]


@pytest.mark.parametrize(
    ("name", "kind", "metric"),
    [
        ("published_psi", "clean", "false_alarms"),
        ("published_adwin", "clean", "false_alarms"),
        ("published_adwin", "shifted", "found"),
        ("published_kl", "shifted", "found"),
        ("published_kl", "noisy", "noise_found"),
        ("published_mmd", "noisy", "noise_found"),
    ],
)
def test_the_published_seeds_give_the_published_rates(
    drawn: list[protocol.Batches], name: str, kind: str, metric: str
) -> None:
    rates = []
    for batches in drawn:
        score = SCORES[name].fit(batches.reference)
        alarms = [score(batch) > SCORES[name].threshold for batch in getattr(batches, kind)]
        rates.append(float(np.mean(alarms)))
    told = figures.TABLE[metric][SCORES[name].name]
    assert abs(metrics.mean_over_seeds(rates)[0] - told) <= 0.0005001


def test_a_published_trial_is_the_published_one() -> None:
    """Seed 42 of the logistic model under shifts, as the published table of trials has it."""
    (trial,) = confidence.trials("logistic, shift", [0])
    assert trial["seed"] == 42
    assert (round(trial["confidence_drop"], 2), round(trial["accuracy_drop"], 2)) == (-0.48, 0.14)
    assert {name: held["lag"] for name, held in trial["scores"].items()} == {"kl": 0, "psi": 3, "mmd": 0}
    assert trial["warning"] == 50
