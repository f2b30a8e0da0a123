"""EDDM: errors have come closer together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from accel_drift.errors import ConfigError
from accel_drift.options import at_least, between
from accel_drift.streams.events import CHANGE, WARNING
from accel_drift.streams.rules import RuleDetector


@dataclass(frozen=True, slots=True, kw_only=True)
class EDDM(RuleDetector):
    """Mean distance p' between two errors, in values, and its standard deviation s'.

    p' + 2 s' is compared with the largest it was: a warning begins where it falls below the share `alpha` of it, a
    change is where it falls below `beta`. Reads 0 (no error) and 1 (an error). A warning's and a change's `before` is
    p' where p' + 2 s' was largest, `after` is p' now, both in values.

    It alarms often: in about nine of ten streams of 10,000 values whose share of errors, from 5 to 50 %, never changes.

    In the variant "paper" the first error only starts the count of a distance, and the largest p' + 2 s' is looked for
    from error number `warm_start` on: these errors are there to learn how distances are distributed. This is how we
    read the paper; the authors' program in MOA does in both as river does. In "river" the first distance is counted
    from the stream's start, the largest is looked for after `warm_start` values and compared with after `warm_start`
    errors, and where a new largest is met a warning goes on. s' divides by the number of distances less one, in MOA
    by their number.

    Attributes:
        warm_start: errors to wait for (paper: 30).
        alpha: share of the largest p' + 2 s' below which a warning begins (paper: 0.95).
        beta: share below which the stream has changed (paper: 0.9).
    """

    name: ClassVar[str] = "eddm"
    source: ClassVar[str] = "Baena-Garcia et al. 2006, Early Drift Detection Method"
    reads: ClassVar[str] = "errors"
    strictness: ClassVar[tuple[str, ...]] = ("beta", "alpha")
    falls: ClassVar[bool] = True

    warm_start: int = 30
    alpha: float = 0.95
    beta: float = 0.9

    def __post_init__(self) -> None:
        super(EDDM, self).__post_init__()
        at_least(self.warm_start, 0, "warm_start", "errors after which a change is looked for")
        between(self.alpha, 0, 1, "alpha", "share of the largest distance below which a warning begins")
        between(self.beta, 0, 1, "beta", "share of the largest distance below which there is a change")
        if self.alpha < self.beta:
            raise ConfigError(
                f"alpha is {self.alpha:g} and beta {self.beta:g}: a warning comes before a change, give alpha the "
                "larger one"
            )

    @staticmethod
    def rule(xp: Any) -> Callable[..., tuple[Any, ...]]:
        """The distances with one more value."""

        def step(
            x: Any,
            n: Any,
            last: Any,
            errors: Any,
            p: Any,
            squares: Any,
            top: Any,
            p_top: Any,
            warned: Any,
            options: Any,
        ) -> tuple[Any, ...]:
            first, values, start, compared, held, alpha, beta = options
            n = n + 1.0
            error = x > 0.0
            errors = xp.where(error, errors + 1.0, errors)
            distances, distance = errors - first, n - last
            known = error & (distances > 0.0)
            moved = p + (1.0 / xp.where(known, distances, 1.0)) * (distance - p)
            squares = xp.where(known, squares + (distance - p) * (distance - moved), squares)
            p = xp.where(known, moved, p)
            reach = p + 2.0 * xp.sqrt(squares / xp.where(distances > 1.0, distances - 1.0, 1.0))
            watched = known & (n > values) & (errors >= start)
            higher = watched & (reach > top)
            tested = watched & (reach <= top) & (errors > compared)
            change, warns = tested & (reach / top < beta), tested & (reach / top < alpha)
            kept = xp.where(higher, held * warned, xp.where(tested, xp.where(warns, 1.0, 0.0), warned))
            return (
                xp.where(change, CHANGE, xp.where(warns & (warned == 0.0), WARNING, 0)),
                p_top,
                p,
                xp.where(change, 0.0, n),
                xp.where(change, 0.0, xp.where(error, n, last)),
                xp.where(change, 0.0, errors),
                xp.where(change, 0.0, p),
                xp.where(change, 0.0, squares),
                xp.where(change, -1.0, xp.where(higher, reach, top)),
                xp.where(higher, p, p_top),
                xp.where(change, 0.0, kept),
            )

        return step

    def empty(self) -> tuple[float, ...]:
        """Nothing counted; the largest distance is below any."""
        return 0.0, 0.0, 0.0, 0.0, 0.0, -1.0

    def options(self) -> tuple[float, ...]:
        """As the rule unpacks them."""
        if self.variant == "river":
            return 0.0, self.warm_start, 0.0, self.warm_start, 1.0, self.alpha, self.beta
        return 1.0, 0.0, self.warm_start, 0.0, 0.0, self.alpha, self.beta


DETECTOR = EDDM
