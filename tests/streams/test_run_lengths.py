"""Run lengths without a change are those of the streams drawn and of Markov chains, and are set to what is wanted."""

from __future__ import annotations

from dataclasses import replace
from math import log, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

import accel_drift as ad
from accel_drift.backends import Backend
from accel_drift.errors import ConfigError, DataError
from accel_drift.streams import run_lengths
from accel_drift.streams.base import StreamDetector
from tests.streams.examples import DETECTORS, label, values

every = pytest.mark.parametrize("detector", DETECTORS, ids=label)


def errors(share: float = 0.2) -> npt.NDArray[np.float64]:
    """Values of which a share is 1."""
    return (np.arange(100) < 100 * share).astype(np.float64)


def null_of(detector: StreamDetector) -> Any:
    """Values that the detector reads."""
    return "normal" if detector.reads == "numbers" else errors()


def average_of_cusum(slack: float, threshold: float, cells: int = 400) -> float:
    """Of two sums over standard normal values, by a Markov chain (Brook & Evans 1972, doi:10.1093/biomet/59.3.539)."""
    width = 2 * threshold / (2 * cells - 1)
    to, start = width * np.arange(cells), width * np.arange(cells)[:, None]
    upper, lower = norm.cdf(to + width / 2 + slack - start), norm.cdf(to - width / 2 + slack - start)
    moves = upper - np.where(to == 0, 0.0, lower)
    return float(np.linalg.solve(np.eye(cells) - moves, np.ones(cells))[0] / 2)


def test_the_markov_chain_is_as_published() -> None:
    """Montgomery 2009, table 9.4."""
    assert abs(average_of_cusum(0.5, 5) - 465) < 1
    assert abs(average_of_cusum(0.5, 4) - 168) < 1


@pytest.mark.parametrize(("slack", "threshold"), [(0.5, 4.0), (0.25, 5.0), (1.0, 2.0)])
def test_average_run_length_is_that_of_the_markov_chain(slack: float, threshold: float) -> None:
    found = ad.CUSUM(mean=0, deviation=1, slack=slack, threshold=threshold).run_length("normal", runs=8000)
    assert found.alarmed == 8000
    assert abs(found.mean - average_of_cusum(slack, threshold)) < 4 * found.standard_error
    low, high = found.interval
    assert low < found.mean < high
    assert abs(found.median / (log(2) * found.mean) - 1) < 0.1  # nearly exponential


def test_calibrated_threshold_is_that_of_the_markov_chain() -> None:
    detector = ad.CUSUM(mean=0, deviation=1)
    for arl in (200.0, 3000.0):
        wanted = brentq(lambda h: average_of_cusum(0.5, h) - arl, 2, 12)  # noqa: B023 - called here
        assert abs(detector.calibrate("normal", arl=arl).threshold / wanted - 1) < 0.02


@every
def test_lengths_are_those_of_the_streams_drawn(detector: StreamDetector, monkeypatch: pytest.MonkeyPatch) -> None:
    windows: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]] = []
    draw = run_lengths._Law.draw

    def kept(law: Any, seed: tuple[int, ...], moments: int, columns: npt.NDArray[np.int64]) -> Any:
        windows.append((columns.copy(), draw(law, seed, moments, columns)))
        return windows[-1][1]

    monkeypatch.setattr(run_lengths._Law, "draw", kept)
    monkeypatch.setattr(run_lengths, "_FIRST", 32)
    # As many columns as streams: the columns that are asked for say which streams are still followed. Blocks are long,
    # so that two of three columns change from one to the next.
    found = detector.run_length(values(detector, 500, 70), runs=70, horizon=700, block=120)
    assert 30 < found.alarmed < 70
    streams: list[list[float]] = [[] for _ in range(70)]
    for columns, drawn in windows:
        for place, column in enumerate(columns.tolist()):
            streams[column].extend(drawn[:, place].tolist())
    assert len({len(s) for s in streams}) > 1
    for stream, length in zip(streams, found.lengths.tolist(), strict=True):
        changes = detector.scan(stream).change_points
        assert length == (changes[0] + 1 if len(changes) else found.horizon)


@pytest.mark.filterwarnings("ignore:no alpha of KSWIN")
@every
def test_average_run_length_is_what_was_asked_for(detector: StreamDetector) -> None:
    arl, runs = 1500, 500 if detector.name == "kswin" else 2000
    made = detector.calibrate(null_of(detector), arl=arl, runs=runs, seed=1)
    assert type(made) is type(detector)
    again = made.run_length(null_of(detector), runs=runs, horizon=20 * arl, seed=2)
    # Both simulations err; p-values of KSWIN are few, so that its average may be longer.
    apart = (again.mean - arl) / (sqrt(2) * again.standard_error)
    assert apart > -4
    assert apart < 4 or detector.name == "kswin"
    if detector.name == "kswin":
        sooner = replace(made, alpha=1.01 * made.summary()["alpha"])  # type: ignore[call-arg]
        assert sooner.run_length("normal", runs=runs, horizon=20 * arl, seed=2).mean < arl
    same = {k: v for k, v in made.summary().items() if k not in detector.strictness}
    assert same == {k: v for k, v in detector.summary().items() if k not in detector.strictness}


