"""What a benchmark asks: who computes the same numbers, what bounds them, and whether they agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend

Answer: TypeAlias = npt.NDArray[Any]
Sizes: TypeAlias = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to compute the answer.

    Attributes:
        role: "ours" or "peer".
        compute: does the whole work and returns numbers on the host, so that a device is waited for.
        against: the peer that ratios are taken to; "" for a peer.
        floor: name of the limit in `Question.floors` that bounds it, or "".
        tolerance: how far its answer may lie from the peer's, relative to that one's largest; None where the two
            differ on purpose (another sample for the bandwidth, say).
    """

    role: Literal["ours", "peer"]
    compute: Callable[[], Answer]
    against: str = ""
    floor: str = ""
    tolerance: float | None = None


@dataclass(frozen=True, slots=True)
class Floor:
    """The least time that a limit of the machine allows.

    Attributes:
        work: operations, bytes or keys that have to be done.
        limit: name of the measured limit.
        text: what is counted, in words.
    """

    work: float
    limit: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """One measurement at one size.

    Attributes:
        name: the case.
        sizes: what the size is made of.
        contenders: by name, ours and peers.
        floors: by name.
    """

    name: str
    sizes: Sizes
    contenders: Mapping[str, Contender]
    floors: Mapping[str, Floor] = field(default_factory=dict)

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
    """

    name: str
    title: str
    sizes: Sequence[Sizes]
    quick: Sequence[Sizes]
    ask: Callable[[Sizes, Sequence[Backend]], Question]


class DisagreementError(RuntimeError):
    """Contenders computed different numbers; their times mean nothing."""


def check(question: Question, answers: Mapping[str, Answer]) -> None:
    """Hold the answers of a question against those of the peers.

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
