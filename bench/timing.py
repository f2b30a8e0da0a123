"""Timing several functions against one another on a machine that is never quite quiet."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

Call = Callable[[], object]

LONG_S = 10.0
"""A call beyond this gets `FEW` runs; so does all that is timed with it, since runs are interleaved."""

FEW = 3


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of every warm run, in the order of the rounds, and of the first call in this process."""

    first: float
    warm: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median of the warm runs."""
        return median(self.warm)

    def per(self, pieces: int) -> Times:
        """The times of one of so many equal pieces."""
        return Times(self.first / pieces, tuple(t / pieces for t in self.warm))


def interleaved(
    calls: Mapping[str, Call], runs: int, look: Callable[[Mapping[str, Any]], object] | None = None
) -> dict[str, Times]:
    """Time every call `runs` times in turns, so that whatever else the machine does strikes all alike.

    What the first calls return is shown to `look`, which may stop it all by an exception.

    Each round has an order of its own, so that no call always pays for what one before it left behind: threads that
    still spin, memory to be given back. Where a first call takes over `LONG_S` there are `FEW` rounds.
    """
    names = list(calls)
    first, answers = dict[str, float](), dict[str, Any]()
    for name in names:
        started = perf_counter()
        answers[name] = calls[name]()
        first[name] = perf_counter() - started
    if look is not None:
        look(answers)
    rounds = min(runs, FEW) if max(first.values()) > LONG_S else runs
    warm: dict[str, list[float]] = {name: [] for name in names}
    order = random.Random(0)  # noqa: S311  (no secret)
    for _ in range(rounds):
        for name in order.sample(names, len(names)):
            warm[name].append(timed(calls[name]))
    return {name: Times(first[name], tuple(warm[name])) for name in names}


def ratio(ours: Times, peer: Times) -> float:
    """How many times longer the peer takes: the median over rounds of the ratio within a round."""
    return median(b / a for a, b in zip(ours.warm, peer.warm, strict=True))


def timed(call: Call) -> float:
    """Seconds of one call."""
    started = perf_counter()
    call()
    return perf_counter() - started
