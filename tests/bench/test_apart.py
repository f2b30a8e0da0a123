"""What the bench measures apart: other libraries, contenders under other settings, compilations, exponentials."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from accel_drift.backends import get_backend
from bench import compilations, exp2, peers, streaming
from bench.apart import Apart
from bench.cases import find
from bench.question import TwoSamples


def _samples() -> TwoSamples:
    x = np.zeros((4, 2), np.float32)
    return TwoSamples(x, x, tuple(peers.LIBRARIES), 10)


def test_libraries_that_are_not_there_are_named_with_the_reason() -> None:
    made = list(peers.measure(Path(sys.executable), _samples()))
    assert [row["name"] for row in made] == list(peers.LIBRARIES)
    for row in made:
        assert row["median_s"] is None
        assert "No module named" in row["note"]


def test_a_library_is_timed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    seen: list[peers.Samples] = []

    def library(given: peers.Samples) -> peers.Test:
        seen.append(given)
        return lambda: (0.5, 0.25)

    samples = _samples()
    np.savez(tmp_path / "rows.npz", x=samples.x, y=samples.y, permutations=10, sigma=1.0)
    monkeypatch.setattr(peers, "LIBRARIES", {"some": ("numpy", library, "apart")})
    monkeypatch.setattr(sys, "argv", ["peers.py", str(tmp_path / "rows.npz"), "some"])
    peers.main()
    told = json.loads(capsys.readouterr().out)
    assert seen[0]["permutations"] == 10
    assert len(told["warm_s"]) == peers.RUNS
    row, half = (peers._row("some", told, pieces) for pieces in (1, 2))
    assert row["median_s"] >= row["fastest_s"] > 0
    assert half["median_s"] == row["median_s"] / 2
    assert row["note"] == f"numpy {np.__version__}, NumPy {np.__version__}; apart; p = 0.25"


@pytest.mark.slow
def test_compilations_are_counted() -> None:
    pytest.importorskip("jax")
    made = compilations.count(40, [20, 40], 8)
    assert 1 <= made[compilations.KERNEL] <= 2
    assert made["compilations in all"] > made[compilations.KERNEL]


@pytest.mark.parametrize(("dtype", "error"), [("float32", 1e-6), ("float64", 1e-15)])
def test_the_loop_that_measures_exponentials_makes_them(dtype: str, error: float) -> None:
    x = np.linspace(-100.0, 0.0, 1001).astype(dtype)
    out = np.empty_like(x)
    exp2.exp2_loop(dtype)(x, out, 1)
    np.testing.assert_allclose(out.astype(np.float64), np.exp2(x.astype(np.float64)), rtol=error)


def test_the_loop_that_measures_reading_reads_every_value() -> None:
    words = np.zeros(64, np.uint64)
    for place in range(64):
        words[place] = 1 << place
    assert int(streaming.joined(words)) == 2**64 - 1
    assert streaming.on_all_cores(words.view(np.float32), 2)() == [2**32 - 1, 2**64 - 2**32]


def test_a_contender_apart_answers_again_and_again() -> None:
    sizes, name = {"n": 60, "d": 2, "P": 5}, "numpy rows float32"
    here = find("mmd_rows").ask(sizes, [get_backend("numpy")]).contenders[name].compute()
    there = Apart("mmd_rows", sizes, "numpy", name)
    assert [there().tolist() for _ in range(2)] == [here.tolist()] * 2


def test_settings_reach_a_process_apart_and_its_end_is_told() -> None:
    # Without its own library, Python ends before it begins.
    there = Apart("mmd_rows", {}, "numpy", "some", PYTHONHOME="nowhere")
    with pytest.raises(RuntimeError, match="ended with code 1"):
        there()