def test_warnings_keep_their_share_of_the_way_to_a_change() -> None:
    ddm = ad.DDM().calibrate(errors(), arl=2000, runs=500)
    assert ddm.warning_threshold / ddm.drift_threshold == pytest.approx(2 / 3)
    hddm = ad.HDDM_A().calibrate(errors(), arl=2000, runs=500)
    assert log(hddm.warning_confidence) / log(hddm.drift_confidence) == pytest.approx(log(0.005) / log(0.001))


@pytest.mark.parametrize("detector", [ad.EWMA(warm_start=20), ad.ADWIN(delta=0.5), ad.KSWIN()])
def test_the_seed_decides_and_backends_agree(detector: StreamDetector, backend: Backend) -> None:
    asked: tuple[tuple[int, Any], ...] = ((3, backend), (3, "numpy"), (4, "numpy"))
    one, same, other = (detector.run_length("normal", runs=130, horizon=1500, seed=s, backend=b) for s, b in asked)
    assert one.lengths.tolist() == same.lengths.tolist() != other.lengths.tolist()


def test_calibrated_again_it_is_the_same() -> None:
    one, same = (ad.EWMA().calibrate("normal", arl=500, runs=200) for _ in range(2))
    assert one == same != ad.EWMA().calibrate("normal", arl=500, runs=200, seed=1)


def test_blocks_keep_values_together() -> None:
    rng = np.random.default_rng(8)
    noise = rng.standard_normal(30_000)
    alike = np.empty_like(noise)
    alike[0] = noise[0]
    for i in range(1, len(noise)):
        alike[i] = 0.7 * alike[i - 1] + sqrt(1 - 0.49) * noise[i]
    chart = ad.CUSUM(mean=0, deviation=1)
    streams = np.lib.stride_tricks.sliding_window_view(alike, 3000)[::300].T
    first = [chart.scan(s).change_points for s in streams.T]
    true = np.mean([found[0] + 1 if len(found) else 3000 for found in first])
    apart, together = (chart.run_length(alike, runs=4000, block=b).mean for b in (1, 200))
    assert abs(apart - average_of_cusum(0.5, 5)) < 60
    assert abs(together / true - 1) < 0.3
    assert together < 0.2 * apart
    order = np.arange(1000.0)
    drawn = run_lengths._law(chart, order, 7, 5).draw((0,), 200, np.arange(5))
    assert np.isin(np.diff(drawn, axis=0), (1, -999)).mean() > 0.8
    assert (np.diff(drawn, axis=0)[np.arange(199) % 7 != 6] % 1000 == 1).all()


def test_streams_keep_to_a_column_of_the_null() -> None:
    null = np.stack([np.full(50, 0.5), np.random.default_rng(9).standard_normal(50)], axis=1)
    found = ad.EWMA(mean=0.5, deviation=1).run_length(null, runs=100, horizon=20_000)
    assert found.alarmed == 50
    assert (found.lengths[::2] == 20_000).all()
    assert found.mean > 10_000
    assert found.lengths[1::2].max() < 1000


def test_missing_values_count_as_they_do_in_an_index() -> None:
    chart = ad.CUSUM(mean=0, deviation=1)
    null = np.random.default_rng(10).standard_normal(5000)
    half = np.stack([null, np.full(5000, np.nan)], axis=1).ravel()
    whole, gaps = (chart.run_length(n, runs=2000).mean for n in (null, half))
    assert abs(gaps / (2 * whole) - 1) < 0.12


def test_what_was_simulated_is_told() -> None:
    found = ad.CUSUM(mean=0, deviation=1).run_length("normal", runs=1000, horizon=500)
    assert 0.6 < found.share_within(500) < 0.7
    assert found.share_within(1) == 0
    assert found.alarmed == round(found.share_within(500) * 1000)
    assert repr(found).startswith("<RunLengths: at least ")
    assert repr(found).endswith(f"{found.alarmed} of 1,000 streams alarmed within 500>")
    with pytest.raises(ConfigError, match="followed for 500; raise horizon"):
        found.share_within(501)
    assert found.interval[1] == np.inf
    assert f"at least {found.interval[0]:,.0f} values on average (95 %), median {found.median:,.0f}; " in repr(found)
    assert "at least" not in repr(ad.CUSUM(mean=0, deviation=1).run_length("normal", runs=100))


def test_a_promise_of_ever_has_no_average_to_set() -> None:
    detector = ad.BoundedMean(mean=0.1, alpha=0.05)
    with pytest.raises(ConfigError, match=r"most streams never alarm: .* calibrate BoundedMean\(guarantee=.run_length"):
        detector.calibrate(errors(), arl=1000)
    calm = np.arange(1000) % 10 == 0
    found = detector.run_length(calm, runs=1000, horizon=500)
    assert 0 < found.share_within(500) < 0.05 + 4 * sqrt(0.05 * 0.95 / 1000)
    assert found.interval[1] == np.inf
    said = f"at least {found.interval[0]:,.0f} values on average (95 %), median above 500; {found.alarmed} of 1,000 "
    assert said in repr(found)


