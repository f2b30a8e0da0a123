"""False discovery rates: over hypotheses with e-values, and over p-values that come one after another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, Self, overload

import numpy as np
import numpy.typing as npt

from accel_drift.errors import ConfigError, DataError
from accel_drift.finding import Finding
from accel_drift.options import between
from accel_drift.report import Report
from accel_drift.sequential.look import ColumnEvidence, Look

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_SHARED = (
    "windows compared with one reference share its rows, so their p-values depend on one another, and the false "
    "discovery rate is not controlled; use e_bh on the evidence of a sequential test, which may depend in any way"
)

_OF_LOOKS = (
    "columns of a look depend on one another: use e_bh(look.columns, log=True); p-values of one column over looks are "
    "independent only where no look reuses reference rows"
)

_RESULTS = (Finding, Report, Look)
"""What says how one window compares with a reference."""

_TESTS, _AHEAD = 256, 4096
"""Tests that are held against levels together, and places of the sequence of levels that are summed ahead."""


# e-values


@overload
def e_bh(e_values: Mapping[str, float], *, alpha: float = ..., log: bool = ...) -> tuple[str, ...]: ...
@overload
def e_bh(e_values: npt.ArrayLike, *, alpha: float = ..., log: bool = ...) -> Bools: ...
def e_bh(
    e_values: Mapping[str, float] | npt.ArrayLike, *, alpha: float = 0.05, log: bool = False
) -> tuple[str, ...] | Bools:
    """Which of K hypotheses to reject so that the false discovery rate is at most `alpha`, however they depend.

    The k largest e-values where the least of them is at least K / (k alpha), for the largest such k. Evidence under
    the guarantee "ever" is an e-value whenever one stops to look, so `e_bh(look.columns, log=True)` names the columns,
    and `e_bh(stream.log_evidence(), log=True)` the streams; under "run_length" it is none. Source: Wang & Ramdas 2022,
    doi:10.1111/rssb.12489.

    Args:
        e_values: (K,) numbers from 0 to infinity; or name -> number.
        alpha: the largest false discovery rate.
        log: whether natural logarithms are given.

    Returns:
        (K,) which are rejected; of a mapping, the names of those, in its order.

    Raises:
        ConfigError: alpha is not between 0 and 1.
        DataError: an e-value is missing or negative, they are no list of numbers, or evidence that is no e-value.

    >>> e_bh({"age": 300.0, "income": 45.0, "town": 0.5}, alpha=0.05)
    ('age', 'income')
    """
    between(alpha, 0, 1, "alpha", "the largest false discovery rate, such as 0.05")
    if isinstance(e_values, Mapping):
        if isinstance(e_values, ColumnEvidence) and e_values.refused:
            raise DataError(f"the false discovery rate would not be controlled: {e_values.refused}")
        chosen = e_bh(list(e_values.values()), alpha=alpha, log=log)
        return tuple(name for name, yes in zip(e_values, chosen, strict=True) if yes)
    e = _numbers(e_values, "e_values", "e_bh")
    if e.ndim != 1:
        raise DataError(f"e_values have {e.ndim} dimensions; give (K,) numbers, or a mapping from names to numbers")
    wrong = np.isnan(e) if log else ~(e >= 0)
    if wrong.any():
        said, first = "from 0 to infinity", e[wrong.argmax()]
        if log:
            said = "no NaN; where nothing was compared the logarithm is 0"
        elif first < 0:
            said += "; if these are logarithms, say log=True"
        raise DataError(f"e-value {int(wrong.argmax())} is {first}; they are {said}")
    k = np.arange(1.0, len(e) + 1)
    # With the logarithm of alpha by itself a lone -log(alpha) reaches the bar that it is.
    bars = np.log(len(e) / k) - np.log(alpha) if log else len(e) / (alpha * k)
    reached = np.flatnonzero(np.sort(e)[::-1] >= bars)
    rejected = np.zeros(len(e), np.bool_)
    rejected[np.argsort(-e, kind="stable")[: reached[-1] + 1 if len(reached) else 0]] = True
    return rejected


# p-values, one after another


class Decisions(NamedTuple):
    """What became of some p-values, in their order.

    Attributes:
        rejected: (n,) which are discoveries.
        levels: (n,) the level that each was held against.
    """

    rejected: Bools
    levels: Floats


@dataclass(slots=True)
class _Past:
    """What the next levels follow from.

    Attributes:
        tests: p-values so far.
        clock: how many of them used up a place in the sequence of levels.
        marks: the clock at each discovery.
        start: the place of the first of the sums.
        sums: of all payments so far, at this place and the next ones.
    """

    tests: int = 0
    clock: int = 0
    marks: list[int] = field(default_factory=list)
    start: int = 0
    sums: Floats = field(default_factory=lambda: np.zeros(0))


def _past(tests: Any, clock: Any, marks: Any) -> _Past:
    """What a state tells of the past.

    Raises:
        ValueError: it cannot have been.
    """
    marks = list(marks)
    if not all(isinstance(n, int) and not isinstance(n, bool) for n in (tests, clock, *marks)):
        raise ValueError("tests, clock and marks are whole numbers")
    if not (0 <= clock <= tests and len(marks) <= tests):
        raise ValueError(f"of {tests} tests {clock} used up a place and {len(marks)} were discoveries")
    if marks != sorted(marks) or (marks and not 0 <= marks[0] <= marks[-1] <= clock):
        raise ValueError(f"marks rise from 0 to {clock}")
    return _Past(tests, clock, marks)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OnlineFDR(ABC):
    """What LORD and SAFFRON have in common: a level is the sum of what was put in at the start and at each discovery.

    Attributes:
        alpha: the largest false discovery rate, at every time.
        wealth: what is put in at the start, below alpha; None for half of alpha.
        independent: say True where the p-values are independent of one another; there is no promise where they are not.
    """

    name: ClassVar[str]
    source: ClassVar[str]

    alpha: float = 0.05
    wealth: float | None = None
    independent: bool = False
    _past: _Past = field(default_factory=_Past, init=False, repr=False)

    def __post_init__(self) -> None:
        between(self.alpha, 0, 1, "alpha", "the largest false discovery rate, such as 0.05")
        if self.wealth is not None:
            between(self.wealth, 0, self.alpha, "wealth", "what levels are made of at the start; or None, for half")
        if self.independent is not True:
            raise ConfigError(
                f"{type(self).__name__} is for p-values that are independent of one another: say independent=True "
                f"where they are. Where they are not: {_SHARED}"
            )

    @property
    def tests(self) -> int:
        """How many p-values there were."""
        return self._past.tests

    @property
    def discoveries(self) -> int:
        """How many of them were rejected."""
        return len(self._past.marks)

    def test(self, p_values: npt.ArrayLike) -> Decisions:
        """Go on with the next p-values: one, or (n,) in their order. However they are cut into calls, all is the same.

        Raises:
            DataError: they are not between 0 and 1, or come from windows that share a reference.
        """
        p = np.atleast_1d(_numbers(p_values, "p_values", type(self).__name__))
        wrong = ~((p >= 0) & (p <= 1))
        if p.ndim != 1 or wrong.any():
            said = f"{p.ndim} dimensions" if p.ndim != 1 else f"{p[wrong.argmax()]} at place {int(wrong.argmax())}"
            raise DataError(f"p_values have {said}; give (n,) numbers from 0 to 1 in the order of the tests")
        made = Decisions(np.zeros(len(p), np.bool_), np.zeros(len(p)))
        for lo in range(0, len(p), _TESTS):
            rows = slice(lo, lo + _TESTS)
            self._run(p[rows], made.rejected[rows], made.levels[rows])
        return made

    def state(self) -> dict[str, Any]:
        """Options and past as plain values, for JSON say."""
        options = {f.name: getattr(self, f.name) for f in fields(self) if f.init}
        past = self._past
        return {"method": self.name, **options, "tests": past.tests, "clock": past.clock, "marks": list(past.marks)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """As it stood when `state` was called: it goes on as it would have gone on.

        Raises:
            ConfigError: it is no state of this method.
        """
        try:
            if not isinstance(state, Mapping):
                raise TypeError(f"it is a {type(state).__name__}")
            held = dict(state)
            if held.pop("method") != cls.name:
                raise KeyError("method")
            past = _past(held.pop("tests"), held.pop("clock"), held.pop("marks"))
            made = cls(**held)
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"this is no state of {cls.__name__} ({error}); give what state() gave") from error
        object.__setattr__(made, "_past", past)
        return made

    def _run(self, p: Floats, rejected: Bools, levels: Floats) -> None:
        """The next few p-values."""
        past, ticks = self._past, self._ticks(p)
        if past.clock + len(p) > past.start + len(past.sums):
            self._look_ahead()
        clock, (share, most), at = past.clock + np.cumsum(ticks) - ticks, self._scale(), 0
        while at < len(p):
            levels[at:] = np.minimum(share * past.sums[clock[at:] - past.start], most)
            found = np.flatnonzero(p[at:] <= levels[at:])
            if not found.size:
                break
            at += int(found[0]) + 1
            rejected[at - 1] = True
            past.marks.append(int(clock[at - 1] + ticks[at - 1]))
            self._pay(len(past.marks))
        past.tests += len(p)
        past.clock = int(clock[-1] + ticks[-1])

    def _look_ahead(self) -> None:
        """Sum the payments at the next places, from the oldest on: to the bit what single additions come to."""
        past = self._past
        past.start, past.sums = past.clock, np.zeros(_AHEAD)
        for number in range(len(past.marks) + 1):
            self._pay(number)

    def _pay(self, number: int) -> None:
        """Add what was put in at the start (0), or at a discovery (1 for the first), to the places that it is for."""
        past, wealth = self._past, self.alpha / 2 if self.wealth is None else self.wealth
        worth = (wealth, self.alpha - wealth, self.alpha)[min(number, 2)]
        mark = past.marks[number - 1] if number else 0
        first, end = max(mark, past.start), past.start + len(past.sums)
        past.sums[first - past.start :] += worth * _gammas(type(self), end)[first - mark : end - mark]

    @abstractmethod
    def _ticks(self, p: Floats) -> npt.NDArray[np.int64]:
        """1 where a test uses up a place in the sequence of levels, else 0."""

    @abstractmethod
    def _scale(self) -> tuple[float, float]:
        """What the sum is multiplied by, and the highest level."""

    @staticmethod
    @abstractmethod
    def gamma(j: Floats) -> Floats:
        """The sequence at places from 1 on."""


def _gammas(method: type[OnlineFDR], least: int) -> Floats:
    """The numbers that a payment is spread over places by, at least so many: they fall, and sum to 1."""
    # Powers of two: few sequences are made, and vectors leave no rest that another routine would compute.
    return _computed(method, 1 << max(13, least.bit_length()))


@lru_cache(maxsize=4)
def _computed(method: type[OnlineFDR], size: int) -> Floats:
    return method.gamma(np.arange(1.0, size + 1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LORD(OnlineFDR):
    """Levels for independent p-values that come one after another, so that the false discovery rate is at most `alpha`.

    LORD++: each test's level is known before it, and discoveries pay for later levels. Where p-values depend on one
    another, as those of windows compared with one reference do, it promises nothing; `e_bh` does.

    >>> lord = LORD(alpha=0.05, independent=True)
    >>> lord.test([0.0001, 0.4, 0.0005, 0.9]).rejected.tolist()
    [True, False, True, False]

    Attributes:
        alpha: the largest false discovery rate, at every time.
        wealth: what is put in at the start, below alpha; None for half of alpha.
        independent: say True where the p-values are independent of one another.
    """

    name: ClassVar[str] = "lord"
    source: ClassVar[str] = (
        "Ramdas, Yang, Wainwright & Jordan 2017, arXiv:1710.00499; its sequence: Javanmard & Montanari 2018, "
        "doi:10.1214/17-AOS1559"
    )

    def _ticks(self, p: Floats) -> npt.NDArray[np.int64]:
        return np.ones(len(p), np.int64)

    def _scale(self) -> tuple[float, float]:
        return 1.0, 1.0

    @staticmethod
    def gamma(j: Floats) -> Floats:
        """Proportional to log(max(j, 2)) / (j exp(sqrt(log j)))."""
        return np.asarray(np.log(np.maximum(j, 2)) / (j * np.exp(np.sqrt(np.log(j)))) / _LORD_SUM)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SAFFRON(OnlineFDR):
    """As `LORD`, and finds more where many hypotheses are false: tests with a p-value up to `lambda_` cost nothing.

    Attributes:
        alpha: the largest false discovery rate, at every time.
        wealth: what is put in at the start, below alpha; None for half of alpha.
        independent: say True where the p-values are independent of one another.
        lambda_: the largest p-value of a candidate for a discovery; also the highest level.
    """

    name: ClassVar[str] = "saffron"
    source: ClassVar[str] = "Ramdas, Zrnic, Wainwright & Jordan 2018, arXiv:1802.09098"

    lambda_: float = 0.5

    def __post_init__(self) -> None:
        super(SAFFRON, self).__post_init__()
        between(self.lambda_, 0, 1, "lambda_", "the largest p-value of a candidate, such as 0.5")

    def _ticks(self, p: Floats) -> npt.NDArray[np.int64]:
        return (p > self.lambda_).astype(np.int64)

    def _scale(self) -> tuple[float, float]:
        return 1.0 - self.lambda_, self.lambda_

    @staticmethod
    def gamma(j: Floats) -> Floats:
        """Proportional to j**-1.6."""
        return np.asarray(j**-1.6 / _SAFFRON_SUM)


_LORD_SUM, _SAFFRON_SUM = 12.645107872871751, 2.2857656656801298
"""Sums of the sequences, by Euler and Maclaurin."""


def _numbers(given: Any, name: str, user: str) -> Floats:
    """As floats.

    Raises:
        DataError: they are no numbers, or p-values of windows that share a reference.
    """
    shared = [one for one in (given if isinstance(given, (list, tuple)) else [given]) if isinstance(one, _RESULTS)]
    if shared:
        why = _SHARED
        if isinstance(shared[0], Look):
            why = shared[0].columns.refused or _OF_LOOKS
        raise DataError(f"{name} hold a {type(shared[0]).__name__}, which {user} does not take: {why}")
    if isinstance(given, Mapping):
        raise DataError(f"{name} are by name, and {user} takes a list, in the order of the tests: {_OF_LOOKS}")
    try:
        array = np.asarray(given)
        if array.size and array.dtype.kind not in "iuf":
            raise TypeError(f"they are {array.dtype}")
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} are no numbers: {error}") from error
