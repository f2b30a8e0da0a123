"""BoundedMean: bets that values lie above or below a known mean have won too much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from math import log, sqrt
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend, get_backend
from accel_drift.errors import ConfigError, DataError
from accel_drift.options import between, is_finite
from accel_drift.statistics.mean_bounds import least_tolerance
from accel_drift.streams.base import Floats, State
from accel_drift.streams.events import CHANGE, Events
from accel_drift.streams.rules import RuleDetector
from accel_drift.streams.values import check, window

_BETS = 5
"""Bets on a stream. Errors that moved, between 0.001 and 0.9, by a twentieth to twentyfold were found as soon as with
twelve, give or take a tenth, and with three and two on both sides as with six and six, give or take a fifth."""

_SLIGHT = 0.03
"""The least change that bets are made for, in standard deviations of errors: some 20,000 values find one."""

_EDGE = 1e-9
"""As near to 0 or 1 a mean may be: what a bet pays is then still known to seven digits."""

_FAR = 1e-100
"""The least alpha: wealths of about its reciprocal do not overflow, whatever one value pays at such a mean."""

_CHANCE = 0.01
"""Chance that a reference's mean is further off than its tolerance, where an average run length is promised."""


class Bets(NamedTuple):
    """The state of S streams.

    Attributes:
        fields: (16, S) float64, those of the rule.
        changes: (S,) int64, how many there were so far, kept on the host.
    """

    fields: Any
    changes: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundedMean(RuleDetector):
    """Evidence against a known mean by betting on every value; a change where it comes to 1 / `alpha`.

    Values are shares: errors as 0 or 1, losses between known bounds, shares of missing values. Nothing else is assumed
    of them: as long as the mean of each value, whatever came before it, is not above (below) `mean`, no bet that it is
    gains on average. The evidence is what bets have won that began at every value so far and risk a fixed share of what
    they have at each (Waudby-Smith & Ramdas 2024). It may be looked at after every value; `guarantee` says what it
    then keeps to:

    "ever": the chance of a false alarm, however long a stream is watched, is at most `alpha` (Ville 1939). One stake is
    put in bit by bit (1 / sqrt(n) of it is left before value n), so that a change that comes late is found nearly as
    soon as one that comes at once. After a change a stream begins anew, with the same promise.

    "run_length": the average number of values up to a false alarm is at least 1 / `alpha`. The same stake is put in
    at each value (Shiryaev-Roberts; Shin, Ramdas & Rinaldo 2022).

    `before` is `mean`, `after` the mean of the values since the richest bet began, each beginning weighted by what it
    has won: the mean at its farthest, and so somewhat too far off where few values made the change. The promise is
    about one stream: among S of them, there is a false alarm up to S times as often.

    The mean has to be known: on the least difference the evidence grows for ever. With the mean of 1,000 values of a
    reference as `mean`, a quarter of the streams that were like it alarmed within 20,000 values at an `alpha` of 0.05,
    and in the end half of them do. `from_reference` leaves room for its error.

    river has no such detector; both variants are the same.

    Attributes:
        mean: of the values where nothing changed, from 0 to 1.
        tolerance: how far above and below `mean` the mean of a value may be without a change.
        alpha: chance of ever a false alarm, or the reciprocal of the average run length.
        side: "above", "below" or "both": on which side of `mean` a change is looked for.
        guarantee: "ever" or "run_length": what is promised, as above; `calibrate` is for the latter.
    """

    name: ClassVar[str] = "bounded_mean"
    source: ClassVar[str] = (
        "Waudby-Smith & Ramdas 2024, doi:10.1093/jrsssb/qkad009; Shin, Ramdas & Rinaldo 2022, arXiv:2203.03532"
    )
    reads: ClassVar[str] = "shares"
    strictness: ClassVar[tuple[str, ...]] = ("alpha",)
    falls: ClassVar[bool] = True

    mean: float = 0.05
    tolerance: float = 0.0
    alpha: float = 0.01
    side: Literal["above", "below", "both"] = "above"
    guarantee: Literal["ever", "run_length"] = "ever"

    def __post_init__(self) -> None:
        super(BoundedMean, self).__post_init__()
        between(self.alpha, _FAR, 1, "alpha", "the chance of ever a false alarm, or 1 / the average run length")
        if self.side not in ("above", "below", "both"):
            raise ConfigError(f"side is {self.side!r}; there are 'above', 'below' and 'both'")
        if self.guarantee not in ("ever", "run_length"):
            raise ConfigError(f"guarantee is {self.guarantee!r}; there are 'ever' and 'run_length'")
        if not (is_finite(self.mean) and 0 <= self.mean <= 1):
            raise ConfigError(f"mean is {self.mean!r}; it is a number from 0 to 1: the mean where nothing changed")
        if not (is_finite(self.tolerance) and self.tolerance >= 0):
            raise ConfigError(f"tolerance is {self.tolerance!r}; it is a number of at least 0")
        for side, bound in (("above", self.mean + self.tolerance), ("below", self.mean - self.tolerance)):
            if self.side in (side, "both") and not _EDGE <= bound <= 1 - _EDGE:
                raise ConfigError(
                    f"mean is {self.mean:g} and tolerance {self.tolerance:g}: means {side} {bound:.6g} would be looked "
                    "for, which is not between 0 and 1; choose another side or tolerance"
                )

    @classmethod
    def from_reference(cls, values: Any, *, tolerance: float | None = None, **options: Any) -> Self:
        """The detector of a mean that is known from values in which nothing changed.

        `tolerance` makes up for the error of their mean, and the chance that it does not is paid from `alpha`, so that
        the promise holds over references and streams together. Of "ever" half of `alpha` goes to either; for
        "run_length" that chance is 0.01, and the average with the other references is longer by as much. Of "both" a
        side is left out on which there is no mean that far off, as below that of rare errors.

        Args:
            values: (n,) independent values, at least two; NaN and null are passed over.
            tolerance: how far the mean may move; at least the error, which it is where none is given.
            options: as for the class, save `mean`.

        Raises:
            ConfigError: the tolerance is smaller than the error; or an option cannot work, or is none beside `mean`.
            DataError: there are fewer than two values, or not what the detector reads.
        """
        there = [f.name for f in fields(cls) if f.name not in ("mean", "tolerance")]
        other = [name for name in options if name not in there]
        if other:
            why = "the mean is that of the values" if other[0] == "mean" else f"there are {', '.join(there)}"
            raise ConfigError(f"from_reference has no option {other[0]!r}: {why}")
        wanted = cls(mean=0.5, **options)
        given = window(values, get_backend("numpy")).values
        check(wanted, given, get_backend("numpy"), 0, True)
        given = given.astype(np.float64)
        known = given[~np.isnan(given)]
        if given.shape[1] != 1 or len(known) < 2:
            raise DataError(
                f"the reference is {given.shape[0]:,} values of {given.shape[1]} streams, {len(known):,} of them not "
                "missing: give two or more of one stream"
            )
        chance = wanted.alpha / 2 if wanted.guarantee == "ever" else _CHANCE
        sides = [wanted.side == "above"] if wanted.side != "both" else [True, False]
        least = max(least_tolerance(known, chance / len(sides), above=above) for above in sides)
        if tolerance is not None and not (is_finite(tolerance) and tolerance >= least):
            raise ConfigError(
                f"tolerance is {tolerance!r}, and the mean of {len(known):,} values is known to {least:.3g}: give at "
                "least that, or more values"
            )
        alpha = wanted.alpha - chance if wanted.guarantee == "ever" else wanted.alpha * (1 - chance)
        mean, tolerance, side = float(known.mean()), least if tolerance is None else tolerance, wanted.side
        if side == "both" and (mean - tolerance < _EDGE) != (mean + tolerance > 1 - _EDGE):
            side = "above" if mean - tolerance < _EDGE else "below"
        return replace(wanted, mean=mean, tolerance=tolerance, side=side, alpha=alpha)

    def can_calibrate(self) -> None:
        """See `StreamDetector.can_calibrate`.

        Raises:
            ConfigError: the guarantee is "ever".
        """
        if self.guarantee == "ever":
            raise ConfigError(
                'guarantee is "ever", under which most streams never alarm: there is no average run length to set; '
                'calibrate BoundedMean(guarantee="run_length"), or choose alpha, the chance of ever a false alarm'
            )

    @staticmethod
    def rule(xp: Any) -> Callable[..., tuple[Any, ...]]:
        """What each bet has (w), the same times how many values came since it began (n), and times their sum (m).

        Values are summed as what they lie off the mean.
        """

        def step(
            x: Any, seen: Any, w0: Any, w1: Any, w2: Any, w3: Any, w4: Any,
            n0: Any, n1: Any, n2: Any, n3: Any, n4: Any, m0: Any, m1: Any, m2: Any, m3: Any, m4: Any, options: Any,
        ) -> tuple[Any, ...]:  # fmt: skip
            mean, bar, ever, steady, a0, a1, a2, a3, a4, b0, b1, b2, b3, b4 = options
            # Of one stake 1 / sqrt(n) is left before value n, and 1 / sqrt(n + 1) after it.
            seen, off = seen + 1.0, x - mean
            then, now = xp.sqrt(seen), xp.sqrt(seen + 1.0)
            new = steady + ever / (then * now * (then + now))
            p0, p1, p2, p3, p4 = a0 + b0 * x, a1 + b1 * x, a2 + b2 * x, a3 + b3 * x, a4 + b4 * x
            w0, w1, w2, w3, w4 = p0 * (w0 + new), p1 * (w1 + new), p2 * (w2 + new), p3 * (w3 + new), p4 * (w4 + new)
            n0, n1, n2, n3, n4 = p0 * n0 + w0, p1 * n1 + w1, p2 * n2 + w2, p3 * n3 + w3, p4 * n4 + w4
            m0, m1, m2 = p0 * m0 + off * w0, p1 * m1 + off * w1, p2 * m2 + off * w2
            m3, m4 = p3 * m3 + off * w3, p4 * m4 + off * w4
            change = (w0 + w1 + w2 + w3 + w4) / 5.0 + ever / now >= bar
            wins = w1 > w0
            w, n, m = xp.where(wins, w1, w0), xp.where(wins, n1, n0), xp.where(wins, m1, m0)
            wins = w2 > w
            w, n, m = xp.where(wins, w2, w), xp.where(wins, n2, n), xp.where(wins, m2, m)
            wins = w3 > w
            w, n, m = xp.where(wins, w3, w), xp.where(wins, n3, n), xp.where(wins, m3, m)
            wins = w4 > w
            n, m = xp.where(wins, n4, n), xp.where(wins, m4, m)
            stays = xp.where(change, 0.0, 1.0)
            return (
                xp.where(change, CHANGE, 0), xp.where(change, mean, 0.0), mean + m / n, stays * seen,
                stays * w0, stays * w1, stays * w2, stays * w3, stays * w4,
                stays * n0, stays * n1, stays * n2, stays * n3, stays * n4,
                stays * m0, stays * m1, stays * m2, stays * m3, stays * m4,
            )  # fmt: skip

        return step

    def start(self, streams: int, backend: Backend) -> State:
        """See `StreamDetector.start`."""
        return Bets(super(BoundedMean, self).start(streams, backend).fields, np.zeros(streams, np.int64))

    def advance(self, state: State, window: Any, backend: Backend) -> tuple[State, Events]:
        """See `StreamDetector.advance`."""
        state, events = super(BoundedMean, self).advance(state, window, backend)
        if len(events):
            changes = state.changes + np.bincount(events.stream, minlength=len(state.changes))
            state = state._replace(changes=changes)
        return state, events

    def log_evidence(self, state: State, backend: Backend) -> Floats:
        """See `StreamDetector.log_evidence`.

        At each change half of what a stream has by then is set aside, and the other half is the stake of what follows.

        Raises:
            ConfigError: the guarantee is "run_length".
        """
        if self.guarantee != "ever":
            raise ConfigError(
                'guarantee is "run_length", under which evidence grows by 1 a value on average and is no e-value; open '
                'streams of BoundedMean(guarantee="ever") for e_bh'
            )
        # The largest evidence since any change would be no e-value: every change begins another game, and the best of
        # many fair games is not fair. Money that is moved, or laid aside, at a time that past values decide keeps its
        # mean. Of what a change was found with, 1 / alpha is counted: to leave out the rest cannot raise the mean.
        with backend.scope():
            seen, *held = backend.to_numpy(state.fields)[: 1 + _BETS]
        now = sum(held) / _BETS + 1 / np.sqrt(seen + 1)
        kept = -log(2 * self.alpha) + (state.changes - 1) * log((1 + 1 / self.alpha) / 2)
        return np.asarray(np.where(state.changes == 0, np.log(now), kept + np.log1p(now)))

    def empty(self) -> tuple[float, ...]:
        """Nothing put in."""
        return (0.0,) * 16

    def options(self) -> tuple[float, ...]:
        """As the rule unpacks them; a bet pays a + b x for a stake of 1."""
        above = {"above": _BETS, "below": 0, "both": (_BETS + 1) // 2}[self.side]
        high, low = self.mean + self.tolerance, self.mean - self.tolerance
        pays = [(1 - f, f / high) for f in _shares(high, above)]
        pays += [(1 - f + f / (1 - low), -f / (1 - low)) for f in _shares(1 - low, _BETS - above)]
        a, b = zip(*pays, strict=True)
        ever = float(self.guarantee == "ever")
        return self.mean, 1.0 / self.alpha, ever, 1.0 - ever, *a, *b


def _shares(mean: float, count: int) -> list[float]:
    """What share of itself each bet risks on a rise of the mean, evenly spaced in their logarithms up to 1.

    A change of errors by d is found soonest by a share of d / (1 - mean), and hardly ever by twice that share.
    """
    if count == 0:  # a side that is not looked for, where there may be no mean at all
        return []
    least = min(_SLIGHT * sqrt(mean / (1 - mean)), 0.5)
    return [least ** ((i + 0.5) / count) for i in range(count)]


DETECTOR = BoundedMean