def test_a_calibrated_detector_is_kept_and_loaded(tmp_path: Any) -> None:
    made = ad.HDDM_W().calibrate(errors(), arl=1000, runs=200)
    made.open(2).save(tmp_path / "s.ads")
    assert ad.Stream.load(tmp_path / "s.ads").detector == made


def test_an_average_that_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="PageHinkley has about 30 or more on these values, at whatever threshold"):
        ad.PageHinkley().calibrate("normal", arl=20, runs=100)
    for null in (np.ones(100), np.full(100, np.nan)):
        with pytest.raises(ConfigError, match="CUSUM never alarms on these values, at whatever threshold: null has"):
            ad.CUSUM().calibrate(null, arl=300, runs=100)
    uniform = (np.arange(2000) + 0.5) / 2000
    least = ad.ADWIN(delta=1 - 1e-6).run_length(uniform, runs=400).mean
    with pytest.raises(ConfigError, match=r"ADWIN has about [\d,]+ or more") as told:
        ad.ADWIN().calibrate(uniform, arl=1000, runs=400)
    assert abs(float(str(told.value).split("about ")[1].split(" or")[0].replace(",", "")) / least - 1) < 0.2
    with pytest.raises(ConfigError, match=r"KSWIN has .* at most on these values, at whatever alpha"):
        ad.KSWIN(window_size=20, stat_size=5, alpha=0.2).calibrate("normal", arl=100_000, runs=100)


@pytest.mark.parametrize(
    ("detector", "null", "options", "words"),
    [
        (ad.CUSUM(), "normal", {"arl": 1}, "arl is 1; it is a number above 1"),
        (ad.CUSUM(), "normal", {"arl": 1e9}, "arl is 1000000000.0; .* below 1e"),
        (ad.CUSUM(), "normal", {"arl": float("nan")}, "arl is nan"),
        (ad.CUSUM(), "normal", {"arl": 100, "runs": 5}, "runs is 5"),
        (ad.CUSUM(), "normal", {"arl": 100, "seed": -1}, "seed is -1"),
        (ad.CUSUM(), "normal", {"arl": 100, "block": 3}, "blocks are drawn from given values"),
        (ad.CUSUM(), "gamma", {"arl": 100}, "null is 'gamma'"),
        (ad.DDM(), "normal", {"arl": 100}, "DDM does not read such values"),
        (ad.CUSUM(), [1.0, 2.0], {"arl": 100, "block": 3}, "block is 3, and null holds 2 values"),
        (ad.CUSUM(), [1.0, 2.0], {"arl": 100, "block": 0}, "block is 0"),
        (ad.CUSUM(), np.arange(20_000.0), {"arl": 100, "block": 20_000}, "block is 20,000 and runs 10,000: together"),
    ],
)
def test_what_cannot_be_asked_for_is_named(
    detector: StreamDetector, null: Any, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        detector.calibrate(null, **options)
    if "arl" not in words and "runs is" not in words:
        options = {k: v for k, v in options.items() if k != "arl"}
        with pytest.raises(ConfigError, match=words):
            detector.run_length(null, **options)


def test_normal_values_are_those_that_the_chart_is_given() -> None:
    one, other = (ad.CUSUM(mean=m, deviation=d).run_length("normal", runs=300) for m, d in ((0, 1), (100, 8)))
    assert one.lengths.tolist() == other.lengths.tolist()


def test_a_jump_over_what_was_asked_for_is_told() -> None:
    with pytest.warns(UserWarning, match=r"no alpha of KSWIN has an average run length of 400 .* longer one"):
        made = ad.KSWIN(window_size=20, stat_size=8).calibrate("normal", arl=400, runs=500)
    assert made.run_length("normal", runs=500).mean > 440


def test_a_null_of_few_values_is_told() -> None:
    with pytest.warns(UserWarning, match="null holds 60 values, and an average run length of 200 depends"):
        ad.EWMA().calibrate(np.random.default_rng(11).standard_normal(60), arl=200, runs=100)


def test_values_that_are_not_read_are_refused() -> None:
    with pytest.raises(DataError, match=r"DDM reads errors as 0 or 1, and the value at index 1 is 0\.5"):
        ad.DDM().calibrate([1, 0.5], arl=100)
    for null in ([1.0], np.zeros((5, 0))):
        with pytest.raises(DataError, match=r"null holds [15] values of [10] streams"):
            ad.CUSUM().run_length(null)
    with pytest.raises(ConfigError, match="horizon is 0"):
        ad.CUSUM().run_length("normal", horizon=0)
    with pytest.raises(ConfigError, match="runs is 1"):
        ad.CUSUM().run_length("normal", runs=1)
