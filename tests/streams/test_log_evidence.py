"""Evidence of streams is an e-value whatever changes they had, comes back from a file, and e-BH names what drifted."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import accel_drift as ad
from accel_drift.backends import Backend
from accel_drift.errors import ConfigError
from accel_drift.streams import names
from accel_drift.streams.base import StreamDetector
from tests.streams import checks
from tests.streams.examples import DETECTORS, label
from tests.streams.test_bounded_mean import SIDES, bets

Floats = npt.NDArray[np.float64]


def of(stream: ad.Stream) -> Floats:
    found = stream.log_evidence()
    assert isinstance(found, np.ndarray)
    return found


def two_purses(detector: ad.BoundedMean, values: list[float]) -> float:
    """What is set aside and what is bet, in plain numbers."""
    aside, stake, begun, n = 0.0, 1.0, np.zeros(5), 0
    for x in (x for x in values if x == x):
        n += 1
        begun = (begun + 1 / sqrt(n) - 1 / sqrt(n + 1)) * bets(detector, x)
        if begun.mean() + 1 / sqrt(n + 1) >= 1 / detector.alpha:
            stake = aside = (aside + stake / detector.alpha) / 2
            begun, n = np.zeros(5), 0
    return log(aside + stake * (begun.mean() + 1 / sqrt(n + 1)))


@pytest.mark.parametrize("side", SIDES)
def test_evidence_is_that_of_a_plain_loop(side: Any, backend: Backend) -> None:
    detector, values = ad.BoundedMean(mean=0.4, tolerance=0.02, alpha=0.1, side=side), checks.shares()[900:1100, ::4]
    values[::7, 2] = np.nan
    stream = detector.open(values.shape[1], backend=backend)
    assert of(stream).tolist() == [0.0] * values.shape[1]
    changes = stream.update(values).stream
    assert np.bincount(changes).max() > 2
    np.testing.assert_allclose(of(stream), [two_purses(detector, v.tolist()) for v in values.T], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("alpha", [0.5, 0.8])
def test_on_average_evidence_is_one_at_most_however_many_changes_there_were(side: Any, alpha: float) -> None:
    """Exactly, over all streams of errors; the largest that there was so far is more."""
    detector, best = ad.BoundedMean(mean=0.5, alpha=alpha, side=side), np.ones(2**11)
    values = np.array([*product([0.0, 1.0], repeat=11)]).T
    chances, stream = np.full(2**11, 0.5**11), detector.open(2**11)
    several, mean = np.zeros(2**11), 1.0
    for row in values:
        several[stream.update(row[None]).stream] += 1
        mean = float(chances @ np.exp(of(stream)))
        best = np.maximum(best, np.exp(of(stream)))
        assert mean <= 1 + 1e-12
    assert several.max() > (0 if alpha == 0.5 else 1)
    assert mean > 0.85
    assert chances @ best > 1.1


def test_evidence_goes_on_from_a_file_to_the_bit(tmp_path: Path) -> None:
    detector, values = ad.BoundedMean(mean=0.5, alpha=0.05, side="both"), checks.shares()[900:1200]
    whole, stream = detector.open(values.shape[1]), detector.open(values.shape[1])
    whole.update(values)
    for part in np.array_split(values, [1, 140, 141, 250]):
        stream.update(part)
        stream.save(tmp_path / "s.ads")
        stream = ad.Stream.load(tmp_path / "s.ads")
    assert of(stream).tobytes() == of(whole).tobytes()
    assert np.bincount(stream._state.changes)[1:].sum() > 5


def test_false_discoveries_are_as_rare_as_promised_and_what_drifted_is_named() -> None:
    """50 of 500 streams of errors drift from 5 % to 10 %, at detectors' alphas below and above what e-BH asks for."""
    shares, found = [], 0
    for seed in range(6):
        rng, drifts = np.random.default_rng([81, seed]), np.arange(500) < 50
        values = rng.random((3000, 500)) < np.where((np.arange(3000) < 1500)[:, None] | ~drifts, 0.05, 0.1)
        stream = ad.BoundedMean(mean=0.05, alpha=(0.05, 1e-2, 1e-6)[seed % 3]).open(500)
        stream.update(values)
        named = ad.e_bh(of(stream), log=True, alpha=0.05)
        shares.append((named & ~drifts).sum() / max(named.sum(), 1))
        found += int((named & drifts).sum())
    assert np.mean(shares) - 4 * np.std(shares) / sqrt(len(shares)) <= 0.05
    assert found > 0.9 * 6 * 50


def test_a_stream_that_had_a_change_stays_named_for_good() -> None:
    streams, moved = 40, np.zeros((3000, 40))
    moved[:60, 7] = 1
    stream = ad.BoundedMean(mean=0.05, alpha=0.05 / (2 * streams)).open(streams)
    assert set(stream.update(moved[:60]).stream.tolist()) == {7}
    for _ in range(5):
        assert len(stream.update(moved[100:])) == 0
        assert np.flatnonzero(ad.e_bh(of(stream), log=True, alpha=0.05)).tolist() == [7]


def test_streams_with_names_are_named() -> None:
    rows = {"calm": np.tile([0.0, 0.0, 0.0, 1.0], 50), "late": np.repeat([0.0, 1.0], 100)}
    pa = pytest.importorskip("pyarrow")
    stream = ad.BoundedMean(mean=0.25, alpha=0.001).open(2)
    stream.update(pa.table(rows))
    evidence = stream.log_evidence()
    assert isinstance(evidence, dict)
    assert ad.e_bh(evidence, log=True) == ("late",)


@pytest.mark.parametrize("detector", [d for d in DETECTORS if d.name != "bounded_mean"], ids=label)
def test_what_has_no_e_values_says_so(detector: StreamDetector) -> None:
    with pytest.raises(ConfigError, match=f"{type(detector).__name__} has no e-values.*BoundedMean"):
        detector.open(3).log_evidence()


def test_evidence_up_to_an_average_run_length_is_none() -> None:
    assert "bounded_mean" in names()
    detector = ad.BoundedMean(guarantee="run_length")
    with pytest.raises(ConfigError, match=r'grows by 1 a value .* no e-value; open .*guarantee="ever"'):
        detector.open().log_evidence()
    assert of(replace(detector, guarantee="ever").open()).tolist() == [0.0]
