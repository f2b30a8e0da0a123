"""Tests of many kernels at once: no one bandwidth is right for every drift, so a collection of them is looked at.

Both rules are functions of the MMD² of all labellings under all kernels, (K, P), of which column 0 is the observed one.
They treat the labellings alike and what else enters them is a function of the pooled rows, so that without drift every
column is as likely as any other to be the largest: level alpha for every sample size, as in their papers.

- "fuse": MMD-FUSE of Biggs, Schrab & Gretton, NeurIPS 2023: the soft maximum of MMD² over its normaliser. The paper's
  normaliser is the root mean square of the kernel; here it is that of the centred kernel, which is the statistic's
  deviation over all labellings but for a factor. The wide kernels' large constant part, which no statistic sees, does
  then not count against them: on shifts of a mean the paper's form finds far less than the median bandwidth.
- "agg": MMDAgg of Schrab et al., JMLR 24 (2023): some kernel's own test rejects, at a level that makes a share alpha of
  all labellings reject. The p-value is the smallest alpha at which that happens, with one set of labellings, the
  observed one among them, for the kernels' tests and for the correction. Weights increase with the bandwidth (the
  paper's section 5.1): with equal ones the test finds less than the median bandwidth on shifts of a mean. A
  kernel's own p-value is that of a gamma law fitted to all labellings. The paper ranks them, and the first of 1,000
  ranks is too coarse for twenty kernels at a small alpha: it misses drifts that the fitted law finds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, sqrt
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from accel_drift.statistics import tail
from accel_drift.statistics.kernel_test import KernelSums

Floats = npt.NDArray[np.float64]
Rule = Literal["fuse", "agg"]

WIDTHS = 10
"""Bandwidths of a collection, each with a Gaussian and a Laplace kernel."""

ENDS = (0.05, 0.95)
"""Half and twice these quantiles of the distances are the first and the last bandwidth."""

_AT_ONCE = 1 << 16
"""Labellings looked at together where only a count is kept."""

_KEPT = 100_000
"""Labellings that laws are fitted to again in a further round: their statistics are kept."""

_FURTHEST = 0.01
"""Share of labellings that a fitted law leaves out: one far out would widen it, the observed one where rows drifted.

Far tails come out too thin by a factor of about 3. All labellings are measured by them, so that is a matter of power.
"""

_FLAT = 1e-11
"""A kernel whose centred square is so small a share of its square is constant but for rounding, and says nothing."""


def widths(low: float, high: float) -> tuple[float, ...]:
    """Bandwidths from half the low to twice the high quantile of the distances, in equal ratios."""
    return tuple(float(w) for w in np.geomspace(low / 2, 2 * high, WIDTHS))


@dataclass(frozen=True)
class Collection:
    """Kernels of several shapes and widths on the same rows.

    Attributes:
        members: the sums of all widths, one member a shape, with the same scales.
        widths: the bandwidth of each scale.
        rounding: relative error of a statistic's terms; values so close to one another tie.
    """

    members: tuple[KernelSums, ...]
    widths: tuple[float, ...]
    rounding: float

    def grid(self, first: int, count: int) -> tuple[Floats, Floats]:
        """The unbiased MMD² of labellings first ... first + count, (K, count), and what rounding may do to it, (K,)."""
        made = [member.grid(first, count, "unbiased") for member in self.members]
        return np.concatenate([v for v, _ in made]), np.concatenate([mean for _, mean in made]) * self.rounding

    @cached_property
    def normaliser(self) -> Floats:
        """What MMD² is divided by to be comparable, (K,): infinite for a kernel that is constant."""
        spread, size = (np.concatenate(parts) for parts in zip(*(m.spread() for m in self.members), strict=True))
        return np.asarray(np.where(spread > _FLAT * size, np.sqrt(np.maximum(spread, tail.SMALLEST)), np.inf))

    @property
    def weights(self) -> Floats:
        """MMDAgg's weights of the kernels, (K,), summing to one: 1 / (S + 1 - i) for the i-th of S widths."""
        made = np.tile(1.0 / np.arange(len(self.widths), 0, -1), len(self.members))
        return np.asarray(made / made.sum())

    @property
    def sharpness(self) -> float:
        """How near the soft maximum is to the maximum: the paper's root of n (n - 1), n the smaller side's units."""
        one = self.members[0]
        ones, units = (one.n, one.rows) if one.groups is None else one.n_groups
        least = min(ones, units - ones)
        return sqrt(max(least * (least - 1), 1))

    def foremost(self, observed: Floats) -> int:
        """The kernel under which the observed MMD² is largest in units of the normaliser: no labelling has a say."""
        return int(np.argmax(observed / self.normaliser))

    def one(self, place: int) -> KernelSums:
        """The sums of one kernel."""
        shape, width = divmod(place, len(self.widths))
        member = self.members[shape]
        return replace(member, scales=(member.scales[width],))

    def facts(self, place: int) -> dict[str, Any]:
        """What a report says of the kernel that its numbers are of."""
        shape, width = divmod(place, len(self.widths))
        return {
            "kernel": self.members[shape].kernel,
            "bandwidth": self.widths[width],
            "bandwidths": list(self.widths),
        }


class Tested(NamedTuple):
    """What a rule says of the observed labelling.

    Attributes:
        p_value: its p-value.
        method: "permutation", or "approximate" where no labelling came near and the tail was fitted.
        permutations: relabellings drawn.
        first: MMD² of the observed labelling and of the first round under every kernel, (K, 1 + permutations).
    """

    p_value: float
    method: str
    permutations: int
    first: Floats


