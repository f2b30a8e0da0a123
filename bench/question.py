"""What a benchmark asks: who computes the same numbers, what bounds them, and whether they agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from bench.goals import Goal

Answer: TypeAlias = npt.NDArray[Any]
Sizes: TypeAlias = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to compute the answer.

    Attributes:
        role: "ours" or "peer".
        compute: does the whole work and returns numbers on the host, so that a device is waited for.
        against: the contender that ratios are taken to, mostly a peer; "" for none.
        floor: name of the limit in `Question.floors` that bounds it, or "".
        tolerance: how far its answer may lie from the other's, relative to that one's largest; None where the two
            differ on purpose (another sample for the bandwidth, say).
        pieces: how many equal pieces of work one call does; times are told for one piece.
    """

    role: Literal["ours", "peer"]
    compute: Callable[[], Answer]
    against: str = ""
    floor: str = ""
    tolerance: float | None = None
    pieces: int = 1


@dataclass(frozen=True, slots=True)
class Floor:
    """The least time that the limits of the machine allow: that of its parts, one after another.

    Attributes:
        parts: how many operations, bytes or keys have to be done, and the name of the measured limit.
        text: what is counted, in words.
    """

    parts: tuple[tuple[float, str], ...]
    text: str


@dataclass(frozen=True, slots=True)
class TwoSamples:
    """What other libraries are given to do.

    Attributes:
        x: (n, d) reference.
        y: (m, d) batch.
        names: which libraries, as `peers.LIBRARIES` names them.
        permutations: how many, for a test that permutes.
        sigma: the kernel's bandwidth, for a test that has one.
        pieces: how many equal pieces of work it is, as in `Contender`.
        window: rows of the window, for a library that watches the rows of y one by one.
    """

    x: npt.NDArray[np.floating[Any]]
    y: npt.NDArray[np.floating[Any]]
    names: tuple[str, ...]
    permutations: int = 0
    sigma: float = 1.0
    pieces: int = 1
    window: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """One measurement at one size.

    Attributes:
        name: the case.
        sizes: what the size is made of.
        contenders: by name, ours and peers.
        floors: by name.
        count: counts what is not timed, by name; None for nothing.
        libraries: the same question for other libraries, which run apart (`peers.py`).
    """

    name: str
    sizes: Sizes
    contenders: Mapping[str, Contender]
    floors: Mapping[str, Floor] = field(default_factory=dict)
    count: Callable[[], Mapping[str, float]] | None = None
    libraries: TwoSamples | None = None

    @property
    def label(self) -> str:
        """The size in one line."""
        return ", ".join(f"{k} {v:,}" for k, v in self.sizes.items())


@dataclass(frozen=True, slots=True)
class Case:
    """A question at several sizes.

    Attributes:
        name: how --only names it.
        title: the question in a sentence.
        sizes: those of a full run.
        quick: those of --quick.
        ask: (sizes, backends) -> the question, inputs made.
        goals: what is wanted of the measurements at all sizes together.
        devices: where it is asked.
    """

    name: str
    title: str
    sizes: Sequence[Sizes]
    quick: Sequence[Sizes]
    ask: Callable[[Sizes, Sequence[Backend]], Question]
    goals: Sequence[Goal] = ()
    devices: tuple[str, ...] = ("cpu", "gpu")


class DisagreementError(RuntimeError):
    """Contenders computed different numbers; their times mean nothing."""


def check(question: Question, answers: Mapping[str, Answer]) -> None:
    """Hold the answers of a question against one another.

    Raises:
        DisagreementError: one lies further off than its contender allows.
    """
    for name, contender in question.contenders.items():
        if contender.tolerance is None:
            continue
        truth = answers[contender.against]
        off = float(np.abs(answers[name] - truth).max() / np.abs(truth).max())
        if not off <= contender.tolerance:
            raise DisagreementError(
                f"{question.name}, {question.label}: {name} is off {contender.against} by {off:.2g} of it"
            )
