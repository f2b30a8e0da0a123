"""Pairs of series with and without a lead, and how often one is seen: `python -m tests.predictions.pairs_of_series`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.signal import lfilter

from accel_drift.predictions import early_warning, lead_lag

Pair = tuple[Any, Any]

_BEFORE = 100
"""Steps that an autoregressive series has had when it begins."""


def noise(rng: np.random.Generator, n: int, together: float = 0.0) -> Pair:
    """Two white series with that correlation at one time."""
    x, y = rng.normal(size=(2, n))
    return x, together * x + np.sqrt(1 - together**2) * y


def autoregressive(rng: np.random.Generator, n: int, past: float, together: float = 0.0) -> Pair:
    x, y = (lfilter([1], [1, -past], e)[_BEFORE:] for e in noise(rng, n + _BEFORE, together))
    return x, y


def walks(rng: np.random.Generator, n: int) -> Pair:
    x, y = rng.normal(size=(2, n)).cumsum(axis=1)
    return x, y


def shared(shape: Callable[[Any], Any]) -> Callable[[np.random.Generator, int], Pair]:
    """Both follow one course of time, one up and one down, with noise of their own."""

    def made(rng: np.random.Generator, n: int) -> Pair:
        course = shape(np.arange(n) / n)
        x, y = rng.normal(size=(2, n))
        return x - course, y + course

    return made


def week(rng: np.random.Generator, n: int) -> Pair:
    weekend = 2.0 * (np.arange(n) % 7 >= 5)
    x, y = rng.normal(size=(2, n))
    return x - weekend, y + weekend


def growing_noise(rng: np.random.Generator, n: int) -> Pair:
    x, y = rng.normal(size=(2, n)) * (1 + 6 * np.arange(n) / n)
    return x, y


def heavy(rng: np.random.Generator, n: int) -> Pair:
    x, y = rng.standard_t(2, size=(2, n))
    return x, y


def readings(*noises: float) -> Callable[[np.random.Generator, int], Pair]:
    """Two noisy readings of one hidden series: the past of each tells of the other, most that of the better one."""

    def made(rng: np.random.Generator, n: int) -> Pair:
        hidden = autoregressive(rng, n, 0.9)[0]
        x, y = (hidden + rng.normal(0, size, n) for size in noises)
        return x, y

    return made


def led(steps: int, size: float = 0.6, past: float = 0.0) -> Callable[[np.random.Generator, int], Pair]:
    """A fall of the first is followed by a rise of the second."""

    def made(rng: np.random.Generator, n: int) -> Pair:
        x, y = autoregressive(rng, n + steps, past)
        return x[steps:], y[steps:] - size * x[: len(x) - steps]

    return made


WITHOUT: Mapping[str, Callable[[np.random.Generator, int], Pair]] = {
    "white": noise,
    "white, 0.8 together": lambda rng, n: noise(rng, n, 0.8),
    "autoregressive 0.5": lambda rng, n: autoregressive(rng, n, 0.5),
    "autoregressive 0.9": lambda rng, n: autoregressive(rng, n, 0.9),
    "autoregressive 0.9, 0.8 together": lambda rng, n: autoregressive(rng, n, 0.9, 0.8),
    "random walks": walks,
    "heavy tails": heavy,
    "growing noise": growing_noise,
    "shared ramp": shared(lambda t: 4 * np.maximum(0, t - 0.25)),
    "shared bend": shared(lambda t: 20 * np.maximum(0, t - 0.25) ** 2),
    "shared step": shared(lambda t: 3.0 * (t > 0.4)),
    "shared pulse": shared(lambda t: 3.0 * ((t > 0.4) & (t < 0.6))),
    "shared week": week,
    "readings of one": readings(1.5, 1.5),
    "a good and a bad reading of one": readings(0.5, 2.5),
}
WITH = {"led by 3": led(3), "led by 3, autoregressive 0.7": led(3, 0.6, 0.7), "led by 1": led(1)}


def share(name: str, n: int, pairs: int, permutations: int = 199, **options: Any) -> dict[str, float]:
    """How often what is said."""
    make = {**WITHOUT, **WITH}[name]
    found = [
        lead_lag(*make(np.random.default_rng([i, n]), n), seed=i, permutations=permutations, **options)
        for i in range(pairs)
    ]
    return {
        "lead": float(np.mean([one.lead is not None for one in found])),
        "first": float(np.mean([(one.lead or 0) > 0 for one in found])),
        **{
            p: float(np.mean([getattr(one, p) <= 0.05 for one in found]))
            for p in ("p_first", "p_second", "p_asymmetry")
        },
    }


def main(pairs: int = 500) -> None:
    """Print the table of which the docstrings tell."""
    for n in (40, 100, 365):
        for name in (*WITHOUT, *WITH):
            made = share(name, n, pairs)
            score = [
                early_warning(*{**WITHOUT, **WITH}[name](np.random.default_rng([i, n]), n), seed=i).value or 0.0
                for i in range(pairs // 2)
            ]
            told = "  ".join(f"{key} {value:.3f}" for key, value in made.items())
            print(f"{n:4} {name:34} {told}  score {np.mean(score):.1f}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
