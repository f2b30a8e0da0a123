"""What is true of a stream that was made: where drift began, what it changed, and how much of it each batch holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class BatchTruth:
    """What is true of one batch.

    Attributes:
        number: of the batch, from 1.
        first_row: of the stream, from 0, that the batch begins with.
        rows: how many it has.
        share: of its rows that are drawn from another law than the reference.
        magnitude: the largest of its changes, on average over its rows, in that change's unit and without its sign.
        drifted: whether any row is drawn from another law.
        late: whether it arrives after the batch that follows it.
    """

    number: int
    first_row: int
    rows: int
    share: float
    magnitude: float
    drifted: bool
    late: bool


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of a stream.

    Attributes:
        name: of the scenario.
        seed: of the scenario.
        reference_rows: rows of the reference.
        rows: rows of the stream.
        onset_row: the first row drawn from another law, from 0; None where nothing drifts.
        onset_batch: the number of the batch that holds it.
        columns: those whose law changes, by themselves or together with others.
        moved: those of them that a change moves itself. The others are drawn by what these are afterwards: the label of
            a population whose numbers moved.
        joint_only: whether each column by itself stays as it was; False where nothing drifts.
        changes: kind, options, columns and schedule of each change.
        batches: what is true of each batch, in their order.
    """

    name: str
    seed: int
    reference_rows: int
    rows: int
    onset_row: int | None
    onset_batch: int | None
    columns: tuple[str, ...]
    moved: tuple[str, ...]
    joint_only: bool
    changes: tuple[dict[str, Any], ...]
    batches: tuple[BatchTruth, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain values, ready for JSON."""
        return asdict(self)