def test(
    collection: Collection, rule: Rule, permutations: int, needed: float, affordable: Callable[[int], bool]
) -> Tested:
    """The p-value of a rule, with further rounds of labellings where one below `needed` is asked for.

    A round follows as long as fewer than `tail.ENOUGH` labellings reach the observed one. A p-value of a later round
    is then taken only where that of the round before is at most ENOUGH / (1 + B), and each is valid by itself: so is
    the one that is returned, whether labellings are counted against one line or laws are fitted to all of them again.

    Args:
        collection: the kernels.
        rule: "fuse" or "agg".
        permutations: relabellings of the first round.
        needed: p-value that the correction may need.
        affordable: whether so many labellings may be drawn in all.
    """
    first, slack = collection.grid(0, 1 + permutations)
    count = _fused(collection, first, slack) if rule == "fuse" else _corrected(collection, first, slack)
    hits, done, exhausted = count(0), permutations, False
    for upto in tail.rounds(permutations, needed)[1:]:
        if hits >= tail.ENOUGH:
            break
        if not affordable(upto) or (rule == "agg" and upto > _KEPT):
            exhausted = True
            break
        hits, done = count(upto - done), upto
    p, method = (1 + hits) / (1 + done), "permutation"
    if exhausted and hits == 0:
        p, method = min(p, _fitted(collection, rule, first)), "approximate"
    return Tested(p, method, done, first)


def fuse(values: Floats, normaliser: Floats, sharpness: float) -> Floats:
    """Soft maximum over kernels of MMD² over its normaliser, (P,). Source: Biggs et al. 2023, definition of FUSE_N."""
    scaled = sharpness * values / normaliser[:, None]
    top = scaled.max(axis=0)
    return np.asarray((top + np.log(np.exp(scaled - top).mean(axis=0))) / sharpness)


class Laws(NamedTuple):
    """Gamma laws of MMD² under each kernel, all (K, 1): mean, standard deviation, skewness."""

    mean: Floats
    spread: Floats
    skew: Floats

    @classmethod
    def of(cls, values: Floats) -> Laws:
        """Fitted to the values of all labellings (K, P) alike, less the furthest."""
        most = max(1, values.shape[1] - ceil(_FURTHEST * values.shape[1]))
        near = np.sort(values, axis=1)[:, :most]
        mean, spread = near.mean(axis=1, keepdims=True), near.std(axis=1, keepdims=True)
        skew = (((near - mean) / np.maximum(spread, tail.SMALLEST)) ** 3).mean(axis=1, keepdims=True)
        return cls(mean, spread, skew)

    def p_values(self, values: Floats, flat: Floats) -> Floats:
        """Of values (K, P), the kernels' own; 1 where a kernel's labellings are no further apart than `flat` (K,)."""
        z = (values - self.mean) / np.maximum(self.spread, tail.SMALLEST)
        return np.where(self.spread > flat[:, None], tail.skewed_tail(z, self.skew), 1.0)


def least(p_values: Floats, weights: Floats) -> Floats:
    """The smallest of the kernels' p-values over their weights, (P,): from which u on some kernel rejects at u w."""
    return np.asarray(np.maximum(p_values / weights[:, None], tail.SMALLEST).min(axis=0))


def _fused(collection: Collection, first: Floats, slack: Floats) -> Callable[[int], int]:
    """Counts labellings that reach the observed one: of the first round, then of so many more, added up."""
    normaliser, sharpness = collection.normaliser, collection.sharpness
    made = fuse(first, normaliser, sharpness)
    scaled = sharpness * first[:, 0] / normaliser
    share = np.exp(scaled - scaled.max())
    # What rounding does to the soft maximum is the mean of what it does to its terms.
    line = float(made[0] - (share * slack / normaliser).sum() / share.sum())
    hits, done = int((made[1:] >= line).sum()), len(made)

    def count(more: int) -> int:
        nonlocal hits, done
        for lo in range(done, done + more, _AT_ONCE):
            some = collection.grid(lo, min(_AT_ONCE, done + more - lo))[0]
            hits += int((fuse(some, normaliser, sharpness) >= line).sum())
        done += more
        return hits

    return count


def _corrected(collection: Collection, first: Floats, slack: Floats) -> Callable[[int], int]:
    """Counts labellings that reach the observed one, laws fitted anew with so many more."""
    held, weights = first, collection.weights

    def count(more: int) -> int:
        nonlocal held
        if more:
            held = np.concatenate([held, collection.grid(held.shape[1], more)[0]], axis=1)
        laws = Laws.of(held)
        line = float(least(laws.p_values(held[:, :1] - slack[:, None], slack), weights)[0])
        return int((least(laws.p_values(held[:, 1:], slack), weights) <= line).sum())

    return count


def _fitted(collection: Collection, rule: Rule, first: Floats) -> float:
    """A p-value beyond all labellings: of the soft maximum, or the weighted Bonferroni one of the single kernels."""
    if rule == "fuse":
        made = fuse(first, collection.normaliser, collection.sharpness)
        return float(tail.fitted_tail(made[1:], made[0]))
    single = tail.fitted_tail(first[:, 1:], first[:, 0])
    return min(1.0, float(least(single[:, None], collection.weights)[0]))
