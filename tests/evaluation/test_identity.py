"""Things that are the same have one digest, in every process; things that differ have another."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift import evaluation as ev
from accel_drift import synthetic as sy
from accel_drift.evaluation.identity import digest, identity
from tests.evaluation.fakes import Broken, MeanShift, Shifted

ROOT = Path(__file__).resolve().parents[2]


class Plain:
    __slots__ = ("a",)

    def __init__(self, a: Any) -> None:
        self.a = a


def one(x: float, k: float = 1.0) -> float:
    return x + k


def shifted(by: float) -> Any:
    return lambda x: x + by


class Tensor:
    """As torch's: its form for copies holds an address, and NumPy does not know its numbers."""

    dtype = "bfloat16"

    def __init__(self, *values: float) -> None:
        self.values = values

    def detach(self) -> Tensor:
        return self

    def cpu(self) -> Tensor:
        return self

    def double(self) -> Any:
        return np.array(self.values)

    def __array__(self, *_: Any) -> Any:
        raise TypeError("no such numbers")

    def __reduce_ex__(self, _protocol: Any) -> Any:
        return Tensor, (id(self),)


PAIRS = [
    (Plain(Tensor(1.0, 2.0)), Plain(Tensor(1.0, 2.5))),
    (np.random.default_rng(1), np.random.default_rng(2)),
    (ad.PSI(), ad.PSI(bins=5)),
    (MeanShift(1.0), MeanShift(2.0)),
    (Broken("fit"), Broken("detect")),
    (Plain(1), Plain(1.0)),
    (Plain({"a": 1, "b": {2, 3}}), Plain({"a": 1, "b": {2, 4}})),
    (np.array([1.0, 2.0]), np.array([1.0, 2.5])),
    (np.array(["a", None], dtype=object), np.array(["a", "b"], dtype=object)),
    (one, shifted),
    (shifted(1.0), shifted(2.0)),
    (partial(one, k=1), partial(one, k=2)),
    (np.mean, np.std),
    (Broken("a").fit, Broken("b").fit),
    (Shifted(), Shifted(rows=9)),
    (sy.Scenario(sy.Population(), batches=3), sy.Scenario(sy.Population(), batches=4)),
    (ev.Batches([[1.0]], [[[1.0]]], [True]), ev.Batches([[1.0]], [[[1.0]]], [False])),
]


@pytest.mark.parametrize(("this", "other"), PAIRS, ids=lambda thing: type(thing).__name__)
def test_what_differs_has_another_digest(this: Any, other: Any) -> None:
    assert digest(this) == digest(this)
    assert digest(this) != digest(other)


def test_equal_things_made_twice_are_the_same() -> None:
    assert digest(Plain({"b": {2, 3}, "a": 1})) == digest(Plain({"a": 1, "b": {3, 2}}))
    assert digest(shifted(1.0)) == digest(shifted(1.0))
    assert digest(Tensor(1.0)) == digest(Tensor(1.0))
    assert digest(np.random.default_rng(1)) == digest(np.random.default_rng(1))
    assert digest(sy.Scenario(sy.Population(), batches=3)) == digest(sy.Scenario(sy.Population(), batches=3))


def test_a_thing_that_holds_itself_has_an_end() -> None:
    ring = Plain(None)
    ring.a = [ring]
    assert "above" in identity(ring)


def test_what_a_contender_counted_as_options_is_its_own_and_not_where_it_lies() -> None:
    assert "0x" not in identity([Broken("a"), one, ad.MMD(), ev.OverColumns(ad.ADWIN(), anew=True)])


def test_another_process_gives_the_same() -> None:
    code = (
        "from tests.evaluation.fakes import Broken, MeanShift, Shifted\n"
        "from accel_drift.evaluation.identity import digest\n"
        "print(digest(Broken('fit'), MeanShift(1.0), Shifted(), {'a', 'b', 'c'}))"
    )
    path = f"import sys; sys.path[:0] = {[str(ROOT), str(ROOT / 'kernels')]!r}\n"
    found = subprocess.run([sys.executable, "-c", path + code], capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout.strip() == digest(Broken("fit"), MeanShift(1.0), Shifted(), {"c", "b", "a"})
